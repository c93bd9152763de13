#include "objectives/anchor.h"

#include <bit>

#include "tensor/ops/binary.h"

namespace sunder {
namespace {

// The gradient is that of the smaller one, of equals the first.
Variable smaller(const Variable& a, const Variable& b) { return subtract(a, relu(subtract(a, b))); }

// distances: (B, S * S), of microphone m and estimate s at m * S + s -> (B, 1), the smallest sum over assignments.
Variable best_assignment(const Variable& distances, int64_t sources) {
  // Of the first microphones with each set of as many estimates, by its bits.
  std::vector<Variable> best(size_t{1} << sources);
  for (size_t estimates = 1; estimates < best.size(); ++estimates) {
    const int64_t microphone = std::popcount(estimates) - 1;
    for (int64_t s = 0; s < sources; ++s) {
      if ((estimates >> s & 1) == 0) continue;
      const int64_t at = microphone * sources + s;
      const Variable last = slice_axis(distances, 1, at, at + 1), &others = best[estimates ^ size_t{1} << s];
      const Variable both = others.defined() ? add(others, last) : last;
      best[estimates] = best[estimates].defined() ? smaller(best[estimates], both) : both;
    }
  }
  return best.back();
}

}  // namespace

Variable anchor_loss(const Variable& images, const Tensor& mixtures) {
  check_dim("anchor_loss", "images", images.value(), 5);
  const Shape& shape = images.value().shape();
  const int64_t items = shape[0], sources = shape[2], frames = shape[3], bins = shape[4];
  if (shape[1] != sources)
    throw_error("[anchor_loss] expected a microphone for each of {} estimates, got {}", sources, shape[1]);
  check_shape("anchor_loss", "mixtures", mixtures, {items, sources, frames, bins});
  // Every estimate at every microphone as a mixture of one.
  const Tensor each = broadcast_to(mixtures.reshape({items, sources, 1, frames, bins}), shape);
  const Variable distances = mixture_constraint(reshape(images, {items, sources * sources, 1, frames, bins}),
                                                each.reshape({items, sources * sources, frames, bins}));
  return sum(best_assignment(distances, sources));
}

}  // namespace sunder
