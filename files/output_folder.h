// A folder that is complete or absent, and never takes the place of what is not Sunder's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "files/file_descriptor.h"
#include "files/folder_record.h"
#include "files/temporary.h"
#include "tensor/error.h"

namespace sunder {

struct FolderInUse : UsageError {
  using UsageError::UsageError;
};

struct OutputRules {
  bool replace = false;                                            // a folder that Sunder made
  std::string maker = "Sunder";                                    // for its record: "sunder-prepare voices 0.1.0"
  std::vector<std::filesystem::path> inputs{};                     // files and folders that the output is made of
  OlderFolder older{};                                             // also made by Sunder
  bool (*is_mount_point)(const std::filesystem::path&) = nullptr;  // instead of asking the system, for tests
};

// Files are written to path(), a hidden folder, whose contents commit() puts into place with a record of them
// (files/folder_record.h). Without a commit it is removed. An existing empty folder, the target of a link to one, a
// mount point and a folder in one that must not be written are written into; a folder that is replaced is removed when
// the new one stands on the disk. One process at a time writes an output; what a killed one left is removed or put back
// by the next.
class OutputFolder {
 public:
  // Throws FolderInUse if `output` is not empty and `replace` is false. Throws UsageError if it is not empty and holds
  // anything that Sunder did not write; if it is a file; if it is, holds or lies in an input, or is or holds the
  // working folder; and while another process writes it. Throws Error with the system's reason if it cannot be created.
  OutputFolder(const std::filesystem::path& output, OutputRules rules);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  // For inputs that are known later: throws UsageError as the constructor.
  void keep_clear_of(const std::vector<std::filesystem::path>& inputs) const;

  const std::filesystem::path& path() const { return staging_path_; }
  const std::filesystem::path& final_path() const { return output_; }  // absolute
  // Throws UsageError if something else has come into the folder, Error with the system's reason.
  void commit();

 private:
  void lock_folder();
  void lock_and_recover();
  bool check_replaceable() const;

  OutputRules rules_;
  std::filesystem::path output_;  // as it was named
  std::filesystem::path place_;   // without links
  bool inside_ = false;           // written into
  // Folders above the output that it had to make. Goes with those that are empty.
  struct Parents {
    std::vector<std::filesystem::path> made;  // the outermost first
    ~Parents();
  } parents_;
  FileDescriptor folder_lock_;  // on the folder that stands there
  Temporary lock_, staging_;
  std::filesystem::path staging_path_;
};

// create_directories that throws Error naming the folder.
void create_folders(const std::filesystem::path& folder);

}  // namespace sunder
