// Written by libpng: Cairo's own writer knows no palettes, and spectrograms come out more than twice as large.
#include <png.h>

#include <optional>
#include <unordered_map>

#include "files/atomic_file.h"
#include "report/picture.h"
#include "tensor/error.h"

namespace sunder {
namespace {

struct Indexed {
  std::vector<uint8_t> pixels;  // one byte a pixel
  std::vector<Color> colors;    // in the order of their first pixel
};

// Nothing if there are more than 256 colours.
std::optional<Indexed> with_palette(const std::vector<Color>& pixels) {
  Indexed result;
  std::unordered_map<uint32_t, uint8_t> index;
  result.pixels.reserve(pixels.size());
  for (const Color color : pixels) {
    const auto key = static_cast<uint32_t>(color.red << 16 | color.green << 8 | color.blue);
    auto found = index.find(key);
    if (found == index.end()) {
      if (index.size() == 256) return std::nullopt;
      found = index.emplace(key, static_cast<uint8_t>(index.size())).first;
      result.colors.push_back(color);
    }
    result.pixels.push_back(found->second);
  }
  return result;
}

}  // namespace

std::string encode_png(const Picture& picture) {
  static_assert(sizeof(Color) == 3, "libpng takes three bytes a pixel");
  const std::vector<Color> pixels = picture.pixels();
  const std::optional<Indexed> indexed = with_palette(pixels);
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width());
  image.height = static_cast<png_uint_32>(picture.height());
  image.format = indexed ? PNG_FORMAT_RGB_COLORMAP : PNG_FORMAT_RGB;
  image.colormap_entries = indexed ? static_cast<png_uint_32>(indexed->colors.size()) : 0;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  const void* values = indexed ? static_cast<const void*>(indexed->pixels.data()) : pixels.data();
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, values, 0, indexed ? indexed->colors.data() : nullptr))
    throw_error("[encode_png] {}", image.message);
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Picture& picture) { write_file(path, encode_png(picture)); }

}  // namespace sunder
