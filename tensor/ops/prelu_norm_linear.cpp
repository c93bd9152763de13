#include "tensor/ops/prelu_norm_linear.h"

#include "tensor/blas.h"
#include "tensor/ops/global_norm_cpu.h"

namespace sunder {
namespace cpu {
namespace {

// normed rows (R, C) of all items.
template <class T>
void normalise(const PreluNormLinearInputs& in, const Tensor& moments, T* normed) {
  const int64_t frames = in.x.size(1), channels = in.x.size(2);
  for_chunks(in.x.size(0), frames, [&](int64_t item, int64_t, int64_t begin, int64_t end) {
    const NormAffine<T> norm(in.gain.data<T>(), in.bias.data<T>(), moments.data<T>() + 2 * item, channels);
    const int64_t at = (item * frames + begin) * channels;
    norm_apply_rows(in.x.data<T>() + at, in.slope.data<T>()[0], norm.scale.data(), norm.shift.data(), normed + at,
                    end - begin, channels);
  });
}

}  // namespace

void prelu_norm_linear_forward(const PreluNormLinearInputs& in, Tf32, double eps, Tensor& y, Tensor& moments) {
  const int64_t items = in.x.size(0), frames = in.x.size(1), channels = in.x.size(2), n = in.weight.size(0);
  visit_real("prelu_norm_linear", in.x.dtype(), [&]<class T>() {
    norm_moments(in.x.data<T>(), in.slope.data<T>()[0], items, frames, channels, eps, moments.mutable_data<T>());
    const Tensor normed = Tensor::empty_like(in.x);
    normalise(in, moments, normed.mutable_data<T>());
    T* out = y.mutable_data<T>();
    parallel_for(items * frames, rows_per_chunk, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) std::copy_n(in.out_bias.data<T>(), n, out + row * n);
    });
    blas::parallel_gemm<T>(false, true, items * frames, n, channels, 1, normed.data<T>(), channels, in.weight.data<T>(),
                           channels, 1, out, n);
  });
}

void prelu_norm_linear_backward(const Tensor& grad_y, const PreluNormLinearInputs& in, const Tensor& moments, Tf32,
                                PreluNormLinearInputs& grads) {
  const int64_t items = in.x.size(0), frames = in.x.size(1), channels = in.x.size(2), n = in.weight.size(0);
  const int64_t rows = items * frames;
  visit_real("prelu_norm_linear", in.x.dtype(), [&]<class T>() {
    const T* dy = grad_y.data<T>();
    const Tensor normed = Tensor::empty_like(in.x);
    normalise(in, moments, normed.mutable_data<T>());
    blas::parallel_gemm<T>(true, false, n, channels, rows, 1, dy, n, normed.data<T>(), channels, 0,
                           grads.weight.mutable_data<T>(), channels);
    blas::column_sums(dy, rows, n, grads.out_bias.mutable_data<T>());
    T* dn = grads.x.mutable_data<T>();  // the norm's gradient first, turned into that of x in place
    blas::parallel_gemm<T>(false, false, rows, channels, n, 1, dy, n, in.weight.data<T>(), channels, 0, dn, channels);
    norm_backward(dn, in.x.data<T>(), in.slope.data<T>()[0], in.gain.data<T>(), moments.data<T>(), items, frames,
                  channels, dn, grads.slope.mutable_data<T>(), grads.gain.mutable_data<T>(),
                  grads.bias.mutable_data<T>());
  });
}

}  // namespace cpu

PreluNormLinearResult prelu_norm_linear(const PreluNormLinearInputs& in, Tf32 tf32, double eps) {
  const char* op = "prelu_norm_linear";
  check_tf32(op, in.x, tf32);
  check_alike(op, {&in.x, &in.weight});
  check_parameters(op, in.x, {&in.slope, &in.gain, &in.bias, &in.out_bias});
  check_dim(op, "x", in.x, 3);
  check_shape(op, "slope", in.slope, {1});
  check_shape(op, "gain", in.gain, {in.x.size(2)});
  check_shape(op, "bias", in.bias, {in.x.size(2)});
  check_shape(op, "weight", in.weight, {-1, in.x.size(2)});
  check_shape(op, "out_bias", in.out_bias, {in.weight.size(0)});
  PreluNormLinearResult result{
      Tensor::empty({in.x.size(0), in.x.size(1), in.weight.size(0)}, in.x.dtype(), in.x.stream()),
      Tensor::empty({in.x.size(0), 2}, compute_dtype(in.x.dtype()), in.x.stream())};
  SUNDER_DISPATCH(prelu_norm_linear_forward, in.x.device())(in, tf32, eps, result.y, result.moments);
  return result;
}

PreluNormLinearInputs prelu_norm_linear_backward(const Tensor& grad_y, const PreluNormLinearInputs& in,
                                                 const Tensor& moments, Tf32 tf32) {
  check_tf32("prelu_norm_linear_backward", in.x, tf32);
  check_alike("prelu_norm_linear_backward", {&grad_y, &in.x});
  check_parameters("prelu_norm_linear_backward", in.x, {&moments});
  check_shape("prelu_norm_linear_backward", "grad_y", grad_y, {in.x.size(0), in.x.size(1), in.weight.size(0)});
  const auto like = [](const Tensor& tensor) { return Tensor::empty_like(tensor); };
  PreluNormLinearInputs grads{like(in.x),       like(in.slope), like(in.gain), like(in.bias), empty_gradient(in.weight),
                              like(in.out_bias)};
  SUNDER_DISPATCH(prelu_norm_linear_backward, in.x.device())(grad_y, in, moments, tf32, grads);
  return grads;
}

}  // namespace sunder
