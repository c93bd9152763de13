// The frame of a plot in a picture: where values lie, and its axes.
#pragma once

#include <string>
#include <vector>

#include "report/axis.h"
#include "report/picture.h"

namespace sunder {

namespace ink {
inline constexpr Color black = {24, 24, 28}, grey = {96, 96, 104}, faint = {228, 228, 232}, white = {255, 255, 255};
}

struct PlotFrame {
  Box box;      // the area inside the axes
  Bounds x, y;  // values at its edges
  double at_x(double value) const { return box.x + (value - x.low) / (x.high - x.low) * box.width; }
  double at_y(double value) const { return box.y + box.height - (value - y.low) / (y.high - y.low) * box.height; }
};

// Ticks with their numbers below the frame and left of it.
void draw_x_ticks(Picture& picture, const PlotFrame& frame, const std::vector<Tick>& ticks, bool numbers = true);
void draw_y_ticks(Picture& picture, const PlotFrame& frame, const std::vector<Tick>& ticks);
// What an axis shows, with its unit: below the numbers of x, and upwards left of those of y.
void draw_x_label(Picture& picture, const PlotFrame& frame, const std::string& label);
void draw_y_label(Picture& picture, const PlotFrame& frame, const std::string& label);
// The frame's four lines.
void draw_border(Picture& picture, const PlotFrame& frame);

namespace plot_margins {
inline constexpr double left = 112, bottom = 72;  // room for numbers and label of an axis
}

}  // namespace sunder
