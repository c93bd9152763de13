#include "bench/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>

#include "nn/architectures.h"
#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "tensor/cuda/runtime.h"
#include "tensor/memory.h"
#include "tensor/random.h"
#include "train/step_runner.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, DType dtype, uint64_t which) {
  Tensor host = Tensor::empty(std::move(shape), DType::float64);
  Random random(0, RandomUse::noise, 0, which);
  for (int64_t i = 0; i < host.numel(); ++i) host.mutable_data<double>()[i] = random.normal();
  return host.cast(dtype);
}

// A step on fixed signals; the twin's `Step` (white noise of unit variance as sources).
struct Step {
  StepRunner::Loss loss;
  std::function<std::vector<Tensor>(int64_t number)> inputs;  // on the host
};

// The twin's sizes.
SeparatorConfig network_config(const StepBenchmark& b) {
  if (b.model == "stft-conv-tasnet") {
    ConvTasNetConfig sizes;
    sizes.sources = b.method == "mixit" ? 4 : 2;
    return sizes;
  }
  if (b.model != "tf-gridnet") throw_error<UsageError>("--model {}: expected stft-conv-tasnet or tf-gridnet", b.model);
  FarFieldConfig config;
  config.network.microphones = b.mics;
  config.output = b.method == "pit" ? FarFieldOutput::image : FarFieldOutput::source;
  if (b.size == "small") {
    config.network.emb_dim = 24;
    config.network.blocks = 2;
    config.network.hidden = 48;
    config.network.attn_approx_qk_dim = 2 * config.network.n_freqs;
  }
  return config;
}

Step far_field_step(const FarFieldSeparator& network, const StepBenchmark& b, int64_t length, DType dtype) {
  const Tensor far = noise({b.batch, b.mics, length}, dtype, 1), close = noise({b.batch, 2, length}, dtype, 2);
  const auto always = [](std::vector<Tensor> inputs) { return [inputs](int64_t) { return inputs; }; };
  if (b.method == "m2m")
    return {[&](const auto& in) { return m2m_step(network, in[0], in[1], {}); }, always({far, close})};
  if (b.method == "unssor") return {[&](const auto& in) { return unssor_step(network, in[0], {}); }, always({far})};
  if (b.method == "pit")
    return {[&](const auto& in) { return pit_spectra_step(network, in[0], in[1]); }, always({close, far})};
  throw_error<UsageError>("--method {}: expected pit, unssor or m2m for tf-gridnet", b.method);
}

Step make_step(const Separator& network, const StepBenchmark& b, int64_t length, DType dtype) {
  if (const auto* far_field = dynamic_cast<const FarFieldSeparator*>(&network))
    return far_field_step(*far_field, b, length, dtype);
  const Tensor first = noise({b.batch, length}, dtype, 1), second = noise({b.batch, length}, dtype, 2);
  const auto always = [](std::vector<Tensor> inputs) { return [inputs](int64_t) { return inputs; }; };
  if (b.method == "mixit")
    return {[&](const auto& in) { return mixit_step(network, in[0], in[1], in[2]); },
            always({first, second, pair_order(b.batch)})};
  if (b.method == "mixpit")
    return {[&](const auto& in) { return mixpit_step(network, in[0], in[1], in[2]); },
            always({first, second, pair_order(b.batch)})};
  if (b.method == "pit")
    return {[&](const auto& in) { return pit_step(network, in[0], in[1]); },
            always({noise({b.batch, 2, length}, dtype, 3), first})};
  if (b.method == "mixcycle")
    return {[&](const auto& in) { return mixcycle_step(network, in[0], in[1]); },
            [first, batch = b.batch](int64_t number) {
              return std::vector{first, exchange_order(swap_flags(0, 0, number, batch))};
            }};
  throw_error<UsageError>("--method {}: expected pit, mixit, mixpit or mixcycle", b.method);
}

}  // namespace

std::string run(const StepBenchmark& b) {
  const cuda::OwnedStream own(parse_device(b.device));
  const Stream stream = own.get();
  if (b.mode == "graph" && stream.device.is_cpu())
    throw_error<UsageError>("--mode graph: expected a CUDA device, the CPU has no graphs");
  const Precision precision = parse_precision(b.precision, stream.device);
  const DType dtype = precision.signals;
  const auto network = make_separator(network_config(b), precision, stream, /*seed=*/0);
  const bool far_field = b.model == "tf-gridnet";
  Adam adam(network->parameters(), 1e-3, {.clip = far_field ? 1.0 : AdamOptions{}.clip});
  StepRunner runner(network->parameters(), adam, b.mode == "graph" ? cuda::GraphUse::required : cuda::GraphUse::off);
  const Step step = make_step(*network, b, static_cast<int64_t>(8000 * b.seconds), dtype);
  // As the twin does it: every step is waited for.
  const auto run_one = [&](int64_t number) {
    runner.run(b.method, step.inputs(number), step.loss);
    runner.results(/*wait=*/true);
  };
  for (int64_t i = 0; i < b.warmup; ++i) run_one(i);
  reset_peak_memory(stream.device);
  const uint64_t allocations = memory_stats(stream.device).allocations;
  std::vector<double> times;
  for (int64_t i = 0; i < b.repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run_one(b.warmup + i);
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const auto round = [](double value, double per_unit) { return std::round(value * per_unit) / per_unit; };
  nlohmann::ordered_json row{
      {"peer", "sunder"},
      {"model", far_field ? b.model + "-" + b.size : b.model},
      {"method", b.method},
      {"mode", b.mode},
      {"precision", b.precision},
      {"device", b.device},
      {"batch", b.batch},
      {"seconds", b.seconds},
      {"step_ms", round(median, 1000)},
      {"step_ms_min", round(times.front(), 1000)},
      {"step_ms_max", round(times.back(), 1000)},
      {"inputs_per_s", round(1e3 * static_cast<double>(b.batch) / median, 10)},
      {"peak_mib", round(static_cast<double>(memory_stats(stream.device).bytes_peak) / (1 << 20), 10)},
      {"allocations", memory_stats(stream.device).allocations - allocations}};
  if (far_field) {
    row["mics"] = b.mics;
    row["parameters"] = network->parameters().count();
  }
  size_t bytes = 0;
  for (const Tensor& input : step.inputs(0)) bytes += input.bytes();
  if (stream.device.is_cuda()) {
    row["bytes_to_device"] = bytes;
    row["bytes_to_host"] = adam.report().bytes();
  }
  if (b.mode == "graph") {
    row["kernels"] = runner.graph_size().kernels;
    row["copies"] = runner.graph_size().copies;
    row["fills"] = runner.graph_size().fills;
  }
  return row.dump();
}

}  // namespace sunder
