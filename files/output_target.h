// What a path leads to that a result is written to: links are followed, and what is no regular file is not replaced.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "files/file_descriptor.h"

namespace sunder {

struct OutputTarget {
  std::filesystem::path path;         // behind all links
  std::optional<struct stat> status;  // of the file that stands there
  bool through = false;               // a device, a pipe or a socket, or an open file (/dev/stdout): written through
  int descriptor = -1;                // the own descriptor that the path names (/dev/stdout, /dev/fd/3), or -1
};

// The folder that a file stands in: "." for a name alone.
std::filesystem::path containing_folder(const std::filesystem::path& file);

// Throws Error "<path>: cannot be written: <reason>" for a folder, a link that leads to itself and a file that must not
// be written.
OutputTarget output_target(const std::filesystem::path& path);

// Opens what is written through, and waits for the reader of a FIFO. Not open where the system refuses (errno).
FileDescriptor open_through(const OutputTarget& target);

// Throws the same, and where the file's folder is missing or must not be written: what can be known of a result before
// it is written. Opens and changes nothing.
void check_output(const std::filesystem::path& path);

}  // namespace sunder
