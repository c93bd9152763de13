// What a training method is to the trainer: what it needs of the data and the network, and what its steps compute.
#pragma once

#include <limits>
#include <memory>
#include <span>

#include "audio/sets/batch.h"
#include "train/config.h"
#include "train/position.h"
#include "train/step_runner.h"

namespace sunder {

struct MethodNeeds {
  bool references = false;         // PIT alone: no other method is ever given a clean source
  bool close_talk = false;         // the mixture close to each speaker
  bool spectra = false;            // a loss between spectra: the network is a SpectralSeparator
  std::string output = "image";    // what its estimates are then (nn/tfgridnet_separator.h)
  bool mean_loss = false;          // losses are means over the batch, not sums
  int64_t outputs_per_source = 1;  // MixIT: 2, its network gives the sources of both mixtures
  bool even_batch = false;         // MixCycle exchanges estimates between neighbours
  int64_t paired_epochs = 0;       // the first so many epochs take two mini-batches a step
};
inline constexpr int64_t every_epoch = std::numeric_limits<int64_t>::max();

// One kind of step.
struct Task {
  std::string name;  // in the log and in metrics.jsonl: "mixpit"
  StepTask step;     // its loss is a sum or a mean over train.batch inputs (MethodNeeds::mean_loss)
  // Of the step's mini-batches, on the host.
  std::function<std::vector<Tensor>(std::span<const Batch> batches, const Position& position)> inputs;
  size_t batches = 1;  // mini-batches a step; an odd last one of two is left out
  Tensor failures{};   // (1) int64 on the device: FCP filters that could not be found; not defined where there are none
};

class Method {
 public:
  virtual ~Method() = default;
  // Before the steps of an epoch. What it returns, if anything, belongs in the log.
  virtual std::string begin_epoch(const Position&, Adam&) { return ""; }
  // What the steps of the epoch compute.
  virtual Task& task() = 0;
  // The method's own numbers in a checkpoint.
  virtual Fields state() { return {}; }
};

// A method whose steps are all alike.
class OneTask : public Method {
 public:
  OneTask(std::string name, StepTask::Loss loss, decltype(Task::inputs) inputs, size_t batches = 1)
      : task_{std::move(name), StepTask(std::move(loss)), std::move(inputs), batches} {}
  Task& task() override { return task_; }

 private:
  Task task_;
};

struct MethodDefinition {
  std::string name;     // "m2m": sunder-train-m2m
  std::string summary;  // what --help says
  std::string recipe;   // an example
  // Throws UsageError for a configuration that the method cannot work with.
  MethodNeeds (*needs)(const Config& config);
  // `network` must outlive the result.
  std::unique_ptr<Method> (*make)(const Config& config, const Separator& network);
};

// Throws UnknownName.
const MethodDefinition& find_method(const std::string& name);

}  // namespace sunder
