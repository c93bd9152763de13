#include <algorithm>

#include "autograd/ops.h"
#include "nn/output_matching.h"
#include "nn/separation_stream.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/linear.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

// (S, L), samples [begin, end) of one row, as a view.
Tensor part_of_row(const Tensor& signals, int64_t row, int64_t begin, int64_t end) {
  return signals.slice(row, row + 1).reshape({signals.size(1)}).slice(begin, end);
}

// samples: (M, L) -> (S, L)
Tensor separate_chunk(const Separator& network, const Tensor& samples) {
  const int64_t microphones = samples.size(0), length = samples.size(1);
  const NoGrad no_grad;
  const int64_t missing = network.shortest_input() - length;
  const Tensor part = missing > 0 ? pad_axis(Variable(samples), 1, 0, missing).value() : samples;
  const Tensor input = microphones == 1 ? part : part.reshape({1, microphones, part.size(1)});
  const Tensor estimates = network.forward(input.cast(network.parameters().values().dtype())).value();
  const Tensor rows = estimates.reshape({estimates.size(1), estimates.size(2)}).cast(DType::float32);
  return slice_axis(rows, 1, 0, length);
}

// (S, S): inner products of the rows of a and b, (S, O) each.
std::vector<double> inner_products(const Tensor& a, const Tensor& b) {
  const Tensor none = Tensor::zeros({b.size(0)}, b.dtype(), b.stream());
  return linear(a, b, none).to(cpu_device).cast(DType::float64).to_vector<double>();
}

double energy_of(const Tensor& signals) {
  const std::vector<double> products = inner_products(signals, signals);
  double sum = 0;
  for (int64_t s = 0; s < signals.size(0); ++s) sum += products[s * signals.size(0) + s];
  return sum;
}

// before, now: (S, O); without an overlap the order stays.
OutputMatch match(const Tensor& before, const Tensor& now) {
  const int64_t sources = before.size(0);
  if (before.size(1) == 0) return match_outputs(std::vector<double>(sources * sources), sources, 0);
  return match_outputs(inner_products(before, now), sources, energy_of(before) + energy_of(now));
}

// Rises from zero to one over the overlap.
Tensor fade(int64_t overlap, Stream stream) {
  std::vector<float> values(overlap);
  for (int64_t t = 0; t < overlap; ++t)
    values[t] = static_cast<float>((static_cast<double>(t) + 0.5) / static_cast<double>(overlap));
  return Tensor::from(values, {overlap}, stream);
}

}  // namespace

void separate_tensor(const Separator& network, const Tensor& recording, const Tensor& estimates, const Chunks& chunks,
                     const std::function<void(const Seam&)>& on_seam) {
  check_chunks("separate_tensor", chunks);
  check_shape("separate_tensor", "recording", recording, {network.microphones(), -1});
  const int64_t samples = recording.size(1), sources = network.sources();
  check_shape("separate_tensor", "estimates", estimates, {sources, samples});
  check_alike("separate_tensor", {&recording, &estimates});
  if (samples == 0) return;
  const int64_t length = std::min(samples, chunks.length), advance = chunks.length - chunks.overlap;
  const Tensor rising = fade(chunks.overlap, recording.stream());
  for (int64_t end = 0, next = 0; end < samples; next += advance) {
    const int64_t start = std::min(next, samples - length), stop = start + length;
    const Tensor found = separate_chunk(network, slice_axis(recording, 1, start, stop));
    // As in SeparationStream: the last chunk reaches further back, where nothing changes any more.
    const int64_t overlap = end == 0 ? 0 : chunks.overlap, begin = end - overlap;
    const OutputMatch matched =
        match(slice_axis(estimates, 1, begin, end), slice_axis(found, 1, begin - start, end - start));
    if (end > 0 && on_seam) on_seam({begin, matched.confidence});
    for (int64_t s = 0; s < sources; ++s) {
      const int64_t from = matched.outputs[s];
      if (overlap > 0) {
        const Tensor before = part_of_row(estimates, s, begin, end),
                     now = part_of_row(found, from, begin - start, end - start);
        before.copy_from(add(before, multiply(rising, subtract(now, before))));
      }
      part_of_row(estimates, s, end, stop).copy_from(part_of_row(found, from, end - start, length));
    }
    end = stop;
  }
}

}  // namespace sunder
