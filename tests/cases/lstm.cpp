#include "tensor/ops/lstm.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// One unit of one sequence at a time.
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>(), w = in[1].to_vector<double>(), v = in[2].to_vector<double>();
  const auto b = in[3].to_vector<double>(), d = in[4].to_vector<double>();
  const LstmSizes s(in[0], in[2]);
  const int64_t inputs = s.inputs, hidden = s.hidden;
  Shape shape = in[0].shape();
  shape.back() = 2 * hidden;
  Tensor y = Tensor::zeros(shape, DType::float64);
  for (int64_t sequence = 0; sequence < 2 * s.sequences(); ++sequence) {
    const int64_t direction = sequence % 2, group = sequence / 2 / s.rows, row = sequence / 2 % s.rows;
    std::vector<double> h(hidden, 0), c(hidden, 0);
    for (int64_t n = 0; n < s.steps; ++n) {
      const int64_t at = (group * s.steps + (direction ? s.steps - 1 - n : n)) * s.rows + row;
      const auto gate = [&](int64_t which, int64_t unit) {
        const int64_t k = direction * 4 * hidden + which * hidden + unit;
        double sum = b[k] + d[k];
        for (int64_t j = 0; j < inputs; ++j) sum += w[k * inputs + j] * x[at * inputs + j];
        for (int64_t j = 0; j < hidden; ++j) sum += v[k * hidden + j] * h[j];
        return sum;
      };
      std::vector<double> next(hidden);
      for (int64_t unit = 0; unit < hidden; ++unit) {
        c[unit] = sigmoid_of(gate(1, unit)) * c[unit] + sigmoid_of(gate(0, unit)) * std::tanh(gate(2, unit));
        next[unit] = sigmoid_of(gate(3, unit)) * std::tanh(c[unit]);
        y.mutable_data<double>()[at * 2 * hidden + direction * hidden + unit] = next[unit];
      }
      h = next;
    }
  }
  return {y};
}

Example example(const std::string& name, Shape x, int64_t hidden, double range = 0.7) {
  const int64_t inputs = x.back();
  const auto with = [](Tf32 tf32) {
    return [tf32](const auto& in) { return std::vector{lstm(in[0], in[1], in[2], in[3], in[4], tf32)}; };
  };
  Example result{name,
                 {random_tensor(x, 1), random_tensor({2, 4 * hidden, inputs}, 2, DType::float64, -range, range),
                  random_tensor({2, 4 * hidden, hidden}, 3, DType::float64, -range, range),
                  random_tensor({2, 4 * hidden}, 4), random_tensor({2, 4 * hidden}, 5)},
                 with(Tf32::off),
                 reference};
  result.narrow = {Narrow::activation, Narrow::matrix, Narrow::matrix, Narrow::parameter, Narrow::parameter};
  result.bfloat16_bound = lstm_bfloat16_error;
  result.tf32 = with(Tf32::on);
  result.tf32_bound = lstm_tf32_error;
  return result;
}

// Zeros of the shapes of an LSTM with C = 3 and H = 2, one of them exchanged.
LstmWeights weights_with(int which, Shape shape) {
  std::vector<Shape> shapes{{2, 8, 3}, {2, 8, 2}, {2, 8}, {2, 8}};
  shapes[which] = std::move(shape);
  std::vector<Tensor> w;
  for (const Shape& each : shapes) w.push_back(Tensor::zeros(each, DType::float64));
  return {w[0], w[1], w[2], w[3]};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  // TF-GridNet at the paper's size (D = 96, H = 192), two neighbours of 130 bands side by side, an eighth of a second
  // for each eight items.
  constexpr int64_t inputs = 2 * 96, units = 192;
  return {benchmark(example("", {2 * batch, 65, inputs}, units, 0.07),
                    2.0 * units / inputs * (8.0 * (inputs + units) + 5 * activation_flops))};
}

}  // namespace

Case lstm_case() {
  const Tensor x = random_tensor({2, 4, 3}, 1);
  // Sums of up to 60, whose rounding is as large.
  Example saturated = example("2x6x3_to_17_saturated", {2, 6, 3}, 17, 3.0);
  saturated.bfloat16_bound *= 3;
  saturated.tf32_bound *= 4;
  return {"lstm",
          benchmarks,
          {example("1x1x1_to_1", {1, 1, 1}, 1), example("3x7x5_to_4", {3, 7, 5}, 4),
           example("2x5x3x4_to_3_rows_side_by_side", {2, 5, 3, 4}, 3),
           example("1x4x70x2_to_2_two_blocks", {1, 4, 70, 2}, 2), example("70x3x2_to_5_two_blocks", {70, 3, 2}, 5),
           example("2x1x3_to_2_one_step", {2, 1, 3}, 2), example("0x3x2_to_2", {0, 3, 2}, 2),
           example("2x0x2_to_2_no_steps", {2, 0, 2}, 2), saturated},
          {{"[lstm] expected x of shape (A, T, C) or (A, T, R, C), got float64 (4, 3) on cpu",
            [] {
              lstm(random_tensor({4, 3}, 1), weights_with(0, {2, 8, 3}));
            }},
           {"[lstm] expected weight_ih of shape (2, 8, 3)",
            [=] {
              lstm(x, weights_with(0, {2, 8, 4}));
            }},
           {"[lstm] expected weight_hh of shape (2, 8, 2)",
            [=] {
              lstm(x, weights_with(1, {1, 8, 2}));
            }},
           {"[lstm] expected at least one input and one hidden unit",
            [=] {
              lstm(x, weights_with(1, {2, 0, 0}));
            }},
           {"[lstm] expected bias_hh of shape (2, 8)", [=] { lstm(x, weights_with(3, {8})); }},
           {"[lstm] expected float32 on a CUDA device for TF32, got float64 (2, 4, 3) on cpu", [=] {
              lstm(x, weights_with(0, {2, 8, 3}), Tf32::on);
            }}}};
}

}  // namespace sunder::cases
