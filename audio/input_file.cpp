#include "audio/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "audio/containers/container.h"
#include "files/file_io.h"
#include "files/system_error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

FileDescriptor open_retrying(const fs::path& path) {
  int file = -1;
  do file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  while (file < 0 && errno == EINTR);
  return FileDescriptor(file);
}

// Without a name, so that nothing is left behind however the process ends.
FileDescriptor temporary_file(const fs::path& folder) {
  if (const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); file >= 0)
    return FileDescriptor(file);
  std::string name = (folder / "sunder-input-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file >= 0) ::unlink(name.c_str());
  return FileDescriptor(file);
}

// Fills the block behind its first `filled` bytes, as far as the stream goes: how many there are then; -1 where the
// system refuses (errno).
ssize_t read_block(int file, std::string& block, size_t filled) {
  while (filled < block.size()) {
    const ssize_t count = ::read(file, block.data() + filled, block.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    filled += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(filled);
}

}  // namespace

InputFile::InputFile(fs::path at) : InputBytes(std::move(at)), file_(open_retrying(path())) {
  if (!file_.is_open() && errno == ENOENT) throw_error<InputError>("{}: no such file", name());
  if (!file_.is_open()) throw_system_error(path(), "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file_.number(), &status) != 0) throw_system_error(path(), "cannot be read", errno);
  if (S_ISDIR(status.st_mode)) throw_error<InputError>("{}: expected an audio file, got a folder", name());
  if (S_ISREG(status.st_mode)) size_ = static_cast<uint64_t>(status.st_size);
  else copy_stream("");
  if (size_ == 0) throw_error<InputError>("{}: expected an audio file, got an empty file", name());
}

InputFile::InputFile(fs::path name, FileDescriptor stream, std::string_view begun)
    : InputBytes(std::move(name)), file_(std::move(stream)) {
  struct stat status {};
  if (::fstat(file_.number(), &status) != 0) throw_system_error(path(), "cannot be read", errno);
  if (S_ISREG(status.st_mode)) size_ = static_cast<uint64_t>(status.st_size);
  else copy_stream(begun);
  if (size_ == 0) throw_error<InputError>("{}: expected an audio file, got nothing", this->name());
}

void InputFile::copy_stream(std::string_view begun) {
  std::error_code failure;
  fs::path folder = fs::temp_directory_path(failure);
  if (failure) folder = "/tmp";
  FileDescriptor copy;
  std::string block(size_t{1} << 20, '\0');
  for (;;) {
    begun.copy(block.data(), begun.size());
    const ssize_t count = read_block(file_.number(), block, std::exchange(begun, "").size());
    if (count < 0) throw_system_error(path(), "cannot be read", errno);
    if (count == 0) break;
    if (size_ == 0 && !begins_as_audio({block.data(), static_cast<size_t>(count)}))
      throw_unknown_container(path());  // before a device without an end fills the disk
    if (!copy.is_open()) copy = temporary_file(folder);
    if (!copy.is_open() || !write_all(copy.number(), std::as_bytes(std::span(block).first(static_cast<size_t>(count)))))
      throw_error("{}: cannot be copied to the folder {} for temporary files: {}", name(), folder.string(),
                  std::strerror(errno));
    size_ += static_cast<uint64_t>(count);
  }
  if (copy.is_open()) file_ = std::move(copy);
}

bool InputFile::read(uint64_t offset, char* to, size_t& count) const {
  return read_at(file_.number(), offset, to, count);
}

std::string InputFile::bytes_at(uint64_t offset, size_t count) const {
  std::string bytes(count, '\0');
  if (!read(offset, bytes.data(), count)) throw_system_error(path(), "cannot be read", errno);
  bytes.resize(count);
  return bytes;
}

}  // namespace sunder
