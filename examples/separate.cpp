// separate_wav MODEL mixture.wav: writes voice1.wav, voice2.wav, ... (32-bit float, the mixture's rate and length).
#include <sndfile.h>
#include <sunder.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// A model and a session that free themselves.
class Separator {
 public:
  explicit Separator(const std::string& path) {
    sunder_model* model = nullptr;
    sunder_session* session = nullptr;
    if (sunder_model_load(path.c_str(), nullptr, &model) != SUNDER_OK) throw std::runtime_error(sunder_last_error());
    model_.reset(model);
    if (sunder_session_create(model, nullptr, &session) != SUNDER_OK) throw std::runtime_error(sunder_last_error());
    session_.reset(session);
  }
  // One signal per voice.
  std::vector<std::vector<float>> separate(std::vector<float>& interleaved, int channels, int sample_rate) {
    sunder_audio mixture = SUNDER_AUDIO_INIT, estimates = SUNDER_AUDIO_INIT;
    mixture.samples = interleaved.data();
    mixture.frames = estimates.frames = static_cast<int64_t>(interleaved.size()) / channels;
    mixture.channels = channels;
    mixture.sample_rate = sample_rate;
    mixture.layout = SUNDER_INTERLEAVED;
    estimates.channels = sunder_model_sources(model_.get());
    estimates.layout = SUNDER_POINTERS;
    std::vector<std::vector<float>> voices(estimates.channels, std::vector<float>(estimates.frames));
    std::vector<float*> pointers;
    for (auto& voice : voices) pointers.push_back(voice.data());
    estimates.samples = pointers.data();
    if (sunder_separate(session_.get(), &mixture, &estimates) != SUNDER_OK)
      throw std::runtime_error(sunder_session_error(session_.get()));
    return voices;
  }

 private:
  struct Free {
    void operator()(sunder_model* model) const { sunder_model_free(model); }
    void operator()(sunder_session* session) const { sunder_session_free(session); }
  };
  std::unique_ptr<sunder_model, Free> model_;
  std::unique_ptr<sunder_session, Free> session_;
};

struct CloseFile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, CloseFile>;

File open_file(const std::string& path, int mode, SF_INFO& info) {
  File file(sf_open(path.c_str(), mode, &info));
  if (!file) throw std::runtime_error(path + ": " + sf_strerror(nullptr));
  return file;
}

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("expected MODEL mixture.wav");
  SF_INFO info{};
  const File mixture = open_file(argv[2], SFM_READ, info);
  std::vector<float> samples(static_cast<size_t>(info.frames) * info.channels);
  sf_readf_float(mixture.get(), samples.data(), info.frames);
  const auto voices = Separator(argv[1]).separate(samples, info.channels, info.samplerate);
  for (size_t v = 0; v < voices.size(); ++v) {
    SF_INFO wav{};
    wav.samplerate = info.samplerate;
    wav.channels = 1;
    wav.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    const File file = open_file("voice" + std::to_string(v + 1) + ".wav", SFM_WRITE, wav);
    sf_writef_float(file.get(), voices[v].data(), info.frames);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "separate_wav: %s\n", error.what());
  return 1;
}
