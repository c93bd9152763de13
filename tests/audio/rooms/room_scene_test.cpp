#include "audio/rooms/room_scene.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <set>

#include "audio/rooms/numpy_random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

// fgnt/sms_wsj's own test of its scenarios: set cv_dev93, scene 0. The same numbers come from NumPy 2.4.6.
TEST(RoomSceneTest, IsThatOfSmsWsjToTheLastDigit) {
  const RoomScene scene = draw_room_scene("cv_dev93", 0, 4);
  EXPECT_EQ(scene.room, (Position{8.169, 5.905, 3.073}));
  EXPECT_EQ(scene.t60, 0.387);
  EXPECT_EQ(scene.sources,
            (std::vector<Position>{
                {3.312, 1.921, 1.557}, {3.0, 2.379, 1.557}, {4.057, 4.777, 1.557}, {3.069, 4.244, 1.557}}));
  EXPECT_EQ(scene.microphones, (std::vector<Position>{{4.015, 3.265, 1.55},
                                                      {3.973, 3.175, 1.556},
                                                      {4.03, 3.093, 1.563},
                                                      {4.129, 3.102, 1.563},
                                                      {4.172, 3.192, 1.558},
                                                      {4.115, 3.274, 1.551}}));
}

TEST(RoomSceneTest, WeightsOffsetsAndSnrAreThoseOfSmsWsj) {
  const RoomMixing mixing = draw_room_mixing("cv_dev93", "0_4k6c0303_4k4c0319", {31633, 93389});
  EXPECT_NEAR(mixing.log_weights[0], 0.98854843, 5e-9);
  EXPECT_EQ(mixing.log_weights[1], -mixing.log_weights[0]);
  EXPECT_EQ(mixing.offsets, (std::vector<int64_t>{52476, 0}));
  EXPECT_EQ(mixing.snr, 23.287502642941252);
}

// Expected rows: the rule written in Python over numpy.random.RandomState(1372673431).
TEST(RoomSceneTest, CompositionsAreThoseOfTheRuleInNumpy) {
  const std::vector<std::string> speakers = {"a", "a", "a", "b", "b", "c", "c", "c", "d", "d"};
  EXPECT_EQ(compose_examples("cv_dev93", speakers),
            (std::vector<std::vector<int64_t>>{
                {4, 7}, {2, 3}, {9, 6}, {7, 9}, {5, 2}, {6, 0}, {8, 1}, {3, 5}, {1, 4}, {0, 8}}));
}

TEST(RoomSceneTest, CompositionsUseAllUtterancesInEverySlot) {
  std::vector<std::string> speakers;
  for (int i = 0; i < 60; ++i) speakers.push_back(std::to_string(i % 7));
  const auto rows = compose_examples("any", speakers, 3);
  ASSERT_EQ(rows.size(), 60u);
  for (int column = 0; column < 3; ++column) {
    std::set<int64_t> used;
    for (const auto& row : rows) used.insert(row[column]);
    EXPECT_EQ(used.size(), 60u);
  }
  for (const auto& row : rows)
    EXPECT_EQ((std::set<std::string>{speakers[row[0]], speakers[row[1]], speakers[row[2]]}).size(), 3u);
  expect_error<InputError>(
      [] {
        compose_examples("lonely", {"a", "a", "a", "b"});
      },
      {"lonely", "4 utterances by 2 speakers, 3 of them by a"});
}

// What write_room_set leaves to the most frequent speaker: at a third, two of three such sets had no composition.
TEST(RoomSceneTest, AQuarterByOneSpeakerCanBeComposed) {
  std::vector<std::string> speakers(300, "one");
  for (int i = 0; i < 900; ++i) speakers.push_back(std::to_string(i % 20));
  for (const char* set : {"train_si284", "a", "b", "c", "d", "e", "f", "g"})
    EXPECT_EQ(compose_examples(set, speakers).size(), 1200u) << set;
}

