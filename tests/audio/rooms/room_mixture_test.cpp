#include "audio/rooms/room_mixture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audio/rooms/numpy_random.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

std::vector<float> noise_burst(int64_t samples, uint64_t which) {
  Random random(2, RandomUse::test, 0, which);
  std::vector<float> signal(samples);
  for (float& value : signal) value = static_cast<float>(0.1 * random.normal());
  return signal;
}

// Sample `at` of the convolution with part [from, to) of the response from speaker s to channel c, as a plain sum.
double convolved(const Tensor& responses, int64_t s, int64_t c, const std::vector<float>& signal, int64_t at,
                 int64_t from, int64_t to) {
  const int64_t taps = responses.size(2);
  const double* h = responses.data<double>() + (s * responses.size(1) + c) * taps;
  double sum = 0;
  for (int64_t n = from; n < std::min(to, at + 1); ++n)
    if (at - n < static_cast<int64_t>(signal.size())) sum += h[n] * signal[at - n];
  return sum;
}

class RoomMixtureTest : public testing::Test {
 protected:
  static constexpr int64_t length = 1500;
  const RoomScene scene = draw_room_scene("cv_dev93", 3);
  const std::vector<std::vector<float>> utterances = {noise_burst(length, 1), noise_burst(900, 2)};
  Tensor responses = scene_responses(scene);
  RoomMixture mixture = mix_in_room(responses, 2, utterances, "cv_dev93", "3_a_b", true);

  double image_at(const Tensor& image, int64_t s, int64_t c, int64_t t) const {
    return image.data<float>()[(s * image.size(1) + c) * length + t];
  }
};

TEST_F(RoomMixtureTest, HasTheShapesItSays) {
  EXPECT_EQ(mixture.observation.shape(), (Shape{6, length}));
  EXPECT_EQ(mixture.ct_observation.shape(), (Shape{2, length}));
  EXPECT_EQ(mixture.image.shape(), (Shape{2, 6, length}));
  EXPECT_EQ(mixture.ct_tail.shape(), (Shape{2, 2, length}));
  EXPECT_EQ(mixture.speech_source.shape(), (Shape{2, length}));
}

// The formulas of SMS-WSJ sample by sample: alignment by the array's time of flight, also for the close-talk
// microphones, scale by the deviation over the array's channels, 71, and the split after 400 samples.
TEST_F(RoomMixtureTest, ImagesAreTheConvolutionsAlignedScaledAndSplit) {
  for (int64_t s = 0; s < 2; ++s) {
    const int64_t flight = time_of_flight(responses.data<double>() + s * 8 * 8192, 6, 8192);
    // Within a sample of the way to the nearest microphone, less the rise of the windowed sinc.
    double nearest = 10;
    for (const Position& m : scene.microphones)
      nearest = std::min(
          nearest, std::hypot(m[0] - scene.sources[s][0], m[1] - scene.sources[s][1], m[2] - scene.sources[s][2]));
    EXPECT_NEAR(static_cast<double>(flight), nearest / 343 * 8000, 6);
    const int64_t offset = mixture.mixing.offsets[s], split = flight + 400;
    double sum = 0, squares = 0;  // of our own: the library's images would prove nothing about their scale
    for (int64_t c = 0; c < 6; ++c)
      for (int64_t t = 0; t < length; ++t) {
        const double value = convolved(responses, s, c, utterances[s], t - offset + flight, 0, 8192);
        sum += value, squares += value * value;
      }
    const double count = 6.0 * length, deviation = std::sqrt(squares / count - sum / count * (sum / count));
    const double scale = std::pow(10, mixture.mixing.log_weights[s] / 20) / deviation / 71;
    for (int64_t c = 0; c < 8; ++c)
      for (int64_t t = 11; t < length; t += 97) {
        const bool close = c >= 6;
        const auto expected = [&](int64_t from, int64_t to) {
          return scale * convolved(responses, s, c, utterances[s], t - offset + flight, from, to);
        };
        const Tensor &image = close ? mixture.ct_image : mixture.image,
                     &early = close ? mixture.ct_early : mixture.early;
        const Tensor& tail = close ? mixture.ct_tail : mixture.tail;
        EXPECT_NEAR(image_at(image, s, close ? c - 6 : c, t), expected(0, 8192), 1e-7) << s << c << t;
        EXPECT_NEAR(image_at(early, s, close ? c - 6 : c, t), expected(0, split), 1e-7) << s << c << t;
        EXPECT_NEAR(image_at(tail, s, close ? c - 6 : c, t), expected(split, 8192), 1e-7) << s << c << t;
      }
  }
}

