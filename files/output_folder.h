// A folder that is complete or absent.
#pragma once

#include <filesystem>

#include "tensor/error.h"

namespace sunder {

struct FolderInUse : UsageError {
  using UsageError::UsageError;
};

// Files are written to path(), a hidden folder beside the output, which commit() renames. Without a commit it is
// removed.
class OutputFolder {
 public:
  // Throws FolderInUse if `output` exists, is not an empty folder and `replace` is false; Error with the system's
  // reason if the folder cannot be created.
  OutputFolder(const std::filesystem::path& output, bool replace);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const std::filesystem::path& path() const { return temporary_; }
  const std::filesystem::path& final_path() const { return output_; }  // absolute
  void commit();

 private:
  std::filesystem::path output_, temporary_;
};

// create_directories that throws Error naming the folder.
void create_folders(const std::filesystem::path& folder);

}  // namespace sunder
