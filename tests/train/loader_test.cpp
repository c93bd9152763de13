#include "train/loader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

// Mixtures whose every sample says where it comes from: 10000 * item + time; the sources are a quarter and a half
// above.
class LoaderTest : public ScratchFolder {
 protected:
  static constexpr int rate = 1000;
  static constexpr int64_t item_unit = 10000;

  MixtureSet make_set(int items, const std::vector<int64_t>& lengths = {3500}) const {
    for (int i = 0; i < items; ++i) {
      const int64_t length = lengths[i % lengths.size()];
      const auto code = [&](float above) {
        std::vector<float> signal(length);
        for (int64_t t = 0; t < length; ++t) signal[t] = static_cast<float>(item_unit * i + t + 1) + above;
        return signal;
      };
      write_item(i, {code(0), code(0.25f), code(0.5f)});
    }
    return MixtureSet::open(folder_, "train");
  }
  void write_item(int i, const std::vector<std::vector<float>>& signals) const {
    const char* parts[] = {"mix", "s1", "s2"};
    for (int part = 0; part < 3; ++part) {
      std::filesystem::create_directories(folder_ / "train" / parts[part]);
      write_wav(folder_ / "train" / parts[part] / fmt::format("{:03}.wav", i), signals[part], rate);
    }
  }

  static std::vector<Batch> epoch(Loader& loader, int64_t number, int64_t first = 0) {
    std::vector<Batch> batches;
    loader.start_epoch(number, first);
    for (Batch batch; loader.next(batch);) batches.push_back(batch);
    return batches;
  }
  static std::vector<std::vector<float>> mixtures(const std::vector<Batch>& batches) {
    std::vector<std::vector<float>> values;
    for (const Batch& batch : batches) values.push_back(batch.mixtures.to_vector<float>());
    return values;
  }
  // Item and start of every segment.
  static std::vector<std::pair<int64_t, int64_t>> segments(const std::vector<Batch>& batches) {
    std::vector<std::pair<int64_t, int64_t>> result;
    for (const Batch& batch : batches) {
      for (int64_t b = 0; b < batch.mixtures.size(0); ++b) {
        const auto code = static_cast<int64_t>(batch.mixtures.data<float>()[b * batch.mixtures.size(1)]) - 1;
        result.emplace_back(code / item_unit, code % item_unit);
      }
    }
    return result;
  }
};

TEST_F(LoaderTest, EveryItemOnceAnEpochTheLastPartialBatchDropped) {
  Loader loader(make_set(11), {.batch = 3, .seed = 5});
  EXPECT_EQ(loader.size(), 11);
  EXPECT_EQ(loader.batches_per_epoch(), 3);
  EXPECT_EQ(loader.segment_samples(), 3500);
  std::set<std::vector<int64_t>> orders;
  std::set<int64_t> seen;
  for (int64_t number = 0; number < 6; ++number) {
    const auto batches = epoch(loader, number);
    ASSERT_EQ(batches.size(), 3u);
    std::vector<int64_t> order;
    for (const auto& [item, start] : segments(batches)) {
      order.push_back(item);
      EXPECT_EQ(start, 0) << "whole items begin at their beginning";
    }
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 9u) << "an item came twice";
    seen.insert(order.begin(), order.end());
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6u) << "two epochs have one order";
  EXPECT_EQ(seen.size(), 11u) << "an item is never read";
}

TEST_F(LoaderTest, BatchesDependOnSeedEpochAndNumberAlone) {
  const MixtureSet set = make_set(40);
  LoaderOptions options{.batch = 4, .segment_seconds = 1, .with_references = true, .seed = 3, .threads = 1};
  Loader alone(set, options);
  const auto expected = mixtures(epoch(alone, 2));
  options.threads = 4;
  Loader many(set, options);
  EXPECT_EQ(mixtures(epoch(many, 2)), expected);
  for (const int64_t first : {1, 7, 9, 10})
    EXPECT_EQ(mixtures(epoch(many, 2, first)),
              std::vector<std::vector<float>>(expected.begin() + first, expected.end()));
  // An epoch that was left in the middle leaves nothing behind.
  Batch batch;
  many.start_epoch(9);
  ASSERT_TRUE(many.next(batch));
  EXPECT_EQ(mixtures(epoch(many, 2)), expected);
  EXPECT_NE(mixtures(epoch(many, 3)), expected);
  options.seed = 4;
  Loader other(set, options);
  EXPECT_NE(mixtures(epoch(other, 2)), expected);
}

