// Every far-field method learns two rooms by heart: filters, losses, gradients, network and Adam work together.
#include <gtest/gtest.h>

#include <functional>

#include "audio/metrics/si_snr.h"
#include "audio/rooms/room_mixture.h"
#include "nn/adam.h"
#include "nn/tfgridnet_separator.h"
#include "objectives/step.h"
#include "tensor/parallel.h"
#include "tests/synthetic_voice.h"

namespace sunder {
namespace {

constexpr int64_t length = 12000, rooms = 2;
constexpr FcpOptions taps{.past = 9, .future = 1};

struct Recordings {
  Tensor mixtures, close_talk, references;  // (rooms, 6, length), (rooms, 2, length), (rooms, 2, length)
};

Recordings record() {
  Recordings all{Tensor::zeros({rooms, 6, length}, DType::float32), Tensor::zeros({rooms, 2, length}, DType::float32),
                 Tensor::zeros({rooms, 2, length}, DType::float32)};
  for (int room = 0; room < rooms; ++room) {
    const RoomScene scene = draw_room_scene("by heart", room);
    const RoomMixture mixture = mix_in_room(
        scene_responses(scene), 2, {synthetic_voice(2 * room, 0, length), synthetic_voice(2 * room + 3, 1, length)},
        "by heart", "room " + std::to_string(room), false);
    all.mixtures.slice(room, room + 1).copy_from(mixture.observation.reshape({1, 6, length}));
    all.close_talk.slice(room, room + 1).copy_from(mixture.ct_observation.reshape({1, 2, length}));
    for (int s = 0; s < 2; ++s)
      all.references.reshape({rooms * 2, length})
          .slice(2 * room + s, 2 * room + s + 1)
          .copy_from(mixture.image.slice(s, s + 1).reshape({6, length}).slice(0, 1));
  }
  return all;
}

class FarFieldOverfit : public testing::Test {
 protected:
  void SetUp() override { set_num_threads(1); }
  void TearDown() override { set_num_threads(0); }

  static TfGridNetSeparatorConfig small_network(const std::string& estimate) {
    TfGridNetSeparatorConfig config;
    config.network.emb_dim = 16;
    config.network.num_blocks = 2;
    config.network.lstm_hidden = 32;
    config.network.n_freqs = 65;
    config.network.qk_channels = 2;
    config.stft = {128, 64, "sqrt_hann"};
    config.estimate = estimate;
    config.fcp = taps;
    return config;
  }

  // The losses of the first and of the last step.
  static std::pair<double, double> learn(const TfGridNetSeparator& network, int steps,
                                         const std::function<Variable()>& loss_of) {
    Adam adam(network.parameters(), 3e-3, {.clip = 1});
    double first = 0, last = 0;
    for (int step = 0; step < steps; ++step) {
      network.parameters().zero_grad();
      const Variable loss = loss_of();
      backward(loss);
      adam.step(loss.value());
      last = loss.value().item();
      if (step == 0) first = last;
    }
    return {first, last};
  }

  static double si_snri(const TfGridNetSeparator& network, const Recordings& data) {
    const Tensor estimates = network.forward(data.mixtures).value();
    double sum = 0;
    for (int64_t room = 0; room < rooms; ++room) {
      const auto of_room = [&](const Tensor& x) { return x.slice(room, room + 1).reshape({x.size(1), length}); };
      for (const SourceScore& score : score_separation(of_room(data.references), of_room(estimates),
                                                       of_room(data.mixtures).slice(0, 1).reshape({length})))
        sum += score.si_snri.value() / (2 * rooms);
    }
    return sum;
  }
};

TEST_F(FarFieldOverfit, PitPassesTenDecibels) {
  const Recordings data = record();
  const TfGridNetSeparator network(small_network("image"), DType::float32, cpu_device, /*seed=*/1);
  EXPECT_LT(si_snri(network, data), 0);
  learn(network, 150, [&] { return pit_spectra_step(network, data.references, data.mixtures); });
  EXPECT_GT(si_snri(network, data), 10);
}

// Two rooms alone do not tell what a speaker is, for filters make any two signals that span them into all microphones:
// what falls is the loss.
TEST_F(FarFieldOverfit, M2mExplainsTheMicrophones) {
  const Recordings data = record();
  const TfGridNetSeparator network(small_network("source"), DType::float32, cpu_device, /*seed=*/1);
  const M2mOptions options{.fcp = {.far = taps, .close = taps}};
  const auto [first, last] =
      learn(network, 60, [&] { return m2m_step(network, data.mixtures, data.close_talk, options); });
  EXPECT_LT(last, first / 2);
}

TEST_F(FarFieldOverfit, UnssorExplainsTheMicrophones) {
  const Recordings data = record();
  const TfGridNetSeparator network(small_network("source"), DType::float32, cpu_device, /*seed=*/1);
  const auto [first, last] =
      learn(network, 60, [&] { return unssor_step(network, data.mixtures, {.fcp = {.far = taps}}); });
  EXPECT_LT(last, first / 2);
}

}  // namespace
}  // namespace sunder
