#include "tensor/ops/copy_all.h"

namespace sunder {

void cpu::copy_all(const std::vector<Tensor>& sources, const std::vector<Tensor>& targets) {
  for (size_t i = 0; i < sources.size(); ++i) targets[i].copy_from(sources[i]);
}

void copy_all(const std::vector<Tensor>& sources, const std::vector<Tensor>& targets) {
  if (sources.size() != targets.size())
    throw_error("[copy_all] expected as many targets as the {} sources, got {}", sources.size(), targets.size());
  if (sources.empty()) return;
  for (size_t i = 0; i < sources.size(); ++i) {
    check_alike("copy_all", {&sources[0], &sources[i], &targets[i]});
    check_shape("copy_all", "target", targets[i], sources[i].shape());
  }
  SUNDER_DISPATCH(copy_all, sources[0].device())(sources, targets);
}

}  // namespace sunder
