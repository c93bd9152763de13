// Steps in micro-batches are the steps of one large batch, whatever the method.
#include "train/micro_batches.h"

#include <gtest/gtest.h>

#include <cmath>

#include "objectives/mixcycle.h"
#include "objectives/pit.h"
#include "tensor/random.h"
#include "train/setup.h"

namespace sunder {
namespace {

constexpr int64_t items = 8, samples = 600;
constexpr double tolerance = 1e-9;  // float64, sums in another order

struct Kind {
  std::string name, method;
  std::vector<std::string> settings;
  bool has_noise = false;
};
const std::vector<std::string> far_field = {"model.architecture=tf-gridnet",
                                            "model.microphones=3",
                                            "model.emb_dim=8",
                                            "model.num_blocks=1",
                                            "model.lstm_hidden=6",
                                            "model.heads=2",
                                            "model.qk_channels=1",
                                            "fcp.far_past=3",
                                            "fcp.far_future=1"};
const Kind kinds[] = {{"pit", "pit", {}},
                      {"pit_dm", "pit", {"train.dynamic_mixing=true"}},
                      {"pit_dm_noise", "pit", {"train.dynamic_mixing=true"}, true},
                      {"mixit", "mixit", {}},
                      {"mixpit", "mixpit", {}},
                      {"mixcycle", "mixcycle", {"mixcycle.init_epochs=0"}},
                      {"pit_spectra", "pit", far_field},
                      {"m2m", "m2m", far_field},
                      {"unssor", "unssor", far_field}};

Tensor signals(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(4, RandomUse::test, 0, which);
  for (int64_t row = 0; row < result.numel() / samples; ++row) {
    const double frequency = random.uniform(0.05, 0.8), level = random.uniform(0.2, 1);
    for (int64_t i = 0; i < samples; ++i)
      result.mutable_data<double>()[row * samples + i] =
          level * std::sin(frequency * static_cast<double>(i)) + 0.1 * random.normal();
  }
  return result;
}

struct Steps {
  std::vector<double> losses, norms, weights;
};

// Four steps of `items` items (two or more mini-batches of so many for MixIT and MixPIT).
Steps train(const Kind& kind, int64_t parts, double clip) {
  Config config;
  std::vector<std::string> settings = {"model.n_fft=64",      "model.hop_length=16", "model.num_feats=12",
                                       "model.num_hidden=20", "model.num_layers=2",  "model.num_stacks=2",
                                       "train.precision=fp64"};
  settings.insert(settings.end(), kind.settings.begin(), kind.settings.end());
  for (const std::string& setting : settings) set_config(config, setting, "test");
  config.train.batch = items / parts;
  config.train.accumulate = parts;
  config.optim.clip = clip;
  const MethodDefinition& definition = find_method(kind.method);
  check_config(config, definition);
  const MethodNeeds needs = definition.needs(config);
  Learner learner(*network_config(config, needs), config.optim, {"cpu", "fp64", "auto", /*seed=*/5});
  learner.runner().accumulate(parts, needs.mean_loss);
  const auto method = definition.make(config, learner.network());
  Position position{.epoch = 1};
  if (method->phase_is_due(position)) method->begin_phase(position, learner.adam());
  Steps steps;
  for (; position.steps < 4; ++position.steps) {
    const Task& task = method->task();
    std::vector<Batch> batches;
    for (size_t i = 0; i < task.batches; ++i) {
      const auto which = static_cast<uint64_t>(100 * position.steps) + 10 * i;
      batches.push_back({signals(needs.spectra ? Shape{items, 3, samples} : Shape{items, samples}, which),
                         signals({items, 2, samples}, which + 1),
                         signals({items, 2, samples}, which + 2),
                         {},
                         kind.has_noise});
    }
    const std::vector<Tensor> inputs = in_micro_batches(task.inputs(batches, position), parts, task.part);
    learner.runner().run(task.step, inputs);
    for (const StepResult& result : learner.runner().results(true)) {
      steps.losses.push_back(result.loss);
      steps.norms.push_back(result.norm);
    }
  }
  steps.weights = learner.parameters().values().to_vector<double>();
  return steps;
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected, const char* what) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 0;
  for (size_t i = 0; i < actual.size(); ++i) largest = std::max(largest, std::abs(actual[i] - expected[i]));
  EXPECT_LE(largest, tolerance) << what;
}

class MicroBatches : public testing::TestWithParam<Kind> {};

TEST_P(MicroBatches, GiveTheStepsOfOneLargeBatch) {
  // Clipping acts on the whole gradient: at half of the first norm it does so in every test.
  const Steps unclipped = train(GetParam(), 1, 0);
  const double clip = 0.5 * unclipped.norms[0];
  const Steps whole = train(GetParam(), 1, clip);
  EXPECT_NE(whole.weights, unclipped.weights);
  for (const int64_t parts : {2, 4}) {
    SCOPED_TRACE(parts);
    const Steps steps = train(GetParam(), parts, clip);
    ASSERT_EQ(steps.losses.size(), 4u);
    expect_near(steps.losses, whole.losses, "losses");
    expect_near(steps.norms, whole.norms, "norms");
    expect_near(steps.weights, whole.weights, "weights");
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, MicroBatches, testing::ValuesIn(kinds),
                         [](const auto& kind) { return kind.param.name; });

TEST(MicroBatchInputs, KeepTheExchangesOfTheWholeBatch) {
  const Tensor order = exchange_order(estimate_orders(1, 2, 3, 6, 3));
  const std::vector<Tensor> inputs = {signals({6, samples}, 1), order};
  const auto parts = in_micro_batches(inputs, 2, rows_of_exchange);
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[2].to_vector<double>(), inputs[0].slice(3, 6).to_vector<double>());
  const auto whole = order.to_vector<int64_t>(), first = parts[1].to_vector<int64_t>(),
             second = parts[3].to_vector<int64_t>();
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(first[i], whole[i]);
    EXPECT_EQ(second[i], whole[9 + i] - 9);
    EXPECT_GE(second[i], 0);
    EXPECT_LT(second[i], 9);
  }
}

TEST(MicroBatchInputs, AreTheInputsThemselvesWhereThereIsOneAndRefuseAnUnevenDivision) {
  const std::vector<Tensor> inputs = {signals({3, samples}, 1)};
  EXPECT_EQ(in_micro_batches(inputs, 1, rows_of)[0].raw(), inputs[0].raw());
  EXPECT_THROW(in_micro_batches(inputs, 2, rows_of), Error);
}

}  // namespace
}  // namespace sunder
