#include "evaluate/blind.h"

#include <cmath>
#include <limits>

#include "evaluate/score_page.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

// The first half of a mixture to one output, the second to the other; a share of the amplitude leaks.
class Halves : public Separator {
 public:
  Halves(int64_t outputs, float leak) : outputs_(outputs), leak_(leak) {}
  Variable forward(const Tensor& mixture) const override {
    const int64_t items = mixture.size(0), length = mixture.size(1);
    const Tensor estimates = Tensor::empty({items, outputs_, length}, DType::float32);
    for (int64_t b = 0; b < items; ++b)
      for (int64_t k = 0; k < outputs_; ++k)
        for (int64_t t = 0; t < length; ++t)
          estimates.mutable_data<float>()[(b * outputs_ + k) * length + t] =
              gain(k, t, length) * mixture.data<float>()[b * length + t];
    return Variable(estimates);
  }
  float gain(int64_t k, int64_t t, int64_t length) const { return (2 * t / length) == k ? 1.0f : leak_; }
  int64_t sources() const override { return outputs_; }
  int64_t shortest_input() const override { return 10; }
  std::map<std::string, std::string> metadata() const override { return {}; }

 private:
  int64_t outputs_;
  float leak_;
};

class BlindTest : public ScratchFolder {
 protected:
  // Random signs, in the second half three times as loud; `level` 0: silence.
  std::vector<double> write_item(const std::string& name, int64_t length, float level = 0.5f) {
    Random random(++seed_, RandomUse::test);
    std::vector<float> signal(length);
    for (int64_t t = 0; t < length; ++t) signal[t] = (random.flip() ? level : -level) * (2 * t < length ? 1.0f : 3.0f);
    std::filesystem::create_directories(folder_ / "test/mix");
    write_wav(folder_ / "test/mix" / (name + ".wav"), signal, 8000);
    return {signal.begin(), signal.end()};
  }
  Evaluation evaluate(const Separator& network, const EvaluationOptions& options = {}) {
    set_.emplace(MixtureSet::open(folder_, "test", {.sources = CleanSources::where_listed}));
    return evaluate_model(network, *set_, 1, options);
  }

  uint64_t seed_ = 0;
  std::optional<MixtureSet> set_;
};

double si_snr_of(const std::vector<double>& reference, const std::vector<double>& estimate) {
  double rr = 0, er = 0, ee = 0;
  for (size_t t = 0; t < reference.size(); ++t) {
    rr += reference[t] * reference[t];
    er += estimate[t] * reference[t];
    ee += estimate[t] * estimate[t];
  }
  return 10 * std::log10(er * er / rr / (ee - er * er / rr));
}

constexpr float leak = 0.1f;

// The score by its definition, of items of two lengths: both are cut to the shorter one.
TEST_F(BlindTest, ScoresAreThoseOfTheDefinition) {
  const Halves network(2, leak);
  const std::vector<double> a = write_item("a", 400), b = write_item("b", 300);
  const auto estimate = [&](const std::vector<double>& mixture, int64_t k) {
    std::vector<double> result;
    for (size_t t = 0; t < mixture.size(); ++t)
      result.push_back(mixture[t] * network.gain(k, static_cast<int64_t>(t), static_cast<int64_t>(mixture.size())));
    return result;
  };
  const auto cut = [](std::vector<double> signal) {
    signal.resize(300);
    return signal;
  };
  const auto sum = [](std::vector<double> left, const std::vector<double>& right) {
    for (size_t t = 0; t < left.size(); ++t) left[t] += right[t];
    return left;
  };
  const std::vector<double> e1 = cut(estimate(a, 0)), e2 = cut(estimate(a, 1)), f1 = estimate(b, 0),
                            f2 = estimate(b, 1);
  const auto recovered = [&](const std::vector<double>& target, const std::vector<double>& other, int64_t k) {
    const std::vector<double> mixture = sum(target, other);
    return si_snr_of(target, estimate(mixture, k)) - si_snr_of(target, mixture);
  };
  const Evaluation evaluation = evaluate(network);
  const ScoreTable& table = evaluation.table;
  ASSERT_EQ(table.columns.size(), 2u);
  EXPECT_EQ(table.columns[0].name, "blind");
  EXPECT_EQ(table.columns[1].name, "weaker");
  ASSERT_EQ(table.items.size(), 2u);
  EXPECT_EQ(table.items[0].name, "a");
  EXPECT_NEAR(table.items[0].scores[0][0].value.value(), recovered(e1, f2, 0), 1e-4);
  EXPECT_NEAR(table.items[0].scores[1][0].value.value(), recovered(e2, f1, 1), 1e-4);
  EXPECT_NEAR(table.items[1].scores[0][0].value.value(), recovered(f1, e2, 0), 1e-4);
  EXPECT_NEAR(table.items[1].scores[1][0].value.value(), recovered(f2, e1, 1), 1e-4);
  const double weaker = 10 * std::log10((1 + 9 * leak * leak) / (leak * leak + 9));
  for (const ScoredItem& item : table.items)
    for (const auto& output : item.scores) EXPECT_NEAR(output[1].value.value(), weaker, 1e-3);

  const ScoredSignals again = evaluation.load(1);
  EXPECT_FALSE(again.references.defined());
  EXPECT_EQ(again.estimates.shape(), (Shape{2, 300}));
  EXPECT_EQ(again.mixture.shape(), (Shape{300}));
  EXPECT_NE(report_page(score_page(evaluation, "Blind", {})).find("output 2"), std::string::npos);
}

