#include "report/page_tracks.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "report/axis.h"
#include "report/heat_map.h"
#include "report/markup.h"
#include "report/separation_picture.h"
#include "report/tensorboard.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr float full_scale = 0.97f;  // of the loudest sample
constexpr double quietest = -100;    // dB: the rounding noise of a silent item stays dark
constexpr int64_t most_columns = 640, most_rows = 256;
constexpr int source_colors = 4;

struct Shown {
  std::vector<std::vector<float>> tracks;  // cut and scaled
  double seconds = 0;                      // of the longest
  double cut_from = 0;                     // seconds of the longest before it was cut, 0 if none was
};

Shown shown_part(const PageItem& item) {
  const auto most = static_cast<size_t>(report_limits::seconds * item.sample_rate);
  Shown shown;
  float peak = 0;
  size_t longest = 0, longest_cut = 0;
  for (const PageTrack& track : item.tracks) {
    if (track.samples.empty()) throw_error("[report_page] item '{}': '{}' has no samples", item.name, track.label);
    for (size_t i = 0; i < track.samples.size(); ++i)
      if (!std::isfinite(track.samples[i]))
        throw_error("[report_page] item '{}': expected finite samples in '{}', got {} at sample {}", item.name,
                    track.label, track.samples[i], i);
    const size_t count = std::min(most, track.samples.size());
    shown.tracks.emplace_back(track.samples.begin(), track.samples.begin() + static_cast<int64_t>(count));
    for (const float sample : shown.tracks.back()) peak = std::max(peak, std::abs(sample));
    longest = std::max(longest, count);
    longest_cut = std::max(longest_cut, track.samples.size());
  }
  // In two steps: the gain of a denormal peak has no float.
  for (std::vector<float>& track : shown.tracks)
    for (float& sample : track) sample = peak > 0 ? sample / peak * full_scale : 0;
  shown.seconds = static_cast<double>(longest) / item.sample_rate;
  if (longest_cut > most) shown.cut_from = static_cast<double>(longest_cut) / item.sample_rate;
  return shown;
}

std::string axis_labels(const char* name, const char* side, double high, int wanted, const char* unit) {
  std::string html = fmt::format("<div class=\"{}\" aria-hidden=\"true\">", name);
  const std::vector<Tick> ticks = round_ticks(0, high, wanted);
  for (size_t i = 0; i < ticks.size(); ++i)
    html += fmt::format("<span style=\"{}:{:.2f}%\">{}{}</span>", side, 100 * ticks[i].value / high, ticks[i].text,
                        i + 1 == ticks.size() ? unit : "");
  return html + "</div>";
}

}  // namespace

std::string item_html(const PageItem& item, int& players) {
  if (item.sample_rate < 1)
    throw_error("[report_page] item '{}': expected a sample rate of at least 1 Hz, got {}", item.name,
                item.sample_rate);
  const Shown shown = shown_part(item);
  std::vector<Tensor> levels;
  double loudest = quietest;
  for (const std::vector<float>& track : shown.tracks) {
    const double share = static_cast<double>(track.size()) / item.sample_rate / shown.seconds;
    const auto columns = std::max<int64_t>(1, std::llround(share * static_cast<double>(most_columns)));
    levels.push_back(spectrogram_levels(track, item.sample_rate, columns));
    const double* values = levels.back().data<double>();
    loudest = std::max(loudest, *std::max_element(values, values + levels.back().numel()));
  }

  const std::string name = escape_html(item.name);
  const double kilohertz = item.sample_rate / 2000.0;
  std::string html = fmt::format("<article class=\"item\">\n<header><h4>{}</h4>", name);
  if (!item.caption.empty()) html += fmt::format("<p>{}</p>", escape_html(item.caption));
  if (shown.cut_from > 0)
    html += fmt::format("<p class=\"cut\">the first {:.0f} s of {:.1f} s</p>", report_limits::seconds, shown.cut_from);
  html += "</header>\n<ul class=\"tracks\">\n";
  for (size_t i = 0; i < shown.tracks.size(); ++i) {
    const std::string label = escape_html(item.tracks[i].label);
    const double seconds = static_cast<double>(shown.tracks[i].size()) / item.sample_rate;
    const int source = item.tracks[i].source;
    const std::string color = source < 1 ? "" : fmt::format(" s{}", (source - 1) % source_colors + 1);
    const auto width = static_cast<int>(levels[i].size(0));
    const auto height = static_cast<int>(std::min(levels[i].size(1), most_rows));
    const Picture picture = draw_heat_map(levels[i], loudest - spectrogram_range_db, loudest, width, height);
    html += fmt::format(
        "<li class=\"track{}\"><div class=\"side\"><h5>{}</h5>"
        "<audio controls preload=\"{}\" aria-label=\"{}, {}\" src=\"{}\"></audio></div>\n<div class=\"spectrogram\">",
        color, label, players++ < report_limits::eager_players ? "metadata" : "none", label, name,
        data_uri("audio/wav", encode_wav(shown.tracks[i], item.sample_rate)));
    html += axis_labels("hertz", "bottom", kilohertz, 3, " kHz");
    html += fmt::format(
        "<div class=\"picture\"><div class=\"extent\" style=\"width:{:.2f}%\"><img width=\"{}\" height=\"{}\" "
        "alt=\"Spectrogram of {}, {}: 0 to {:.4g} kHz over {:.2f} s\" src=\"{}\"></div></div>",
        100 * seconds / shown.seconds, width, height, label, name, kilohertz, seconds,
        data_uri("image/png", encode_png(picture)));
    html += axis_labels("seconds", "left", shown.seconds, 6, " s") + "</div></li>\n";
  }
  return html + "</ul>\n</article>\n";
}

}  // namespace sunder
