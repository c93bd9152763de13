// What the methods feed to the network: pairs of mixtures, re-mixed estimates, shuffled sources.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/pit.h"
#include "objectives/step.h"

namespace sunder {
namespace {

// Row r holds 2^r everywhere, so that a sum tells which rows are in it.
Tensor powers(Shape shape) {
  Tensor result = Tensor::empty(shape, DType::float32);
  const int64_t length = shape.back();
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<float>()[i] = static_cast<float>(1 << (i / length));
  return result;
}

// The first sample of each row.
std::vector<float> firsts(const Tensor& x) {
  std::vector<float> result;
  for (int64_t i = 0; i < x.numel(); i += x.size(-1)) result.push_back(x.data<float>()[i]);
  return result;
}

void expect_error(const std::string& message, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "accepted: " << message;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

TEST(SumMixtures, ZipsBatches) {
  const Tensor both = powers({6, 5});
  const Remixed pairs = sum_mixtures({both.slice(0, 3), both.slice(3, 6)}, sum_order(3));
  EXPECT_EQ(pairs.targets.shape(), (Shape{3, 2, 5}));
  EXPECT_EQ(firsts(pairs.targets), (std::vector<float>{1, 8, 2, 16, 4, 32}));
  EXPECT_EQ(firsts(pairs.mixtures), (std::vector<float>{9, 18, 36}));
  const Remixed three = sum_mixtures({both.slice(0, 2), both.slice(2, 4), both.slice(4, 6)}, sum_order(2, 3));
  EXPECT_EQ(firsts(three.targets), (std::vector<float>{1, 4, 16, 2, 8, 32}));
  EXPECT_EQ(firsts(three.mixtures), (std::vector<float>{21, 42}));
  expect_error("[sum_mixtures] expected every batch of shape (3, 5), got float32 (2, 5)", [&] {
    sum_mixtures({both.slice(0, 3), both.slice(3, 5)}, sum_order(3));
  });
  expect_error("[sum_mixtures] expected order of shape (3, 1)",
               [&] { sum_mixtures({both.slice(0, 3)}, sum_order(3)); });
  expect_error("[sum_mixtures] expected batches", [] { sum_mixtures({}, sum_order(3)); });
}

TEST(RemixEstimates, SwapsInsideThenExchangesTheFirstOfNeighbours) {
  // Items hold (1, 2), (4, 8), (16, 32), (64, 128); items 1 and 2 are swapped: (8, 4), (32, 16).
  const Remixed remixed = remix_estimates(powers({4, 2, 3}), exchange_order(Tensor::from<int64_t>({0, 1, 1, 0}, {4})));
  EXPECT_EQ(firsts(remixed.targets), (std::vector<float>{8, 2, 1, 4, 64, 16, 32, 128}));
  EXPECT_EQ(firsts(remixed.mixtures), (std::vector<float>{10, 5, 80, 160}));
}

// Of three estimates each new mixture takes one of each of three neighbours, in their shuffled order.
TEST(RemixEstimates, MixesOneEstimateOfEachOfSeveralNeighbours) {
  const Tensor orders = Tensor::from<int64_t>({0, 1, 2, 2, 0, 1, 1, 2, 0, 0, 1, 2, 0, 1, 2, 2, 1, 0}, {6, 3});
  const Tensor order = exchange_order(orders);
  EXPECT_EQ(order.to_vector<int64_t>(),
            (std::vector<int64_t>{5, 8, 2, 7, 1, 4, 0, 3, 6, 12, 16, 11, 17, 10, 14, 9, 13, 15}));
  const Remixed remixed = remix_estimates(powers({6, 3, 2}), order);
  EXPECT_EQ(remixed.mixtures.to_vector<float>()[0], 32 + 256 + 4);
  const auto targets = firsts(remixed.targets);
  EXPECT_EQ(std::set<float>(targets.begin(), targets.end()).size(), 18u);  // each once
}

TEST(EstimateOrders, AreFairPermutationsAndForTwoTheFlags) {
  const auto orders = estimate_orders(1, 2, 3, 3000, 3).to_vector<int64_t>();
  std::map<std::vector<int64_t>, int> counts;
  for (size_t i = 0; i < orders.size(); i += 3) ++counts[{orders.begin() + i, orders.begin() + i + 3}];
  ASSERT_EQ(counts.size(), 6u);
  for (const auto& [order, count] : counts) {
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 3u);
    EXPECT_NEAR(count, 500, 102);  // five standard deviations
  }
  EXPECT_EQ(estimate_orders(1, 2, 3, 3000, 3).to_vector<int64_t>(), orders);
  EXPECT_NE(estimate_orders(1, 2, 4, 3000, 3).to_vector<int64_t>(), orders);
  EXPECT_EQ(exchange_order(estimate_orders(1, 2, 3, 40, 2)).to_vector<int64_t>(),
            exchange_order(swap_flags(1, 2, 3, 40)).to_vector<int64_t>());
}

TEST(RemixEstimates, RejectsWhatItCannotExchange) {
  expect_error("[exchange_order] expected a multiple of 2 items to exchange estimates between neighbours, got 3",
               [] { exchange_order(Tensor::zeros({3}, DType::int64)); });
  expect_error("[exchange_order] expected a multiple of 3 items",
               [] { exchange_order(estimate_orders(0, 0, 0, 4, 3)); });
  expect_error("[remix_estimates] expected order of shape (2, 3)", [] {
    remix_estimates(powers({2, 3, 4}), Tensor::zeros({2, 2}, DType::int64));
  });
  expect_error("[remix_estimates] expected order of shape (2, 2)", [] {
    remix_estimates(powers({2, 2, 4}), Tensor::zeros({4, 2}, DType::int64));
  });
}

TEST(SwapFlags, AreFairAndDependOnSeedEpochAndStepAlone) {
  const auto flags = swap_flags(1, 2, 3, 4000).to_vector<int64_t>();
  int64_t ones = 0;
  for (int64_t flag : flags) ones += flag;
  EXPECT_EQ(std::set<int64_t>(flags.begin(), flags.end()), (std::set<int64_t>{0, 1}));
  EXPECT_NEAR(static_cast<double>(ones), 2000, 160);  // five standard deviations
  EXPECT_EQ(swap_flags(1, 2, 3, 4000).to_vector<int64_t>(), flags);
  EXPECT_NE(swap_flags(2, 2, 3, 4000).to_vector<int64_t>(), flags);
  EXPECT_NE(swap_flags(1, 3, 3, 4000).to_vector<int64_t>(), flags);
  EXPECT_NE(swap_flags(1, 2, 4, 4000).to_vector<int64_t>(), flags);
}

TEST(DynamicMixing, ShufflesTheSourcesAcrossTheBatch) {
  const Tensor sources = powers({8, 2, 3});
  const Remixed mixed = dynamic_mixing(sources, shuffled_order(1, 2, 3, 8, 2));
  const auto targets = firsts(mixed.targets), mixtures = firsts(mixed.mixtures), before = firsts(sources);
  EXPECT_EQ(std::set<float>(targets.begin(), targets.end()), std::set<float>(before.begin(), before.end()));
  EXPECT_NE(targets, before);
  for (size_t item = 0; item < mixtures.size(); ++item)
    EXPECT_EQ(mixtures[item], targets[2 * item] + targets[2 * item + 1]);
  EXPECT_EQ(firsts(dynamic_mixing(sources, shuffled_order(1, 2, 3, 8, 2)).targets), targets);
  EXPECT_NE(firsts(dynamic_mixing(sources, shuffled_order(1, 2, 4, 8, 2)).targets), targets);
}

// Keeps what it hears.
class Listener : public Separator {
 public:
  Variable forward(const Tensor& mixture) const override {
    heard = mixture;
    return Variable(Tensor::zeros({mixture.size(0), 2, mixture.size(1)}, mixture.dtype()));
  }
  int64_t sources() const override { return 2; }
  int64_t shortest_input() const override { return 1; }
  std::map<std::string, std::string> metadata() const override { return {}; }

