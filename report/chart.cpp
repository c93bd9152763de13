#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/chart_layout.h"
#include "report/markup.h"
#include "tensor/error.h"

namespace sunder {
namespace {

using namespace chart_sizes;

constexpr size_t most_dots = 60;  // points of a curve that are marked one by one

// Okabe and Ito's colours, which colour-blind readers can tell apart.
constexpr Color palette[] = {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {230, 159, 0}};

std::vector<Tick> y_ticks(const Panel& panel, const PlotFrame& frame) {
  const Bounds& y = frame.y;
  return panel.logarithmic ? logarithmic_ticks(y.low, y.high)
                           : round_ticks(y.low, y.high, std::max(3, static_cast<int>(frame.box.height / 23)));
}

std::vector<Tick> x_ticks(const PlotFrame& frame) {
  // Few steps have whole numbers.
  const int wanted = static_cast<int>(std::clamp(frame.x.high - frame.x.low, 1.0, 10.0));
  std::vector<Tick> ticks = round_ticks(frame.x.low, frame.x.high, wanted);
  for (Tick& tick : ticks) tick.text = axis_number(tick.value);
  return ticks;
}

void draw_grid(Picture& picture, const PlotFrame& frame, const std::vector<Tick>& x, const std::vector<Tick>& y) {
  const Box& box = frame.box;
  for (const Tick& tick : x)
    picture.line({{frame.at_x(tick.value), box.y}, {frame.at_x(tick.value), box.y + box.height}}, {ink::faint, 1.5});
  for (const Tick& tick : y)
    picture.line({{box.x, frame.at_y(tick.value)}, {box.x + box.width, frame.at_y(tick.value)}}, {ink::faint, 1.5});
}

void draw_events(Picture& picture, const PlotFrame& frame, const Chart& chart) {
  const auto vertical = [&](double value, const LineStyle& style) {
    const double x = frame.at_x(value);
    picture.line({{x, frame.box.y}, {x, frame.box.y + frame.box.height}}, style);
  };
  for (const Event& event : chart.events)
    vertical(event.x, event.kind == Event::Kind::change ? LineStyle{event_color(event.kind), 2.5, {12, 6}}
                                                        : LineStyle{event_color(event.kind), 2, {3, 5}});
  if (chart.best) vertical(*chart.best, {ink::black, 1.5});
}

void draw_curve(Picture& picture, const PlotFrame& frame, const Panel& panel, const Curve& curve, Color color) {
  const LineStyle style{color, curve.faint ? 1.5 : 3,
                        curve.dashed ? std::vector<double>{10, 6} : std::vector<double>{}};
  std::vector<Point> run;  // points without a gap
  const bool every_dot = !curve.faint && !curve.steps && curve.x.size() <= most_dots;
  const auto end_run = [&] {
    picture.line(run, style);
    for (const Point& point : run)
      if (every_dot || run.size() == 1) picture.dot(point, 3.5, color, color, 1);
    run.clear();
  };
  for (size_t i = 0; i < curve.x.size(); ++i) {
    const Point point{frame.at_x(curve.x[i]), frame.at_y(shown_value(panel, curve.y[i]))};
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      end_run();
      continue;
    }
    if (curve.steps && !run.empty()) run.push_back({point.x, run.back().y});
    run.push_back(point);
  }
  end_run();
}

// The point of a curve at the best checkpoint, if it has one.
std::optional<double> value_at(const Curve& curve, double x) {
  for (size_t i = curve.x.size(); i-- > 0;)
    if (curve.x[i] == x && std::isfinite(curve.y[i])) return curve.y[i];
  return std::nullopt;
}

void draw_heading(Picture& picture, const PlotFrame& frame, const Panel& panel, const std::optional<double>& best) {
  const double y = frame.box.y - heading_height / 2 + 3;
  const TextStyle title{.color = ink::black, .size = 20, .bold = true}, note{.color = ink::grey, .size = 18};
  picture.text({frame.box.x, y}, panel.title, title);
  double right = frame.box.x + frame.box.width;
  size_t index = 0;
  std::vector<Color> colors;
  for (const Curve& curve : panel.curves) colors.push_back(curve.faint ? faint_curve : curve_color(index++));
  if (panel.curves.size() > 1) {
    for (size_t i = panel.curves.size(); i-- > 0;) {
      right -= text_width(panel.curves[i].name, note);
      picture.text({right, y}, panel.curves[i].name, note);
      const bool dashed = panel.curves[i].dashed;
      picture.line({{right - 44, y}, {right - 12, y}},
                   {colors[i], 4, dashed ? std::vector<double>{8, 4} : std::vector<double>{}});
      right -= 44 + 26;
    }
  }
  if (!best) return;
  for (const Curve& curve : panel.curves) {
    const auto value = curve.faint ? std::nullopt : value_at(curve, *best);
    if (!value) continue;
    const std::string unit = panel.unit.empty() ? "" : " " + panel.unit;
    picture.text({frame.box.x + text_width(panel.title, title) + 24, y},
                 fmt::format("at the best checkpoint {}{}", with_minus(fmt::format("{:.4g}", *value)), unit), note);
    break;
  }
}

void draw_panel(Picture& picture, const PlotFrame& frame, const Panel& panel, const Chart& chart, bool last) {
  const std::vector<Tick> x = x_ticks(frame), y = y_ticks(panel, frame);
  draw_grid(picture, frame, x, y);
  picture.clip(frame.box);
  for (const bool faint : {true, false}) {
    size_t index = 0;
    for (const Curve& curve : panel.curves) {
      const Color color = curve.faint ? faint_curve : curve_color(index++);
      if (curve.faint == faint) draw_curve(picture, frame, panel, curve, color);
    }
    if (faint) draw_events(picture, frame, chart);
  }
  picture.unclip();
  draw_border(picture, frame);
  if (chart.best)
    for (const Curve& curve : panel.curves)
      if (const auto value = curve.faint ? std::nullopt : value_at(curve, *chart.best))
        picture.dot({frame.at_x(*chart.best), frame.at_y(shown_value(panel, *value))}, 6, ink::white, ink::black, 3);
  draw_x_ticks(picture, frame, x, last);
  draw_y_ticks(picture, frame, y);
  if (!panel.unit.empty()) draw_y_label(picture, frame, panel.unit);
  draw_heading(picture, frame, panel, chart.best);
}

}  // namespace

