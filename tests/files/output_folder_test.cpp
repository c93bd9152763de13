#include "files/output_folder.h"

#include "files/atomic_file.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using OutputFolderTest = ScratchFolder;

TEST_F(OutputFolderTest, IsWholeOrAbsent) {
  {
    OutputFolder output(folder_ / "out/", false);
    write_file(output.path() / "a.txt", "a");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  {
    OutputFolder output(folder_ / "out/", false);
    write_file(output.path() / "a.txt", "a");
    output.commit();
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/a.txt"));
  expect_error<FolderInUse>([&] { OutputFolder(folder_ / "out", false); }, {"out", "not empty"});
  {
    OutputFolder output(folder_ / "out", true);
    output.commit();
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
  write("out/mine.txt", "mine");
  {
    OutputFolder output(folder_ / "out", true);
    std::filesystem::remove_all(output.path());
    expect_error<Error>([&] { output.commit(); }, {"out: cannot be written", "No such file"});
  }
  EXPECT_EQ(read("out/mine.txt"), "mine") << "what could not be replaced stays";
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  write("file", "x");
  expect_error<Error>([&] { OutputFolder(folder_ / "file/out", false); }, {"cannot be created"});
}

// Killed between moving the old folder aside and putting the new one in its place.
TEST_F(OutputFolderTest, AFolderThatAKillLeftAsideComesBack) {
  write(".out.old/mine.txt", "mine");
  write(".out.part/new.txt", "new");
  expect_error<FolderInUse>([&] { OutputFolder(folder_ / "out", false); }, {"out", "not empty"});
  EXPECT_EQ(read("out/mine.txt"), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".out.old"));
  {
    OutputFolder output(folder_ / "out", true);
    write_file(output.path() / "a.txt", "a");
    output.commit();
  }
  EXPECT_EQ(read("out/a.txt"), "a");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/mine.txt"));
}

}  // namespace
}  // namespace sunder