  mutable Tensor heard;
};

TEST(DynamicMixingTest, NoiseStaysWithItsItem) {
  const int64_t items = 3, length = 4;
  Tensor sources = Tensor::empty({items, 2, length}, DType::float64),
         noisy = Tensor::empty({items, length}, DType::float64);
  for (int64_t i = 0; i < sources.numel(); ++i) sources.mutable_data<double>()[i] = static_cast<double>(i * i % 17);
  const auto source = [&](int64_t row, int64_t t) { return sources.data<double>()[row * length + t]; };
  const auto noise = [](int64_t item, int64_t t) {
    return 100.0 * static_cast<double>(item + 1) + static_cast<double>(t);
  };
  for (int64_t item = 0; item < items; ++item)
    for (int64_t t = 0; t < length; ++t)
      noisy.mutable_data<double>()[item * length + t] = source(2 * item, t) + source(2 * item + 1, t) + noise(item, t);
  const Tensor order = shuffled_order(1, 2, 3, items, 2);
  const Listener network;
  pit_dm_step(network, sources, order, "snr", noisy);
  for (int64_t item = 0; item < items; ++item)
    for (int64_t t = 0; t < length; ++t) {
      const int64_t first = order.data<int64_t>()[2 * item], second = order.data<int64_t>()[2 * item + 1];
      EXPECT_EQ(network.heard.data<double>()[item * length + t], source(first, t) + source(second, t) + noise(item, t));
    }
}

}  // namespace
}  // namespace sunder
