#include "train/validation.h"

#include <cmath>
#include <csignal>
#include <functional>

#include "command/signals.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

// A network of one fixed rule: sample t of a mixture of length L goes to output k with the given gain.
class Rule : public Separator {
 public:
  using Gain = std::function<double(int64_t k, int64_t t, int64_t length)>;
  Rule(int64_t outputs, Gain gain) : outputs_(outputs), gain_(std::move(gain)) {}

  Variable forward(const Tensor& mixture) const override {
    const int64_t items = mixture.size(0), length = mixture.size(1);
    const Tensor estimates = Tensor::empty({items, outputs_, length}, mixture.dtype());
    const auto apply = [&]<class T>(const T* from, T* to) {
      for (int64_t b = 0; b < items; ++b)
        for (int64_t k = 0; k < outputs_; ++k)
          for (int64_t t = 0; t < length; ++t)
            to[(b * outputs_ + k) * length + t] = static_cast<T>(gain_(k, t, length)) * from[b * length + t];
    };
    if (mixture.dtype() == DType::float64) apply(mixture.data<double>(), estimates.mutable_data<double>());
    else apply(mixture.data<float>(), estimates.mutable_data<float>());
    return Variable(estimates);
  }
  int64_t sources() const override { return outputs_; }
  int64_t shortest_input() const override { return 10; }
  std::map<std::string, std::string> metadata() const override { return {}; }

 private:
  int64_t outputs_;
  Gain gain_;
};

// The first half to one output, the second to the other; a tenth of the amplitude leaks.
const Rule halves(2, [](int64_t k, int64_t t, int64_t length) { return (t < length / 2) == (k == 0) ? 1.0 : 0.1; });

class ValidationTest : public ScratchFolder {
 protected:
  static constexpr int rate = 1000;

  // Two sources of random signs: the first sounds in the first half of a mixture, the second in the second.
  void write_item(int i, int64_t length, bool second_is_silent = false) const {
    Random random(i, RandomUse::test);
    std::vector<float> first(length, 0.0f), second(length, 0.0f), mixture(length);
    for (int64_t t = 0; t < length; ++t) {
      float& sample = t < length / 2 ? first[t] : second[t];
      sample = random.flip() ? 1.0f : -1.0f;
      if (second_is_silent) second[t] = 0;
      mixture[t] = first[t] + second[t];
    }
    for (const auto& [part, signal] : {std::pair("mix", &mixture), {"s1", &first}, {"s2", &second}}) {
      std::filesystem::create_directories(folder_ / "valid" / part);
      write_wav(folder_ / "valid" / part / fmt::format("{:03}.wav", i), *signal, rate);
    }
  }
  Validator validator(int64_t batch = 4, DType dtype = DType::float32) const {
    Config config = config_;
    config.data.set = folder_.string();
    config.train.batch = batch;
    return {MixtureSet::open(folder_, "valid"), config, dtype, cpu_device, true};
  }
  ValidationScores run(const Separator& network, bool blind = false) const {
    return validator().run(network, 0, blind).value();
  }

  Config config_;
};

// The leak is 20 dB below each source, and a mixture of two equal sources stands at 0 dB.
constexpr double expected_db = 20;

TEST_F(ValidationTest, ScoresAreThoseOfTheSignals) {
  for (int i = 0; i < 7; ++i) write_item(i, 1000);
  for (const int64_t batch : {1, 3, 100}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      const ValidationScores scores = validator(batch, dtype).run(halves, 0, false).value();
      EXPECT_NEAR(scores.si_snri.value(), expected_db, 1e-4);
      EXPECT_NEAR(scores.weaker_to_stronger_db, 0, 1e-4);
      EXPECT_EQ(scores.items, 7);
      EXPECT_FALSE(scores.oracle.has_value());
      EXPECT_FALSE(scores.blind.has_value());
    }
  }
  const Rule exchanged(2,
                       [](int64_t k, int64_t t, int64_t length) { return (t < length / 2) == (k == 1) ? 1.0 : 0.1; });
  EXPECT_NEAR(run(exchanged).si_snri.value(), expected_db, 1e-4);
}

TEST_F(ValidationTest, ACollapsedNetworkIsFarBelowTheWarning) {
  for (int i = 0; i < 4; ++i) write_item(i, 1000);
  const Rule collapsed(2, [](int64_t k, int64_t, int64_t) { return k == 0 ? 0.999 : 0.001; });
  const ValidationScores scores = run(collapsed, true);
  EXPECT_NEAR(scores.weaker_to_stronger_db, 20 * std::log10(0.001 / 0.999), 1e-3);
  EXPECT_LT(scores.weaker_to_stronger_db, collapse_warning_db);
  EXPECT_NEAR(scores.si_snri.value(), 0, 1e-4) << "both outputs are the mixture";
  ASSERT_TRUE(scores.blind.has_value());
  EXPECT_TRUE(std::isfinite(*scores.blind));
  // Even when the second output is silence itself.
  const Rule silent(2, [](int64_t k, int64_t, int64_t) { return k == 0 ? 1.0 : 0.0; });
  const ValidationScores worst = run(silent, true);
  EXPECT_LT(worst.weaker_to_stronger_db, -100);
  EXPECT_FALSE(std::isnan(worst.si_snri.value()));
  EXPECT_TRUE(std::isfinite(worst.blind.value_or(0)));
}

