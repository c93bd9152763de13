#include "files/system_error.h"

#include <cerrno>
#include <cstring>

namespace sunder {

bool is_of_the_file(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
    case ENXIO:
    case ENODEV:
    case EOVERFLOW:
      return true;
    default:
      return false;
  }
}

void throw_system_error(const std::filesystem::path& path, const std::string& what, int error) {
  const std::string message = fmt::format("{}: {}: {}", path.string(), what, std::strerror(error));
  if (error == ENOMEM) throw OutOfMemory(message, 0);
  if (is_of_the_file(error)) throw InputError(message);
  throw Error(message);
}

}  // namespace sunder
