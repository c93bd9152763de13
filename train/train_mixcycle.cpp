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
            [seed = config.train.seed, sources = network.sources()](std::span<const Batch> b, const Position& at) {
              const BatchShare share = b[0].share();
              const Tensor orders = estimate_orders(seed, at.epoch, at.steps, share.of, sources);
              return std::vector{b[0].mixtures, exchange_order(orders.slice(share.first, share.first + share.count))};
            },
            rows_of_exchange) {}

  // After init_epochs epochs, or within an epoch after init_fraction of the time.
  bool phase_is_due(const Position& at) const override {
    return switched_at_ == 0 && (by_time() ? at.minutes >= switch_minutes_ : at.epoch >= config_.init_epochs);
  }
  std::string begin_phase(const Position& at, Adam& adam) override {
    switched_at_ = at.epoch + 1;
    first_step_ = at.steps + 1;
    if (config_.restart_adam) adam.restart();
    return fmt::format("epoch {}: from MixPIT to MixCycle after step {}{}", at.epoch, at.steps,
                       config_.restart_adam ? ", Adam restarted" : "");
  }
  Task& task() override { return switched_at_ > 0 ? mixcycle_.task() : mixpit_->task(); }
  int64_t steps_of_phase(const Position& at) const override { return first_step_ > 0 ? at.steps - first_step_ + 1 : 0; }
  std::optional<Shortfall> shortfall(const Position& at) const override {
    // Runs of older versions did not store the first step.
    if (switched_at_ > 0 && (first_step_ == 0 || steps_of_phase(at) > 0)) return std::nullopt;
    const std::string when =
        by_time() ? fmt::format("{:.2f} minutes", switch_minutes_) : fmt::format("{} epochs", config_.init_epochs);
    return Shortfall{"MixPIT only",
                     fmt::format("no step of MixCycle was taken: the switch from MixPIT comes after {}, and the run "
                                 "ended after {:.2f} minutes in epoch {}",
                                 when, at.minutes, at.epoch)};
  }
  // Stored, so that a resumed run does not decide again.
  Fields state() override {
    return {renamed(number("mixcycle_epoch", &switched_at_, 0, many, "the first epoch of MixCycle + 1; 0: not yet"),
                    "counter.mixcycle_epoch"),
            renamed(number("mixcycle_step", &first_step_, 0, largest_exact, "the first step of MixCycle; 0: not yet"),
                    "counter.mixcycle_step")};
  }

 private:
  bool by_time() const { return config_.init_fraction > 0; }

  const MixCycleConfig config_;
  const double switch_minutes_;
  const std::unique_ptr<Method> mixpit_;
  OneTask mixcycle_;
  int64_t switched_at_ = 0, first_step_ = 0;
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
          MethodNeeds needs = mixpit_method.needs(config);
          needs.adds_up = true;
          needs.exchanged = config.model.sources();
          needs.summed_epochs = by_time ? every_epoch : config.mixcycle.init_epochs;
          if (const int64_t most = config.train.max_epochs; !by_time && most > 0 && most <= config.mixcycle.init_epochs)
            needs.warning = fmt::format(
                "no step of MixCycle will be taken: the switch from MixPIT comes after mixcycle.init_epochs = {}, and "
                "train.max_epochs is {}",
                config.mixcycle.init_epochs, most);
          return needs;
        },
    .make = [](const Config& config, const Separator& network) -> std::unique_ptr<Method> {
      return std::make_unique<MixCycle>(config, network);
    }};

}  // namespace sunder