TEST(RoomSceneTest, GeometryStaysWithinItsBounds) {
  double sum_cosine = 0, nearest = 1;
  for (int64_t i = 0; i < 500; ++i) {
    const RoomScene scene = draw_room_scene("bounds", i);
    check_room_scene(scene);
    ASSERT_EQ(scene.sources.size(), 2u);
    ASSERT_EQ(scene.close_talk.size(), 2u);
    Position centre{};
    for (const Position& microphone : scene.microphones)
      for (int a = 0; a < 3; ++a) centre[a] += microphone[a] / 6;
    for (int s = 0; s < 2; ++s) {
      const Position &source = scene.sources[s], &close = scene.close_talk[s];
      const double distance = std::hypot(source[0] - centre[0], source[1] - centre[1]);
      EXPECT_TRUE(distance > 0.998 && distance < 2.002) << distance;
      const double talk = std::hypot(close[0] - source[0], close[1] - source[1], close[2] - source[2]);
      EXPECT_TRUE(talk > 0.098 && talk < 0.302) << talk;
      nearest = std::min(nearest, talk);
      sum_cosine += (close[2] - source[2]) / talk;
    }
    EXPECT_TRUE(scene.t60 >= 0.2 && scene.t60 <= 0.5);
  }
  EXPECT_LT(nearest, 0.105);
  // Directions uniform on the sphere: the cosine's mean is 0, its deviation sqrt(1/3) / sqrt(1000) = 0.018.
  EXPECT_NEAR(sum_cosine / 1000, 0, 4 * 0.018);
}

TEST(RoomSceneTest, CloseTalkChangesNothingElse) {
  const RoomScene two = draw_room_scene("train_si284", 17), four = draw_room_scene("train_si284", 17, 4);
  EXPECT_EQ(two.microphones, four.microphones);
  EXPECT_EQ(two.t60, four.t60);
  EXPECT_EQ(two.sources[1], four.sources[1]);
  EXPECT_EQ(two.close_talk[1], four.close_talk[1]);
  EXPECT_NE(draw_room_scene("train_si284/epoch-2", 17).room, two.room);
}

TEST(RoomSceneTest, ImpossibleScenesAreNamed) {
  const RoomScene good = draw_room_scene("cv_dev93", 0);
  const auto expect = [&](const std::function<void(RoomScene&)>& spoil, const std::vector<std::string>& parts) {
    RoomScene scene = good;
    spoil(scene);
    expect_error<InputError>([&] { scene_responses(scene); }, parts);
  };
  expect([](RoomScene& s) { s.t60 = 0.1; }, {"cv_dev93_0", "too small for a T60 of 0.1 s", "at least 0.131 s"});
  expect([](RoomScene& s) { s.t60 = 0; }, {"cv_dev93_0", "T60 above 0"});
  expect([](RoomScene& s) { s.t60 = std::nan(""); }, {"cv_dev93_0", "T60 above 0"});
  expect([](RoomScene& s) { s.room[2] = 1.5; }, {"source inside the room", "1.557"});
  expect([](RoomScene& s) { s.sources[1][0] = 8.169; }, {"source inside", "(8.169, 2.379, 1.557)"});  // in the wall
  expect([](RoomScene& s) { s.microphones[3][1] = -1; }, {"microphone inside", "-1"});
  expect([](RoomScene& s) { s.close_talk[0][2] = 3.2; }, {"close-talk microphone inside", "3.2"});
  expect([](RoomScene& s) { s.sources[0] = s.microphones[2]; }, {"0.005 m", "(4.03, 3.093, 1.563)"});
  expect(
      [](RoomScene& s) {
        s.close_talk[1][0] = s.sources[1][0] + 0.001, s.close_talk[1][1] = s.sources[1][1],
        s.close_talk[1][2] = s.sources[1][2];
      },
      {"0.005 m", "3.001"});
  expect([](RoomScene& s) { s.close_talk.pop_back(); }, {"2, 6 and 1"});
  expect([](RoomScene& s) { s.microphones.clear(); }, {"2, 0 and 2"});
}

// The generator that SMS-WSJ was made with: PyPI's rir-generator 0.3.0 (audiolabs, of ehabets/RIR-Generator),
// rir_generator.generate(c=343, fs=8000, r=[[4.015, 3.265, 1.55]], s=[3.0, 2.379, 1.557], L=[8.169, 5.905, 3.073],
// reverberation_time=0.387, nsample=8192, hp_filter=True), at full length.
TEST(RoomSceneTest, ResponsesAreThoseOfRirGenerator) {
  const Tensor responses = scene_responses(draw_room_scene("cv_dev93", 0));
  const double* response =
      responses.data<double>() + 8 * room_response_length();  // from the second source to the first
  const std::vector<std::pair<int64_t, double>> expected = {
      {0, -4.6413763597816606e-07},   {31, 0.043717570876944174},     {32, 0.028890268813622486},
      {33, -0.01688910321027598},     {100, -0.00043242571292877174}, {400, -0.0011651224579290187},
      {2000, -7.096309220143426e-05}, {5000, -4.93609453039803e-07},  {8191, 1.5661726343012752e-09}};
  for (const auto& [t, value] : expected) EXPECT_NEAR(response[t], value, 1e-15) << t;
  double energy = 0;
  for (int64_t t = 0; t < room_response_length(); ++t) energy += response[t] * response[t];
  EXPECT_NEAR(energy, 0.008544500548724052, 1e-15);
}

