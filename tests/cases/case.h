// One case per op drives every check (tests/cases/cases_test.cpp): the op equals its reference in float64 and float32,
// its gradients equal finite differences, nothing unwritten is read, two runs and any number of threads give the same
// bits, and wrong inputs are rejected with their message. The op's benchmark (bench/ops.cpp) is part of its case. To
// add an op: write cases/<stem>.cpp and list the op in cmake/ops.cmake.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tensor/random.h"

namespace sunder::cases {

// How an input is stored where activations are bfloat16; a matrix is a rounded copy of a float32 parameter, which gets
// the gradient.
enum class Narrow { parameter, matrix, activation };

struct Example {
  std::string name;            // "3x5x7_shared"
  std::vector<Tensor> inputs;  // float64, complex128 or int64; cast for the float32 check
  Differentiable function;     // the op on variables; must accept the inputs in float32, too
  // The same in float64, written independently of the op; a fused op's is its composed definition.
  std::function<std::vector<Tensor>(const std::vector<Tensor>&)> reference;
  std::vector<bool> wanted_grads = {};  // which inputs have a gradient; empty: all that are not int64
  bool check_grad = true;
  // |difference| <= tolerance * max(1, largest |reference|)
  double tolerance64 = 1e-12;
  double tolerance32 = 1e-5;
  double grad_tolerance = 1e-7;
  // In lower precision, on CUDA alone (precision_test.cpp). |difference| <= bound * max(1, largest |reference|),
  // results and gradients alike; the reference is the function in float64 on the same rounded inputs.
  std::vector<Narrow> narrow = {};  // of each input; empty: the op has no bfloat16
  double bfloat16_bound = 0;
  Differentiable tf32 = {};  // the function with TF32 on
  double tf32_bound = 0;

  std::vector<bool> with_gradient() const;  // of each input: whether it has a gradient
};

// A row of sunder-bench-ops, or two, with and without the backward pass. The example's name is the row's after the op's
// stem; it needs no reference. Bytes follow from the inputs and outputs.
struct Benchmark {
  Example example;
  double flops;         // of the forward call
  bool float32 = true;  // the inputs are cast to it; else they stay as they are
};

// flops: of an element of the first input.
Benchmark benchmark(Example example, double flops);

struct Rejected {
  std::string message;  // a part of what is thrown
  std::function<void()> call;
};

struct Case {
  std::string op;  // the stem
  std::function<std::vector<Benchmark>(int64_t batch)> benchmarks;
  std::vector<Example> examples;
  std::vector<Rejected> rejected;
};

// The sizes that ops are timed at: those of the papers' networks.
namespace paper {
// Conv-TasNet, one second at 8 kHz.
inline constexpr int64_t samples = 8000, n_fft = 512, hop_length = 128, frames = 63, bins = 257, sources = 2;
inline constexpr int64_t bottleneck = 128, hidden = 512, network_parameters = 2'451'869;
// A batch of far-field recordings of four seconds.
inline constexpr int64_t far_field_items = 4, microphones = 6, far_field_frames = 501, far_field_bins = 129;
// About so many an element, and 5 N log2 N of a complex transform of a frame, half of it for a real one.
inline constexpr double norm_flops = 8, activation_flops = 20, transform_flops = 2.5 * n_fft * 9;
}  // namespace paper

// As the op sees it in float32: complex64 for complex inputs, integers as they are.
Tensor in_float32(const Tensor& input);
// Fixed pseudo-random values, uniform in [low, high); complex ones in both parts.
Tensor random_tensor(Shape shape, uint64_t which, DType dtype = DType::float64, double low = -1, double high = 1);
Tensor integers(const std::vector<int64_t>& values, Shape shape);
// A float64 tensor computed element by element from its flat index.
Tensor generate(Shape shape, const std::function<double(int64_t)>& value);
// Largest |a - b| over all elements, complex ones by part; infinity for another shape or for NaN.
double max_difference(const Tensor& a, const Tensor& b);
double max_abs(const Tensor& a);

}  // namespace sunder::cases
