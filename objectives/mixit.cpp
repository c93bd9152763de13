#include "objectives/mixit.h"

#include "tensor/ops/concat.h"

namespace sunder {

Tensor pair_order(int64_t items) {
  std::vector<int64_t> order;
  for (int64_t item = 0; item < items; ++item) order.insert(order.end(), {item, items + item});
  return Tensor::from(order, {items, 2});
}

Remixed pair_mixtures(const Tensor& first, const Tensor& second, const Tensor& order) {
  check_alike("pair_mixtures", {&first, &second});
  check_dim("pair_mixtures", "first", first, 2);
  check_shape("pair_mixtures", "second", second, first.shape());
  check_shape("pair_mixtures", "order", order, {first.size(0), 2});
  return remix(concat({first, second}, 0), order);
}

Variable mixit_loss(const Tensor& mixtures, const Variable& estimates, double snr_max_db) {
  return sum(mixit_snr(mixtures, estimates, snr_max_db));
}

}  // namespace sunder
