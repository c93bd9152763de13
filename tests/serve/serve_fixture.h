// Models, recordings and servers for tests of sunder-serve.
#pragma once

#include <httplib.h>

#include <mutex>

#include "audio/sound_writer.h"
#include "serve/http_server.h"
#include "tests/embed/client.h"

namespace sunder::serve {

// Takes some 30 ms for a second of sound.
inline std::string write_slow_network(const std::filesystem::path& folder) {
  const StftConvTasNetConfig config{
      .n_fft = 64, .hop_length = 8, .num_feats = 64, .num_hidden = 64, .num_layers = 4, .num_stacks = 2};
  const StftConvTasNet network(config, DType::float32, cpu_device, 7);
  auto metadata = network.metadata();
  metadata["sample_rate"] = "8000";
  const std::string path = folder / "slow.safetensors";
  write_safetensors(path, network.parameters().state_dict(), metadata);
  return path;
}

inline std::string wav_of(const Signals& signals, int rate = 8000, WavFormat format = WavFormat::float32) {
  std::vector<float> frames;
  for (size_t t = 0; t < signals[0].size(); ++t)
    for (const auto& signal : signals) frames.push_back(signal[t]);
  return wav_in_memory(frames, rate, format, static_cast<int>(signals.size())).bytes;
}

inline Sound sound_of(const Signals& signals, int rate = 8000) {
  return {static_cast<int>(signals.size()), rate, static_cast<int64_t>(signals[0].size()), planar(signals)};
}

// One session and two places beside it.
inline ServeOptions small_server(const std::string& model) {
  ServeOptions options;
  options.model.path = model;
  options.port = 0;
  options.queue.sessions = 1;
  options.queue.waiting = 2;
  options.queue.batch = 1;
  options.streams = 1;
  return options;
}

class ServeTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    fast_ = write_conv_tasnet(folder_);
  }
  void TearDown() override {
    server_.reset();
    service_.reset();
    model_.reset();
    ScratchFolder::TearDown();
  }
  void start(const ServeOptions& options) {
    model_ = load_model(options.model);
    service_ = std::make_unique<Service>(model_.get(), options);
    server_ = std::make_unique<HttpServer>(*service_, options, [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      log_ += line;
    });
  }
  httplib::Client client() const {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(20);
    return client;
  }
  // What is logged comes after the answer.
  std::string log_with(const std::string& part) {
    for (int i = 0; i < 200; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (log_.find(part) != std::string::npos) return log_;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << part << " was not logged: " << log_;
    return "";
  }

  std::string fast_;
  serve::Model model_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::string log_;
};

}  // namespace sunder::serve