// The sources share no bin's order: they sound one after the other, at full band.
TEST_F(ValidationTest, TheOrderOfBinsIsScored) {
  for (int i = 0; i < 3; ++i) write_item(i, 1000);
  const ValidationScores right = run(halves);
  EXPECT_EQ(right.bins_in_order, 1);
  EXPECT_NEAR(right.si_snri_by_bin.value(), expected_db, 1e-4);
  EXPECT_LT(right.like_mixture_db, 10);
  EXPECT_NEAR(right.sources_weaker_db.value(), 0, 1e-4);
  const Rule copies(2, [](int64_t k, int64_t, int64_t) { return k == 0 ? 0.5 : 1.0; });
  EXPECT_GT(run(copies).like_mixture_db, 50);
  const Rule silent(2, [](int64_t k, int64_t, int64_t) { return k == 0 ? 0.0 : 1.0; });
  EXPECT_EQ(run(silent).like_mixture_db, -60);
}

TEST_F(ValidationTest, TheBlindScoreReadsNoReferences) {
  for (int i = 0; i < 6; ++i) write_item(i, 1000);
  const double before = run(halves, true).blind.value();
  EXPECT_TRUE(std::isfinite(before));
  for (int i = 0; i < 6; ++i)  // other references, the same mixtures
    for (const char* part : {"s1", "s2"})
      write_wav(folder_ / "valid" / part / fmt::format("{:03}.wav", i), std::vector<float>(1000, 1.0f), rate);
  EXPECT_EQ(run(halves, true).blind.value(), before);
}

TEST_F(ValidationTest, SilentReferencesAreLeftOut) {
  for (int i = 0; i < 6; ++i) write_item(i, 1000, i % 2 == 1);
  const ValidationScores scores = run(halves, true);
  EXPECT_EQ(scores.items, 3);
  EXPECT_NEAR(scores.si_snri.value(), expected_db, 1e-4);
  EXPECT_TRUE(std::isfinite(scores.weaker_to_stronger_db));
  EXPECT_TRUE(std::isfinite(scores.blind.value()));
}

TEST_F(ValidationTest, WithoutAScoreThereIsNone) {
  for (int i = 0; i < 4; ++i) write_item(i, 1000, true);
  const ValidationScores scores = run(halves);
  EXPECT_EQ(scores.items, 0);
  EXPECT_TRUE(std::isnan(scores.si_snri.value()));
  const Rule broken(2, [](int64_t, int64_t, int64_t) { return NAN; });
  EXPECT_TRUE(std::isnan(run(broken).weaker_to_stronger_db));
}

// The sentence says what is wrong: silence, a constant and equal sources are three things.
TEST_F(ValidationTest, TheReasonForNoScoreIsTrue) {
  const auto write_all = [&](int i, std::vector<float> first, std::vector<float> second) {
    std::vector<float> mixture(first.size());
    for (size_t t = 0; t < first.size(); ++t) mixture[t] = first[t] + second[t];
    for (const auto& [part, signal] : {std::pair("mix", &mixture), {"s1", &first}, {"s2", &second}}) {
      std::filesystem::create_directories(folder_ / "valid" / part);
      write_wav(folder_ / "valid" / part / fmt::format("{:03}.wav", i), *signal, rate);
    }
  };
  std::vector<float> noise(1000);
  Random random(1, RandomUse::test);
  for (float& sample : noise) sample = random.flip() ? 0.5f : -0.5f;
  write_all(0, noise, noise);
  EXPECT_EQ(run(halves).unscored, "no validation mixture has a score: 1 has equal sources");
  write_all(1, noise, std::vector<float>(1000, 0.0f));
  write_all(2, noise, std::vector<float>(1000, 0.0f));
  EXPECT_EQ(run(halves).unscored, "no validation mixture has a score: 2 have a silent source, 1 has equal sources");
  write_all(3, std::vector<float>(1000, 0.5f), std::vector<float>(1000, 0.25f));
  EXPECT_NE(run(halves).unscored.find("1 has constant sources (a DC offset alone)"), std::string::npos);
  const Rule broken(2, [](int64_t, int64_t, int64_t) { return NAN; });
  write_item(4, 1000);
  EXPECT_NE(run(broken).unscored.find("1 has estimates that are not finite"), std::string::npos);
  EXPECT_EQ(run(halves).unscored, "") << "one has a score";
}

