#include "train/page_plots.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "train/axis.h"
#include "train/markup.h"

namespace sunder {
namespace {

constexpr double most_bins = 36, fewest_bins = 8;
constexpr size_t smallest_group = 8, most_groups = 8;  // of a trend
constexpr int series_colors = 3;
constexpr const char* en_dash = "\xe2\x80\x93";

struct Frame {
  double width, height, left, right, top, bottom;  // the drawing's units; margins inside width and height
  Bounds x, y;
  double at_x(double value) const { return left + (value - x.low) / (x.high - x.low) * (width - left - right); }
  double at_y(double value) const {
    return height - bottom - (value - y.low) / (y.high - y.low) * (height - top - bottom);
  }
};

std::string open_svg(const Frame& frame, const std::string& label) {
  return fmt::format("<svg class=\"plot\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n", frame.width,
                     frame.height, escape_html(label));
}

std::string axes(const Frame& frame, const std::string& x_label, const std::string& y_label) {
  const double base = frame.height - frame.bottom, end = frame.width - frame.right;
  std::string svg = "<g class=\"axis\">\n";
  for (const Tick& tick : round_ticks(frame.y.low, frame.y.high, 4)) {
    const double y = frame.at_y(tick.value);
    svg += fmt::format("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", frame.left,
                       end, y, y);
    svg += fmt::format("<text class=\"y\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", frame.left - 8, y + 4,
                       with_minus(tick.text));
  }
  for (const Tick& tick : round_ticks(frame.x.low, frame.x.high, 9)) {
    const double x = frame.at_x(tick.value);
    svg += fmt::format("<line class=\"tick\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x, x, base,
                       base + 5);
    svg += fmt::format("<text class=\"x\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x, base + 19, with_minus(tick.text));
  }
  svg += fmt::format("<line class=\"base\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", frame.left, end,
                     base, base);
  svg += fmt::format("<text class=\"name x\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", (frame.left + end) / 2,
                     frame.height - 6, escape_html(x_label));
  svg += fmt::format("<text class=\"name\" x=\"2\" y=\"13\">{}</text>\n</g>\n", escape_html(y_label));
  return svg;
}

// A vertical line over the whole plot, with what it means.
std::string marker(const Frame& frame, const char* name, double value, const std::string& title) {
  const double x = frame.at_x(value);
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"><title>{}</title></line>\n", name, x,
      x, frame.top, frame.height - frame.bottom, escape_html(title));
}

std::string key(const std::string& name, const std::string& text) {
  return fmt::format("<li><span class=\"swatch {}\"></span>{}</li>", name, escape_html(text));
}

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

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

std::string outline(const Frame& frame, const Bins& bins, const std::vector<int64_t>& counts, size_t series,
                    const std::string& label) {
  std::string path = fmt::format("M{:.1f} {:.1f}", frame.at_x(bins.edge(0)), frame.at_y(0));
  for (size_t bin = 0; bin < bins.count; ++bin)
    path += fmt::format("V{:.1f}H{:.1f}", frame.at_y(static_cast<double>(counts[bin])), frame.at_x(bins.edge(bin + 1)));
  path += fmt::format("V{:.1f}", frame.at_y(0));
  return fmt::format("<path class=\"other o{}\" d=\"{}\"><title>{}</title></path>\n", series % series_colors + 1, path,
                     escape_html(label));
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

struct Group {
  size_t count;
  double x_low, x_high, x, low, median, high;  // x: median; low and high: quartiles
};

// Groups of neighbouring x of about equal size; equal x stay together. points: sorted by x.
std::vector<Group> trend(const std::vector<PagePoint>& points) {
  std::vector<Group> groups;
  const size_t wanted = std::clamp(points.size() / smallest_group, size_t{1}, most_groups);
  const size_t size = (points.size() + wanted - 1) / wanted;
  for (size_t begin = 0; begin < points.size();) {
    size_t end = std::min(begin + size, points.size());
    while (end < points.size() && (points[end].x == points[end - 1].x || points.size() - end < smallest_group / 2))
      ++end;
    std::vector<double> x, y;
    for (size_t i = begin; i < end; ++i) x.push_back(points[i].x), y.push_back(points[i].y);
    std::sort(y.begin(), y.end());
    groups.push_back(
        {end - begin, x.front(), x.back(), quantile(x, 0.5), quantile(y, 0.25), quantile(y, 0.5), quantile(y, 0.75)});
    begin = end;
  }
  return groups;
}

std::string trend_svg(const Frame& frame, const std::vector<Group>& groups) {
  if (groups.size() < 2) return "";
  std::string line, band;
  for (const Group& g : groups) {
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", frame.at_x(g.x), frame.at_y(g.median));
    band += fmt::format("{}{:.1f} {:.1f}", band.empty() ? "M" : "L", frame.at_x(g.x), frame.at_y(g.high));
  }
  for (auto g = groups.rbegin(); g != groups.rend(); ++g)
    band += fmt::format("L{:.1f} {:.1f}", frame.at_x(g->x), frame.at_y(g->low));
  return fmt::format(
      "<path class=\"quartiles\" d=\"{}Z\"><title>half of the points</title></path>\n"
      "<path class=\"trend\" d=\"{}\"><title>median of neighbouring points</title></path>\n",
      band, line);
}

std::string trend_table(const PageScatter& scatter, const std::vector<Group>& groups) {
  std::string html = fmt::format(
      "<table><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">points</th><th scope=\"col\">median</th>"
      "<th scope=\"col\">middle half</th></tr></thead><tbody>\n",
      escape_html(scatter.x_label));
  for (const Group& g : groups)
    html +=
        fmt::format("<tr><th scope=\"row\">{} to {}</th><td>{}</td><td>{}</td><td>{} to {}</td></tr>\n",
                    format_number(g.x_low, 1), format_number(g.x_high, 1), format_count(static_cast<int64_t>(g.count)),
                    format_number(g.median, 2), format_number(g.low, 2), format_number(g.high, 2));
  return html + "</tbody></table>\n";
}

}  // namespace

std::string histogram_html(const PageMetric& metric, const std::string& counted) {
  const auto number = [&](double value) { return format_number(value, metric.decimals); };
  const std::string unit = metric.unit.empty() ? "" : " " + metric.unit;
  const std::string left_out =
      metric.undefined > 0 ? fmt::format("{} undefined, left out", format_count(metric.undefined)) : "";
  std::string html = fmt::format("<figure class=\"card\"><header><h3>{}</h3>", escape_html(metric.label));
  if (metric.values.empty())
    return html +
           fmt::format("</header><p class=\"none\">no values</p><figcaption>{}</figcaption></figure>\n", left_out);
  check_finite(metric);
  html += fmt::format("<p class=\"mean\"><b>{}</b>{}</p></header>\n", number(metric.mean), escape_html(unit));

  const Bins bins = choose_bins(metric);
  const std::vector<int64_t> counts = bins.fill(metric.values);
  Frame frame{520, 250, 44, 18, 24, 42, {}, {}};
  frame.x = {bins.edge(0), bins.edge(bins.count)};
  for (const double mark : {metric.mean, metric.median}) frame.x.add(mark);
  if (metric.interval) frame.x.add(metric.interval->first), frame.x.add(metric.interval->second);
  int64_t most = *std::max_element(counts.begin(), counts.end());
  std::string outlines;
  std::vector<std::vector<int64_t>> other_counts;
  for (const PageSeries& other : metric.others) {
    other_counts.push_back(bins.fill(other.values));
    most = std::max(most, *std::max_element(other_counts.back().begin(), other_counts.back().end()));
  }
  frame.y = {0, std::max(4.0, static_cast<double>(most) * 1.06)};  // four ticks of whole counts

  const std::string n = format_count(static_cast<int64_t>(metric.values.size()));
  html += open_svg(frame, fmt::format("Histogram of {} over {} {}: mean {}{}, median {}{}", metric.label, n, counted,
                                      number(metric.mean), unit, number(metric.median), unit));
  html += axes(frame, metric.unit.empty() ? metric.label : fmt::format("{} ({})", metric.label, metric.unit), counted);
  const int decimals = step_decimals(bins.step);
  for (size_t bin = 0; bin < bins.count; ++bin) {
    if (counts[bin] == 0) continue;
    const double x = frame.at_x(bins.edge(bin)), width = frame.at_x(bins.edge(bin + 1)) - x;
    const double y = frame.at_y(static_cast<double>(counts[bin])), gap = std::min(1.0, width / 4);
    html += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>",
                        x + gap / 2, y, width - gap, frame.at_y(0) - y);
    html += fmt::format("{} to {}{}: {} {}</title></rect>\n", format_number(bins.edge(bin), decimals),
                        format_number(bins.edge(bin + 1), decimals), escape_html(unit), format_count(counts[bin]),
                        escape_html(counted));
  }
  for (size_t i = 0; i < metric.others.size(); ++i)
    html += outline(frame, bins, other_counts[i], i, metric.others[i].label);

