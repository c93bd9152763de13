#include "files/plain_message.h"

#include <filesystem>
#include <new>

#include "tensor/error.h"

namespace sunder {

std::string plain_message(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "out of memory";
  const auto* of_files = dynamic_cast<const std::filesystem::filesystem_error*>(&error);
  if (!of_files) return error.what();
  const std::string from = of_files->path1().string(), to = of_files->path2().string();
  const std::string reason = of_files->code().message();
  if (from.empty()) return reason;
  return to.empty() ? fmt::format("{}: {}", from, reason) : fmt::format("{} to {}: {}", from, to, reason);
}

}  // namespace sunder
