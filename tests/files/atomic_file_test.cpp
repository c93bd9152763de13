#include "files/atomic_file.h"

#include <sys/resource.h>

#include <csignal>

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

// Simulates a full disk by a limit on file sizes: writes fail half way.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit low = before_;
    low.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &low);
  }
  ~SizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

class AtomicFileTest : public ScratchFolder {
 protected:
  int64_t files() const { return std::distance(fs::directory_iterator(folder_), {}); }
};

TEST_F(AtomicFileTest, ReplacesWholeFilesAndNamesWhatFails) {
  write_file(folder_ / "a.txt", "first, which is longer");
  write_file(folder_ / "a.txt", "second");
  EXPECT_EQ(read("a.txt"), "second");
  EXPECT_EQ(files(), 1);
  const std::string inside = (folder_ / "a.txt" / "b").string();
  expect_error<Error>([&] { write_file(inside, "x"); }, {inside + ": cannot be written: Not a directory"});
  expect_error<Error>([&] { write_file(folder_, "x"); }, {folder_.string() + ": cannot be written: "});
  expect_error<Error>([&] { sync_folder(folder_ / "none"); }, {"none", "No such file"});
}

TEST_F(AtomicFileTest, TheOldFileStaysWithoutACommit) {
  write_file(folder_ / "a.txt", "old");
  {
    AtomicFile file(folder_ / "a.txt");
    file.write(std::as_bytes(std::span("new", 3)));
    EXPECT_EQ(files(), 2);
  }
  EXPECT_EQ(read("a.txt"), "old");
  {
    const SizeLimit limit(1000);
    const std::string text(2000, 'x');
    expect_error<Error>([&] { write_file(folder_ / "a.txt", text); },
                        {(folder_ / "a.txt").string() + ": cannot be written: File too large"});
  }
  EXPECT_EQ(read("a.txt"), "old");
  EXPECT_EQ(files(), 1);
}

// Process ids repeat: every start of a container counts from 1.
TEST_F(AtomicFileTest, WhatAKilledProcessLeftIsNotInTheWay) {
  for (int i = 0; i < 500; ++i) write(fmt::format(".a.txt.{}-{}.part", getpid(), i), "left");
  write_file(folder_ / "a.txt", "new");
  EXPECT_EQ(read("a.txt"), "new");
  EXPECT_EQ(files(), 501);
}

TEST_F(AtomicFileTest, ARecordIsAppendedWholeOrNotAtAll) {
  AppendFile file(folder_ / "log");
  file.append("one\n");
  {
    const SizeLimit limit(7);
    expect_error<Error>([&] { file.append("two\n"); },
                        {(folder_ / "log").string() + ": cannot be written: File too large"});
  }
  EXPECT_EQ(read("log"), "one\n");
  file.append("three\n");
  AppendFile(folder_ / "log").append("four\n");
  EXPECT_EQ(read("log"), "one\nthree\nfour\n");
  EXPECT_FALSE(AppendFile::create(folder_ / "log"));
  ASSERT_TRUE(AppendFile::create(folder_ / "other"));
  expect_error<Error>([&] { AppendFile::create(folder_ / "none" / "log"); }, {"none/log", "No such file"});
}

}  // namespace
}  // namespace sunder
