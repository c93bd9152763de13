#include "tensor/ops/fcp.h"

#include <numeric>
#include <utility>
#include <vector>

#include "tensor/ops/fcp_lanes.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

using fcp_lanes::Complex, fcp_lanes::Lanes, fcp_lanes::width;

struct Sizes {
  int64_t items, microphones, sources, frames, bins, groups, taps, past;

  int64_t shared() const { return microphones / groups; }        // microphones that share a weight
  int64_t blocks() const { return (bins + width - 1) / width; }  // of frequencies
  int64_t padded() const { return frames + taps - 1; }           // past zeros, the frames, future zeros
  int64_t wide() const { return frames + 2 * (taps - 1); }       // taps - 1 zeros on both sides
  int64_t entries() const { return taps * (taps + 1) / 2; }      // of a triangle
  int64_t image(int64_t item, int64_t microphone, int64_t source) const {
    return (item * microphones + microphone) * sources + source;
  }
};

Sizes sizes_of(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options) {
  return {estimates.size(0), mixtures.size(1), estimates.size(1), estimates.size(2),
          estimates.size(3), weights.size(1),  options.taps(),    options.past};
}

// Where the data of a task, one (item, source, block of frequencies), are; complex numbers are pairs.
template <class T>
struct Block {
  Sizes sizes;
  int64_t item, source, bin;  // the first of `lanes` frequencies
  const T *estimates, *mixtures, *weights;

  Block(const Sizes& of, int64_t task, const Tensor& z, const Tensor& y, const Tensor& lambda)
      : sizes(of),
        item(task / of.blocks() / of.sources),
        source(task / of.blocks() % of.sources),
        bin(task % of.blocks() * width),
        estimates(reinterpret_cast<const T*>(z.raw()) + signal(item * of.sources + source)),
        mixtures(reinterpret_cast<const T*>(y.raw()) + signal(item * of.microphones)),
        weights(lambda.data<T>() + signal(item * of.groups) / 2) {}

  int64_t lanes() const { return std::min(width, sizes.bins - bin); }
  int64_t signal(int64_t index) const { return 2 * (index * sizes.frames * sizes.bins + bin); }
  int64_t step() const { return 2 * sizes.frames * sizes.bins; }  // from one signal to the next
};

// A task's scratch memory, allocated in pieces of whole cache lines.
class Scratch {
 public:
  explicit Scratch(int64_t lanes) : memory_(Tensor::empty({lanes * width}, DType::float64)) {
    next_ = reinterpret_cast<Lanes*>(memory_.raw());
  }
  Lanes* lanes(int64_t count) { return std::exchange(next_, next_ + count); }
  Complex* complex(int64_t count) { return reinterpret_cast<Complex*>(lanes(2 * count)); }

 private:
  Tensor memory_;
  Lanes* next_;
};

SUNDER_INLINE void clear(Complex* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = fcp_lanes::none;
}

// The estimate's frames with zeros around them.
template <class T>
SUNDER_INLINE void load_estimate(const Block<T>& block, Complex* z) {
  const Sizes& s = block.sizes;
  clear(z, s.past);
  fcp_lanes::gather(block.estimates, s.frames, 2 * s.bins, block.lanes(), z + s.past);
  clear(z + s.past + s.frames, s.taps - 1 - s.past);
}

// Filters and factors of one block, all groups, and the images.
template <class T>
SUNDER_SIMD void forward_block(const Block<T>& block, double loading, T* images, complex128* filters, Complex* factors,
                               Scratch scratch, int64_t& failures) {
  const Sizes& s = block.sizes;
  Complex* z = scratch.complex(s.padded());
  Lanes* weights = scratch.lanes(s.groups * s.wide());
  Complex* gram = scratch.complex(s.groups * s.entries());
  Complex *y = scratch.complex(s.wide()), *g = scratch.complex(s.taps);
  const int64_t margin = s.taps - 1;
  load_estimate(block, z);
  for (int64_t i = 0; i < s.groups * s.wide(); ++i) weights[i] = fcp_lanes::zero;
  for (int64_t group = 0; group < s.groups; ++group)
    fcp_lanes::gather_inverse(block.weights + group * s.frames * s.bins, s.frames, s.bins, block.lanes(),
                              weights + group * s.wide() + margin);
  clear(gram, s.groups * s.entries());
  fcp_lanes::add_gram(z, weights + margin, s.groups, s.wide(), s.padded(), s.taps, gram);
  clear(y, margin);
  clear(y + margin + s.frames, margin);
  for (int64_t group = 0; group < s.groups; ++group) {
    Complex* factor = factors + group * s.entries();
    const auto failed = fcp_lanes::factorise(gram + group * s.entries(), s.taps, loading,
                                             fcp_pivot_floor * static_cast<double>(s.taps), factor);
    for (int64_t lane = 0; lane < block.lanes(); ++lane) failures -= failed[lane];
    const Lanes* w = weights + group * s.wide() + margin;
    for (int64_t m = group * s.shared(); m < (group + 1) * s.shared(); ++m) {
      fcp_lanes::gather(block.mixtures + m * block.step(), s.frames, 2 * s.bins, block.lanes(), y + margin);
      for (int64_t t = 0; t < s.frames; ++t) y[margin + t] = {y[margin + t].re * w[t], -y[margin + t].im * w[t]};
      fcp_lanes::correlate(z, y + margin, s.padded(), s.taps, g);
      fcp_lanes::solve(factor, s.taps, g);
      const int64_t image = s.image(block.item, m, block.source);
      for (int64_t lane = 0; lane < block.lanes(); ++lane)
        for (int64_t i = 0; i < s.taps; ++i)
          filters[(image * s.bins + block.bin + lane) * s.taps + i] = {g[i].re[lane], g[i].im[lane]};
      fcp_lanes::filter(g, z, s.frames, s.taps, y + margin);
      fcp_lanes::scatter(y + margin, s.frames, 2 * s.bins, block.lanes(), images + block.signal(image));
    }
  }
}