// What several ranks load is what one loads, whatever their number.
TEST_F(LoaderTest, RanksShareEveryBatch) {
  const MixtureSet set = make_set(26);
  LoaderOptions options{.batch = 6, .segment_seconds = 1, .with_references = true, .seed = 3};
  Loader alone(set, options);
  const auto expected = segments(epoch(alone, 2));
  for (const int ranks : {1, 2, 3, 6}) {
    options.ranks = ranks;
    const int64_t count = 6 / ranks;
    for (options.rank = 0; options.rank < ranks; ++options.rank) {
      options.whole_batches = false;
      Loader loader(set, options);
      EXPECT_EQ(loader.batches_per_epoch(), 4);
      const auto batches = epoch(loader, 2);
      ASSERT_EQ(batches.size(), 4u);
      const auto mine = segments(batches);
      for (size_t batch = 0; batch < 4; ++batch) {
        EXPECT_EQ(batches[batch].share().first, options.rank * count);
        EXPECT_EQ(batches[batch].share().count, count);
        EXPECT_EQ(batches[batch].share().of, 6);
        for (int64_t b = 0; b < count; ++b)
          EXPECT_EQ(mine[batch * count + b], expected[batch * 6 + options.rank * count + b]);
      }
      options.whole_batches = true;
      Loader whole(set, options);
      const auto all = epoch(whole, 2);
      EXPECT_EQ(segments(all), expected);
      EXPECT_EQ(all[0].share().first, options.rank * count);
    }
  }
}

TEST_F(LoaderTest, WholeSecondCropsAreUniform) {
  Loader loader(make_set(20), {.batch = 20, .segment_seconds = 1, .seed = 1});
  std::map<int64_t, int> starts;
  for (int64_t number = 0; number < 30; ++number)
    for (const auto& [item, start] : segments(epoch(loader, number))) ++starts[start];
  // 3.5 s hold three whole seconds: starts 0, 1 and 2 s, 200 of each expected (standard deviation 12).
  ASSERT_EQ(starts.size(), 3u);
  for (const int64_t start : {0, 1000, 2000}) EXPECT_NEAR(starts[start], 200, 60) << start;
}

TEST_F(LoaderTest, SampleCropsCoverTheItem) {
  Loader loader(make_set(20), {.batch = 20, .segment_seconds = 1, .crop = {"any"}, .seed = 1});
  std::vector<int64_t> starts;
  for (int64_t number = 0; number < 30; ++number)
    for (const auto& [item, start] : segments(epoch(loader, number))) starts.push_back(start);
  const auto [least, most] = std::minmax_element(starts.begin(), starts.end());
  EXPECT_GE(*least, 0);
  EXPECT_LT(*least, 50);
  EXPECT_LE(*most, 2500);
  EXPECT_GT(*most, 2450);
  EXPECT_GT(std::count_if(starts.begin(), starts.end(), [](int64_t start) { return start % 1000 != 0; }), 550);
}

TEST_F(LoaderTest, SegmentStartsReachTheLastOneThatFits) {
  EXPECT_EQ(segment_start(1000, 1000, 1000, {"any"}, 0, 0, 0), 0);
  EXPECT_EQ(segment_start(400, 1000, 1000, {"any"}, 0, 0, 0), 0);
  EXPECT_EQ(segment_start(1999, 1000, 1000, {"whole-second"}, 0, 0, 0), 0) << "a second start would run over the end";
  std::set<int64_t> any, whole;
  for (int64_t item = 0; item < 200; ++item) {
    any.insert(segment_start(1002, 1000, 1000, {"any"}, 0, 0, item));
    whole.insert(segment_start(2000, 1000, 1000, {"whole-second"}, 0, 0, item));
  }
  EXPECT_EQ(any, (std::set<int64_t>{0, 1, 2}));
  EXPECT_EQ(whole, (std::set<int64_t>{0, 1000}));
}

