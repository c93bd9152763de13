#include "report/chart_layout.h"

#include <algorithm>
#include <cmath>

#include "report/quantile.h"

namespace sunder {
namespace {

using namespace chart_sizes;

constexpr double several_height = 190, single_height = 460;  // of a panel among several and of a single one
constexpr size_t most_rows = 3;                              // of labels

// Puts labels in rows above their lines, the important ones first; those that would cover others are left out.
std::vector<ChartLabel> place_labels(const Chart& chart, const Bounds& x) {
  std::vector<ChartLabel> wanted;
  if (chart.best)
    wanted.push_back({"best: " + chart.x_label + " " + axis_number(*chart.best), ink::black, *chart.best, 0});
  for (const Event::Kind kind : {Event::Kind::change, Event::Kind::drop})
    for (const Event& event : chart.events)
      if (event.kind == kind) wanted.push_back({event.label, event_color(kind), event.x, 0});
  const double low = plot_margins::left, high = width - right_margin;
  std::vector<std::vector<std::pair<double, double>>> taken(most_rows);
  std::vector<ChartLabel> placed;
  for (ChartLabel& label : wanted) {
    const double half = text_width(label.text, label_style(label.color)) / 2 + 8;
    const double at = low + (label.x - x.low) / (x.high - x.low) * (high - low);
    label.x = std::clamp(at, low + half, std::max(low + half, high - half));
    const auto free = [&](const auto& row) {
      return std::none_of(row.begin(), row.end(), [&](const auto& span) {
        return label.x - half < span.second && label.x + half > span.first;
      });
    };
    const auto row = std::find_if(taken.begin(), taken.end(), free);
    if (row == taken.end()) continue;
    row->emplace_back(label.x - half, label.x + half);
    label.row = static_cast<size_t>(row - taken.begin());
    placed.push_back(label);
  }
  return placed;
}

}  // namespace

double ChartLayout::panel_top(size_t panel) const {
  return top + heading_height + static_cast<double>(panel) * (heading_height + panel_height + panel_gap);
}

Color event_color(Event::Kind kind) { return kind == Event::Kind::change ? Color{152, 62, 118} : Color{112, 112, 120}; }

TextStyle label_style(Color color) { return {.color = color, .size = 18, .align = Align::center}; }

ChartLayout lay_out(const Chart& chart) {
  ChartLayout layout;
  layout.x.add(0);
  for (const Panel& panel : chart.panels)
    for (const Curve& curve : panel.curves)
      for (const double x : curve.x) layout.x.add(x);
  layout.x.widen(0);
  layout.x.high += 0.012 * (layout.x.high - layout.x.low);  // room for the marks of the last points
  layout.labels = place_labels(chart, layout.x);
  size_t rows = 0;
  for (const ChartLabel& label : layout.labels) rows = std::max(rows, label.row + 1);
  layout.top = title_height + static_cast<double>(rows) * row_height;
  layout.panel_height = chart.panels.size() == 1 ? single_height : several_height;
  return layout;
}

double shown_value(const Panel& panel, double y) {
  if (!panel.logarithmic) return y;
  return y > 0 ? std::log10(y) : NAN;
}

PlotFrame frame_of(const ChartLayout& layout, const Panel& panel, size_t index) {
  PlotFrame frame{
      {plot_margins::left, layout.panel_top(index), width - plot_margins::left - right_margin, layout.panel_height},
      layout.x,
      {}};
  for (const Curve& curve : panel.curves) {
    std::vector<double> values;
    for (const double y : curve.y)
      if (std::isfinite(shown_value(panel, y))) values.push_back(shown_value(panel, y));
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    frame.y.add(curve.faint ? quantile(values, 0.01) : values.front());
    frame.y.add(curve.faint ? quantile(values, 0.99) : values.back());
  }
  frame.y.widen(0.08);
  return frame;
}

}  // namespace sunder
