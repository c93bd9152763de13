// Every method learns eight items by heart: losses, gradients, network and Adam work together.
#include <gtest/gtest.h>

#include "nn/adam.h"
#include "nn/stft_conv_tasnet.h"
#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "tensor/parallel.h"
#include "tests/objectives/words.h"

namespace sunder {
namespace {

// The given rows of the first axis.
Tensor rows(const Tensor& from, const std::vector<int64_t>& chosen) {
  Shape shape = from.shape();
  shape[0] = static_cast<int64_t>(chosen.size());
  const Tensor result = Tensor::empty(shape, from.dtype());
  for (int64_t i = 0; i < shape[0]; ++i) result.slice(i, i + 1).copy_from(from.slice(chosen[i], chosen[i] + 1));
  return result;
}

// The items in an order of the step's own, in which none stands in its own place.
Tensor partners(const Tensor& mixtures, int step) {
  const int64_t count = mixtures.size(0);
  std::vector<int64_t> order(count);
  for (int64_t b = 0; b < count; ++b) order[b] = (b + 1 + step % (count - 1)) % count;
  return rows(mixtures, order);
}

class OverfitTest : public testing::Test {
 protected:
  void make_network(int64_t outputs) {
    set_num_threads(1);  // steps of some milliseconds, too short for threads on a machine that does other work
    const StftConvTasNetConfig sizes{
        .sources = outputs, .num_feats = 32, .num_hidden = 64, .num_layers = 4, .num_stacks = 2};
    network_ = std::make_unique<StftConvTasNet>(sizes, DType::float32, cpu_device, /*seed=*/1);
    adam_ = std::make_unique<Adam>(network_->parameters(), 3e-3, AdamOptions{});
  }
  // One step; the mean loss of an input, dB.
  double learn(const Variable& loss, int64_t inputs) {
    network_->parameters().zero_grad();
    backward(loss);
    adam_->step(loss.value());
    return loss.value().item() / static_cast<double>(inputs);
  }
  double si_snri(const Items& data) const { return sunder::si_snri(*network_, data); }

  std::unique_ptr<Separator> network_;
  std::unique_ptr<Adam> adam_;
};

TEST_F(OverfitTest, PitPassesTwentyDecibels) {
  make_network(2);
  const Items data = make_items(8);
  EXPECT_LT(si_snri(data), 3);
  for (int step = 0; step < 150; ++step) learn(pit_step(*network_, data.references, data.mixtures), 8);
  EXPECT_GT(si_snri(data), 20);
}

TEST_F(OverfitTest, MixitTakesSumsApart) {
  make_network(4);
  const Items data = make_items(8);
  double first = 0, last = 0;
  for (int step = 0; step < 600; ++step) {
    last = learn(mixit_step(*network_, data.mixtures, partners(data.mixtures, step), sum_order(8)), 8);
    if (step == 0) first = last;
  }
  EXPECT_GT(first, -5);
  EXPECT_LT(last, -15);
}

TEST_F(OverfitTest, MixpitTakesSumsApart) {
  make_network(2);
  const Items data = make_items(8);
  double first = 0, last = 0;
  for (int step = 0; step < 600; ++step) {
    last = learn(mixpit_step(*network_, {data.mixtures, partners(data.mixtures, step)}, sum_order(8)), 8);
    if (step == 0) first = last;
  }
  EXPECT_GT(first, -5);
  EXPECT_LT(last, -15);
}

TEST_F(OverfitTest, MixCyclesLossFallsAfterMixpit) {
  // Eight mixtures alone do not tell what a source is: what falls is the loss.
  make_network(2);
  const Items data = make_items(8);
  for (int step = 0; step < 100; ++step)
    learn(mixpit_step(*network_, {data.mixtures, partners(data.mixtures, step)}, sum_order(8)), 8);
  adam_->restart();
  double first = 0, last = 0;
  for (int step = 0; step < 400; ++step) {
    const double loss = learn(mixcycle_step(*network_, data.mixtures, exchange_order(swap_flags(0, 0, step, 8))), 8);
    if (step < 10) first += loss / 10;
    if (step >= 380) last += loss / 20;
  }
  EXPECT_LT(last, first - 5);
  EXPECT_LT(last, -18);
}

TEST_F(OverfitTest, MixCycleImprovesANetworkThatSeparatesSomewhat) {
  // With mixtures enough, and from a start of some 6 dB (supervised here, as MixPIT takes longer), mixtures alone
  // raise the score that no gradient sees. At 1 to 3 dB or with few mixtures it falls into the trivial fixed point.
  constexpr int64_t count = 256, batch = 16;
  make_network(2);
  const Items pool = make_items(count), heard = {pool.references.slice(0, 32), pool.mixtures.slice(0, 32)};
  for (int step = 0; step < 80; ++step) {
    std::vector<int64_t> chosen = Random(1, RandomUse::shuffle, step).permutation(count);
    chosen.resize(batch);
    learn(pit_step(*network_, rows(pool.references, chosen), rows(pool.mixtures, chosen)), batch);
  }
  const double start = si_snri(heard);
  adam_->restart();
  adam_->set_learning_rate(4e-4);
  for (int step = 0; step < 280; ++step) {
    std::vector<int64_t> chosen = Random(2, RandomUse::shuffle, step).permutation(count);
    chosen.resize(batch);
    learn(mixcycle_step(*network_, rows(pool.mixtures, chosen), exchange_order(swap_flags(0, 0, step, batch))), batch);
  }
  EXPECT_GT(start, 4);
  EXPECT_GT(si_snri(heard), start + 0.3);  // 0.7 to 1.7 dB with five seeds of the network
}

}  // namespace
}  // namespace sunder
