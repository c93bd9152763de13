#include <algorithm>
#include <cmath>

#include "report/markup.h"
#include "report/page_plots.h"
#include "report/quantile.h"
#include "report/svg_frame.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr size_t smallest_group = 8, most_groups = 8;  // of a trend

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

std::string trend_svg(const SvgFrame& frame, const std::vector<Group>& groups) {
  if (groups.size() < 2) return "";
  std::string line, band;
  for (const Group& g : groups) {
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", frame.at_x(g.x), frame.at_y(g.median));
    band += fmt::format("{}{:.1f} {:.1f}", band.empty() ? "M" : "L", frame.at_x(g.x), frame.at_y(g.high));
  }
  for (auto g = groups.rbegin(); g != groups.rend(); ++g)
    band += fmt::format("L{:.1f} {:.1f}", frame.at_x(g->x), frame.at_y(g->low));
  return fmt::format(
      "<path class=\"quartiles\" d=\"{}Z\"><title>the middle half of neighbouring points</title></path>\n"
      "<path class=\"trend\" d=\"{}\"><title>median of neighbouring points</title></path>\n",
      band, line);
}

std::string trend_table(const PageScatter& scatter, const std::vector<Group>& groups) {
  std::string html = fmt::format(
      "<table><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">points</th><th scope=\"col\">median</th>"
      "<th scope=\"col\">middle half</th></tr></thead><tbody>\n",
      escape_html(scatter.x_label));
  for (const Group& g : groups)
    html += fmt::format("<tr><th scope=\"row\">{} to {}</th><td>{}</td><td>{}</td><td>{} to {}</td></tr>\n",
                        format_number(g.x_low, scatter.decimals), format_number(g.x_high, scatter.decimals),
                        format_count(static_cast<int64_t>(g.count)), format_number(g.median, 2),
                        format_number(g.low, 2), format_number(g.high, 2));
  return html + "</tbody></table>\n";
}

}  // namespace

std::string scatter_html(const PageScatter& scatter) {
  std::string html =
      fmt::format("<figure class=\"card scatter\"><header><h3>{}</h3></header>", escape_html(scatter.title));
  if (scatter.points.empty()) return html + "<p class=\"none\">no values</p></figure>\n";
  SvgFrame frame{560, 340, 44, 18, 24, 42, {}, {}};
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
  html += svg_axes(frame, scatter.x_label, scatter.y_label);
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
  std::string keys = legend_entry(
      "point", drawn < points.size()
                   ? fmt::format("{} of {} points, evenly along x", format_count(static_cast<int64_t>(drawn)), n)
                   : n + " points");
  if (groups.size() > 1)
    keys +=
        legend_entry("trend", "median of neighbouring points") + legend_entry("quartiles", "the middle half of them");
  html += fmt::format("<figcaption><ul class=\"keys\">{}</ul></figcaption></div>\n", keys);
  return html + trend_table(scatter, groups) + "</div></figure>\n";
}

}  // namespace sunder
