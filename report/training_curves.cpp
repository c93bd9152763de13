#include "report/training_curves.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"

namespace sunder {
namespace {

using Validation = TrainingHistory::Validation;

Curve curve_of(const TrainingHistory& history, const std::string& name, double Validation::*value) {
  Curve curve{name, {}, {}};
  for (const Validation& validation : history.validations) {
    curve.x.push_back(validation.step);
    curve.y.push_back(validation.*value);
  }
  return curve;
}

bool has_values(const Curve& curve) {
  return std::any_of(curve.y.begin(), curve.y.end(), [](double y) { return std::isfinite(y); });
}

// Adds the panel with those of its curves that have values.
void add_panel(Chart& chart, Panel panel) {
  std::erase_if(panel.curves, [](const Curve& curve) { return !has_values(curve); });
  if (!panel.curves.empty()) chart.panels.push_back(std::move(panel));
}

std::string task_name(const std::string& task) {
  if (task == "mixpit") return "MixPIT";
  if (task == "mixcycle") return "MixCycle";
  return task;
}

bool task_changes(const Validation& before, const Validation& after) {
  return !before.task.empty() && !after.task.empty() && before.task != after.task;
}

// A point without a value between two tasks breaks the line.
void break_at_changes(Curve& curve, const TrainingHistory& history) {
  for (size_t i = history.validations.size(); i-- > 1;) {
    if (!task_changes(history.validations[i - 1], history.validations[i])) continue;
    curve.x.insert(curve.x.begin() + static_cast<ptrdiff_t>(i), history.validations[i - 1].step);
    curve.y.insert(curve.y.begin() + static_cast<ptrdiff_t>(i), NAN);
  }
}

// The same quantity of every run.
void add_quantity(Chart& chart, const std::string& title, const std::string& unit,
                  const std::vector<NamedHistory>& runs, double Validation::*x, double Validation::*value) {
  Panel panel{title, unit, {}};
  for (size_t i = 0; i < runs.size(); ++i) {
    Curve curve{runs[i].name, {}, {}};
    for (const Validation& validation : runs[i].history.validations) {
      curve.x.push_back(validation.*x);
      curve.y.push_back(validation.*value);
    }
    curve.dashed = i >= most_compared_runs / 2;
    // A run without this quantity keeps its colour for the others.
    panel.curves.push_back(std::move(curve));
  }
  if (std::any_of(panel.curves.begin(), panel.curves.end(), has_values)) chart.panels.push_back(std::move(panel));
}

}  // namespace

Chart comparison_chart(const std::string& title, const std::vector<NamedHistory>& runs, const std::string& axis) {
  if (runs.size() > most_compared_runs)
    throw_error("[comparison_chart] expected at most {} runs, got {}", most_compared_runs, runs.size());
  if (axis != "steps" && axis != "epochs" && axis != "minutes")
    throw_error("[comparison_chart] expected the axis steps, epochs or minutes, got '{}'", axis);
  double Validation::*const x = axis == "steps"    ? &Validation::step
                                : axis == "epochs" ? &Validation::epoch
                                                   : &Validation::minutes;
  Chart chart{title, axis, {}};
  add_quantity(chart, "validation SI-SNRi", "dB", runs, x, &Validation::si_snri);
  add_quantity(chart, "validation loss", "", runs, x, &Validation::valid_loss);
  add_quantity(chart, "blind score", "dB", runs, x, &Validation::blind);
  add_quantity(chart, "training loss", "", runs, x, &Validation::train_loss);
  return chart;
}

Chart training_chart(const std::string& title, const TrainingHistory& history) {
  Chart chart{title, "step", {}};
  Curve steps{"single steps", {}, {}, true};
  for (const TrainingHistory::Loss& loss : history.losses) {
    steps.x.push_back(loss.step);
    steps.y.push_back(loss.loss);
  }
  Curve epochs = curve_of(history, "mean of the epoch", &Validation::train_loss);
  break_at_changes(epochs, history);
  add_panel(chart, {"training loss", "", {std::move(steps), std::move(epochs)}});
  add_panel(chart, {"validation loss", "", {curve_of(history, "validation loss", &Validation::valid_loss)}});
  add_panel(chart,
            {"validation SI-SNRi",
             "dB",
             {curve_of(history, "SI-SNRi", &Validation::si_snri), curve_of(history, "oracle", &Validation::oracle),
              curve_of(history, "best order in every bin", &Validation::by_bin)}});
  add_panel(chart, {"blind score", "dB", {curve_of(history, "blind score", &Validation::blind)}});
  add_panel(chart, {"weaker output relative to stronger",
                    "dB",
                    {curve_of(history, "weaker output relative to stronger", &Validation::weaker_to_stronger_db)}});
  Curve rate = curve_of(history, "learning rate", &Validation::learning_rate);
  rate.steps = true;
  for (double& value : rate.y)
    if (value == 0) value = NAN;  // a decay ends there, and the axis is logarithmic
  if (std::adjacent_find(rate.y.begin(), rate.y.end(), [](double a, double b) { return a != b && a == a && b == b; }) !=
      rate.y.end())
    add_panel(chart, {"learning rate", "", {std::move(rate)}, true});

  for (size_t i = 0; i < history.validations.size(); ++i) {
    const Validation& now = history.validations[i];
    if (now.best) chart.best = now.step;
    if (i == 0) continue;
    const Validation& before = history.validations[i - 1];
    // A decay falls from one validation to the next: its beginning is enough.
    const bool falling = i > 1 && before.learning_rate < history.validations[i - 2].learning_rate;
    if (now.learning_rate < before.learning_rate && !falling)
      chart.events.push_back({now.step, fmt::format("lr {:.3g}", now.learning_rate), Event::Kind::drop});
    if (task_changes(before, now))
      chart.events.push_back(
          {before.step, fmt::format("{} \xe2\x86\x92 {}", task_name(before.task), task_name(now.task))});
  }
  return chart;
}

}  // namespace sunder
