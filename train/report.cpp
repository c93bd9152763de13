#include "train/report.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "report/plot.h"
#include "report/separation_picture.h"

namespace sunder {

void Report::training(const Moment& moment, double loss, double gradient_norm) {
  folder_.append_metrics({{"step", moment.step},
                          {"epoch", moment.epoch},
                          {"minutes", moment.minutes},
                          {"loss", loss},
                          {"gradient_norm", gradient_norm}});
  board_.scalars(moment.step, {{"training/loss", loss}, {"training/gradient_norm", gradient_norm}});
}

void Report::validation(const Moment& moment, double mean_loss, const ValidationScores& scores) {
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

Picture draw_curves(const std::filesystem::path& metrics) {
  static constexpr std::pair<const char*, const char*> shown[] = {
      {"train_loss", "training loss"},         {"valid_loss", "validation loss"},
      {"valid_si_snri", "validation SI-SNRi"}, {"valid_si_snri_oracle", "oracle SI-SNRi"},
      {"valid_blind", "blind score"},          {"valid_collapse_db", "weaker / stronger"}};
  std::vector<Curve> curves;
  for (const auto& [key, name] : shown) curves.push_back({name, {}, {}});
  std::ifstream stream(metrics);
  for (std::string line; std::getline(stream, line);) {
    const auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!row.is_object() || !row.contains("step")) continue;
    for (size_t i = 0; i < curves.size(); ++i) {
      const auto value = row.find(shown[i].first);
      if (value == row.end()) continue;
      curves[i].x.push_back(row["step"].get<double>());
      curves[i].y.push_back(value->is_number() ? value->get<double>() : NAN);
    }
  }
  std::erase_if(curves, [](const Curve& curve) { return curve.x.empty(); });
  return draw_chart(curves, {"training", "step", "dB"});
}

}  // namespace sunder
