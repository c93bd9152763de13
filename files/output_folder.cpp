#include "files/output_folder.h"

#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// Where commit() keeps the folder that it replaces until the new one is in its place.
fs::path set_aside(const fs::path& output) {
  return output.parent_path() / fmt::format(".{}.old", output.filename().string());
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& output, bool replace) : output_(fs::absolute(output).lexically_normal()) {
  if (!output_.has_filename()) output_ = output_.parent_path();  // a trailing slash
  std::error_code failure;
  // A run that was killed between the two renames of commit() has left the old folder aside: it comes back.
  if (const fs::path old = set_aside(output_); !is_there(output_) && is_there(old)) fs::rename(old, output_, failure);
  if (failure) throw_error("{}: cannot be restored: {}", output_.string(), failure.message());
  const bool free = !fs::exists(output_) || (fs::is_directory(output_) && fs::is_empty(output_));
  if (!free && !replace) throw_error<FolderInUse>("{}: exists and is not empty", output_.string());
  temporary_ = output_.parent_path() / fmt::format(".{}.part", output_.filename().string());
  fs::remove_all(temporary_, failure);  // left by a run that was killed
  create_folders(temporary_);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void OutputFolder::commit() {
  // The old folder is moved aside and comes back if the new one cannot take its place.
  const fs::path old = set_aside(output_);
  std::error_code failure, ignored;
  fs::remove_all(old, ignored);
  const bool replaced = is_there(output_);
  if (replaced) fs::rename(output_, old, failure);
  if (!failure) {
    fs::rename(temporary_, output_, failure);
    if (failure && replaced) fs::rename(old, output_, ignored);
  }
  if (failure) throw_error("{}: cannot be written: {}", output_.string(), failure.message());
  fs::remove_all(old, ignored);
}

void create_folders(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw_error("{}: cannot be created: {}", folder.string(), failure.message());
}

}  // namespace sunder
