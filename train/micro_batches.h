// Micro-batches: the parts of a step that are computed one after another (train.accumulate).
#pragma once

#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

// The inputs of a step's items first ... first + count - 1 alone, from those of the whole step; all on the host.
using PartOfInputs =
    std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs, int64_t first, int64_t count)>;

// Where every input has one row an item.
std::vector<Tensor> rows_of(const std::vector<Tensor>& inputs, int64_t first, int64_t count);
// Where the last input is sum_order of all others, which are added item by item (MixIT, MixPIT).
std::vector<Tensor> rows_of_sums(const std::vector<Tensor>& inputs, int64_t first, int64_t count);
// Of mixtures (B, L) and an exchange_order (B, S) within groups of S neighbours (MixCycle); S divides first and count.
std::vector<Tensor> rows_of_exchange(const std::vector<Tensor>& inputs, int64_t first, int64_t count);
// Of references (B, S, L), a shuffled_order (B, S) over all of them and, where there is noise, mixtures (B, L), whose
// noise stays with their items (dynamic mixing).
std::vector<Tensor> rows_of_shuffle(const std::vector<Tensor>& inputs, int64_t first, int64_t count);

// The inputs of a step's `parts` micro-batches, one after another. The first axis of the first input counts the items;
// `parts` divides it.
std::vector<Tensor> in_micro_batches(const std::vector<Tensor>& inputs, int64_t parts, const PartOfInputs& part);

}  // namespace sunder
