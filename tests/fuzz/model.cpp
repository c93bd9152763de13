// Models from memory (embed/sunder.h): a file is refused with a message, or its network separates within the session's
// memory and says where it cannot.
#include <cmath>
#include <cstring>
#include <vector>

#include "contract.h"
#include "embed/sunder.h"

namespace sunder {
namespace {

constexpr int64_t frames = 300;
constexpr uint64_t work_memory = 64 << 20;

std::string_view message_of(const sunder_session* session) { return sunder_session_error(session); }

void check(const sunder_model* model) {
  SUNDER_PROMISE(sunder_model_sources(model) >= 1 && sunder_model_sources(model) <= 64);
  SUNDER_PROMISE(sunder_model_microphones(model) >= 1 && sunder_model_microphones(model) <= 1024);
  SUNDER_PROMISE(sunder_model_sample_rate(model) >= 1000 && sunder_model_sample_rate(model) <= 768000);
  SUNDER_PROMISE(sunder_model_shortest(model) >= 1);
}

void separate(sunder_model* model) {
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.memory_limit = work_memory;
  sunder_session* session = nullptr;
  SUNDER_PROMISE(sunder_session_create(model, &params, &session) == SUNDER_OK);
  std::vector<float> in(frames * sunder_model_microphones(model)), out(frames * sunder_model_sources(model));
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i * i % 997)));
  sunder_audio mixture = SUNDER_AUDIO_INIT, estimates = SUNDER_AUDIO_INIT;
  mixture.samples = in.data(), estimates.samples = out.data();
  mixture.frames = estimates.frames = frames;
  mixture.channels = sunder_model_microphones(model), estimates.channels = sunder_model_sources(model);
  const sunder_status status = sunder_separate(session, &mixture, &estimates);
  if (status == SUNDER_OK) {
    for (const float sample : out) SUNDER_PROMISE(std::isfinite(sample));
  } else if (status != SUNDER_OUT_OF_MEMORY) {
    const bool too_large = status == SUNDER_FAILED && message_of(session).find("not finite") != std::string_view::npos;
    if (!too_large) std::fprintf(stderr, "%s: %s\n", sunder_status_name(status), sunder_session_error(session));
    SUNDER_PROMISE(too_large);
  }
  SUNDER_PROMISE(message_of(session).empty() == (status == SUNDER_OK));
  sunder_session_free(session);
}

bool load(const uint8_t* data, size_t size, const char* architecture) {
  sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
  params.architecture = architecture;
  sunder_model* model = nullptr;
  const sunder_status status = sunder_model_load_memory(data, size, &params, &model);
  SUNDER_PROMISE((status == SUNDER_OK) == (model != nullptr));
  const std::string_view message = sunder_last_error();
  if (!model) {
    if (status != SUNDER_BAD_MODEL) std::fprintf(stderr, "%s: %s\n", sunder_status_name(status), message.data());
    SUNDER_PROMISE(status == SUNDER_BAD_MODEL && message.starts_with("model in memory: "));
    return false;
  }
  SUNDER_PROMISE(message.empty());
  check(model);
  separate(model);
  sunder_model_free(model);
  return true;
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  for (const char* architecture : {static_cast<const char*>(nullptr), "stft-conv-tasnet", "conv-tasnet", "tf-gridnet"})
    if (load(data, size, architecture)) break;
  return 0;
}
