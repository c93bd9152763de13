#include "objectives/mixit.h"

#include "tensor/ops/concat.h"

namespace sunder {

Tensor sum_order(int64_t items, int64_t batches) {
  std::vector<int64_t> order;
  for (int64_t item = 0; item < items; ++item)
    for (int64_t k = 0; k < batches; ++k) order.push_back(k * items + item);
  return Tensor::from(order, {items, batches});
}

Remixed sum_mixtures(const std::vector<Tensor>& batches, const Tensor& order) {
  if (batches.empty()) throw_error("[sum_mixtures] expected batches of mixtures, got none");
  check_dim("sum_mixtures", "the first batch", batches[0], 2);
  for (const Tensor& batch : batches) {
    check_alike("sum_mixtures", {&batches[0], &batch});
    check_shape("sum_mixtures", "every batch", batch, batches[0].shape());
  }
  check_shape("sum_mixtures", "order", order, {batches[0].size(0), static_cast<int64_t>(batches.size())});
  return remix(concat(batches, 0), order);
}

Variable mixit_loss(const Tensor& mixtures, const Variable& estimates, double snr_max_db) {
  return sum(mixit_snr(mixtures, estimates, snr_max_db));
}

}  // namespace sunder
