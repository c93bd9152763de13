#include "files/disk_space.h"

#include <fmt/format.h>

#include <limits>

namespace sunder {

std::string size_text(uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size >= 1e9) return fmt::format("{:.1f} GB", size / 1e9);
  return size >= 1e6 ? fmt::format("{:.1f} MB", size / 1e6) : fmt::format("{:.0f} kB", size / 1e3);
}

uint64_t free_bytes(const std::filesystem::path& folder) {
  std::error_code unknown;
  const std::filesystem::space_info space = std::filesystem::space(folder, unknown);
  return unknown ? std::numeric_limits<uint64_t>::max() : space.available;
}

}  // namespace sunder
