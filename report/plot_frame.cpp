#include "report/plot_frame.h"

#include <cmath>

#include "report/markup.h"

namespace sunder {
namespace {

constexpr double tick_length = 6, number_gap = 6;
constexpr double line_width = 1.5;

}  // namespace

void draw_x_ticks(Picture& picture, const PlotFrame& frame, const std::vector<Tick>& ticks, bool numbers) {
  const double base = frame.box.y + frame.box.height;
  for (const Tick& tick : ticks) {
    const double x = frame.at_x(tick.value);
    picture.line({{x, base}, {x, base + tick_length}}, {ink::black, line_width});
    if (numbers)
      picture.text({x, base + tick_length + number_gap + 9}, with_minus(tick.text),
                   {.color = ink::black, .align = Align::center});
  }
}

void draw_y_ticks(Picture& picture, const PlotFrame& frame, const std::vector<Tick>& ticks) {
  for (const Tick& tick : ticks) {
    const double y = frame.at_y(tick.value);
    picture.line({{frame.box.x - tick_length, y}, {frame.box.x, y}}, {ink::black, line_width});
    picture.text({frame.box.x - tick_length - number_gap, y}, with_minus(tick.text),
                 {.color = ink::black, .align = Align::right});
  }
}

void draw_x_label(Picture& picture, const PlotFrame& frame, const std::string& label) {
  picture.text({frame.box.x + frame.box.width / 2, frame.box.y + frame.box.height + 52}, label,
               {.color = ink::grey, .align = Align::center});
}

void draw_y_label(Picture& picture, const PlotFrame& frame, const std::string& label) {
  picture.text({frame.box.x - plot_margins::left + 18, frame.box.y + frame.box.height / 2}, label,
               {.color = ink::grey, .align = Align::center, .upwards = true});
}

void draw_border(Picture& picture, const PlotFrame& frame) { picture.outline(frame.box, {ink::black, line_width}); }

}  // namespace sunder
