#include "tensor/ops/fcp.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

using Matrix = std::vector<std::vector<complex128>>;

// x of a x = b by Gaussian elimination with the largest pivots.
std::vector<complex128> solve(Matrix a, std::vector<complex128> b) {
  const size_t n = b.size();
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (size_t i = k + 1; i < n; ++i) {
      const complex128 factor = a[i][k] / a[k][k];
      for (size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (size_t k = n; k-- > 0;) {
    for (size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

// The definition, one filter after the other. inputs: estimates, mixtures, weights. A silent estimate and a silent
// mixture have no filter. `added` keeps the loading of every filter: written, or, with `fixed`, read.
struct Definition {
  FcpOptions options;
  bool fixed = false;
  std::vector<double> added = {};
  std::vector<complex128> filters = {};

  Tensor operator()(const std::vector<Tensor>& in) {
    const int64_t items = in[0].size(0), sources = in[0].size(1), frames = in[0].size(2), bins = in[0].size(3);
    const int64_t microphones = in[1].size(1), shared = microphones / in[2].size(1), taps = options.taps();
    const auto z = in[0].to_vector<complex128>(), y = in[1].to_vector<complex128>();
    const auto lambda = in[2].to_vector<double>();
    Tensor images = Tensor::empty({items, microphones, sources, frames, bins}, DType::complex128);
    if (!fixed) added.clear();
    filters.clear();
    for (int64_t image = 0; image < items * microphones * sources; ++image)
      for (int64_t f = 0; f < bins; ++f) {
        const int64_t b = image / sources / microphones, m = image / sources % microphones, s = image % sources;
        const auto at = [&](int64_t signal, int64_t t) { return (signal * frames + t) * bins + f; };
        const auto stacked = [&](int64_t t, int64_t i) {
          const int64_t frame = t - options.past + i;
          return frame < 0 || frame >= frames ? 0 : z[at(b * sources + s, frame)];
        };
        Matrix a(taps, std::vector<complex128>(taps, 0));
        std::vector<complex128> right(taps, 0);
        double trace = 0;
        for (int64_t t = 0; t < frames; ++t) {
          const double weight = lambda[at(b * in[2].size(1) + m / shared, t)];
          if (weight == 0) continue;
          for (int64_t i = 0; i < taps; ++i) {
            for (int64_t j = 0; j < taps; ++j) a[i][j] += stacked(t, i) * std::conj(stacked(t, j)) / weight;
            right[i] += stacked(t, i) * std::conj(y[at(b * microphones + m, t)]) / weight;
            trace += std::norm(stacked(t, i)) / weight;
          }
        }
        if (!fixed) added.push_back(options.loading * trace / static_cast<double>(taps));
        for (int64_t i = 0; i < taps; ++i) a[i][i] += added[image * bins + f];
        const std::vector<complex128> g = trace == 0 ? right : solve(a, right);
        for (int64_t t = 0; t < frames; ++t) {
          complex128 x = 0;
          for (int64_t i = 0; i < taps; ++i) x += std::conj(g[i]) * stacked(t, i);
          images.mutable_data<complex128>()[at(image, t)] = x;
        }
        filters.insert(filters.end(), g.begin(), g.end());
      }
    return images;
  }
};

std::vector<Tensor> inputs(int64_t items, int64_t sources, int64_t microphones, int64_t groups, int64_t frames,
                           int64_t bins) {
  return {random_tensor({items, sources, frames, bins}, 1, DType::complex128),
          random_tensor({items, microphones, frames, bins}, 2, DType::complex128),
          random_tensor({items, groups, frames, bins}, 3, DType::float64, 0.1, 1)};
}

Example example(const std::string& name, std::vector<Tensor> in, const FcpOptions& options) {
  return {name,
          std::move(in),
          [=](const auto& x) { return std::vector{fcp(x[0], x[1].value(), x[2].value(), options)}; },
          [=](const auto& x) { return std::vector{Definition{options}(x)}; },
          {true, false, false}};
}

// Matrices near singularity: the loading carries them. As a function of the estimate it varies, as a constant of the
// gradient it does not, so finite differences of the op say nothing.
Example loaded(const std::string& name, std::vector<Tensor> in, const FcpOptions& options) {
  Example result = example(name, std::move(in), options);
  result.check_grad = false;
  result.tolerance64 = 1e-9;
  return result;
}

constexpr FcpOptions plain{.past = 2, .future = 1, .loading = 0};

// The gradient for a fixed cotangent (the fourth input) and the number of singular filters.
std::vector<Variable> gradient(const std::vector<Variable>& in, const FcpOptions& options) {
  const Tensor failures = Tensor::zeros({1}, DType::int64, in[0].value().stream());
  const Fcp forward = fcp(in[0].value(), in[1].value(), in[2].value(), options, failures);
  return {Variable(fcp_backward(in[3].value(), in[0].value(), in[1].value(), in[2].value(), forward, options)),
          Variable(forward.images), Variable(forward.filters), Variable(failures)};
}

Tensor filters_of(const Definition& definition, const Tensor& images) {
  return Tensor::from(definition.filters,
                      {images.size(0), images.size(1), images.size(2), images.size(4), definition.options.taps()});
}

// Finite differences of the definition with the loading kept as it was; through_silence: only the gradient of what is
// not silent.
std::vector<Tensor> numeric(const std::vector<Tensor>& in, const FcpOptions& options, int64_t failures) {
  Definition definition{options};
  const Tensor images = definition(in), filters = filters_of(definition, images);
  definition.fixed = true;
  const auto cotangent = in[3].to_vector<complex128>();
  const auto loss = [&](const Tensor& estimates) {
    const auto x = definition({estimates, in[1], in[2]}).to_vector<complex128>();
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += (std::conj(cotangent[i]) * x[i]).real();
    return sum;
  };
  Tensor result = Tensor::empty_like(in[0]);
  for (int64_t i = 0; i < in[0].numel() * 2; ++i) {
    const Tensor above = in[0].clone(), below = in[0].clone();
    constexpr double step = 1e-5;
    reinterpret_cast<double*>(above.raw())[i] += step;
    reinterpret_cast<double*>(below.raw())[i] -= step;
    reinterpret_cast<double*>(result.raw())[i] = (loss(above) - loss(below)) / (2 * step);
  }
  return {result, images, filters, integers({failures}, {1})};
}

Example explicit_gradient(const std::string& name, std::vector<Tensor> in, const FcpOptions& options,
                          std::function<std::vector<Tensor>(const std::vector<Tensor>&)> reference, double tolerance) {
  in.push_back(
      random_tensor({in[0].size(0), in[1].size(1), in[0].size(1), in[0].size(2), in[0].size(3)}, 4, DType::complex128));
  Example result{name, std::move(in), [=](const auto& x) { return gradient(x, options); }, std::move(reference)};
  result.check_grad = false;
  result.tolerance64 = tolerance;
  return result;
}

Example constant_loading() {
  const FcpOptions options{.past = 1, .future = 1, .loading = 0.3};
  return explicit_gradient(
      "gradient_with_loading", inputs(1, 2, 2, 2, 7, 2), options,
      [=](const auto& in) { return numeric(in, options, 0); }, 1e-8);
}

// Filters as constants: frame u of the gradient is the sum over taps and microphones of g_i xbar_(u - i).
Example stopped() {
  const FcpOptions options{.past = 2, .future = 1, .loading = 0, .stop_gradient = true};
  const auto reference = [=](const std::vector<Tensor>& in) {
    Definition definition{options};
    const Tensor images = definition(in), grad = Tensor::zeros_like(in[0]);
    const int64_t sources = in[0].size(1), microphones = in[1].size(1), frames = in[0].size(2), bins = in[0].size(3);
    for (int64_t i = 0; i < images.numel(); ++i) {
      const int64_t f = i % bins, t = i / bins % frames, image = i / bins / frames;
      for (int64_t k = 0; k < options.taps(); ++k) {
        const int64_t u = t - options.past + k;
        if (u < 0 || u >= frames) continue;
        const int64_t signal = image / sources / microphones * sources + image % sources;
        grad.mutable_data<complex128>()[(signal * frames + u) * bins + f] +=
            definition.filters[(image * bins + f) * options.taps() + k] * in[3].data<complex128>()[i];
      }
    }
    return std::vector{grad, images, filters_of(definition, images), integers({0}, {1})};
  };
  return explicit_gradient("stop_gradient", inputs(2, 2, 3, 1, 12, 3), options, reference, 1e-12);
}

// Zeros where the estimate, or with the mixture the weight, is silent: a zero filter, a zero gradient, and a count. The
// second estimate is silent at bin 0 (two weights), the second weight everywhere (two estimates, three bins); they
// share one.
Example silence() {
  std::vector<Tensor> in = inputs(1, 2, 2, 2, 9, 3);
  for (int64_t t = 0; t < 9; ++t) in[0].mutable_data<complex128>()[9 * 3 + t * 3] = 0;
  std::fill_n(in[1].mutable_data<complex128>() + 27, 27, 0);
  std::fill_n(in[2].mutable_data<double>() + 27, 27, 0);
  const auto reference = [](const std::vector<Tensor>& x) {
    std::vector<Tensor> result = numeric(x, plain, 7);
    for (int64_t t = 0; t < 9; ++t) result[0].mutable_data<complex128>()[9 * 3 + t * 3] = 0;
    return result;
  };
  return explicit_gradient("silence", std::move(in), plain, reference, 1e-7);
}

// Estimates that are constant over time without zeros around them: one tap is enough for all but the borders.
std::vector<Tensor> nearly_dependent() {
  std::vector<Tensor> in = inputs(1, 1, 1, 1, 50, 2);
  for (int64_t i = 0; i < 100; ++i) in[0].mutable_data<complex128>()[i] = {1 + 1e-4 * std::sin(7.0 * i), 0};
  return in;
}

void call(Shape estimates, Shape mixtures, Shape weights, const FcpOptions& options = plain,
          DType dtype = DType::complex128) {
  fcp(random_tensor(std::move(estimates), 1, dtype), random_tensor(std::move(mixtures), 2, DType::complex128),
      random_tensor(std::move(weights), 3, DType::float64, 0.1, 1), options);
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  constexpr int64_t taps = 21;
  // 21 x 21 matrices from products that a lag shares, right-hand sides and images; the solves are no more than that.
  return {benchmark(example("", inputs(far_field_items, sources, microphones, 1, far_field_frames, far_field_bins), {}),
                    taps * (8 + 2 * (taps + 1)) + 16 * taps * microphones)};
}

}  // namespace

Case fcp_case() {
  return {
      "fcp",
      benchmarks,
      {example("2x2x3x12x5_shared", inputs(2, 2, 3, 1, 12, 5), plain),
       example("1x2x2x14x9_own", inputs(1, 2, 2, 2, 14, 9), plain),
       example("1x1x4x10x2_two_groups", inputs(1, 1, 4, 2, 10, 2), plain),
       example("1x1x1x300x1_21_taps", inputs(1, 1, 1, 1, 300, 1), {.past = 19, .future = 1, .loading = 0}),
       example("2x1x2x7x17_one_tap", inputs(2, 1, 2, 1, 7, 17), {.past = 0, .future = 0, .loading = 0}),
       example("1x2x1x16x3_future", inputs(1, 2, 1, 1, 16, 3), {.past = 0, .future = 5, .loading = 0}),
       example("1x1x1x1x1", inputs(1, 1, 1, 1, 1, 1), {.past = 0, .future = 0, .loading = 0}),
       loaded("1x1x2x3x2_fewer_frames_than_taps", inputs(1, 1, 2, 1, 3, 2), {.past = 4, .future = 1}),
       loaded("nearly_dependent", nearly_dependent(), {.past = 4, .future = 1}), constant_loading(), stopped(),
       silence(), example("0x2x3x4x5", inputs(0, 2, 3, 1, 4, 5), plain),
       example("2x0x3x4x5", inputs(2, 0, 3, 1, 4, 5), plain), example("2x2x0x4x5", inputs(2, 2, 0, 1, 4, 5), plain),
       example("2x2x3x0x5", inputs(2, 2, 3, 1, 0, 5), plain), example("2x2x3x4x0", inputs(2, 2, 3, 1, 4, 0), plain)},
      {{"[fcp] expected estimates with 4 axes, got complex128 (3, 4, 5)",
        [] {
          call({3, 4, 5}, {1, 2, 4, 5}, {1, 1, 4, 5});
        }},
       {"[fcp] expected mixtures of shape (1, -1, 4, 5), got complex128 (1, 2, 4, 6)",
        [] {
          call({1, 3, 4, 5}, {1, 2, 4, 6}, {1, 1, 4, 5});
        }},
       {"[fcp] expected weights of shape (1, -1, 4, 5)",
        [] {
          call({1, 3, 4, 5}, {1, 2, 4, 5}, {2, 1, 4, 5});
        }},
       {"[fcp] expected a number of weights that divides the 3 microphones, got 2",
        [] {
          call({1, 3, 4, 5}, {1, 3, 4, 5}, {1, 2, 4, 5});
        }},
       {"[fcp] expected past and future frames with at most 128 taps, got -1 and 1",
        [] {
          call({1, 3, 4, 5}, {1, 2, 4, 5}, {1, 1, 4, 5}, {.past = -1});
        }},
       {"[fcp] expected past and future frames with at most 128 taps, got 127 and 1",
        [] {
          call({1, 3, 4, 5}, {1, 2, 4, 5}, {1, 1, 4, 5}, {.past = 127});
        }},
       {"[fcp] expected a loading of at least 0, got -1",
        [] {
          call({1, 3, 4, 5}, {1, 2, 4, 5}, {1, 1, 4, 5}, {.loading = -1});
        }},
       {"[fcp] expected complex estimates and mixtures and real weights of one precision",
        [] {
          call({1, 3, 4, 5}, {1, 2, 4, 5}, {1, 1, 4, 5}, plain, DType::float64);
        }},
       {"[fcp] expected failures int64 (1) on the estimates' stream, got int64 (2)",
        [] {
          const std::vector<Tensor> in = inputs(1, 1, 1, 1, 2, 2);
          fcp(in[0], in[1], in[2], plain, Tensor::zeros({2}, DType::int64));
        }},
       {"[fcp_backward] expected grad_images of shape (1, 1, 1, 2, 2)", [] {
          const std::vector<Tensor> in = inputs(1, 1, 1, 1, 2, 2);
          fcp_backward(in[0], in[0], in[1], in[2], fcp(in[0], in[1], in[2], plain), plain);
        }}}};
}

}  // namespace sunder::cases
