// Where the parts of a chart lie in its picture.
#pragma once

#include "report/chart.h"

namespace sunder {

// Pixels, with text that stays legible at half the size.
namespace chart_sizes {
inline constexpr double width = 1500, right_margin = 56;
inline constexpr double title_height = 56, row_height = 26, heading_height = 46, panel_gap = 16;
}  // namespace chart_sizes

// The label of an event or of the best checkpoint, above the panels.
struct ChartLabel {
  std::string text;
  Color color;
  double x;    // of its centre, pixels
  size_t row;  // 0 is nearest to the panels
};

struct ChartLayout {
  Bounds x;
  std::vector<ChartLabel> labels = {};
  double top = 0;           // of the first panel's heading
  double panel_height = 0;  // inside the axes
  double panel_top(size_t panel) const;
};

ChartLayout lay_out(const Chart& chart);
PlotFrame frame_of(const ChartLayout& layout, const Panel& panel, size_t index);

// As it is drawn: log10 on a logarithmic axis, NaN where that does not exist.
double shown_value(const Panel& panel, double y);

Color event_color(Event::Kind kind);
TextStyle label_style(Color color);

}  // namespace sunder
