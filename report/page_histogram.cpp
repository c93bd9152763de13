#include <algorithm>
#include <cmath>

#include "report/markup.h"
#include "report/page_plots.h"
#include "report/quantile.h"
#include "report/svg_frame.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr double most_bins = 36, fewest_bins = 8;
constexpr int series_colors = 3;
constexpr const char* en_dash = "\xe2\x80\x93";

std::vector<double> sorted_copy(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// Bins whose edges are multiples of a round step.
struct Bins {
  double step = 1;
  double first = 0;  // edge, in steps
  size_t count = 1;
  double edge(size_t bin) const { return (first + static_cast<double>(bin)) * step; }
  std::vector<int64_t> fill(const std::vector<double>& values) const {
    std::vector<int64_t> counts(count);
    for (const double value : values) {
      const double bin = std::floor(value / step + 1e-9) - first;
      ++counts[static_cast<size_t>(std::clamp(bin, 0.0, static_cast<double>(count - 1)))];
    }
    return counts;
  }
};

// Width by Freedman and Diaconis (1981): 2 IQR n^(-1/3), rounded, for at most most_bins over everything that is drawn.
Bins choose_bins(const PageMetric& metric) {
  Bounds all;
  for (const double value : metric.values) all.add(value);
  for (const PageSeries& other : metric.others)
    for (const double value : other.values) all.add(value);
  Bounds room = all;
  room.widen(0);
  const std::vector<double> sorted = sorted_copy(metric.values);
  const double width =
      2 * (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / std::cbrt(static_cast<double>(sorted.size()));
  const double span = room.high - room.low;
  Bins bins;
  bins.step = round_step(std::clamp(width, span / most_bins, span / fewest_bins));
  bins.first = std::floor(all.low / bins.step + 1e-9);
  bins.count = static_cast<size_t>(std::floor(all.high / bins.step + 1e-9) - bins.first) + 1;
  return bins;
}

// A metric with its bins, counts and frame.
struct Histogram {
  const PageMetric& metric;
  std::string counted, unit;  // unit: with a space before it
  Bins bins;
  std::vector<int64_t> counts;
  std::vector<std::vector<int64_t>> others;
  SvgFrame frame{520, 250, 44, 18, 24, 42, {}, {}};

  Histogram(const PageMetric& shown, const std::string& what)
      : metric(shown), counted(what), unit(shown.unit.empty() ? "" : " " + shown.unit), bins(choose_bins(shown)) {
    counts = bins.fill(metric.values);
    for (const PageSeries& other : metric.others) others.push_back(bins.fill(other.values));
    frame.x = {bins.edge(0), bins.edge(bins.count)};
    for (const double mark : {metric.mean, metric.median}) frame.x.add(mark);
    if (metric.interval) frame.x.add(metric.interval->first), frame.x.add(metric.interval->second);
    int64_t most = *std::max_element(counts.begin(), counts.end());
    for (const auto& other : others) most = std::max(most, *std::max_element(other.begin(), other.end()));
    frame.y = {0, std::max(5.0, static_cast<double>(most) * 1.06)};  // at least 5, so that ticks are whole counts
  }

  std::string number(double value) const { return format_number(value, metric.decimals); }
  std::string mean() const { return fmt::format("mean {}{}", number(metric.mean), unit); }
  std::string median() const { return fmt::format("median {}{}", number(metric.median), unit); }
  std::string interval() const {
    return fmt::format("95 % interval of the mean: {} to {}", number(metric.interval->first),
                       number(metric.interval->second));
  }
  std::string count() const {
    return fmt::format("{} {}", format_count(static_cast<int64_t>(metric.values.size())), counted);
  }
};

std::string bars(const Histogram& h) {
  const SvgFrame& frame = h.frame;
  const int decimals = step_decimals(h.bins.step);
  std::string svg;
  for (size_t bin = 0; bin < h.bins.count; ++bin) {
    if (h.counts[bin] == 0) continue;
    const double x = frame.at_x(h.bins.edge(bin)), width = frame.at_x(h.bins.edge(bin + 1)) - x;
    const double y = frame.at_y(static_cast<double>(h.counts[bin])), gap = std::min(1.0, width / 4);
    svg += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>",
                       x + gap / 2, y, width - gap, frame.at_y(0) - y);
    svg += fmt::format("{} to {}{}: {} {}</title></rect>\n", format_number(h.bins.edge(bin), decimals),
                       format_number(h.bins.edge(bin + 1), decimals), escape_html(h.unit), format_count(h.counts[bin]),
                       escape_html(h.counted));
  }
  return svg;
}

std::string outline(const Histogram& h, size_t series) {
  const SvgFrame& frame = h.frame;
  std::string path = fmt::format("M{:.1f} {:.1f}", frame.at_x(h.bins.edge(0)), frame.at_y(0));
  for (size_t bin = 0; bin < h.bins.count; ++bin)
    path += fmt::format("V{:.1f}H{:.1f}", frame.at_y(static_cast<double>(h.others[series][bin])),
                        frame.at_x(h.bins.edge(bin + 1)));
  path += fmt::format("V{:.1f}", frame.at_y(0));
  return fmt::format("<path class=\"other o{}\" d=\"{}\"><title>{}</title></path>\n", series % series_colors + 1, path,
                     escape_html(h.metric.others[series].label));
}

// A vertical line through the plot, with a title that explains it.
std::string marker(const SvgFrame& frame, const char* name, double value, const std::string& title) {
  const double x = frame.at_x(value);
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"><title>{}</title></line>\n", name, x,
      x, frame.top, frame.height - frame.bottom, escape_html(title));
}

