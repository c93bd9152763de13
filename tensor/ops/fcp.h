#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Forward convolutive prediction: the filter over K = past + 1 + future frames that maps an estimate to its image at a
// microphone with the least weighted error.
struct FcpOptions {
  int64_t past = 19, future = 1;  // frames; K = 1 ... fcp_max_taps
  double loading = 1e-6;          // added to the matrix' diagonal, times the diagonal's mean
  bool stop_gradient = false;     // the filters are constants in the backward pass

  int64_t taps() const { return past + 1 + future; }
};
inline constexpr int64_t fcp_max_taps = 128;

// A pivot of the Cholesky factorisation must exceed this times K times its diagonal entry; anything below is rounding.
inline constexpr double fcp_pivot_floor = 0x1p-52;

struct Fcp {
  Tensor images;   // (B, M, S, T, F) complex, the estimates' dtype
  Tensor filters;  // (B, M, S, F, K) complex128, tap 0 meets the oldest frame
  Tensor factors;  // what fcp_backward solves with; its layout is the device's
};

// image(t) = g^H Z(t), Z(t) = estimate frames t - past ... t + future (zero outside), g = A^-1 b with A = sum_t Z(t)
// Z(t)^H / lambda(t) and b = sum_t Z(t) conj(Y(t)) / lambda(t): each estimate separately against the mixture (arXiv
// 2402.09313, eqs. 7-9). estimates: (B, S, T, F) complex64 or complex128; mixtures: (B, M, T, F) of the same type;
// weights lambda: (B, G, T, F) real, constant; G divides M, and microphone m has weight m / (M / G): 1 for far-field
// microphones, which share one matrix, M for close-talk ones. Frames whose lambda is not above zero are ignored. Where
// a pivot fails (silent estimates or mixtures, dependent frames without loading), the filter and the gradient through
// it are zero, and `failures`, if given, (1) int64 on the same stream, increases by one for each (item, speaker,
// weight, bin). A NaN in the estimates gives images of NaN.
//
// Everything between the inputs and the images is float64, in which products of two float32 are exact: on speech
// complex64 images are those of complex128 to 4e-8 of the largest, gradients to 7e-8, where matrices summed in float32
// would move the worst filters by 6e-4 (tests/objectives/fcp_precision_test.cpp). Throws Error for other shapes and
// types.
Fcp fcp(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options,
        const Tensor& failures = {});

// (B, S, T, F): the gradient of the estimates, through the solve unless options.stop_gradient; loading is a constant.
Tensor fcp_backward(const Tensor& grad_images, const Tensor& estimates, const Tensor& mixtures, const Tensor& weights,
                    const Fcp& forward, const FcpOptions& options);

// The kernels allocate result.factors.
SUNDER_KERNEL(fcp_forward, const Tensor& estimates, const Tensor& mixtures, const Tensor& weights,
              const FcpOptions& options, const Tensor& failures, Fcp& result)
SUNDER_KERNEL(fcp_backward, const Tensor& grad_images, const Tensor& estimates, const Tensor& mixtures,
              const Tensor& weights, const Fcp& forward, const FcpOptions& options, Tensor& grad_estimates)

}  // namespace sunder
