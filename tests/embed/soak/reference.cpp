#include "tests/embed/soak/reference.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "tests/embed/model_files.h"

namespace sunder::soak {
namespace {

// Two tones that wander, of another level in each microphone.
std::vector<float> tones(int microphones, int64_t frames, int rate, std::mt19937_64& random) {
  std::vector<float> result;
  const double low = 100 + static_cast<double>(below(random, 300)), high = 2 * low + 333;
  for (int m = 0; m < microphones; ++m)
    for (int64_t t = 0; t < frames; ++t) {
      const double seconds = static_cast<double>(t) / rate;
      const double sum = 0.3 * std::sin(2 * M_PI * low * seconds + 0.1 * m) +
                         0.4 * std::sin(2 * M_PI * high * seconds * (1 + 0.1 * std::sin(9 * seconds)) - 0.2 * m);
      result.push_back(quantised(static_cast<float>(sum)));
    }
  return result;
}

void compute(sunder_session* session, const ModelFile& model, Recording& recording) {
  Samples mixture(recording.frames, model.microphones, recording.rate, {}),
      estimates(recording.frames, model.sources, 0, {});
  mixture.fill(recording.mixture, recording.frames, 0);
  expect(sunder_separate(session, &mixture.audio(), &estimates.audio()), SUNDER_OK, "reference", session);
  for (int s = 0; s < model.sources; ++s)
    for (int64_t t = 0; t < recording.frames; ++t) recording.estimates.push_back(estimates.at(s, t));
}

ModelFile make_model(const std::string& path, std::mt19937_64& random) {
  ModelFile file;
  file.path = path;
  std::ifstream stream(path, std::ios::binary);
  file.bytes.assign(std::istreambuf_iterator<char>(stream), {});
  sunder_model* model = nullptr;
  expect(sunder_model_load(path.c_str(), nullptr, &model), SUNDER_OK, "reference");
  file.microphones = sunder_model_microphones(model);
  file.sources = sunder_model_sources(model);
  sunder_session* session = nullptr;
  const sunder_session_params params = short_chunks();
  expect(sunder_session_create(model, &params, &session), SUNDER_OK, "reference");
  // From less than a frame to several chunks of 1000 samples at the network's 8 kHz.
  const std::pair<int64_t, int> sizes[] = {{1, 8000},    {20, 8000},   {900, 8000},   {1000, 8000}, {1001, 16000},
                                           {700, 16000}, {441, 44100}, {3000, 11025}, {1700, 8000}, {3300, 8000}};
  for (const auto& [frames, rate] : sizes) {
    file.recordings.push_back({rate, frames, tones(file.microphones, frames, rate, random), {}});
    compute(session, file, file.recordings.back());
  }
  sunder_session_free(session);
  sunder_model_free(model);
  return file;
}

}  // namespace

std::vector<ModelFile> make_models(const std::filesystem::path& folder) {
  std::mt19937_64 random(1);
  std::vector<ModelFile> models;
  models.push_back(make_model(write_conv_tasnet(folder), random));
  models.push_back(make_model(write_tf_gridnet(folder), random));
  return models;
}

sunder_session_params short_chunks() {
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.chunk_seconds = 0.125;
  params.overlap_seconds = 0.03;
  return params;
}

void expect(sunder_status status, sunder_status expected, const std::string& what, const sunder_session* session) {
  if (status != expected)
    throw std::runtime_error(fmt::format("{}: expected \"{}\", got \"{}\": {}", what, sunder_status_name(expected),
                                         sunder_status_name(status),
                                         session ? sunder_session_error(session) : sunder_last_error()));
}

}  // namespace sunder::soak
