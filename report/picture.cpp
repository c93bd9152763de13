#include "report/picture.h"

#include <cairo-svg.h>
#include <cairo.h>

#include <cmath>

#include "report/markup.h"
#include "tensor/error.h"

// fontconfig never frees some of the patterns that it hands to Cairo: no leak of ours.
#ifdef SUNDER_LEAKS_CHECKED
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig.so\n"; }
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
#endif

namespace sunder {
namespace {

constexpr double half_capital = 0.36;  // of an em: half the height of DejaVu Sans' capital letters

// Where DejaVu Sans is missing, fontconfig picks the nearest font; where no font is installed at all, Cairo draws text
// with "twin", the stroke font inside it. Pictures never lack their labels.
void use_font(cairo_t* context, const TextStyle& style) {
  cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context, style.size);
  // A desktop's settings (subpixels, hinting) must not change pictures.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(context, options);
  cairo_font_options_destroy(options);
}

double advance(cairo_t* context, const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(context, text.c_str(), &extents);
  return extents.x_advance;
}

uint32_t* row_of(cairo_surface_t* surface, int y) {
  return reinterpret_cast<uint32_t*>(cairo_image_surface_get_data(surface) +
                                     static_cast<ptrdiff_t>(y) * cairo_image_surface_get_stride(surface));
}

Color color_of(uint32_t pixel) {
  return {static_cast<uint8_t>(pixel >> 16), static_cast<uint8_t>(pixel >> 8), static_cast<uint8_t>(pixel)};
}

}  // namespace

void Picture::Delete::operator()(cairo_t* context) const { cairo_destroy(context); }
void Picture::Delete::operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }

namespace {

cairo_status_t append(void* to, const unsigned char* bytes, unsigned int count) noexcept {
  try {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), count);
    return CAIRO_STATUS_SUCCESS;
  } catch (const std::bad_alloc&) {
    return CAIRO_STATUS_NO_MEMORY;
  }
}

}  // namespace

Picture::Picture(int width, int height, Color background) : Picture(width, height, background, false) {}

Picture Picture::vector(int width, int height, Color background) { return {width, height, background, true}; }

Picture::Picture(int width, int height, Color background, bool vector) : width_(width), height_(height) {
  if (width < 1 || height < 1) throw_error("[picture] expected a size of at least 1 x 1, got {} x {}", width, height);
  if (vector) {
    svg_ = std::make_unique<std::string>();
    surface_.reset(cairo_svg_surface_create_for_stream(append, svg_.get(), width, height));
    cairo_svg_surface_set_document_unit(surface_.get(), CAIRO_SVG_UNIT_PX);
  } else {
    surface_.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height));
  }
  context_.reset(cairo_create(surface_.get()));
  fill({0, 0, static_cast<double>(width), static_cast<double>(height)}, background);
}

Picture::Picture(int width, int height, const std::vector<Color>& pixels) : Picture(width, height) {
  if (pixels.size() != static_cast<size_t>(width) * static_cast<size_t>(height))
    throw_error("[picture] expected {} x {} pixels, got {}", width, height, pixels.size());
  cairo_surface_flush(surface_.get());
  auto pixel = pixels.begin();
  for (int y = 0; y < height; ++y)
    for (uint32_t *to = row_of(surface_.get(), y), *end = to + width; to < end; ++to, ++pixel)
      *to = static_cast<uint32_t>(pixel->red << 16 | pixel->green << 8 | pixel->blue);
  cairo_surface_mark_dirty(surface_.get());
}

std::string Picture::svg() {
  if (!svg_) throw_error("[picture] expected a picture of lines for svg, got one of pixels");
  cairo_surface_finish(surface_.get());
  if (cairo_surface_status(surface_.get()) != CAIRO_STATUS_SUCCESS)
    throw_error("[picture] svg: {}", cairo_status_to_string(cairo_surface_status(surface_.get())));
  return *svg_;
}

Color Picture::at(int x, int y) const {
  if (svg_) throw_error("[picture] expected a picture of pixels, got one of lines");
  if (x < 0 || y < 0 || x >= width_ || y >= height_)
    throw_error("[picture] expected a pixel of {} x {}, got ({}, {})", width_, height_, x, y);
  cairo_surface_flush(surface_.get());
  return color_of(row_of(surface_.get(), y)[x]);
}

std::vector<Color> Picture::pixels() const {
  if (svg_) throw_error("[picture] expected a picture of pixels, got one of lines");
  std::vector<Color> pixels;
  pixels.reserve(static_cast<size_t>(width_) * static_cast<size_t>(height_));
  cairo_surface_flush(surface_.get());
  for (int y = 0; y < height_; ++y)
    for (const uint32_t *from = row_of(surface_.get(), y), *end = from + width_; from < end; ++from)
      pixels.push_back(color_of(*from));
  return pixels;
}