TEST_F(BlindTest, WhatHasNoScoreSaysWhy) {
  const Halves network(2, leak);
  write_item("a", 400);
  const Evaluation alone = evaluate(network);
  EXPECT_STREQ(alone.table.items[0].scores[0][0].missing, "there is no second mixture to exchange estimates with");
  EXPECT_TRUE(alone.table.items[0].scores[0][1].value.has_value());
  write_item("b", 400);
  write_item("c", 400);  // the odd one: with the first
  for (const ScoredItem& item : evaluate(network).table.items)
    for (const auto& output : item.scores) EXPECT_TRUE(output[0].value.has_value()) << item.name;
  write_item("d", 400, 0);
  const Evaluation silent = evaluate(network);  // a with c, b with d
  EXPECT_EQ(silent.table.items[3].skipped, "silent mixture");
  EXPECT_STREQ(silent.table.items[1].scores[1][0].missing, "the mixture that it is paired with is silent");
  EXPECT_TRUE(silent.table.items[0].scores[1][0].value.has_value());
  EXPECT_EQ(summarise(silent.table, 0).count, 4);
  const Evaluation collapsed = evaluate(Halves(2, 0), {.max_items = 2});
  EXPECT_EQ(collapsed.table.items.size(), 2u);
  EXPECT_TRUE(std::isinf(collapsed.table.items[0].scores[0][0].value.value_or(0))) << "recovered exactly";
}

// A mixture that cannot be read costs its own scores, and its partner's blind one.
TEST_F(BlindTest, ItemsFailAlone) {
  for (const char* name : {"a", "b", "c"}) write_item(name, 400);
  write_wav(folder_ / "test/mix/d.wav", std::vector<float>(400, std::numeric_limits<float>::quiet_NaN()), 8000);
  std::vector<std::string> told;
  const Evaluation evaluation =
      evaluate(Halves(2, leak), {.failed = [&](const ScoredItem& item, const Error&) { told.push_back(item.name); }});
  EXPECT_EQ(told, std::vector<std::string>{"d"});
  const std::vector<ScoredItem>& items = evaluation.table.items;
  EXPECT_NE(items[3].failed.find("d.wav"), std::string::npos) << items[3].failed;
  EXPECT_TRUE(items[3].scores.empty());
  EXPECT_STREQ(items[1].scores[0][0].missing, "the mixture that it is paired with failed");
  EXPECT_TRUE(items[1].scores[0][1].value.has_value());
  EXPECT_TRUE(items[2].scores[1][0].value.has_value());
}

TEST_F(BlindTest, OtherNetworksAndMetrics) {
  write_item("a", 400);
  write_item("b", 400);
  const Evaluation three = evaluate(Halves(3, leak));
  ASSERT_EQ(three.table.columns.size(), 1u);
  EXPECT_EQ(three.table.columns[0].name, "weaker");
  EXPECT_EQ(three.table.items[0].scores.size(), 3u);
  const Halves network(2, leak);
  EXPECT_EQ(evaluate(network, {.metrics = {"blind"}}).table.columns.size(), 2u);
  const auto refused = [&](const EvaluationOptions& options, const Separator& separator, const std::string& part) {
    expect_error<UsageError>([&] { evaluate(separator, options); }, {part});
  };
  refused({.metrics = {"si_snr"}}, network, "the set has no clean sources, so that blind alone is left, got si_snr");
  refused({.metrics = {"blind", "sdr"}}, network, "blind stands alone, got blind,sdr");
  refused({.oracles = {"irm"}}, network, "oracles: the blind score has none, got irm");
  refused({.metrics = {"blind"}}, Halves(3, leak), "2 outputs, this has 1 and 3");
  // A set with clean sources can be scored without them.
  for (const char* source : {"s1", "s2"})
    for (const char* name : {"a", "b"}) write_tone(fmt::format("test/{}/{}.wav", source, name), 400);
  EXPECT_EQ(evaluate(network, {.metrics = {"blind"}}).table.columns[0].name, "blind");
  EXPECT_EQ(evaluate(network).table.columns[0].name, "si_snr");
}

}  // namespace
}  // namespace sunder