// Two speakers of 1,000 samples each in an item of 10,000, who overlap from 4,500 on for 500 samples.
TEST_F(LoaderTest, ActiveSegmentsHoldAllSpeakers) {
  const Tensor sources = Tensor::zeros({2, 10000}, DType::float32);
  std::fill_n(sources.mutable_data<float>() + 4000, 1000, 1.0f);
  std::fill_n(sources.mutable_data<float>() + 10000 + 4500, 1000, 0.1f);
  const auto cut = [&](int64_t length, double share, int64_t item, const Tensor& judged) {
    const Mixture mixture{"x", 1000, Tensor::zeros({1, 10000}, DType::float32)};
    return cut_segment(mixture, judged, length, {"active", share}, 7, 0, item);
  };
  int active = 0;
  for (int64_t item = 0; item < 200; ++item) {
    const Segment segment = cut(2000, 0.3, item, sources);
    // A tenth of the item holds each speaker's energy: 0.3 of the mean power are 60 samples of 2,000.
    const bool both = segment.start + 2000 >= 4560 && segment.start <= 4940;
    EXPECT_EQ(segment.active, both) << segment.start;
    active += segment.active;
    EXPECT_FALSE(cut(2000, 0.3, item, {}).active) << "nothing to judge by";
    EXPECT_EQ(cut(2000, 0.3, item, {}).start, segment_start(10000, 2000, 1000, {"any"}, 7, 0, item));
    EXPECT_EQ(cut(2000, 0.3, item, sources).start, segment.start) << "the same at every call";
  }
  // A start is active with probability 2,380 / 8,000: all of 16 miss with 0.35 %.
  EXPECT_GE(active, 195);
  // Beyond reach: the segment of the weaker speaker's largest share is taken.
  EXPECT_FALSE(cut(2000, 0.99 * 10, 1, sources).active);
  // A silent signal does not count; an item no longer than the segment starts at 0.
  const Tensor one = sources.slice(0, 2).to(cpu_device);
  std::fill_n(one.mutable_data<float>() + 10000, 10000, 0.0f);
  EXPECT_TRUE(cut(10000, 0.3, 3, one).active);
  EXPECT_EQ(cut(20000, 0.3, 3, one).start, 0);
}

TEST_F(LoaderTest, TheShareOfActiveSegmentsIsCounted) {
  const MixtureSet set = make_set(8);
  Loader any(set, {.batch = 8, .segment_seconds = 1, .crop = {"any"}, .with_references = true});
  epoch(any, 0);
  EXPECT_TRUE(std::isnan(any.active_share()));
  Loader loader(set, {.batch = 8, .segment_seconds = 1, .crop = {"active", 1e-9}, .with_references = true});
  EXPECT_TRUE(std::isnan(loader.active_share())) << "before the first segment";
  epoch(loader, 0);
  EXPECT_EQ(loader.active_share(), 1);
  // Without the clean sources there is nothing to judge by.
  Loader blind(set, {.batch = 8, .segment_seconds = 1, .crop = {"active", 1e-9}});
  epoch(blind, 0);
  EXPECT_EQ(blind.active_share(), 0);
}

TEST_F(LoaderTest, SourcesAreCutAtTheMixturesMoment) {
  const MixtureSet set = make_set(8);
  Loader loader(set, {.batch = 8, .segment_seconds = 0.5, .crop = {"any"}, .with_references = true, .seed = 2});
  const Batch batch = epoch(loader, 0).at(0);
  EXPECT_EQ(batch.mixtures.shape(), (Shape{8, 500}));
  ASSERT_EQ(batch.references.shape(), (Shape{8, 2, 500}));
  for (int64_t b = 0; b < 8; ++b) {
    for (int64_t t = 0; t < 500; ++t) {
      const float value = batch.mixtures.data<float>()[b * 500 + t];
      ASSERT_EQ(value, batch.mixtures.data<float>()[b * 500] + static_cast<float>(t));
      ASSERT_EQ(batch.references.data<float>()[(2 * b) * 500 + t], value + 0.25f);
      ASSERT_EQ(batch.references.data<float>()[(2 * b + 1) * 500 + t], value + 0.5f);
    }
  }
  Loader blind(set, {.batch = 8});
  EXPECT_FALSE(epoch(blind, 0).at(0).references.defined()) << "a clean source left the loader";
}

