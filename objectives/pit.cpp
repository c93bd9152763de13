#include "objectives/pit.h"

#include "tensor/random.h"

namespace sunder {

Variable pit_loss(const Tensor& references, const Variable& estimates, double snr_max_db) {
  return sum(pit_snr(references, estimates, snr_max_db));
}

Remixed dynamic_mixing(const Tensor& sources, uint64_t seed, int64_t epoch, int64_t step) {
  check_dim("dynamic_mixing", "sources", sources, 3);
  const int64_t items = sources.size(0), count = sources.size(1);
  Random random(seed, RandomUse::swap, static_cast<uint32_t>(epoch), static_cast<uint64_t>(step));
  const Tensor order = Tensor::from(random.permutation(items * count), {items, count}, sources.stream());
  return remix(sources.reshape({items * count, sources.size(2)}), order);
}

}  // namespace sunder