std::string interval_band(const Histogram& h) {
  const SvgFrame& frame = h.frame;
  const double x = frame.at_x(h.metric.interval->first), end = frame.at_x(h.metric.interval->second);
  return fmt::format(
      "<rect class=\"interval\" x=\"{:.1f}\" y=\"{:g}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{}</title></rect>\n",
      x, frame.top, std::max(1.0, end - x), frame.height - frame.top - frame.bottom, escape_html(h.interval()));
}

std::string legend(const Histogram& h) {
  std::string entries = legend_entry("mean", h.mean());
  if (h.metric.interval) entries += legend_entry("interval", h.interval());
  entries += legend_entry("median", h.median());
  for (size_t i = 0; i < h.metric.others.size(); ++i) {
    const PageSeries& other = h.metric.others[i];
    const std::string middle =
        other.values.empty() ? "no values"
                             : fmt::format("median {}{}", h.number(quantile(sorted_copy(other.values), 0.5)), h.unit);
    entries +=
        legend_entry(fmt::format("other o{}", i % series_colors + 1), fmt::format("{}: {}", other.label, middle));
  }
  return entries;
}

void check_finite(const PageMetric& metric) {
  std::vector<double> all = metric.values;
  all.insert(all.end(), {metric.mean, metric.median});
  if (metric.interval) all.insert(all.end(), {metric.interval->first, metric.interval->second});
  for (const PageSeries& other : metric.others) all.insert(all.end(), other.values.begin(), other.values.end());
  for (const double value : all)
    if (!(std::abs(value) < 1e100))
      throw_error("[report_page] expected finite values in '{}', got {}", metric.label, value);
}

}  // namespace

std::string histogram_html(const PageMetric& metric, const std::string& counted) {
  const std::string left_out =
      metric.undefined > 0 ? fmt::format("{} undefined, left out", format_count(metric.undefined)) : "";
  std::string html = fmt::format("<figure class=\"card\"><header><h3>{}</h3>", escape_html(metric.label));
  if (metric.values.empty())
    return html +
           fmt::format("</header><p class=\"none\">no values</p><figcaption>{}</figcaption></figure>\n", left_out);
  check_finite(metric);
  const Histogram h(metric, counted);
  html += fmt::format("<p class=\"mean\">mean <b>{}</b>{}</p></header>\n", h.number(metric.mean), escape_html(h.unit));
  html +=
      open_svg(h.frame, fmt::format("Histogram of {} over {}: {}, {}", metric.label, h.count(), h.mean(), h.median()));
  html += svg_axes(h.frame, metric.unit.empty() ? metric.label : fmt::format("{} ({})", metric.label, metric.unit),
                   counted);
  html += bars(h);
  for (size_t i = 0; i < metric.others.size(); ++i) html += outline(h, i);
  if (metric.interval) html += interval_band(h);
  html += marker(h.frame, "mean", metric.mean, h.mean()) + marker(h.frame, "median", metric.median, h.median());
  html += fmt::format("</svg>\n<figcaption><ul class=\"keys\">{}</ul><p>{}", legend(h), escape_html(h.count()));
  if (!left_out.empty()) html += fmt::format(" {} {}", en_dash, left_out);
  return html + "</p></figcaption></figure>\n";
}

}  // namespace sunder