TEST_F(RoomMixtureTest, PartsAddUp) {
  for (const bool close : {false, true}) {
    const Tensor& observation = close ? mixture.ct_observation : mixture.observation;
    const Tensor &image = close ? mixture.ct_image : mixture.image, &early = close ? mixture.ct_early : mixture.early;
    const Tensor &tail = close ? mixture.ct_tail : mixture.tail, &noise = close ? mixture.ct_noise : mixture.noise;
    for (int64_t c = 0; c < observation.size(0); ++c)
      for (int64_t t = 0; t < length; ++t) {
        double sum = noise.data<float>()[c * length + t];
        for (int64_t s = 0; s < 2; ++s) {
          sum += image_at(image, s, c, t);
          ASSERT_NEAR(image_at(early, s, c, t) + image_at(tail, s, c, t), image_at(image, s, c, t), 1e-7);
        }
        ASSERT_NEAR(observation.data<float>()[c * length + t], sum, 1e-7);
      }
  }
}

TEST_F(RoomMixtureTest, LevelsAndNoiseAreAsDrawn) {
  double deviations[2], speech = 0, noise = 0;
  for (int64_t s = 0; s < 2; ++s) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < 6 * length; ++i) {
      const double value = mixture.image.data<float>()[s * 6 * length + i];
      sum += value, squares += value * value;
    }
    deviations[s] = std::sqrt(squares / (6 * length) - std::pow(sum / (6 * length), 2));
    EXPECT_NEAR(20 * std::log10(deviations[s] * 71), mixture.mixing.log_weights[s], 1e-4);
  }
  for (int64_t i = 0; i < 6 * length; ++i) {
    speech += std::pow(mixture.image.data<float>()[i] + mixture.image.data<float>()[6 * length + i], 2);
    noise += std::pow(mixture.noise.data<float>()[i], 2);
  }
  EXPECT_NEAR(10 * std::log10(speech / noise), mixture.mixing.snr, 1e-4);
  EXPECT_TRUE(mixture.mixing.snr > 20 && mixture.mixing.snr < 30);
  // NumPy's normals, re-seeded, one channel after the other; the same level at the close-talk microphones.
  NumpyRandom random(md5_seed("3_a_b") - 1);
  const double gain = mixture.noise.data<float>()[0] / random.normal();
  for (int64_t i = 1; i < 6 * length; ++i)
    ASSERT_NEAR(mixture.noise.data<float>()[i], gain * random.normal(), 1e-6 * std::abs(gain) * 5);
  double close = 0;
  for (int64_t i = 0; i < 2 * length; ++i) close += std::pow(mixture.ct_noise.data<float>()[i], 2);
  EXPECT_NEAR(std::sqrt(close / (2 * length)) / std::abs(gain), 1, 0.05);
}

TEST_F(RoomMixtureTest, TheSourceIsPaddedAndNotScaled) {
  EXPECT_EQ(mixture.mixing.offsets[0], 0);
  const int64_t offset = mixture.mixing.offsets[1];
  EXPECT_LE(offset, 600);
  for (int64_t t = 0; t < length; ++t) {
    EXPECT_EQ(mixture.speech_source.data<float>()[t], utterances[0][t]);
    const bool inside = t >= offset && t < offset + 900;
    ASSERT_EQ(mixture.speech_source.data<float>()[length + t], inside ? utterances[1][t - offset] : 0);
  }
}

TEST_F(RoomMixtureTest, CloseTalkLeavesTheArrayAsItIs) {
  RoomScene array = scene;
  array.close_talk.clear();
  const RoomMixture without = mix_in_room(scene_responses(array), 0, utterances, "cv_dev93", "3_a_b", false);
  EXPECT_EQ(without.observation.to_vector<float>(), mixture.observation.to_vector<float>());
  EXPECT_FALSE(without.ct_observation.defined());
  EXPECT_FALSE(without.early.defined());
  // At its own microphone a speaker is louder than the other one, who is further away.
  for (int64_t d = 0; d < 2; ++d) {
    double own = 0, other = 0;
    for (int64_t t = 0; t < length; ++t) {
      own += std::pow(image_at(mixture.ct_image, d, d, t), 2);
      other += std::pow(image_at(mixture.ct_image, 1 - d, d, t), 2);
    }
    EXPECT_GT(own, 4 * other);
  }
}

TEST_F(RoomMixtureTest, SilenceAndWrongShapesAreNamed) {
  const std::vector<float> silence(100, 0.0f);
  expect_error<InputError>(
      [&] {
        mix_in_room(responses, 2, {utterances[0], silence}, "s", "7_a_b", false);
      },
      {"7_a_b", "utterance 2 is silent", "100 samples"});
  expect_error<InputError>(
      [&] {
        mix_in_room(responses, 2, {{}, utterances[1]}, "s", "7_a_b", false);
      },
      {"7_a_b", "utterance 1 is silent"});
  expect_error<Error>([&] { mix_in_room(responses, 2, {utterances[0]}, "s", "7_a", false); },
                      {"[mix_in_room]", "responses"});
  expect_error<Error>([&] { mix_in_room(responses, 8, utterances, "s", "7_a_b", false); }, {"8 close-talk"});
}

}  // namespace
}  // namespace sunder
