// All differentiable functions. Contracts are in tensor/ops/<stem>.h, derivations in autograd/ops/<stem>.cpp. Arguments
// that are tensors, not variables, are constants.
#pragma once

#include "autograd/variable.h"
#include "tensor/ops/conv_block.h"
#include "tensor/ops/fcp.h"
#include "tensor/ops/unfold.h"

namespace sunder {

Variable add(const Variable& a, const Variable& b);
Variable broadcast_to(const Variable& x, const Shape& shape);
Variable cast(const Variable& x, DType dtype);
// Splits a network's output into S complex spectra: (B, T, F, 2 S), with channel 2 s the real and 2 s + 1 the imaginary
// part of speaker s (TF-GridNet's order) -> (B, S, T, F).
Variable channel_spectra(const Variable& x);
Variable concat(const std::vector<Variable>& parts, int axis);
std::vector<Variable> conv_block(const ConvBlock<Variable>& in, const ConvBlockOptions& options);  // next, skip_sum
Variable depthwise_conv1d(const Variable& x, const Variable& weight, const Variable& bias, int64_t dilation);
Variable divide(const Variable& a, const Variable& b);
// Images (B, M, S, T, F) of the estimates.
Variable fcp(const Variable& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options,
             const Tensor& failures = {});
Variable fold(const Variable& y, int64_t steps, int64_t bins, const SlidingWindow& window);
Variable global_norm(const Variable& x, const Variable& gain, const Variable& bias, double eps = 1e-8);
Variable head_norm(const Variable& x, const Variable& slope, const Variable& gain, const Variable& bias,
                   double eps = 1e-5);
Variable isms(const Variable& images, const Tensor& mixtures);  // (B, M)
Variable istft(const Variable& spectrum, const Tensor& window, int64_t hop_length, int64_t length);
Variable layer_norm(const Variable& x, const Variable& gain, const Variable& bias, double eps = 1e-5);
Variable linear(const Variable& x, const Variable& weight, const Variable& bias, Tf32 tf32 = Tf32::off);
Variable lstm(const Variable& x, const Variable& weight_ih, const Variable& weight_hh, const Variable& bias_ih,
              const Variable& bias_hh, Tf32 tf32 = Tf32::off);
Variable magnitude(const Variable& z);
Variable matmul(const Variable& a, const Variable& b, bool transpose_a = false, bool transpose_b = false,
                Tf32 tf32 = Tf32::off);
Variable mean(const Variable& x, const std::vector<int>& axes = {}, bool keepdim = false);
Variable mixit_snr(const Tensor& mixtures, const Variable& estimates, double snr_max_db = 30);  // (B)
Variable mixture_constraint(const Variable& images, const Tensor& mixtures);                    // (B, M)
Variable multiply(const Variable& a, const Variable& b);
Variable pad_axis(const Variable& x, int axis, int64_t before, int64_t after);  // with zeros
Variable permute(const Variable& x, const std::vector<int>& axes);
Variable pit_ri_mag(const Tensor& references, const Tensor& mixtures, const Variable& estimates);  // (B)
Variable pit_si_snr(const Tensor& references, const Variable& estimates);                         // (B)
Variable pit_snr(const Tensor& references, const Variable& estimates, double snr_max_db = 30);     // (B)
Variable prelu(const Variable& x, const Variable& slope);
Variable prelu_norm_depthwise(const Variable& x, const Variable& slope, const Variable& gain, const Variable& bias,
                              const Variable& weight, const Variable& conv_bias, int64_t dilation, double eps = 1e-8);
Variable prelu_norm_linear(const Variable& x, const Variable& slope, const Variable& gain, const Variable& bias,
                           const Variable& weight, const Variable& out_bias, Tf32 tf32 = Tf32::off, double eps = 1e-8);
Variable reshape(const Variable& x, const Shape& shape);  // one size may be -1
std::vector<Variable> residual_skip(const Variable& x, const Variable& skip, const Variable& both);  // next, skip_sum
Variable slice_axis(const Variable& x, int axis, int64_t begin, int64_t end);
Variable soft_mask(const Variable& logits, const Tensor& spectrum, int64_t sources);
Variable softmax(const Variable& x);
Variable stft(const Variable& signal, const Tensor& window, int64_t hop_length);
Variable subtract(const Variable& a, const Variable& b);
Variable sum(const Variable& x, const std::vector<int>& axes = {}, bool keepdim = false);  // no axes: all
Variable unfold(const Variable& x, const SlidingWindow& window);

// Pointwise: tensor/ops/pointwise.h.
Variable abs(const Variable& x);
Variable exp(const Variable& x);
Variable log(const Variable& x);
Variable negate(const Variable& x);
Variable reciprocal(const Variable& x);
Variable relu(const Variable& x);
Variable sigmoid(const Variable& x);
Variable sqrt(const Variable& x);
Variable square(const Variable& x);
Variable tanh(const Variable& x);
Variable add_scalar(const Variable& x, double offset);
Variable scale(const Variable& x, double factor);

}  // namespace sunder
