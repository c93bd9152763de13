#include "files/atomic_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "tests/files/scratch_folder.h"
#include "tests/files/system_calls.h"

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

TEST_F(AtomicFileTest, LinksAreFollowed) {
  fs::create_directories(folder_ / "a/b");
  write("a/real.txt", "old");
  fs::create_symlink("real.txt", folder_ / "a/first");
  fs::create_symlink(folder_ / "a/first", folder_ / "second");
  write_file(folder_ / "second", "new");
  EXPECT_EQ(read("a/real.txt"), "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "a/first") && fs::is_symlink(folder_ / "second"));
  fs::create_symlink("b/../b/made.txt", folder_ / "a/dangling");
  write_file(folder_ / "a/dangling", "made");
  EXPECT_EQ(read("a/b/made.txt"), "made");
  EXPECT_TRUE(fs::is_symlink(folder_ / "a/dangling"));
  fs::create_symlink("loop", folder_ / "loop");
  expect_error<Error>([&] { write_file(folder_ / "loop", "x"); }, {"loop: cannot be written: Too many levels"});
  fs::create_symlink("none/x", folder_ / "nowhere");
  expect_error<Error>([&] { write_file(folder_ / "nowhere", "x"); }, {"nowhere: cannot be written: No such file"});
  fs::create_symlink("a", folder_ / "to_folder");
  expect_error<Error>([&] { write_file(folder_ / "to_folder", "x"); },
                      {"to_folder: cannot be written: Is a directory"});
  fs::create_hard_link(folder_ / "a/real.txt", folder_ / "backup");
  write_file(folder_ / "a/real.txt", "newer");
  EXPECT_EQ(read("backup"), "new") << "a hard link keeps what it has";
}

TEST_F(AtomicFileTest, TheModeOfTheOldFileStays) {
  const mode_t mask = umask(022);
  write_file(folder_ / "a.txt", "old");
  EXPECT_EQ(fs::status(folder_ / "a.txt").permissions(), fs::perms(0644));
  fs::permissions(folder_ / "a.txt", fs::perms(0600));
  write_file(folder_ / "a.txt", "new");
  EXPECT_EQ(fs::status(folder_ / "a.txt").permissions(), fs::perms(0600));
  umask(mask);
}

TEST_F(AtomicFileTest, AWriteProtectedFileStays) {
  write("a.txt", "old");
  fs::permissions(folder_ / "a.txt", fs::perms(0400));
  if (::geteuid() == 0) GTEST_SKIP() << "root may write every file";
  expect_error<Error>([&] { write_file(folder_ / "a.txt", "x"); }, {"a.txt: cannot be written: Permission denied"});
}

TEST_F(AtomicFileTest, AFifoIsWrittenThrough) {
  const fs::path fifo = folder_ / "fifo", link = folder_ / "link";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  fs::create_symlink("fifo", link);
  const std::string text(200'000, 'x');  // more than a pipe holds
  for (const fs::path& path : {fifo, link}) {
    check_output(path);  // does not wait for a reader
    std::string got;
    std::thread reader([&] { got = read("fifo"); });
    write_file(path, text);
    reader.join();
    EXPECT_EQ(got, text);
    EXPECT_TRUE(fs::is_fifo(fifo));
  }
  EXPECT_EQ(files(), 2);
}

// /dev/stdout, and >(program) of a shell.
TEST_F(AtomicFileTest, OpenFilesAreWrittenThrough) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const fs::path name = fmt::format("/dev/fd/{}", ends[1]);
  check_output(name);
  {
    AtomicFile file(name);
    EXPECT_EQ(::lseek(file.descriptor(), 5, SEEK_SET), 5) << "libraries that seek can write it";
    file.write(std::as_bytes(std::span("world", 5)));
    EXPECT_EQ(::lseek(file.descriptor(), 0, SEEK_SET), 0);
    file.write(std::as_bytes(std::span("hello", 5)));
    file.commit();
    AtomicFile dropped(name);
    dropped.write(std::as_bytes(std::span("never", 5)));
  }
  char got[16] = {};
  EXPECT_EQ(::read(ends[0], got, sizeof got), 10);
  EXPECT_STREQ(got, "helloworld");

  void (*handler)(int) = std::signal(SIGPIPE, SIG_IGN);
  ::close(ends[0]);
  expect_error<Error>([&] { write_file(name, "x"); }, {name.string() + ": cannot be written: Broken pipe"});
  ::close(ends[1]);
  std::signal(SIGPIPE, handler);
  expect_error<Error>([&] { write_file(name, "x"); }, {name.string() + ": cannot be written: "});

  const int file = ::open((folder_ / "redirected").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const fs::path own = fmt::format("/proc/self/fd/{}", file);
  ASSERT_EQ(::write(file, "before ", 7), 7);
  write_file(own, "between ");
  ASSERT_EQ(::write(file, "after", 5), 5);
  EXPECT_EQ(read("redirected"), "before between after");
  ::close(file);
  const int reading = ::open((folder_ / "redirected").c_str(), O_RDONLY | O_CLOEXEC);
  expect_error<Error>([&] { check_output(fmt::format("/dev/fd/{}", reading)); }, {"cannot be written: Bad file"});
  ::close(reading);
}

TEST_F(AtomicFileTest, WhatCannotBeWrittenIsKnownBefore) {
  write("file", "x");
  fs::create_directory(folder_ / "folder");
  check_output(folder_ / "file");
  check_output(folder_ / "new");
  const auto refused = [&](const fs::path& name, const std::string& reason) {
    expect_error<Error>([&] { check_output(folder_ / name); },
                        {(folder_ / name).string() + ": cannot be written: ", reason});
  };
  refused("folder", "Is a directory");
  refused("file/x", "Not a directory");
  refused("none/x", "no folder " + (folder_ / "none").string());
  refused(std::string(256, 'n'), "File name too long");
  EXPECT_EQ(files(), 2);
}

TEST_F(AtomicFileTest, NamesMayBeAsLongAsTheSystemAllows) {
  for (const size_t length : {200, 240, 255}) {
    write_file(folder_ / std::string(length, 'n'), "text");
    EXPECT_EQ(read(std::string(length, 'n')), "text");
  }
  expect_error<Error>([&] { write_file(folder_ / std::string(256, 'n'), "x"); },
                      {"cannot be written: File name too long"});
  EXPECT_EQ(files(), 3);
}

TEST_F(AtomicFileTest, FoldersThatCannotBeSynced) {
  for (const int reason : {EINVAL, ENOTSUP, ENOSYS, EBADF}) {
    system_calls.sync_reason = reason;
    write_file(folder_ / "a.txt", "text");
    sync_folder(folder_);
  }
  system_calls.sync_reason = EIO;
  expect_error<Error>([&] { sync_folder(folder_); }, {folder_.string(), "Input/output error"});
  system_calls = {};
  EXPECT_EQ(read("a.txt"), "text");
}

// Every call fails once: the old content or the new is whole, and nothing else is left.
TEST_F(AtomicFileTest, FailingCalls) {
  for (int n = 0; n < 10; ++n) {
    write_file(folder_ / "a.txt", "old");
    system_calls = {.until = n, .reason = EIO};
    bool failed = false;
    try {
      write_file(folder_ / "a.txt", "new");
    } catch (const Error& error) {
      failed = true;
      EXPECT_NE(std::string(error.what()).find("Input/output error"), std::string::npos) << error.what();
    }
    const bool reached = system_calls.until < 0;
    system_calls = {};
    EXPECT_TRUE(read("a.txt") == "new" || (failed && read("a.txt") == "old"));
    EXPECT_EQ(files(), 1);
    EXPECT_EQ(failed, reached);
    if (!reached) return;
  }
  FAIL() << "more calls than it should make";
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
