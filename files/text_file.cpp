#include "files/text_file.h"

#include <cerrno>

#include "files/read_file.h"
#include "files/system_error.h"

namespace sunder {

std::string read_text(const std::filesystem::path& path) {
  try {
    return read_file(path);
  } catch (const ReadError& error) {
    if (error.code() == ENOENT) throw_error<InputError>("{}: no such file", path.string());
    if (error.code() == EISDIR) throw_error<InputError>("{}: expected a file, got a folder", path.string());
    throw_system_error(path, "cannot be read", error.code());
  }
}

}  // namespace sunder
