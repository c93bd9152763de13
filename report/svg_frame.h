// The frame of an SVG plot: axes and legend entries. Colours come from the page's style sheet.
// Written as text by us: SVG from Cairo or a plotting library has no classes that a light or dark style sheet could
// colour, and no titles that show when the pointer is over a mark.
#pragma once

#include <string>
#include <vector>

#include "report/axis.h"

namespace sunder {

struct SvgFrame {
  double width, height, left, right, top, bottom;  // the drawing's units; margins inside width and height
  Bounds x, y;
  double at_x(double value) const { return left + (value - x.low) / (x.high - x.low) * (width - left - right); }
  double at_y(double value) const {
    return height - bottom - (value - y.low) / (y.high - y.low) * (height - top - bottom);
  }
};

// <svg>, left open; `label` describes the plot to screen readers.
std::string open_svg(const SvgFrame& frame, const std::string& label);
// Both axes with round ticks.
std::string svg_axes(const SvgFrame& frame, const std::string& x_label, const std::string& y_label);
// <li> of a legend: a swatch of the style sheet's class `name`, and what it stands for.
std::string legend_entry(const std::string& name, const std::string& text);

}  // namespace sunder
