#include "files/text_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "files/system_error.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class TextFileTest : public ScratchFolder {};

TEST_F(TextFileTest, ReadsFilesAndPipesWhole) {
  const std::string text = std::string(200000, 'x') + std::string("\0\r\n", 3);
  EXPECT_EQ(read_text(write("a.txt", text)), text);
  EXPECT_EQ(read_text(write("b.txt", "")), "");
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(folder_ / "fifo", std::ios::binary) << text; });
  EXPECT_EQ(read_text(folder_ / "fifo"), text);
  writer.join();
}

TEST_F(TextFileTest, SaysWhyItCannotRead) {
  expect_error<InputError>([&] { read_text(folder_ / "no.txt"); }, {"no.txt: no such file"});
  expect_error<InputError>([&] { read_text(folder_); }, {"expected a file, got a folder"});
  expect_error<InputError>([&] { read_text(write("file", "x") / "below"); },
                           {"below: cannot be read: Not a directory"});
}

// Out of descriptors is not the file's fault.
TEST_F(TextFileTest, ReasonsOfTheSystemAreNoInputErrors) {
  const auto kind_of = [&](int error) {
    try {
      throw_system_error(folder_ / "a.txt", "cannot be read", error);
    } catch (const Error& thrown) {
      EXPECT_EQ(thrown.what(), (folder_ / "a.txt").string() + ": cannot be read: " + std::strerror(error));
      return thrown.kind();
    }
  };
  for (const int error : {EACCES, EPERM, ENOENT, ENOTDIR, ELOOP}) EXPECT_EQ(kind_of(error), ErrorKind::input) << error;
  for (const int error : {EMFILE, ENFILE, EIO, ENOSPC, ESTALE, EINTR})
    EXPECT_EQ(kind_of(error), ErrorKind::failure) << error;
  EXPECT_EQ(kind_of(ENOMEM), ErrorKind::memory);
}

}  // namespace
}  // namespace sunder