// With a_t = xbar_t - (w^H Z_t) / lambda_t and e_t = (Y_t - X_t) / lambda_t, frame u of the gradient is the sum over
// taps i and microphones of g_i a_(u - i) + w_i e_(u - i) (autograd/ops/fcp.cpp).
template <class T>
SUNDER_SIMD void backward_block(const Block<T>& block, bool through_solve, const T* grad_images,
                                const complex128* filters, const Complex* factors, T* grad_estimates, Scratch scratch) {
  const Sizes& s = block.sizes;
  Complex *z = scratch.complex(s.padded()), *dz = scratch.complex(s.frames);
  Lanes* inverse = scratch.lanes(s.frames);
  Complex *a = scratch.complex(s.wide()), *e = scratch.complex(s.wide());
  Complex *x = scratch.complex(s.frames), *g = scratch.complex(s.taps), *w = scratch.complex(s.taps);
  const int64_t margin = s.taps - 1;
  load_estimate(block, z);
  clear(dz, s.frames);
  clear(a, s.wide());
  clear(e, s.wide());
  for (int64_t group = 0; group < s.groups; ++group) {
    fcp_lanes::gather_inverse(block.weights + group * s.frames * s.bins, s.frames, s.bins, block.lanes(), inverse);
    for (int64_t m = group * s.shared(); m < (group + 1) * s.shared(); ++m) {
      const int64_t image = s.image(block.item, m, block.source);
      for (int64_t i = 0; i < s.taps; ++i) {
        g[i] = fcp_lanes::none;
        for (int64_t lane = 0; lane < block.lanes(); ++lane) {
          const complex128 tap = filters[(image * s.bins + block.bin + lane) * s.taps + i];
          g[i].re[lane] = tap.real();
          g[i].im[lane] = tap.imag();
        }
      }
      fcp_lanes::gather(grad_images + block.signal(image), s.frames, 2 * s.bins, block.lanes(), a + margin);
      if (through_solve) {
        for (int64_t t = 0; t < s.frames; ++t) e[margin + t] = {a[margin + t].re, -a[margin + t].im};
        fcp_lanes::correlate(z, e + margin, s.padded(), s.taps, w);
        fcp_lanes::solve(factors + group * s.entries(), s.taps, w);
        fcp_lanes::filter(w, z, s.frames, s.taps, x);
        for (int64_t t = 0; t < s.frames; ++t)
          a[margin + t] = {a[margin + t].re - x[t].re * inverse[t], a[margin + t].im - x[t].im * inverse[t]};
        fcp_lanes::filter(g, z, s.frames, s.taps, x);
        fcp_lanes::gather(block.mixtures + m * block.step(), s.frames, 2 * s.bins, block.lanes(), e + margin);
        for (int64_t t = 0; t < s.frames; ++t)
          e[margin + t] = {(e[margin + t].re - x[t].re) * inverse[t], (e[margin + t].im - x[t].im) * inverse[t]};
        fcp_lanes::add_convolution(w, e + margin + s.past, s.frames, s.taps, dz);
      }
      fcp_lanes::add_convolution(g, a + margin + s.past, s.frames, s.taps, dz);
    }
  }
  fcp_lanes::scatter(dz, s.frames, 2 * s.bins, block.lanes(), grad_estimates);
}

