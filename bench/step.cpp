#include "bench/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>

#include "nn/adam.h"
#include "nn/registry.h"
#include "objectives/mixcycle.h"
#include "objectives/step.h"
#include "tensor/memory.h"
#include "tensor/random.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, DType dtype, Stream stream, uint64_t which) {
  Tensor host = Tensor::empty(std::move(shape), DType::float64);
  Random random(0, RandomUse::noise, 0, which);
  for (int64_t i = 0; i < host.numel(); ++i) host.mutable_data<double>()[i] = random.normal();
  return host.cast(dtype).to(stream);
}

// The loss of a step on fixed signals; the twin's `Step` (white noise of unit variance as sources).
std::function<Variable(int64_t)> make_step(const Separator& network, const StepBenchmark& b, int64_t length, DType dtype,
                                           Stream stream) {
  const Tensor first = noise({b.batch, length}, dtype, stream, 1), second = noise({b.batch, length}, dtype, stream, 2);
  if (b.method == "mixit") return [=, &network](int64_t) { return mixit_step(network, first, second); };
  if (b.method == "mixpit") return [=, &network](int64_t) { return mixpit_step(network, first, second); };
  if (b.method == "pit") {
    const Tensor references = noise({b.batch, 2, length}, dtype, stream, 3);
    return [=, &network](int64_t) { return pit_step(network, references, first); };
  }
  if (b.method == "mixcycle") {
    return [=, &network, batch = b.batch](int64_t step) {
      return mixcycle_step(network, first, swap_flags(0, 0, step, batch));
    };
  }
  throw_error<UsageError>("--method {}: expected pit, mixit, mixpit or mixcycle", b.method);
}

}  // namespace

std::string run(const StepBenchmark& b) {
  const Stream stream = parse_device(b.device);
  const Precision precision = parse_precision(b.precision, stream.device);
  const DType dtype = precision.signals;
  ConvTasNetConfig sizes;
  sizes.sources = b.method == "mixit" ? 4 : 2;
  const auto network = make_separator(b.model, sizes, precision, stream, /*seed=*/0);
  Adam adam(network->parameters(), 1e-3, {});
  const auto loss = make_step(*network, b, static_cast<int64_t>(8000 * b.seconds), dtype, stream);
  const auto step = [&](int64_t number) {
    network->parameters().zero_grad();
    backward(loss(number));
    adam.step();
  };
  for (int64_t i = 0; i < b.warmup; ++i) step(i);
  reset_peak_memory(stream.device);
  const uint64_t allocations = memory_stats(stream.device).allocations;
  std::vector<double> times;
  for (int64_t i = 0; i < b.repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    step(b.warmup + i);
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const auto round = [](double value, double unit) { return std::round(value / unit) * unit; };
  nlohmann::ordered_json row{{"peer", "sunder"},
                             {"model", b.model},
                             {"method", b.method},
                             {"mode", "eager"},
                             {"precision", b.precision},
                             {"device", b.device},
                             {"batch", b.batch},
                             {"seconds", b.seconds},
                             {"step_ms", round(median, 1e-3)},
                             {"step_ms_min", round(times.front(), 1e-3)},
                             {"step_ms_max", round(times.back(), 1e-3)},
                             {"inputs_per_s", round(1e3 * static_cast<double>(b.batch) / median, 0.1)},
                             {"peak_mib", round(static_cast<double>(memory_stats(stream.device).bytes_peak) / (1 << 20), 0.1)},
                             {"allocations", memory_stats(stream.device).allocations - allocations}};
  return row.dump();
}

}  // namespace sunder
