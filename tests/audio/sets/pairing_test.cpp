#include "audio/sets/pairing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tensor/error.h"

namespace sunder {
namespace {

std::vector<Recording> recordings(int count) {
  std::vector<Recording> list(count);
  for (int i = 0; i < count; ++i) list[i] = {.path = std::to_string(i), .speaker = std::to_string(i % 3), .label = ""};
  return list;
}

std::vector<Screened> screened(int count, int64_t length) {
  std::vector<Screened> list;
  for (const Recording& recording : recordings(count))
    list.push_back({recording, 100, length, std::vector<bool>(length / 160, true)});
  return list;
}

std::vector<std::string> flat(const std::vector<ListedMixture>& mixtures) {
  std::vector<std::string> paths;
  for (const ListedMixture& mixture : mixtures)
    for (const ListedSource& source : mixture.sources) paths.push_back(source.path);
  return paths;
}

// Seven recordings, two per mixture: each pass of seven holds every recording once, in a new order.
TEST(PairingTest, CyclingTakesTheNextTwoOfShuffledPasses) {
  const auto paths = flat(pair_cycling(recordings(7), {.split = Split::train, .count = 14, .seed = 1}));
  ASSERT_EQ(paths.size(), 28u);
  std::set<std::vector<std::string>> orders;
  for (int pass = 0; pass < 4; ++pass) {
    const std::vector<std::string> order(paths.begin() + 7 * pass, paths.begin() + 7 * (pass + 1));
    EXPECT_EQ(std::set<std::string>(order.begin(), order.end()).size(), 7u);
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 4u);
}

TEST(PairingTest, ListsAreFunctionsOfSeedAndSplit) {
  const PairingOptions options{.split = Split::train, .count = 50, .seed = 1, .window = 16000};
  PairingOptions other_seed = options, other_split = options, shorter = options;
  other_seed.seed = 2;
  other_split.split = Split::test;
  shorter.count = 20;
  const auto list = screened(30, 4000);
  const auto paths = flat(pair_voices(list, options));
  EXPECT_EQ(paths, flat(pair_voices(list, options)));
  EXPECT_NE(paths, flat(pair_voices(list, other_seed)));
  EXPECT_NE(paths, flat(pair_voices(list, other_split)));
  const auto first = flat(pair_voices(list, shorter));
  EXPECT_TRUE(std::equal(first.begin(), first.end(), paths.begin()));
}

TEST(PairingTest, VoicesOfAMixtureDiffer) {
  for (const int sources : {2, 3}) {
    const auto mixtures =
        pair_voices(screened(30, 4000), {.split = Split::train, .count = 300, .num_sources = sources, .window = 16000});
    std::map<std::string, int> uses;
    for (const ListedMixture& mixture : mixtures) {
      std::set<std::string> speakers;
      for (const ListedSource& source : mixture.sources) {
        speakers.insert(std::to_string(std::stoi(source.path) % 3));
        const Placement& placement = source.placement.value();
        EXPECT_EQ(placement.begin, 100);
        EXPECT_EQ(placement.length, 4000);
        EXPECT_TRUE(placement.start >= 0 && placement.start <= 12000);
      }
      EXPECT_EQ(speakers.size(), static_cast<size_t>(sources));
      ++uses[mixture.sources[0].path];
    }
    EXPECT_EQ(uses.size(), 30u);
    for (const auto& [path, count] : uses) EXPECT_EQ(count, 10) << path;
  }
  const PairingOptions four{.split = Split::train, .count = 1, .num_sources = 4, .window = 16000};
  EXPECT_THROW(pair_voices(screened(30, 4000), four), InputError);
}

TEST(PairingTest, SegmentsOfLongSpeechAvoidItsPauses) {
  std::vector<Screened> list = screened(6, 160000);
  for (Screened& recording : list) std::fill(recording.active.begin() + 100, recording.active.begin() + 900, false);
  const auto mixtures = pair_voices(list, {.split = Split::train, .count = 200, .window = 16000, .sample_rate = 8000});
  std::set<int64_t> begins;
  for (const ListedMixture& mixture : mixtures)
    for (const ListedSource& source : mixture.sources) {
      const Placement& placement = source.placement.value();
      EXPECT_EQ(placement.length, 16000);
      EXPECT_EQ(placement.start, 0);
      const int64_t begin = placement.begin - 100;
      EXPECT_TRUE(begin >= 0 && begin <= 144000);
      // All but the rare draws that met 20 pauses in a row start near the first or the last 100 active frames.
      begins.insert(begin < 8160 || begin > 135840 ? 1 : 0);
    }
  EXPECT_TRUE(begins.contains(1));
}

// One recording of ten windows and ten of one: half of the first sources are of the long one.
TEST(PairingTest, ByDurationLongRecordingsComeMoreOften) {
  std::vector<Screened> list = screened(11, 8000);
  list[0].length = 80000;
  list[0].active.resize(500, true);
  PairingOptions options{.split = Split::train, .count = 200, .seed = 1, .window = 8000};
  const auto of_long = [&] {
    const auto mixtures = pair_voices(list, options);
    return std::ranges::count_if(mixtures, [](const auto& mixture) { return mixture.sources[0].path == "0"; });
  };
  EXPECT_NEAR(of_long(), 200 / 11.0, 1);
  options.by_duration = true;
  EXPECT_EQ(of_long(), 100);
  for (const ListedMixture& mixture : pair_voices(list, options))
    EXPECT_NE(mixture.sources[0].speaker, mixture.sources[1].speaker);
}

}  // namespace
}  // namespace sunder
