#include "nn/separate_tensor.h"

#include <algorithm>

#include "autograd/ops.h"
#include "nn/output_matching.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/concat.h"
#include "tensor/ops/linear.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

// (S, L), samples [begin, end) of one row, as a view.
Tensor part_of_row(const Tensor& signals, int64_t row, int64_t begin, int64_t end) {
  return signals.slice(row, row + 1).reshape({signals.size(1)}).slice(begin, end);
}

// before, now: (S, O). Where there is nothing to choose or nothing to choose by, the order stays, and nobody waits.
OutputMatch match(const Tensor& before, const Tensor& now) {
  const int64_t sources = before.size(0), both = 2 * sources;
  if (sources == 1 || before.size(1) == 0) return match_outputs(std::vector<double>(sources * sources), sources, 0);
  const Tensor signals = concat({before, now}, 0);
  const Tensor none = Tensor::zeros({both}, signals.dtype(), signals.stream());
  const auto all = linear(signals, signals, none).to(cpu_device).cast(DType::float64).to_vector<double>();
  std::vector<double> products;
  double energy = 0;
  for (int64_t s = 0; s < both; ++s) energy += all[s * both + s];
  for (int64_t s = 0; s < sources; ++s)
    for (int64_t o = 0; o < sources; ++o) products.push_back(all[s * both + sources + o]);
  return match_outputs(std::move(products), sources, energy);
}

// Weights of two chunks over their overlap, in float64.
struct Fade {
  Tensor rising, falling;

  Fade(int64_t overlap, Stream stream) {
    std::vector<double> up(overlap), down(overlap);
    for (int64_t t = 0; t < overlap; ++t) {
      up[t] = fade_in(t, overlap);
      down[t] = 1 - up[t];
    }
    rising = Tensor::from(up, {overlap}, stream);
    falling = Tensor::from(down, {overlap}, stream);
  }

  // before: (O), which becomes the faded signal.
  void apply(const Tensor& before, const Tensor& now) const {
    const Tensor sum = add(multiply(falling, before.cast(DType::float64)), multiply(rising, now.cast(DType::float64)));
    before.copy_from(sum.cast(DType::float32));
  }
};

}  // namespace

Tensor separate_tensors(const Separator& network, const Tensor& mixtures) {
  const int64_t microphones = network.microphones();
  check_shape("separate_tensors", "mixtures", mixtures, {-1, microphones, -1});
  const int64_t length = mixtures.size(2), missing = std::max<int64_t>(network.shortest_input() - length, 0);
  const NoGrad no_grad;
  const Tensor whole = missing > 0 ? pad_axis(Variable(mixtures), 2, 0, missing).value() : mixtures;
  const Tensor input = microphones == 1 ? whole.reshape({whole.size(0), whole.size(2)}) : whole;
  const Tensor estimates =
      network.forward(input.cast(network.parameters().values().dtype())).value().cast(DType::float32);
  return missing > 0 ? slice_axis(estimates, 2, 0, length) : estimates;
}

void separate_tensor(const Separator& network, const Tensor& recording, const Tensor& estimates, const Chunks& chunks,
                     const std::function<void(const Seam&)>& on_seam, const Progress& progress) {
  check_chunks("separate_tensor", chunks);
  check_shape("separate_tensor", "recording", recording, {network.microphones(), -1});
  const int64_t samples = recording.size(1), sources = network.sources();
  check_shape("separate_tensor", "estimates", estimates, {sources, samples});
  check_alike("separate_tensor", {&recording, &estimates});
  if (samples == 0) return;
  const int64_t length = std::min(samples, chunks.length), advance = chunks.length - chunks.overlap;
  const Fade fade(length < samples ? chunks.overlap : 0, recording.stream());
  for (int64_t end = 0, next = 0; end < samples; next += advance) {
    const int64_t start = std::min(next, samples - length), stop = start + length;
    const Tensor chunk = length < samples ? slice_axis(recording, 1, start, stop) : recording;
    const Tensor found =
        separate_tensors(network, chunk.reshape({1, recording.size(0), length})).reshape({sources, length});
    // As in SeparationStream: the last chunk reaches further back, where nothing changes any more.
    const int64_t overlap = end == 0 ? 0 : chunks.overlap, begin = end - overlap;
    const OutputMatch matched =
        match(slice_axis(estimates, 1, begin, end), slice_axis(found, 1, begin - start, end - start));
    if (end > 0 && on_seam) on_seam({begin, matched.confidence});
    for (int64_t s = 0; s < sources; ++s) {
      const int64_t from = matched.outputs[s];
      if (overlap > 0)
        fade.apply(part_of_row(estimates, s, begin, end), part_of_row(found, from, begin - start, end - start));
      part_of_row(estimates, s, end, stop).copy_from(part_of_row(found, from, end - start, length));
    }
    end = stop;
    if (progress) progress(end, samples);
  }
}

}  // namespace sunder
