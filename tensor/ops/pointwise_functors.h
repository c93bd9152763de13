// Functions of one element: value and derivative side by side. One functor generates the CPU loop, the CUDA kernel and
// the gradient. To add one: write it, list it in SUNDER_POINTWISE, and name it in pointwise.h and autograd/ops.
#pragma once

#include <cmath>

#include "tensor/host_device.h"
#include "tensor/vector_math.h"

namespace sunder {

// The tensor that the derivative is a function of, which the forward pass therefore saves.
enum class Saved { nothing, input, output };

// A std:: call would prevent the vectorisation of a CPU loop; on a GPU the std:: functions are the fast ones.
#ifdef __CUDA_ARCH__
#define SUNDER_HOST_OR_DEVICE(host, device) device
#else
#define SUNDER_HOST_OR_DEVICE(host, device) host
#endif

struct SigmoidOp {
  static constexpr Saved saved = Saved::output;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return SUNDER_HOST_OR_DEVICE(fast_sigmoid(x), T(1) / (T(1) + std::exp(-x)));
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T y) const {
    return y * (T(1) - y);
  }
};

struct TanhOp {
  static constexpr Saved saved = Saved::output;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return SUNDER_HOST_OR_DEVICE(fast_tanh(x), std::tanh(x));
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T y) const {
    return T(1) - y * y;
  }
};

struct ExpOp {
  static constexpr Saved saved = Saved::output;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return SUNDER_HOST_OR_DEVICE(fast_exp(x), std::exp(x));
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T y) const {
    return y;
  }
};

struct LogOp {
  static constexpr Saved saved = Saved::input;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return std::log(x);
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T x) const {
    return T(1) / x;
  }
};

struct SqrtOp {
  static constexpr Saved saved = Saved::output;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return std::sqrt(x);
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T y) const {
    return T(0.5) / y;
  }
};

struct SquareOp {
  static constexpr Saved saved = Saved::input;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return x * x;
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T x) const {
    return T(2) * x;
  }
};

struct AbsOp {
  static constexpr Saved saved = Saved::input;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return std::abs(x);
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T x) const {
    return x > T(0) ? T(1) : (x < T(0) ? T(-1) : T(0));
  }
};

struct ReluOp {
  static constexpr Saved saved = Saved::output;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return x < T(0) ? T(0) : x;
  }  // NaN stays NaN
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T y) const {
    return y > T(0) ? T(1) : T(0);
  }
};

struct ReciprocalOp {
  static constexpr Saved saved = Saved::output;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return T(1) / x;
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T y) const {
    return -y * y;
  }
};

// factor * x + offset
struct AffineOp {
  static constexpr Saved saved = Saved::nothing;
  double factor, offset;
  template <class T>
  SUNDER_HOST_DEVICE T value(T x) const {
    return T(factor) * x + T(offset);
  }
  template <class T>
  SUNDER_HOST_DEVICE T derivative(T) const {
    return T(factor);
  }
};

// The functors that kernels are instantiated for.
#define SUNDER_POINTWISE(apply)                                                                                     \
  apply(SigmoidOp) apply(TanhOp) apply(ExpOp) apply(LogOp) apply(SqrtOp) apply(SquareOp) apply(AbsOp) apply(ReluOp) \
      apply(ReciprocalOp) apply(AffineOp)

}  // namespace sunder
