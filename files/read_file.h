// Reading whole files, with the system's reason where that fails: a file that cannot be read now may be whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "tensor/error.h"

namespace sunder {

// "<path>: cannot be read: <reason>".
class ReadError : public Error {
 public:
  ReadError(const std::filesystem::path& path, int code);
  // Whether there is no file, or something else in its place: no later try will read it.
  bool is_absent() const;
  int code() const { return code_; }  // an errno

 private:
  int code_;
};

// Throws ReadError.
std::string read_file(const std::filesystem::path& path);
// The same piece by piece, in the file's order.
void read_file(const std::filesystem::path& path, const std::function<void(std::span<const std::byte>)>& take);

}  // namespace sunder
