// A client of the C API, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "embed/sunder.h"
#include "tests/embed/model_files.h"
#include "tests/files/scratch_folder.h"

namespace sunder {

using Signals = std::vector<std::vector<float>>;

struct FreeModel {
  void operator()(sunder_model* model) const { sunder_model_free(model); }
};
struct FreeSession {
  void operator()(sunder_session* session) const { sunder_session_free(session); }
};
using Model = std::unique_ptr<sunder_model, FreeModel>;
using Session = std::unique_ptr<sunder_session, FreeSession>;

inline Model load(const std::string& path, const sunder_model_params* params = nullptr) {
  sunder_model* model = nullptr;
  EXPECT_EQ(sunder_model_load(path.c_str(), params, &model), SUNDER_OK) << sunder_last_error();
  return Model(model);
}

inline Session open_session(const Model& model, const sunder_session_params& params = SUNDER_SESSION_PARAMS_INIT) {
  sunder_session* session = nullptr;
  EXPECT_EQ(sunder_session_create(model.get(), &params, &session), SUNDER_OK) << sunder_last_error();
  return Session(session);
}

// Chunks of half a second.
inline sunder_session_params short_chunks() {
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.chunk_seconds = 0.5;
  params.overlap_seconds = 0.1;
  return params;
}

// Chunks of a tenth, for networks that take long on the emulator.
inline sunder_session_params shortest_chunks() {
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.chunk_seconds = 0.1;
  params.overlap_seconds = 0.02;
  return params;
}

inline Signals voices(int64_t channels, int64_t frames, int rate = 8000) {
  Signals signals(channels, std::vector<float>(frames));
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t t = 0; t < frames; ++t) {
      const double seconds = static_cast<double>(t) / rate;
      signals[c][t] = static_cast<float>(0.3 * std::sin(2 * M_PI * (200 + 31 * static_cast<double>(c)) * seconds) +
                                         0.2 * std::sin(2 * M_PI * 1100 * seconds * (1 + 0.1 * std::sin(9 * seconds))));
    }
  return signals;
}

// Rows in one piece.
inline std::vector<float> planar(const Signals& signals) {
  std::vector<float> all;
  for (const auto& signal : signals) all.insert(all.end(), signal.begin(), signal.end());
  return all;
}

inline sunder_audio audio_of(void* samples, int64_t frames, int channels, int rate = 0) {
  sunder_audio audio = SUNDER_AUDIO_INIT;
  audio.samples = samples;
  audio.frames = frames;
  audio.channels = channels;
  audio.sample_rate = rate;
  return audio;
}

// The planar estimates of two sources.
inline std::vector<float> separate(const Session& session, const Signals& mixture, int rate = 0) {
  const auto frames = static_cast<int64_t>(mixture[0].size());
  std::vector<float> in = planar(mixture), out(2 * frames);
  const sunder_audio from = audio_of(in.data(), frames, static_cast<int>(mixture.size()), rate),
                     to = audio_of(out.data(), frames, 2);
  EXPECT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OK) << sunder_session_error(session.get());
  EXPECT_STREQ(sunder_session_error(session.get()), "");
  return out;
}

// Of the C API's device buffers and of graphs: a model on the first CUDA device.
inline Model load_on_cuda(const std::string& path) {
  sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
  params.device = "cuda";
  return load(path, &params);
}

class Api : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    path_ = write_conv_tasnet(folder_);
  }
  std::string path_;
};

}  // namespace sunder
