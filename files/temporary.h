// Temporary files and folders. They go with their owner: by its destructor, by remove_temporaries() where a signal ends
// the process, and after a kill by the next process that writes into the same folder.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "files/file_descriptor.h"

namespace sunder {

// Owns one of them. All functions are safe to call from several threads.
class Temporary {
 public:
  Temporary() = default;
  // `path`: a file or folder that this process has just made.
  explicit Temporary(std::filesystem::path path);
  Temporary(Temporary&& other) noexcept { *this = std::move(other); }
  Temporary& operator=(Temporary&& other) noexcept;
  ~Temporary();

  // A new empty file in `folder`, with a short hidden name, open for reading and writing; also removes what killed
  // processes left there. Not open() where the system refuses (errno).
  static Temporary file(const std::filesystem::path& folder);
  // A new folder `folder`/`prefix`XXXXXX; also removes what killed processes left under the prefix. Not open() where
  // the system refuses (errno).
  static Temporary subfolder(const std::filesystem::path& folder, const std::string& prefix);
  // A lock file, which is this process's alone. Not open, with EWOULDBLOCK, while another process has it.
  static Temporary lock(const std::filesystem::path& path);

  bool open() const { return file_.is_open(); }
  int descriptor() const { return file_.number(); }
  const std::filesystem::path& path() const { return path_; }

  // Gives it its final name; it is not temporary any more. False where the system refuses (errno).
  bool rename_to(const std::filesystem::path& path);
  // It is not temporary any more, under the name that it has.
  void keep();

 private:
  Temporary(std::filesystem::path path, FileDescriptor file);

  std::filesystem::path path_;
  FileDescriptor file_;  // locked as long as the owner lives
};

// A file without a name, open for reading and writing, that nothing is left of however the process ends: in the folder
// for temporary files or, where that is impossible, in memory. Not open where the system refuses (errno).
FileDescriptor unnamed_file();
// The same in memory always.
FileDescriptor memory_file();

// Whether `path` lies in a temporary folder of this process: nothing in it needs to be synced or locked.
bool in_temporary_folder(const std::filesystem::path& path);

// Removes all temporary files and folders of this process, which a signal is about to end: from then on, threads that
// make, rename or remove one wait for ever. Not for signal handlers.
void remove_temporaries();

}  // namespace sunder
