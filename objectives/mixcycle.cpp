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

Tensor estimate_orders(uint64_t seed, int64_t epoch, int64_t step, int64_t items, int64_t sources) {
  std::vector<int64_t> orders;
  if (sources == 2) {
    for (const int64_t flag : swap_flags(seed, epoch, step, items).to_vector<int64_t>())
      orders.insert(orders.end(), {flag, 1 - flag});
    return Tensor::from(orders, {items, 2});
  }
  Random random(seed, RandomUse::swap, static_cast<uint32_t>(epoch), static_cast<uint64_t>(step));
  for (int64_t item = 0; item < items; ++item) {
    const std::vector<int64_t> order = random.permutation(sources);
    orders.insert(orders.end(), order.begin(), order.end());
  }
  return Tensor::from(orders, {items, sources});
}

Tensor exchange_order(const Tensor& shuffled) {
  if (shuffled.dim() == 1) {
    std::vector<int64_t> orders;
    for (const int64_t flag : shuffled.to_vector<int64_t>()) orders.insert(orders.end(), {flag != 0, flag == 0});
    return exchange_order(Tensor::from(orders, {shuffled.size(0), 2}));
  }
  check_dim("exchange_order", "the estimates' order", shuffled, 2);
  const int64_t items = shuffled.size(0), sources = shuffled.size(1);
  if (sources < 1 || items % sources != 0)
    throw_error("[exchange_order] expected a multiple of {} items to exchange estimates between neighbours, got {}",
                sources, items);
  std::vector<int64_t> order;
  for (int64_t item = 0; item < items; ++item)
    for (int64_t s = 0; s < sources; ++s) {
      const int64_t first = item / sources * sources, from = first + (item - first + 1 + s) % sources;
      order.push_back(sources * from + shuffled.data<int64_t>()[from * sources + s]);
    }
  return Tensor::from(order, {items, sources});
}

Remixed remix_estimates(const Tensor& teacher, const Tensor& order) {
  check_dim("remix_estimates", "teacher", teacher, 3);
  const int64_t items = teacher.size(0), sources = teacher.size(1);
  check_shape("remix_estimates", "order", order, {items, sources});
  return remix(teacher.reshape({items * sources, teacher.size(2)}), order);
}

}  // namespace sunder