  const std::string mean = fmt::format("mean {}{}", number(metric.mean), unit);
  const std::string median = fmt::format("median {}{}", number(metric.median), unit);
  std::string keys = key("mean", mean);
  if (metric.interval) {
    const auto [low, high] = *metric.interval;
    const std::string text = fmt::format("95 % of the mean: {} to {}", number(low), number(high));
    const double x = frame.at_x(low), width = std::max(1.0, frame.at_x(high) - x);
    html += fmt::format(
        "<rect class=\"interval\" x=\"{:.1f}\" y=\"{:g}\" width=\"{:.1f}\" "
        "height=\"{:.1f}\"><title>{}</title></rect>\n",
        x, frame.top, width, frame.height - frame.top - frame.bottom, escape_html(text));
    keys += key("interval", text);
  }
  html += marker(frame, "mean", metric.mean, mean) + marker(frame, "median", metric.median, median) + "</svg>\n";
  keys += key("median", median);
  for (size_t i = 0; i < metric.others.size(); ++i) {
    const std::vector<double> sorted = sorted_copy(metric.others[i].values);
    const std::string middle = sorted.empty() ? "no values" : "median " + number(quantile(sorted, 0.5)) + unit;
    keys += key(fmt::format("other o{}", i % series_colors + 1), fmt::format("{}: {}", metric.others[i].label, middle));
  }
  html += fmt::format("<figcaption><ul class=\"keys\">{}</ul><p>{} {}", keys, n, escape_html(counted));
  if (!left_out.empty()) html += fmt::format(" {} {}", en_dash, left_out);
  return html + "</p></figcaption></figure>\n";
}

std::string scatter_html(const PageScatter& scatter) {
  std::string html =
      fmt::format("<figure class=\"card scatter\"><header><h3>{}</h3></header>", escape_html(scatter.title));
  if (scatter.points.empty()) return html + "<p class=\"none\">no values</p></figure>\n";
  Frame frame{560, 340, 44, 18, 24, 42, {}, {}};
  frame.y.add(0);
  for (const PagePoint& point : scatter.points) {
    if (!(std::abs(point.x) < 1e100 && std::abs(point.y) < 1e100))
      throw_error("[report_page] '{}': expected finite points, got ({}, {}) for '{}'", scatter.title, point.x, point.y,
                  point.item);
    frame.x.add(point.x);
    frame.y.add(point.y);
  }
  frame.x.widen(0.03);
  frame.y.widen(0.04);
  std::vector<PagePoint> points = scatter.points;
  std::stable_sort(points.begin(), points.end(), [](const PagePoint& a, const PagePoint& b) { return a.x < b.x; });

  const std::string n = format_count(static_cast<int64_t>(points.size()));
  html += "<div class=\"sides\"><div>\n";
  html +=
      open_svg(frame, fmt::format("{}: {} against {}, {} points", scatter.title, scatter.y_label, scatter.x_label, n));
  html += axes(frame, scatter.x_label, scatter.y_label);
  const double zero = frame.at_y(0);
  html += fmt::format("<line class=\"zero\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", frame.left,
                      frame.width - frame.right, zero, zero);
  const auto drawn = std::min(points.size(), static_cast<size_t>(report_limits::max_points));
  html += fmt::format("<g class=\"points{}\">\n", drawn > 500 ? " many" : "");
  for (size_t k = 0; k < drawn; ++k) {
    const PagePoint& point = points[k * points.size() / drawn];
    html += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"><title>{}: {} at {}</title></circle>\n",
                        frame.at_x(point.x), frame.at_y(point.y), drawn > 500 ? 2 : 3, escape_html(point.item),
                        format_number(point.y, 2), format_number(point.x, 2));
  }
  html += "</g>\n";
  const std::vector<Group> groups = trend(points);
  html += trend_svg(frame, groups) + "</svg>\n";
  std::string keys = key("point", drawn < points.size() ? fmt::format("{} of {} points, evenly along x",
                                                                      format_count(static_cast<int64_t>(drawn)), n)
                                                        : n + " points");
  if (groups.size() > 1) keys += key("trend", "median of neighbouring points") + key("quartiles", "half of them");
  html += fmt::format("<figcaption><ul class=\"keys\">{}</ul></figcaption></div>\n", keys);
  return html + trend_table(scatter, groups) + "</div></figure>\n";
}

}  // namespace sunder
