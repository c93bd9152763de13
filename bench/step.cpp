#include "bench/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tensor/memory.h"
#include "tensor/random.h"
#include "train/setup.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, DType dtype, uint64_t which) {
  Tensor host = Tensor::empty(std::move(shape), DType::float64);
  Random random(0, RandomUse::noise, 0, which);
  for (int64_t i = 0; i < host.numel(); ++i) host.mutable_data<double>()[i] = random.normal();
  return host.cast(dtype);
}

// The sizes of the PyTorch benchmark.
Config configuration(const StepBenchmark& b) {
  Config config;
  const bool spectra = b.model == "tf-gridnet", small = spectra && b.size == "small";
  std::vector<std::pair<std::string, std::string>> settings = {{"model.architecture", b.model},
                                                               {"train.batch", std::to_string(b.batch)},
                                                               {"train.device", b.device},
                                                               {"train.precision", b.precision},
                                                               {"train.graph", b.mode == "graph" ? "on" : "off"},
                                                               {"mixcycle.init_epochs", "0"}};
  if (spectra) settings.insert(settings.end(), {{"model.microphones", std::to_string(b.mics)}, {"optim.clip", "1"}});
  if (small)
    settings.insert(
        settings.end(),
        {{"model.emb_dim", "24"}, {"model.num_blocks", "2"}, {"model.lstm_hidden", "48"}, {"model.qk_channels", "2"}});
  for (const auto& [key, value] : settings) set_config(config, key, value, key);
  for (const std::string& text : b.settings) set_config(config, text, "--set");
  check_model_keys(config, {}, b.settings);
  return config;
}

// White noise of unit variance for every signal, as in the PyTorch benchmark.
std::vector<Batch> noise_batches(const Config& config, const MethodNeeds& needs, int64_t length, DType dtype) {
  const int64_t count = config.train.inputs_per_step(), sources = config.model.sources(),
                microphones = config.model.microphones();
  const Shape one{count, length}, several{count, microphones, length}, all{count, sources, length};
  Batch first{noise(microphones > 1 ? several : one, dtype, 1), {}, {}}, second{noise(one, dtype, 2), {}, {}};
  if (needs.references) first.references = noise(all, dtype, 3);
  if (needs.close_talk) first.close_talk = noise(all, dtype, 2);
  if (needs.virtual_microphones) first.virtual_microphones = noise(all, dtype, 2);
  std::vector<Batch> batches = {first, second};
  while (static_cast<int64_t>(batches.size()) < needs.summed) {
    batches.emplace_back();
    batches.back().mixtures = noise(one, dtype, batches.size() + 1);
  }
  return batches;
}

}  // namespace

std::string run(const StepBenchmark& b) {
  if (b.mode == "graph" && b.device == "cpu")
    throw_error<UsageError>("--mode graph: expected a CUDA device, the CPU has no graphs");
  const Config config = configuration(b);
  const MethodDefinition& definition = find_method(b.method);
  check_config(config, definition);
  const MethodNeeds needs = definition.needs(config);
  Learner learner(*network_config(config, needs), config.optim,
                  {config.train.device, config.train.precision, config.train.graph, /*seed=*/0});
  learner.runner().accumulate(config.train.accumulate, needs.mean_loss);
  const Stream stream = learner.stream();
  const std::unique_ptr<Method> method = definition.make(config, learner.network());
  Position position{.epoch = 0};
  if (method->phase_is_due(position)) method->begin_phase(position, learner.adam());
  Task& task = method->task();
  const std::vector<Batch> batches =
      noise_batches(config, needs, static_cast<int64_t>(8000 * b.seconds), learner.precision().signals);
  const auto inputs = [&] {
    return in_micro_batches(task.inputs(std::span(batches).first(task.batches), position), config.train.accumulate,
                            task.part);
  };
  // Waits for every step, like the PyTorch benchmark.
  const auto run_one = [&](int64_t number) {
    position.steps = number;
    learner.runner().run(task.step, inputs());
    learner.runner().results(/*wait=*/true);
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
      {"model", needs.spectra ? b.model + "-" + b.size : b.model},
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
  if (needs.spectra) {
    row["mics"] = b.mics;
    row["parameters"] = learner.parameters().count();
  }
  size_t bytes = 0;
  for (const Tensor& input : inputs()) bytes += input.bytes();
  if (stream.device.is_cuda()) {
    row["bytes_to_device"] = bytes;
    row["bytes_to_host"] = learner.adam().report().bytes();
  }
  if (b.mode == "graph") {
    row["kernels"] = learner.runner().graph_size().kernels;
    row["copies"] = learner.runner().graph_size().copies;
    row["fills"] = learner.runner().graph_size().fills;
  }
  return row.dump();
}

}  // namespace sunder