Color curve_color(size_t index) { return palette[index % std::size(palette)]; }

PlotFrame panel_frame(const Chart& chart, size_t panel) {
  return frame_of(lay_out(chart), chart.panels.at(panel), panel);
}

namespace {

Picture draw(const Chart& chart, bool as_vector) {
  for (const Panel& panel : chart.panels)
    for (const Curve& curve : panel.curves)
      if (curve.x.size() != curve.y.size())
        throw_error("[draw_chart] expected as many x as y in '{}', got {} and {}", curve.name, curve.x.size(),
                    curve.y.size());
  const ChartLayout layout = lay_out(chart);
  const double bottom = layout.panel_top(chart.panels.size()) - heading_height - panel_gap;
  const int picture_width = static_cast<int>(width), picture_height = static_cast<int>(bottom + plot_margins::bottom);
  Picture picture = as_vector ? Picture::vector(picture_width, picture_height) : Picture(picture_width, picture_height);
  const TextStyle title{.color = ink::black, .size = 26, .bold = true};
  picture.text({plot_margins::left, title_height / 2},
               fit_text(chart.title, title, width - plot_margins::left - right_margin), title);
  for (const ChartLabel& label : layout.labels)
    picture.text({label.x, layout.top - (static_cast<double>(label.row) + 0.5) * row_height}, label.text,
                 label_style(label.color));
  for (size_t i = 0; i < chart.panels.size(); ++i) {
    const PlotFrame frame = frame_of(layout, chart.panels[i], i);
    draw_panel(picture, frame, chart.panels[i], chart, i + 1 == chart.panels.size());
    if (i + 1 == chart.panels.size()) draw_x_label(picture, frame, chart.x_label);
  }
  return picture;
}

}  // namespace

Picture draw_chart(const Chart& chart) { return draw(chart, /*as_vector=*/false); }
std::string chart_svg(const Chart& chart) { return draw(chart, /*as_vector=*/true).svg(); }

}  // namespace sunder