void Picture::use(Color color) {
  cairo_set_source_rgb(context_.get(), color.red / 255.0, color.green / 255.0, color.blue / 255.0);
}

void Picture::use(const LineStyle& style) {
  use(style.color);
  cairo_set_line_width(context_.get(), style.width);
  cairo_set_line_join(context_.get(), CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(context_.get(), style.dashes.empty() ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
  cairo_set_dash(context_.get(), style.dashes.data(), static_cast<int>(style.dashes.size()), 0);
}

void Picture::check(const char* what) const {
  const cairo_status_t status = cairo_status(context_.get());
  if (status == CAIRO_STATUS_SUCCESS) return;
  const std::string message =
      fmt::format("[picture] {} of a picture of {} x {}: {}", what, width_, height_, cairo_status_to_string(status));
  if (status == CAIRO_STATUS_NO_MEMORY) throw OutOfMemory(message, 0);
  throw Error(message);
}

void Picture::fill(const Box& box, Color color) {
  use(color);
  cairo_rectangle(context_.get(), box.x, box.y, box.width, box.height);
  cairo_fill(context_.get());
  check("fill");
}

void Picture::outline(const Box& box, const LineStyle& style) {
  use(style);
  cairo_rectangle(context_.get(), box.x, box.y, box.width, box.height);
  cairo_stroke(context_.get());
  check("outline");
}

void Picture::line(const std::vector<Point>& points, const LineStyle& style) {
  constexpr size_t most = 256;  // points of one path: the time for a path grows faster than its length
  use(style);
  for (size_t i = 0; i < points.size(); ++i) {
    cairo_line_to(context_.get(), points[i].x, points[i].y);
    if (i % most != most - 1) continue;
    cairo_stroke(context_.get());
    cairo_move_to(context_.get(), points[i].x, points[i].y);
  }
  cairo_stroke(context_.get());
  check("line");
}

void Picture::dot(Point center, double radius, Color color, Color ring, double ring_width) {
  use(color);
  cairo_arc(context_.get(), center.x, center.y, radius, 0, 2 * M_PI);
  cairo_fill_preserve(context_.get());
  use(LineStyle{ring, ring_width});
  cairo_stroke(context_.get());
  check("dot");
}

void Picture::paste(const Picture& picture, int x, int y) {
  cairo_set_source_surface(context_.get(), picture.surface_.get(), x, y);
  cairo_rectangle(context_.get(), x, y, picture.width_, picture.height_);
  cairo_fill(context_.get());
  check("paste");
}

void Picture::text(Point anchor, const std::string& text, const TextStyle& style) {
  const std::string shown = printable_utf8(text);
  cairo_save(context_.get());
  use(style.color);
  use_font(context_.get(), style);
  cairo_translate(context_.get(), anchor.x, anchor.y);
  if (style.upwards) cairo_rotate(context_.get(), -M_PI / 2);
  const double share = style.align == Align::left ? 0 : style.align == Align::center ? 0.5 : 1;
  cairo_move_to(context_.get(), -share * advance(context_.get(), shown), half_capital * style.size);
  cairo_show_text(context_.get(), shown.c_str());
  cairo_new_path(context_.get());  // the next path would begin where the text ends
  cairo_restore(context_.get());
  check("text");
}

double Picture::measure(const std::string& text, const TextStyle& style) {
  use_font(context_.get(), style);
  const double width = advance(context_.get(), printable_utf8(text));
  check("text");
  return width;
}

void Picture::clip(const Box& box) {
  cairo_rectangle(context_.get(), box.x, box.y, box.width, box.height);
  cairo_clip(context_.get());
}

void Picture::unclip() { cairo_reset_clip(context_.get()); }

double text_width(const std::string& text, const TextStyle& style) {
  Picture scratch(1, 1);
  return scratch.measure(text, style);
}

std::string fit_text(const std::string& text, const TextStyle& style, double width) {
  std::string shown = printable_utf8(text);
  if (text_width(shown, style) <= width) return shown;
  while (!shown.empty()) {
    while (!shown.empty() && (shown.back() & 0xc0) == 0x80) shown.pop_back();  // the rest of a sequence
    if (!shown.empty()) shown.pop_back();
    if (text_width(shown + "\xe2\x80\xa6", style) <= width) return shown + "\xe2\x80\xa6";
  }
  return shown;
}

}  // namespace sunder
