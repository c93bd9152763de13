// What mixtures of real speech in simulated rooms score before any separation, against SMS-WSJ-FF-CT's paper.
#include <gtest/gtest.h>

#include <cmath>

#include "audio/corpora/corpus.h"
#include "audio/metrics/si_snr.h"
#include "audio/recording.h"
#include "audio/rooms/room_mixture.h"
#include "tensor/parallel.h"
#include "tests/golden.h"

namespace sunder {
namespace {

double score(const float* reference, const float* estimate, int64_t length) {
  const std::vector<double> s(reference, reference + length), e(estimate, estimate + length);
  return si_snr(s, e).value();
}

// Wang, arXiv 2402.09313, table I: mixtures at the reference microphone 0.0 dB SI-SDR, close-talk mixtures against the
// speech at that microphone 14.7 dB. The latter depends on what its text leaves open (where around the speaker the
// microphone is, how loud its noise), hence 14 to 15.5 dB. 60 scenes with 120 sentences: a standard error of 0.25 dB.
TEST(RoomStatistics, MixturesScoreAsInThePaper) {
  SUNDER_NEEDS_SHARED("data/sentences/splits.csv");
  const Corpus corpus = read_splits_csv(shared_folder() / "data/sentences");
  std::vector<Recording> recordings = corpus.of(Split::test);
  for (const Recording& recording : corpus.of(Split::valid)) recordings.push_back(recording);
  std::vector<std::string> speakers;
  for (const Recording& recording : recordings) speakers.push_back(recording.speaker);
  const auto rows = compose_examples("statistics", speakers);
  constexpr int64_t scenes = 60;
  ASSERT_GE(rows.size(), static_cast<size_t>(scenes));
  std::vector<double> array(scenes), close(scenes);
  parallel_for(scenes, 1, [&](int64_t i, int64_t) {
    std::vector<std::vector<float>> utterances;
    for (const int64_t row : rows[i])
      utterances.push_back(read_recording(corpus.root / recordings[row].path, room_sample_rate, Channels::one));
    const RoomScene scene = draw_room_scene("statistics", i);
    const RoomMixture mixture =
        mix_in_room(scene_responses(scene), 2, utterances, "statistics", std::to_string(i), false);
    const int64_t length = mixture.observation.size(1);
    for (int64_t s = 0; s < 2; ++s) {
      array[i] += score(mixture.image.data<float>() + s * 6 * length, mixture.observation.data<float>(), length) / 2;
      close[i] += score(mixture.ct_image.data<float>() + 3 * s * length,  // of speaker s at microphone s
                        mixture.ct_observation.data<float>() + s * length, length) /
                  2;
    }
  });
  double far = 0, near = 0;
  for (int64_t i = 0; i < scenes; ++i) far += array[i] / scenes, near += close[i] / scenes;
  RecordProperty("far_field_si_sdr", std::to_string(far));
  RecordProperty("close_talk_si_sdr", std::to_string(near));
  EXPECT_NEAR(far, 0, 0.3);
  EXPECT_GT(near, 14);
  EXPECT_LT(near, 15.5);
}

}  // namespace
}  // namespace sunder
