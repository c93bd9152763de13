#include "objectives/mixit.h"

#include "tensor/ops/concat.h"

namespace sunder {

Remixed pair_mixtures(const Tensor& first, const Tensor& second) {
  check_alike("pair_mixtures", {&first, &second});
  check_dim("pair_mixtures", "first", first, 2);
  check_shape("pair_mixtures", "second", second, first.shape());
  const int64_t items = first.size(0);
  std::vector<int64_t> order;
  for (int64_t item = 0; item < items; ++item) order.insert(order.end(), {item, items + item});
  return remix(concat({first, second}, 0), Tensor::from(order, {items, 2}, first.stream()));
}

Variable mixit_loss(const Tensor& mixtures, const Variable& estimates, double snr_max_db) {
  return sum(mixit_snr(mixtures, estimates, snr_max_db));
}

}  // namespace sunder