// Cut responses are the beginnings of whole ones; an image reaches back by half a windowed sinc of 8 ms.
TEST(RoomSceneTest, ResponsesMayEndWhereSoundHasDecayed) {
  const RoomScene scene = draw_room_scene("cv_dev93", 0);  // T60 0.387 s
  for (const int rate : {8000, 16000}) {
    const Tensor whole = scene_responses(scene, {.sample_rate = rate}),
                 cut = scene_responses(scene, {.sample_rate = rate, .decay_db = 75});
    const int64_t length = room_response_length(rate), kept = cut.size(2);
    EXPECT_EQ(whole.size(2), rate == 8000 ? 8192 : 16384);
    EXPECT_EQ(kept, rate == 8000 ? 3870 : 7740);
    for (int64_t r = 0; r < 16; ++r)
      for (int64_t t = 0; t < kept - rate / 250; ++t)
        ASSERT_EQ(cut.data<double>()[r * kept + t], whole.data<double>()[r * length + t]) << r << ' ' << t;
  }
  EXPECT_EQ(scene_responses(scene, {.decay_db = 1000}).size(2), 8192);
}

// The same response at two rates: direct sound at the same time, and the same energy of a band that both hold.
TEST(RoomSceneTest, ResponsesFollowTheRate) {
  const RoomScene scene = draw_room_scene("cv_dev93", 0);
  const auto sums = [&](int rate) {  // of the response at 500 Hz, e^(-i w t) sampled at the rate
    const Tensor responses = scene_responses(scene, {.sample_rate = rate});
    std::complex<double> sum = 0;
    for (int64_t t = 0; t < responses.size(2); ++t)
      sum += responses.data<double>()[t] * std::polar(1.0, -2 * M_PI * 500 * static_cast<double>(t) / rate);
    return sum;
  };
  const std::complex<double> low = sums(8000), high = sums(16000);
  EXPECT_NEAR(std::abs(high / low - 1.0), 0, 0.02);
}

// T60 by backward integration of the squared response (Schroeder, JASA 37, 1965): a line through the decay from -5 to
// -25 dB (ISO 3382-1's T20). Sabine's formula assumes a diffuse field; a box of mirrors decays faster at first and more
// slowly in the end, along its longest axis: dull rooms (0.2 s) stay below what was asked, later parts above it.
double decay_time(const double* response, int64_t length) {
  std::vector<double> left(length);
  double energy = 0;
  for (int64_t t = length; t-- > 0;) left[t] = energy += response[t] * response[t];
  double n = 0, st = 0, sl = 0, stt = 0, stl = 0;
  for (int64_t t = 0; t < length; ++t) {
    const double level = 10 * std::log10(left[t] / left[0]), at = static_cast<double>(t) / room_sample_rate;
    if (level > -5 || level < -25) continue;
    n += 1, st += at, sl += level, stt += at * at, stl += at * level;
  }
  return -60 * (n * stt - st * st) / (n * stl - st * sl);
}

TEST(RoomSceneTest, ResponsesDecayInTheTimeAskedFor) {
  constexpr int scenes = 24;
  double mean = 0;
  int within = 0;
  for (int64_t i = 0; i < scenes; ++i) {
    RoomScene scene = draw_room_scene("decay", i, 1);
    scene.close_talk.clear();
    scene.microphones.resize(1);
    const Tensor response = scene_responses(scene);
    ASSERT_EQ(response.shape(), (Shape{1, 1, room_response_length()}));
    const double ratio = decay_time(response.data<double>(), room_response_length()) / scene.t60;
    EXPECT_NEAR(ratio, 1, 0.3) << scene.name << ", T60 " << scene.t60;
    mean += ratio / scenes;
    within += std::abs(ratio - 1) < 0.15;
  }
  EXPECT_NEAR(mean, 1, 0.05);
  EXPECT_GE(within, scenes * 3 / 4);
}

}  // namespace
}  // namespace sunder
