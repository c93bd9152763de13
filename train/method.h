// A training method: what it needs of the data and the network, and what its steps compute.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "audio/sets/batch.h"
#include "train/config.h"
#include "train/micro_batches.h"
#include "train/position.h"
#include "train/step_runner.h"

namespace sunder {

struct MethodNeeds {
  bool references = false;                       // PIT only: no other method is ever given a clean source
  bool close_talk = false;                       // the mixtures at the close-talk microphones
  bool virtual_microphones = false;              // one for each source (audio/sets/virtual_items.h)
  bool spectra = false;                          // a loss between spectra: the network is a SpectralSeparator
  std::string estimate = "image";                // what the estimated spectra are (nn/tfgridnet_separator.h)
  bool mean_loss = false;                        // losses are means over the batch, not sums
  int64_t outputs_per_source = 1;                // MixIT: 2, its network outputs the sources of both mixtures
  int64_t least_sources = 1, most_sources = 64;  // what model.sources may be
  int64_t exchanged = 1;                         // MixCycle exchanges estimates between so many neighbours of a batch
  bool adds_up = false;                          // the network's estimates add up to the mixture
  int64_t summed = 2;                            // mini-batches that a step of MixIT or MixPIT adds,
  int64_t summed_epochs = 0;                     // in so many first epochs
  std::string warning{};                         // what the configuration leaves undone; logged at the start
};
inline constexpr int64_t every_epoch = std::numeric_limits<int64_t>::max();

// Whether there is a blind score of the method's network: it exchanges the estimates of two outputs.
inline bool has_blind_score(const Config& config, const MethodNeeds& needs) {
  return config.model.microphones() == 1 && config.model.sources() * needs.outputs_per_source == 2;
}

// One kind of step.
struct Task {
  std::string name;  // in the log and in metrics.jsonl: "mixpit"
  StepTask step;     // its loss is a sum or a mean over its items (MethodNeeds::mean_loss)
  // The step's inputs from its mini-batches, on the host.
  std::function<std::vector<Tensor>(std::span<const Batch> batches, const Position& position)> inputs;
  size_t batches = 1;           // mini-batches per step; an odd last one of two is dropped
  Tensor failures{};            // (1) int64 on the device: FCP filters that could not be solved; undefined without FCP
  PartOfInputs part = rows_of;  // a micro-batch of `inputs`
};

class Method {
 public:
  virtual ~Method() = default;
  // Whether the next step begins another phase (MixCycle after MixPIT). Asked before an epoch and before each step.
  virtual bool phase_is_due(const Position&) const { return false; }
  // Begins it. Returns a line for the log.
  virtual std::string begin_phase(const Position&, Adam&) { return ""; }
  // What the next step computes.
  virtual Task& task() = 0;
  // Steps since the last phase began; 0 in the first.
  virtual int64_t steps_of_phase(const Position&) const { return 0; }
  // Where a run that ends here was not what the method's name says: what it was instead ("MixPIT only") and why.
  struct Shortfall {
    std::string in_short, sentence;
  };
  virtual std::optional<Shortfall> shortfall(const Position&) const { return std::nullopt; }
  // The method's own state in a checkpoint.
  virtual Fields state() { return {}; }
};

// A method with one kind of step.
class OneTask : public Method {
 public:
  OneTask(std::string name, StepTask::Loss loss, decltype(Task::inputs) inputs, PartOfInputs part = rows_of,
          size_t batches = 1)
      : task_{std::move(name), StepTask(std::move(loss)), std::move(inputs), batches, {}, std::move(part)} {}
  Task& task() override { return task_; }

 private:
  Task task_;
};

struct MethodDefinition {
  std::string name;     // "m2m": sunder-train-m2m
  std::string summary;  // for --help
  std::string recipe;   // an example, for --help
  // Throws UsageError for a configuration that the method cannot work with.
  MethodNeeds (*needs)(const Config& config);
  // `network` must outlive the result.
  std::unique_ptr<Method> (*make)(const Config& config, const Separator& network);
};

// Throws UnknownName.
const MethodDefinition& find_method(const std::string& name);

}  // namespace sunder
