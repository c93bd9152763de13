#include "files/folder_pointer.h"

#include <cerrno>

#include "files/read_file.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class FolderPointerTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    fs::create_directories(folder_ / "deep" / "target");
    fs::create_directories(folder_ / "target");
  }
};

int no_links(const char*, const char*) { return errno = EPERM, -1; }

TEST_F(FolderPointerTest, LinksAndTextsAreTheSame) {
  for (const MakeLink make : {make_symlink, no_links})
    for (const char* target : {"target", "deep/target"}) {
      write_pointer(folder_ / "best", target, make);
      EXPECT_EQ(fs::is_symlink(folder_ / "best"), make == make_symlink);
      EXPECT_EQ(pointed_folder(folder_ / "best"), fs::canonical(folder_ / target));
      for (const char* slash : {"", "/"})
        EXPECT_TRUE(fs::equivalent(follow_pointer(folder_.string() + "/best" + slash), folder_ / target));
    }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 3) << "nothing else is left";
}

// Other files are what they are, whatever they say.
TEST_F(FolderPointerTest, OnlyAPathWithinTheFolderIsAPointer) {
  for (const std::string& text :
       std::vector<std::string>{"", "\n", "none", "../" + folder_.filename().string() + "/target", "/tmp", "target\nx",
                                ".", "target/", "target"}) {
    write("file", text);
    const bool points = text == "target";
    EXPECT_EQ(follow_pointer(folder_ / "file") == folder_ / "target", points) << text;
  }
  write("file", std::string("target\0", 7));
  EXPECT_EQ(follow_pointer(folder_ / "file"), folder_ / "file");
  EXPECT_EQ(follow_pointer(folder_ / "target"), folder_ / "target");
  EXPECT_EQ(follow_pointer(folder_ / "absent"), folder_ / "absent");
  EXPECT_EQ(pointed_folder(folder_ / "file"), std::nullopt);
  EXPECT_EQ(pointed_folder(folder_ / "absent"), std::nullopt);
  fs::create_symlink("absent", folder_ / "dangling");
  EXPECT_EQ(pointed_folder(folder_ / "dangling"), std::nullopt);
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_THROW(pointed_folder(folder_ / "loop"), ReadError);
}

TEST_F(FolderPointerTest, AFailureLeavesTheOldOne) {
  write_pointer(folder_ / "best", "target");
  fs::create_directories(folder_ / ".new-best" / "full");
  EXPECT_THROW(write_pointer(folder_ / "best", "deep/target"), Error);
  EXPECT_EQ(pointed_folder(folder_ / "best"), fs::canonical(folder_ / "target"));
  fs::remove_all(folder_ / ".new-best");
  expect_error<Error>([&] { write_pointer(folder_ / "target", "deep"); },
                      {(folder_ / "target").string() + ": cannot be written: "});
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder_ / ".new-target")));
}

TEST_F(FolderPointerTest, WholeFilesComeWithTheSystemsReason) {
  const std::string bytes = std::string("a\0b\n", 4) + std::string(3 << 20, 'x');
  EXPECT_EQ(read_file(write("file", bytes)), bytes);
  for (const char* name : {"absent", "target"}) try {
      read_file(folder_ / name);
      ADD_FAILURE();
    } catch (const ReadError& error) {
      EXPECT_TRUE(error.is_absent()) << error.what();
    }
  try {
    read_file("/proc/self/mem");  // its first byte cannot be read
    ADD_FAILURE();
  } catch (const ReadError& error) {
    EXPECT_FALSE(error.is_absent());
    EXPECT_STREQ(error.what(), "/proc/self/mem: cannot be read: Input/output error");
  }
}

}  // namespace
}  // namespace sunder
