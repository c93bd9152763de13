// Line plots below each other on one x axis, one panel a quantity.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/plot_frame.h"

namespace sunder {

struct Curve {
  std::string name;
  std::vector<double> x, y = {};  // of one length; a point that is not finite breaks the line
  bool faint = false;             // behind the others; its rarest values may lie outside the panel
  bool steps = false;             // each value holds up to the next point
  bool dashed = false;
};

struct Panel {
  std::string title, unit;
  std::vector<Curve> curves;
  bool logarithmic = false;  // y; all values must be above 0
};

// A vertical line through all panels.
struct Event {
  enum class Kind { change, drop };
  double x;
  std::string label;
  Kind kind = Kind::change;
};

struct Chart {
  std::string title, x_label;
  std::vector<Panel> panels;
  std::vector<Event> events = {};
  std::optional<double> best = {};  // x of a point that every panel marks and gives the value of
};

// Throws Error for curves with more x than y or the other way round.
Picture draw_chart(const Chart& chart);
// The bytes of an SVG file. Throws as draw_chart.
std::string chart_svg(const Chart& chart);

// Where a panel's values lie in the picture; on a logarithmic axis those of log10(y).
PlotFrame panel_frame(const Chart& chart, size_t panel);

// Colour of a panel's curves in turn, and of a faint one. There are five, then the first again.
Color curve_color(size_t index);
inline constexpr Color faint_curve = {182, 206, 226};

}  // namespace sunder
