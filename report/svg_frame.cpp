#include "report/svg_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/markup.h"

namespace sunder {

std::string open_svg(const SvgFrame& frame, const std::string& label) {
  return fmt::format("<svg class=\"plot\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n", frame.width,
                     frame.height, escape_html(label));
}

std::string svg_axes(const SvgFrame& frame, const std::string& x_label, const std::string& y_label) {
  const double base = frame.height - frame.bottom, end = frame.width - frame.right;
  std::string svg = "<g class=\"axis\">\n";
  for (const Tick& tick : round_ticks(frame.y.low, frame.y.high, 5)) {
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

std::string legend_entry(const std::string& name, const std::string& text) {
  return fmt::format("<li><span class=\"swatch {}\"></span>{}</li>", name, escape_html(text));
}

}  // namespace sunder
