// MixCycle: MixPIT first, then training on re-mixed estimates; from mixtures alone.
#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "train/method.h"

namespace sunder {

extern const MethodDefinition mixpit_method;

namespace {

class MixCycle : public Method {
 public:
  MixCycle(const Config& config, const Separator& network)
      : config_(config.mixcycle),
        switch_minutes_(config.mixcycle.init_fraction * config.train.max_minutes),
        mixpit_(mixpit_method.make(config, network)),
        mixcycle_(
            "mixcycle", [&network](const auto& in) { return mixcycle_step(network, in[0], in[1]); },
            [seed = config.train.seed](std::span<const Batch> b, const Position& at) {
              const Tensor swap = swap_flags(seed, at.epoch, at.steps, b[0].mixtures.size(0));
              return std::vector{b[0].mixtures, exchange_order(swap)};
            }) {}

  // The switch happens between epochs, after init_epochs of them or after init_fraction of the time.
  std::string begin_epoch(const Position& at, Adam& adam) override {
    const bool due = config_.init_fraction > 0 ? at.minutes >= switch_minutes_ : at.epoch >= config_.init_epochs;
    if (switched_at_ > 0 || !due) return "";
    switched_at_ = at.epoch + 1;
    if (config_.restart_adam) adam.restart();
    return fmt::format("epoch {}: from MixPIT to MixCycle{}", at.epoch, config_.restart_adam ? ", Adam restarted" : "");
  }
  Task& task() override { return switched_at_ > 0 ? mixcycle_.task() : mixpit_->task(); }
  // Stored, so that a resumed run does not decide again.
  Fields state() override {
    return {renamed(number("mixcycle_epoch", &switched_at_, 0, many, "the first epoch of MixCycle + 1; 0: not yet"),
                    "counter.mixcycle_epoch")};
  }

 private:
  const MixCycleConfig config_;
  const double switch_minutes_;
  const std::unique_ptr<Method> mixpit_;
  OneTask mixcycle_;
  int64_t switched_at_ = 0;
};

}  // namespace

extern const MethodDefinition mixcycle_method{
    .name = "mixcycle",
    .summary = "Trains a separator from mixtures alone: MixPIT first, then on its own re-mixed estimates (MixCycle).",
    .recipe = "recipes/sc09mix/mixcycle.toml",
    .needs =
        [](const Config& config) {
          const bool by_time = config.mixcycle.init_fraction > 0;
          if (by_time && config.train.max_minutes <= 0)
            throw UsageError("mixcycle.init_fraction: expected a time limit (--max-minutes), got none");
          return MethodNeeds{.even_batch = true, .paired_epochs = by_time ? every_epoch : config.mixcycle.init_epochs};
        },
    .make = [](const Config& config, const Separator& network) -> std::unique_ptr<Method> {
      return std::make_unique<MixCycle>(config, network);
    }};

}  // namespace sunder
