// Calls of the C API (embed/sunder.h) with arguments of any kind: each has one of the documented statuses, and a
// message where it failed, and afterwards a session separates as before. What cannot be checked is right: buffers are
// as large as they are said to be, and a struct's size ends with a field.
#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "contract.h"
#include "embed/sunder.h"
#include "tests/embed/model_files.h"

namespace sunder {
namespace {

constexpr int64_t most_frames = 200;
constexpr int64_t most_memory_frames = 20000;  // the query computes up to half of them
constexpr int most_calls = 16;

// Arguments from the input's bytes; zeros behind its end.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool more() const { return size_ > 0; }
  int64_t below(int64_t limit) {
    uint8_t byte = 0;
    if (size_ > 0) byte = *data_++, --size_;
    return byte % limit;
  }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }
  // What is meant to be there mostly is.
  bool usual() { return below(5) < 4; }
  // 16 samples at least: each chunk is a call of the network.
  double seconds() {
    if (usual()) return one_of({0.0, 0.01, 0.02, 0.1, 0.002, 0.0125});
    return one_of({-1.0, 36001.0, 1e300, -0.0, static_cast<double>(NAN), static_cast<double>(INFINITY)});
  }
  int64_t frames() {
    if (usual()) return one_of<int64_t>({below(most_frames), most_frames, 0, 1});
    return one_of<int64_t>({-1, INT64_MIN, INT64_MAX, INT64_MAX / 2 + 1});
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// A struct as callers with an older or newer header hand it over.
template <class T>
struct Handed {
  T value;
  uint8_t more[64];

  Handed(const T& known, Choices& choices) : value(known) {
    std::memset(more, 0xA5, sizeof more);
    value.struct_size = sizeof(T);
    if (choices.usual()) return;
    value.struct_size =
        choices.one_of<size_t>({sizeof(T) + 8, sizeof *this, SIZE_MAX, sizeof(size_t), 0, 1, 7, sizeof(T) - 8, 24});
  }
};

// Samples at the end of an allocation, so that a sanitizer sees what is read or written behind it.
struct Buffer {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(2 * most_frames * sizeof(float) + 1);
  // As large, as a size without `layout` means planar samples.
  void* rows[2 * most_frames * sizeof(float) / sizeof(void*)] = {};

  sunder_audio audio(int channels, Choices& choices) {
    const float sample = choices.usual() ? choices.one_of({0.5f, -1.0f, 0.0f, 1e-42f, 100.0f})
                                         : choices.one_of<float>({1e20f, 3e38f, NAN, -INFINITY});
    for (size_t i = 0; i + sizeof sample < bytes.size(); i += sizeof sample) {
      const float value = i % 64 == 0 ? sample : 0.1f * static_cast<float>(i % 7);
      std::memcpy(bytes.data() + i, &value, sizeof value);
    }
    rows[0] = choices.usual() ? bytes.data() : nullptr;
    rows[1] = bytes.data() + most_frames * sizeof(float);
    sunder_audio audio = SUNDER_AUDIO_INIT;
    audio.frames = choices.frames();
    audio.channels = choices.usual() ? channels : choices.one_of({1, 2, 0, -1, INT_MAX, INT_MIN});
    audio.sample_rate = choices.usual() ? choices.one_of({0, 8000, 44100, 1000, 768000})
                                        : choices.one_of({1, 999, 768001, INT_MAX, -1, INT_MIN});
    audio.format = choices.usual() ? static_cast<int>(choices.below(2)) : choices.one_of({2, -1, INT_MAX});
    audio.layout = choices.usual() ? static_cast<int>(choices.below(3)) : choices.one_of({3, -1, INT_MIN});
    audio.samples = !choices.usual() ? nullptr : audio.layout == SUNDER_POINTERS ? rows : samples(choices);
    return audio;
  }
  void* samples(Choices& choices) { return bytes.data() + (choices.usual() ? 0 : 1); }
};

const std::string& model_bytes() {
  static const std::string bytes = [] {
    std::ifstream file(write_conv_tasnet(fuzz::output_folder()), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return bytes;
}

sunder_model* model() {
  static sunder_model* const loaded = [] {
    sunder_model* result = nullptr;
    SUNDER_PROMISE(sunder_model_load_memory(model_bytes().data(), model_bytes().size(), nullptr, &result) == SUNDER_OK);
    return result;
  }();
  return loaded;
}

std::vector<float> control_estimates(sunder_session* session) {
  std::vector<float> in(most_frames), out(2 * most_frames);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i)));
  sunder_audio mixture = SUNDER_AUDIO_INIT, estimates = SUNDER_AUDIO_INIT;
  mixture.samples = in.data(), mixture.frames = most_frames, mixture.channels = 1;
  estimates.samples = out.data(), estimates.frames = most_frames, estimates.channels = 2;
  SUNDER_PROMISE(sunder_separate(session, &mixture, &estimates) == SUNDER_OK);
  return out;
}

void check(sunder_status status, const char* message) {
  SUNDER_PROMISE(status >= SUNDER_OK && status <= SUNDER_CANCELLED && status != SUNDER_BUSY);
  SUNDER_PROMISE((*message == '\0') == (status == SUNDER_OK));
}

void load(Choices& choices) {
  const char* const pairs[] = {choices.one_of<const char*>({"num_stacks=1", "hop_length=8", "=", "", "x=1", nullptr}),
                               choices.one_of<const char*>({"num_layers=2", "n_fft=1e99", "a", nullptr})};
  sunder_model_params known = SUNDER_MODEL_PARAMS_INIT;
  known.device = choices.one_of<const char*>({nullptr, "cpu", "cuda:99999999999", "cuda:-1", "", "CPU"});
  known.precision = choices.one_of<const char*>({nullptr, "fp32", "fp64", "tf32", "", "fp32 "});
  known.architecture =
      choices.one_of<const char*>({nullptr, "stft-conv-tasnet", "conv-tasnet", "tf-gridnet", "", "\xff"});
  known.metadata = choices.below(3) == 0 ? nullptr : pairs;
  known.metadata_count = static_cast<size_t>(choices.below(3));
  const Handed params(known, choices);
  const size_t size = choices.one_of<size_t>({model_bytes().size(), model_bytes().size(), 0, 7, 8, 100});
  sunder_model* loaded = nullptr;
  const bool wanted = choices.usual();
  const sunder_status status = sunder_model_load_memory(choices.usual() ? model_bytes().data() : nullptr, size,
                                                        &params.value, wanted ? &loaded : nullptr);
  check(status, sunder_last_error());
  sunder_model_free(loaded);
}

struct Opened {
  sunder_session* session = nullptr;
  int layout = SUNDER_PLANAR;  // of its stream
};

sunder_session* open(Choices& choices) {
  sunder_session_params known = SUNDER_SESSION_PARAMS_INIT;
  known.threads = choices.usual() ? static_cast<int>(choices.below(3)) : choices.one_of({-1, INT_MAX, INT_MIN, 4097});
  known.chunk_seconds = choices.seconds();
  known.overlap_seconds = choices.usual() ? 0.0 : choices.seconds();
  known.memory_limit = choices.one_of<uint64_t>({0, 0, 0, 1, 100000, UINT64_MAX});
  if (choices.below(4) == 0) known.progress = [](void*, int64_t done, int64_t) { return done > 100 ? 1 : 0; };
  known.cuda_stream = choices.usual() ? nullptr : &known;
  const Handed params(known, choices);
  sunder_session* session = nullptr;
  const sunder_status status = sunder_session_create(choices.usual() ? model() : nullptr, &params.value, &session);
  check(status, sunder_last_error());
  SUNDER_PROMISE((session != nullptr) == (status == SUNDER_OK));
  return session;
}

void use(Opened& opened, Choices& choices) {
  sunder_session* session = opened.session;
  Buffer in, out;
  const Handed<sunder_audio> mixture(in.audio(1, choices), choices);
  sunder_audio to = out.audio(2, choices);
  if (choices.usual()) to.frames = mixture.value.frames, to.sample_rate = 0;
  const Handed<sunder_audio> estimates(to, choices);
  int64_t count = 0;
  uint64_t bytes = 0;
  const auto block = [&](Buffer& buffer) {
    return opened.layout == SUNDER_POINTERS ? static_cast<void*>(buffer.rows) : buffer.samples(choices);
  };
  const auto run = [&]() -> sunder_status {
    switch (choices.below(8)) {
      case 0:
      case 1:
        return sunder_separate(session, &mixture.value, &estimates.value);
      case 2:
        return sunder_separate_batch(session, static_cast<size_t>(choices.below(2)), &mixture.value, &estimates.value);
      case 3:
        opened.layout = mixture.value.struct_size < sizeof(sunder_audio) ? SUNDER_PLANAR : mixture.value.layout;
        return sunder_stream_begin(session, &mixture.value);
      case 4:
        return sunder_push(session, block(in), choices.frames());
      case 5:
        return sunder_pull(session, block(out), choices.frames(), choices.usual() ? &count : nullptr);
      case 6:
        return sunder_finish(session);
      default:
        return sunder_session_memory(session, std::min(choices.frames(), most_memory_frames), mixture.value.sample_rate,
                                     choices.usual() ? &bytes : nullptr);
    }
  };
  const sunder_status status = run();
  check(status, sunder_session_error(session));
  SUNDER_PROMISE(sunder_available(session) >= 0 && sunder_delay(session) >= 0);
  sunder_cancel(session);
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  Choices choices(data, size);
  sunder_session* control = nullptr;
  SUNDER_PROMISE(sunder_session_create(model(), nullptr, &control) == SUNDER_OK);
  static const std::vector<float> expected = control_estimates(control);
  Opened opened;
  for (int call = 0; call < most_calls && choices.more(); ++call) {
    const int64_t kind = choices.below(8);
    if (kind == 0) {
      load(choices);
    } else if (kind == 1 || !opened.session) {
      sunder_session_free(opened.session);
      opened.session = open(choices);
    } else {
      use(opened, choices);
    }
  }
  sunder_session_free(opened.session);
  SUNDER_PROMISE(control_estimates(control) == expected);
  sunder_session_free(control);
  return 0;
}
