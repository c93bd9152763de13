#include "train/report.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "report/separation_picture.h"
#include "train/diagnosis.h"

namespace sunder {
namespace {

// The rows that have a step; a kill may have cut one.
void for_each_row(const std::filesystem::path& metrics, const std::function<void(const nlohmann::json& row)>& take) {
  std::ifstream stream(metrics);
  for (std::string line; std::getline(stream, line);) {
    const auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_object() && row.contains("step") && row["step"].is_number()) take(row);
  }
}

double number_of(const nlohmann::json& row, const char* key) {
  const auto value = row.find(key);
  return value != row.end() && value->is_number() ? value->get<double>() : NAN;
}

}  // namespace

// The first step whose events come again. Where a kill came between a step's validation and its checkpoint, that is the
// step itself: its training loss is then written again from metrics.jsonl, which has lost the validation alone.
Report::Report(const RunFolder& folder, const Position& position)
    : folder_(folder),
      board_(folder.path(), position.validated_step == position.steps ? position.steps + 1 : position.steps) {
  if (position.validated_step == position.steps) return;
  for_each_row(folder.path() / "metrics.jsonl", [&](const nlohmann::json& row) {
    if (row["step"] == position.steps && row.contains("loss"))
      show_training(position.steps, number_of(row, "loss"), number_of(row, "gradient_norm"));
  });
}

void Report::show_training(int64_t step, double loss, double gradient_norm) {
  board_.scalars(step, {{"training/loss", loss}, {"training/gradient_norm", gradient_norm}});
}

void Report::training(const Moment& moment, double loss, double gradient_norm) {
  // TensorBoard first: it may show a step twice where the other fails and is tried again, metrics.jsonl may not.
  show_training(moment.step, loss, gradient_norm);
  folder_.append_metrics({{"step", moment.step},
                          {"epoch", moment.epoch},
                          {"minutes", moment.minutes},
                          {"loss", loss},
                          {"gradient_norm", gradient_norm}});
}

void Report::validation(const Moment& moment, double mean_loss, const ValidationScores& scores,
                        const std::optional<Standing>& standing) {
  MetricsRow row{{"step", moment.step},
                 {"epoch", moment.epoch},
                 {"minutes", moment.minutes},
                 {"train_loss", mean_loss},
                 {"valid_collapse_db", scores.weaker_to_stronger_db}};
  std::vector<std::pair<std::string, double>> scalars{{"training/epoch_loss", mean_loss},
                                                      {"validation/collapse_db", scores.weaker_to_stronger_db}};
  const auto optional = [&](const char* name, const std::optional<double>& score) {
    if (!score) return;
    row.emplace_back(std::string("valid_") + name, *score);
    scalars.emplace_back(std::string("validation/") + name, *score);
  };
  optional("si_snri", scores.si_snri);
  optional("si_snri_oracle", scores.oracle);
  optional("blind", scores.blind);
  optional("loss", scores.loss);
  optional("bins_in_order", scores.bins_in_order);
  optional("si_snri_by_bin", scores.si_snri_by_bin);
  if (standing && standing->averaged) {
    optional("ema_si_snri", standing->averaged->si_snri);
    optional("ema_si_snri_oracle", standing->averaged->oracle);
    optional("ema_blind", standing->averaged->blind);
    optional("ema_loss", standing->averaged->loss);
  }
  row.emplace_back("state", diagnose(scores).state);
  if (standing) {
    row.insert(row.end(),
               {{"best", standing->best}, {"learning_rate", standing->learning_rate}, {"task", standing->task}});
    scalars.emplace_back("training/learning_rate", standing->learning_rate);
  }
  folder_.append_metrics(row);
  board_.scalars(moment.step, scalars);
  write_png(folder_.path() / "curves.png", draw_curves(folder_.path() / "metrics.jsonl"));
}

void Report::example(int64_t step, const ValidationExample& example) {
  std::vector<std::span<const float>> signals{example.mixture};
  board_.audio(step, "example/mixture", example.mixture, example.sample_rate);
  for (size_t i = 0; i < example.estimates.size(); ++i) {
    signals.push_back(example.estimates[i]);
    board_.audio(step, fmt::format("example/estimate_{}", i + 1), example.estimates[i], example.sample_rate);
  }
  board_.picture(step, "example/spectrograms", draw_separation(example.id, signals, example.sample_rate));
}

TrainingHistory read_history(const std::filesystem::path& metrics) {
  TrainingHistory history;
  for_each_row(metrics, [&](const nlohmann::json& row) {
    const auto number = [&row](const char* key) { return number_of(row, key); };
    const double step = number("step");
    if (row.contains("loss")) return history.losses.push_back({step, number("loss")});
    const auto best = row.find("best"), task = row.find("task");
    history.validations.push_back({.step = step,
                                   .epoch = number("epoch") + 1,  // rows count from zero
                                   .minutes = number("minutes"),
                                   .train_loss = number("train_loss"),
                                   .valid_loss = number("valid_loss"),
                                   .si_snri = number("valid_si_snri"),
                                   .oracle = number("valid_si_snri_oracle"),
                                   .by_bin = number("valid_si_snri_by_bin"),
                                   .blind = number("valid_blind"),
                                   .weaker_to_stronger_db = number("valid_collapse_db"),
                                   .learning_rate = number("learning_rate"),
                                   .best = best != row.end() && *best == true,
                                   .task = task != row.end() && task->is_string() ? task->get<std::string>() : ""});
  });
  return history;
}

Picture draw_curves(const std::filesystem::path& metrics) {
  const auto run = std::filesystem::absolute(metrics).lexically_normal().parent_path().filename();
  return draw_chart(training_chart(run.string(), read_history(metrics)));
}

}  // namespace sunder