TEST_F(LoaderTest, ShortItemsArePaddedWithZeros) {
  Loader loader(make_set(2, {3500, 700}), {.batch = 2, .segment_seconds = 1, .with_references = true});
  const Batch batch = epoch(loader, 0).at(0);
  bool found = false;
  for (int64_t b = 0; b < 2; ++b) {
    const float* mixture = batch.mixtures.data<float>() + b * 1000;
    if (mixture[0] != item_unit + 1) continue;
    found = true;
    EXPECT_EQ(mixture[699], item_unit + 700);
    for (int64_t t = 700; t < 1000; ++t) {
      ASSERT_EQ(mixture[t], 0);
      ASSERT_EQ(batch.references.data<float>()[(2 * b + 1) * 1000 + t], 0);
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(LoaderTest, DoublePrecision) {
  const MixtureSet set = make_set(4);
  Loader loader(set, {.batch = 4, .with_references = true, .dtype = DType::float64});
  const Batch batch = epoch(loader, 0).at(0);
  EXPECT_EQ(batch.mixtures.dtype(), DType::float64);
  EXPECT_EQ(batch.references.dtype(), DType::float64);
  EXPECT_EQ(batch.references.data<double>()[0], batch.mixtures.data<double>()[0] + 0.25);
}

TEST_F(LoaderTest, RefusesWhatMakesNoBatch) {
  expect_error<InputError>([&] { Loader(make_set(3), {.batch = 4}); }, {"3 mixtures", "one batch of 4"});
  expect_error<InputError>(
      [&] {
        Loader(make_set(4, {3500, 3499}), {.batch = 2});
      },
      {"001", "3500", "3499", "data.segment_seconds"});
}

TEST_F(LoaderTest, ABrokenItemIsThrownByTheBatchThatHoldsIt) {
  make_set(12);
  std::vector<float> broken(3500, 0.5f);
  broken[77] = NAN;
  const std::vector<float> whole(3500, 0.5f);
  write_item(7, {broken, whole, whole});
  const MixtureSet set = MixtureSet::open(folder_, "train");
  std::set<int64_t> failing;
  for (const int threads : {1, 4}) {
    Loader loader(set, {.batch = 3, .seed = 6, .threads = threads});
    loader.start_epoch(0);
    int64_t good = 0;
    expect_error<InputError>(
        [&] {
          for (Batch batch; loader.next(batch);) ++good;
        },
        {"007.wav", "77"});
    EXPECT_LT(good, 4);
    failing.insert(good);
    // The rest of the epoch is there, and threads are alive.
    Batch batch;
    for (int64_t left = good + 1; left < 4; ++left) EXPECT_TRUE(loader.next(batch));
    EXPECT_FALSE(loader.next(batch));
  }
  EXPECT_EQ(failing.size(), 1u) << "where a run fails depends on its threads";
}

// What there is nothing to learn from is said, with its level, when it comes first and then ever more rarely.
TEST_F(LoaderTest, SegmentsWithoutSoundAreNews) {
  const std::vector<float> sound = {0.5f, -0.5f, 0.25f, -0.25f};
  Loader good(make_set(4), {.batch = 2});
  epoch(good, 0);
  EXPECT_EQ(good.news(), "");
  write_item(0, {{0, 0, 0, 0}, sound, sound});
  write_item(1, {{0.5f, 0.5f, 0.5f, 0.5f}, sound, sound});
  write_item(2, {{1e-30f, -1e-30f, 1e-30f, -1e-30f}, sound, sound});
  write_item(3, {sound, sound, sound});
  for (const int threads : {1, 3}) {
    Loader loader(MixtureSet::open(folder_, "train"), {.batch = 4, .threads = threads});
    EXPECT_EQ(loader.news(), "");
    epoch(loader, 0);
    const std::string news = loader.news();
    for (const char* part : {"3 of 4 training segments so far hold nothing to learn from", "1 silent", "1 constant",
                             "1 below -120 dB of full scale, the loudest at -600.0 dB", "(first in 00"})
      EXPECT_NE(news.find(part), std::string::npos) << part << " not in: " << news;
    EXPECT_EQ(loader.news(), "");
    epoch(loader, 1);
    EXPECT_EQ(loader.news(), "");
    for (int i = 2; i < 4; ++i) epoch(loader, i);
    EXPECT_NE(loader.news().find("12 of 16"), std::string::npos);
  }
}

TEST_F(LoaderTest, CanBeLeftAtAnyMoment) {
  const MixtureSet set = make_set(12);
  for (int taken = 0; taken < 5; ++taken) {
    Loader loader(set, {.batch = 2, .threads = 3});
    Batch batch;
    if (taken > 0) loader.start_epoch(0);
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(loader.next(batch));
  }
}

}  // namespace
}  // namespace sunder
