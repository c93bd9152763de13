#include "objectives/mixcycle.h"

#include "tensor/random.h"

namespace sunder {

Fields fields(MixCycleConfig& c) {
  return {
      number("init_epochs", &c.init_epochs, 0, many, "epochs of MixPIT before MixCycle"),
      number("init_fraction", &c.init_fraction, 0, 1,
             "share of max_minutes for MixPIT; above 0 it replaces init_epochs, and the switch comes within an epoch"),
      flag("restart_adam", &c.restart_adam, "reset Adam at the switch to MixCycle")};
}

Tensor swap_flags(uint64_t seed, int64_t epoch, int64_t step, int64_t items) {
  Random random(seed, RandomUse::swap, static_cast<uint32_t>(epoch), static_cast<uint64_t>(step));
  std::vector<int64_t> flags(items);
  for (int64_t& flag : flags) flag = random.flip();
  return Tensor::from(flags, {items});
}

Tensor exchange_order(const Tensor& swap) {
  check_dim("exchange_order", "swap", swap, 1);
  const int64_t items = swap.size(0);
  if (items % 2 != 0)
    throw_error("[exchange_order] expected an even number of items to exchange between neighbours, got {}", items);
  const int64_t* swapped = swap.data<int64_t>();
  std::vector<int64_t> order;
  for (int64_t item = 0; item < items; ++item) {
    const int64_t neighbour = item ^ 1;
    order.push_back(2 * neighbour + (swapped[neighbour] != 0));  // the neighbour's first estimate after the swap
    order.push_back(2 * item + (swapped[item] == 0));            // its own second estimate after the swap
  }
  return Tensor::from(order, {items, 2});
}

Remixed remix_estimates(const Tensor& teacher, const Tensor& order) {
  check_shape("remix_estimates", "teacher", teacher, {-1, 2, -1});
  const int64_t items = teacher.size(0);
  check_shape("remix_estimates", "order", order, {items, 2});
  return remix(teacher.reshape({2 * items, teacher.size(2)}), order);
}

}  // namespace sunder