// Without clean sources there is no SI-SNRi and nothing to say about it; the blind score is the same.
TEST_F(ValidationTest, MixturesAlone) {
  for (int i = 0; i < 6; ++i) write_item(i, 1000);
  const ValidationScores with = run(halves, true);
  for (const char* source : {"s1", "s2"}) std::filesystem::remove_all(folder_ / "valid" / source);
  const auto set = MixtureSet::open(folder_, "valid", {.sources = CleanSources::where_listed});
  Config config = config_;
  config.train.batch = 4;
  const ValidationScores without =
      Validator(set, config, DType::float32, cpu_device, true).run(halves, 0, true).value();
  EXPECT_FALSE(without.si_snri.has_value());
  EXPECT_EQ(without.blind.value(), with.blind.value());
  EXPECT_EQ(without.weaker_to_stronger_db, with.weaker_to_stronger_db);
  EXPECT_EQ(without.unscored, "");
  const Rule silent(2, [](int64_t, int64_t, int64_t) { return 0.0; });
  EXPECT_EQ(Validator(set, config, DType::float32, cpu_device, true).run(silent, 0, true).value().unscored,
            "no validation mixture has a blind score: 6 have a silent estimate");
}

TEST_F(ValidationTest, MixItsOutputsAreSummedByTheOracle) {
  for (int i = 0; i < 4; ++i) write_item(i, 1000);
  // A quarter to each of four outputs: alone they stand at 0 dB, in pairs at the leak's 20 dB. (The leak of a quarter
  // into both outputs of the other half adds up to 0.1 of the amplitude.)
  const Rule quarters(4, [](int64_t k, int64_t t, int64_t length) {
    if (4 * t / length == k) return 1.0;
    return (2 * t / length) == k / 2 ? 0.0 : 0.05;
  });
  const ValidationScores scores = run(quarters);
  EXPECT_NEAR(scores.oracle.value(), expected_db, 1e-3);
  EXPECT_LT(scores.si_snri.value(), 1);
  // Two spare outputs that are silent are no collapse; a single one that sounds is.
  const Rule spare(4, [](int64_t k, int64_t t, int64_t length) { return (2 * t / length) == k ? 1.0 : 0.0; });
  EXPECT_NEAR(run(spare).weaker_to_stronger_db, 0, 1e-4);
  const Rule single(4, [](int64_t k, int64_t, int64_t) { return k == 2 ? 1.0 : 1e-3; });
  EXPECT_LT(run(single).weaker_to_stronger_db, collapse_warning_db);
  // Too many outputs to try every sum: no oracle, no failure.
  const Rule many(10, [](int64_t k, int64_t t, int64_t length) { return (2 * t / length) == k ? 1.0 : 0.1; });
  EXPECT_FALSE(run(many).oracle.has_value());
}

TEST_F(ValidationTest, LengthsAndItemCounts) {
  for (int i = 0; i < 6; ++i) write_item(i, i < 3 ? 1000 : 600 + 100 * i);
  EXPECT_EQ(run(halves).items, 6);
  EXPECT_NEAR(run(halves).si_snri.value(), expected_db, 1e-4);
  config_.validation.max_items = 2;
  EXPECT_EQ(run(halves).items, 2);
  EXPECT_EQ(validator().size(), 2);
  config_.validation.max_items = 100;
  EXPECT_EQ(validator().size(), 6);
  expect_error<InputError>([&] { validator().require_length(901); }, {folder_.string(), "003", "900 samples", "901"});
  validator().require_length(900);
}

TEST_F(ValidationTest, SegmentsAreDrawnByTheEpoch) {
  for (int i = 0; i < 4; ++i) write_item(i, 1000);
  config_.data.segment_seconds = 0.7;  // long enough to hold some of both sources
  config_.data.crop.rule = "any";
  const Validator segments = validator();
  const std::optional<double> once = segments.run(halves, 1, false).value().si_snri;
  EXPECT_EQ(segments.run(halves, 1, false).value().si_snri, once);
  EXPECT_NE(segments.run(halves, 2, false).value().si_snri, once);
  segments.require_length(700);
}

TEST_F(ValidationTest, ASignalEndsIt) {
  write_item(0, 1000);
  watch_stop_signals();
  EXPECT_TRUE(validator().run(halves, 0, false).has_value());
  std::raise(SIGTERM);
  EXPECT_FALSE(validator().run(halves, 0, false).has_value());
  unwatch_stop_signals();
}

TEST_F(ValidationTest, TheExampleIsTheFirstMixtureAtMostTenSeconds) {
  write_item(0, 11000);
  write_item(1, 1000);
  const ValidationExample example = validator().example(halves);
  EXPECT_EQ(example.id, "000");
  EXPECT_EQ(example.sample_rate, rate);
  ASSERT_EQ(example.mixture.size(), 10000u);
  ASSERT_EQ(example.estimates.size(), 2u);
  for (int64_t t = 0; t < 10000; ++t)
    ASSERT_NEAR(example.estimates[0][t] + example.estimates[1][t], 1.1 * example.mixture[t], 1e-5);
}

}  // namespace
}  // namespace sunder