void check(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options) {
  if (options.past < 0 || options.future < 0 || options.taps() > fcp_max_taps)
    throw_error("[fcp] expected past and future frames with at most {} taps, got {} and {}", fcp_max_taps, options.past,
                options.future);
  if (!(options.loading >= 0)) throw_error("[fcp] expected a loading of at least 0, got {}", options.loading);
  check_dim("fcp", "estimates", estimates, 4);
  check_dim("fcp", "mixtures", mixtures, 4);
  check_dim("fcp", "weights", weights, 4);
  const int64_t items = estimates.size(0), frames = estimates.size(2), bins = estimates.size(3);
  check_shape("fcp", "mixtures", mixtures, {items, -1, frames, bins});
  check_shape("fcp", "weights", weights, {items, -1, frames, bins});
  if (!is_complex(estimates.dtype()) || mixtures.dtype() != estimates.dtype() ||
      weights.dtype() != real_of(estimates.dtype()) || mixtures.stream() != estimates.stream() ||
      weights.stream() != estimates.stream())
    throw_error(
        "[fcp] expected complex estimates and mixtures and real weights of one precision on one stream, got {}, {} and "
        "{}",
        describe(estimates), describe(mixtures), describe(weights));
  if (weights.size(1) < 1 || mixtures.size(1) % weights.size(1) != 0)
    throw_error("[fcp] expected a number of weights that divides the {} microphones, got {}", mixtures.size(1),
                weights.size(1));
}

}  // namespace

void cpu::fcp_forward(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options,
                      const Tensor& failures, Fcp& result) {
  const Sizes s = sizes_of(estimates, mixtures, weights, options);
  const int64_t tasks = s.items * s.sources * s.blocks();
  result.factors = Tensor::empty({tasks, s.groups, s.entries(), 2, width}, DType::float64);
  std::vector<int64_t> failed(tasks, 0);
  visit_real("fcp", weights.dtype(), [&]<class T>() {
    parallel_for(tasks, 1, [&](int64_t task, int64_t) {
      Scratch scratch(2 * (s.padded() + s.groups * s.entries() + s.wide() + s.taps) + s.groups * s.wide());
      forward_block(Block<T>(s, task, estimates, mixtures, weights), options.loading,
                    reinterpret_cast<T*>(result.images.raw()), result.filters.mutable_data<complex128>(),
                    reinterpret_cast<Complex*>(result.factors.raw()) + task * s.groups * s.entries(), scratch,
                    failed[task]);
    });
  });
  if (failures.defined())
    *failures.mutable_data<int64_t>() += std::accumulate(failed.begin(), failed.end(), int64_t{0});
}

void cpu::fcp_backward(const Tensor& grad_images, const Tensor& estimates, const Tensor& mixtures,
                       const Tensor& weights, const Fcp& forward, const FcpOptions& options, Tensor& grad_estimates) {
  const Sizes s = sizes_of(estimates, mixtures, weights, options);
  visit_real("fcp", weights.dtype(), [&]<class T>() {
    parallel_for(s.items * s.sources * s.blocks(), 1, [&](int64_t task, int64_t) {
      const Block<T> block(s, task, estimates, mixtures, weights);
      Scratch scratch(2 * (s.padded() + 2 * s.frames + 2 * s.wide() + 2 * s.taps) + s.frames);
      backward_block(block, !options.stop_gradient, reinterpret_cast<const T*>(grad_images.raw()),
                     forward.filters.data<complex128>(),
                     reinterpret_cast<const Complex*>(forward.factors.raw()) + task * s.groups * s.entries(),
                     reinterpret_cast<T*>(grad_estimates.raw()) + block.signal(block.item * s.sources + block.source),
                     scratch);
    });
  });
}

Fcp fcp(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options,
        const Tensor& failures) {
  check(estimates, mixtures, weights, options);
  if (failures.defined() &&
      (failures.shape() != Shape{1} || failures.dtype() != DType::int64 || failures.stream() != estimates.stream()))
    throw_error("[fcp] expected failures int64 (1) on the estimates' stream, got {}", describe(failures));
  const int64_t items = estimates.size(0), microphones = mixtures.size(1), sources = estimates.size(1),
                frames = estimates.size(2), bins = estimates.size(3);
  const Stream stream = estimates.stream();
  Fcp result{Tensor::empty({items, microphones, sources, frames, bins}, estimates.dtype(), stream),
             Tensor::empty({items, microphones, sources, bins, options.taps()}, DType::complex128, stream),
             {}};
  SUNDER_DISPATCH(fcp_forward, estimates.device())(estimates, mixtures, weights, options, failures, result);
  return result;
}

Tensor fcp_backward(const Tensor& grad_images, const Tensor& estimates, const Tensor& mixtures, const Tensor& weights,
                    const Fcp& forward, const FcpOptions& options) {
  check(estimates, mixtures, weights, options);
  check_alike("fcp_backward", {&grad_images, &estimates});
  check_shape("fcp_backward", "grad_images", grad_images,
              {estimates.size(0), mixtures.size(1), estimates.size(1), estimates.size(2), estimates.size(3)});
  Tensor grad_estimates = Tensor::empty_like(estimates);
  SUNDER_DISPATCH(fcp_backward, estimates.device())
  (grad_images, estimates, mixtures, weights, forward, options, grad_estimates);
  return grad_estimates;
}

}  // namespace sunder
