#include "files/missing_files.h"

#include <algorithm>

#include "tensor/error.h"

namespace sunder {

void MissingFiles::look_for(const std::filesystem::path& file, const std::string& where) {
  if (!seen_.insert(file.string()).second) return;
  std::error_code failure;
  if (std::filesystem::exists(file, failure)) return;
  if (missing_.empty())
    first_ = fmt::format("{}: {}: {}", where, file.string(), failure ? failure.message() : "no such file");
  missing_.push_back(file.string());
}

void MissingFiles::require_none() const {
  if (missing_.empty()) return;
  if (missing_.size() == 1) throw_error<InputError>("{}", first_);
  const size_t named = std::min(missing_.size(), most_named);
  const std::vector<std::string> others(missing_.begin() + 1, missing_.begin() + static_cast<ptrdiff_t>(named));
  const size_t more = missing_.size() - named;
  throw_error<InputError>("{}; {} of {} files are missing, also {}{}", first_, missing_.size(), seen_.size(),
                          fmt::join(others, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace sunder
