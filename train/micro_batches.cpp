#include "train/micro_batches.h"

#include <numeric>

#include "objectives/mixit.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/sum.h"

namespace sunder {

std::vector<Tensor> rows_of(const std::vector<Tensor>& inputs, int64_t first, int64_t count) {
  std::vector<Tensor> rows;
  for (const Tensor& input : inputs) rows.push_back(input.slice(first, first + count));
  return rows;
}

std::vector<Tensor> rows_of_sums(const std::vector<Tensor>& inputs, int64_t first, int64_t count) {
  std::vector<Tensor> rows = rows_of({inputs.begin(), inputs.end() - 1}, first, count);
  rows.push_back(sum_order(count, static_cast<int64_t>(rows.size())));
  return rows;
}

std::vector<Tensor> rows_of_exchange(const std::vector<Tensor>& inputs, int64_t first, int64_t count) {
  std::vector<Tensor> rows = rows_of(inputs, first, count);
  const int64_t sources = rows[1].size(1);
  SUNDER_ASSERT(first % sources == 0 && count % sources == 0);
  std::vector<int64_t> order = rows[1].to_vector<int64_t>();
  for (int64_t& row : order) row -= first * sources;
  rows[1] = Tensor::from(order, rows[1].shape());
  return rows;
}

std::vector<Tensor> rows_of_shuffle(const std::vector<Tensor>& inputs, int64_t first, int64_t count) {
  const Tensor &references = inputs[0], order = inputs[1].slice(first, first + count);
  const Tensor signals = references.reshape({references.size(0) * references.size(1), references.size(2)});
  const Remixed mixed = remix(signals, order);
  std::vector<int64_t> in_place(order.numel());
  std::iota(in_place.begin(), in_place.end(), 0);
  std::vector<Tensor> rows = {mixed.targets, Tensor::from(in_place, order.shape())};
  if (inputs.size() > 2)
    rows.push_back(add(mixed.mixtures, subtract(inputs[2].slice(first, first + count),
                                                sum(references.slice(first, first + count), {1}, false))));
  return rows;
}

std::vector<Tensor> in_micro_batches(const std::vector<Tensor>& inputs, int64_t parts, const PartOfInputs& part) {
  if (parts == 1) return inputs;
  const int64_t items = inputs[0].size(0), each = items / parts;
  if (each * parts != items) throw_error("[in_micro_batches] expected a multiple of {} items, got {}", parts, items);
  std::vector<Tensor> result;
  for (int64_t first = 0; first < items; first += each)
    for (Tensor& input : part(inputs, first, each)) result.push_back(std::move(input));
  return result;
}

}  // namespace sunder
