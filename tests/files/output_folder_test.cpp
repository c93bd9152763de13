#include "files/output_folder.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "files/atomic_file.h"
#include "files/folder_exchange.h"
#include "tests/files/scratch_folder.h"
#include "tests/files/system_calls.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

bool everything(const fs::path&) { return true; }
bool any_mount_point(const fs::path&) { return true; }

class OutputFolderTest : public ScratchFolder {
 protected:
  void TearDown() override {
    system_calls = {};
    ScratchFolder::TearDown();
  }
  void make(const fs::path& output, const std::string& text, OutputRules rules = {}) const {
    rules.replace = true;
    OutputFolder folder(folder_ / output, rules);
    write_file(folder.path() / "a.txt", text);
    create_folders(folder.path() / "sub");
    write_file(folder.path() / "sub/b.txt", text);
    write_file(folder.path() / "z.txt", text);
    folder.commit();
  }
  // The one text of all its files, whose record is right; or why it is not whole.
  std::string whole(const fs::path& output) const {
    const std::string reason = reason_to_keep(folder_ / output, nullptr);
    if (!reason.empty()) return reason;
    const std::string a = read(output / "a.txt"), b = read(output / "sub/b.txt"), z = read(output / "z.txt");
    return a == b && b == z ? a : fmt::format("a mixture of {}, {} and {}", a, b, z);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  static ino_t inode(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
  }
};

TEST_F(OutputFolderTest, IsWholeOrAbsent) {
  {
    OutputFolder output(folder_ / "deep/er/out/", {});
    write_file(output.path() / "a.txt", "a");
    EXPECT_FALSE(fs::exists(folder_ / "deep/er/out"));
  }
  EXPECT_TRUE(fs::is_empty(folder_)) << "nor are there the folders above it";
  make("deep/out/", "first");
  EXPECT_EQ(whole("deep/out"), "first");
  expect_error<FolderInUse>([&] { OutputFolder(folder_ / "deep/out", {}); }, {"deep/out: exists and is not empty"});
  chmod((folder_ / "deep/out").c_str(), 0750);
  make("deep/out", "second");
  EXPECT_EQ(whole("deep/out"), "second");
  EXPECT_EQ(fs::status(folder_ / "deep/out").permissions(), fs::perms(0750));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "deep"), {}), 1);
  write("file", "x");
  expect_error<Error>([&] { OutputFolder(folder_ / "file/out", {}); }, {"file", "Not a directory"});
  expect_error<UsageError>([&] { OutputFolder("", {}); }, {"empty name"});
}

TEST_F(OutputFolderTest, AnOldFolderStaysWhereTheNewOneCannotBeWritten) {
  make("out", "old");
  OutputFolder output(folder_ / "out", {.replace = true});
  fs::remove_all(output.path());
  expect_error<Error>([&] { output.commit(); }, {"cannot be", "No such file"});
  EXPECT_EQ(whole("out"), "old");
}

// Each with and without the right to replace.
TEST_F(OutputFolderTest, IsNoPlaceWhereInputsAreOrWork) {
  write("data/corpus/speaker/a.wav", "sound");
  fs::create_directory_symlink(folder_ / "data/corpus", folder_ / "link");
  fs::create_directory_symlink("data/corpus/speaker", folder_ / "deep");
  const fs::path before = fs::current_path();
  fs::create_directories(folder_ / "data/work/here");
  fs::current_path(folder_ / "data/work");
  for (const bool replace : {false, true}) {
    const OutputRules rules{.replace = replace, .inputs = {folder_ / "data/corpus"}, .older = everything};
    const auto refused = [&](const std::string& output, const std::string& part) {
      SCOPED_TRACE(output);
      expect_error<UsageError>([&] { OutputFolder(fs::path(output), rules); }, {part, "; choose another folder"});
    };
    const std::string at = folder_.string();
    for (const std::string name : {"/data/corpus", "/data/corpus/", "/data/corpus/.", "/link", "/link/",
                                   "/data/corpus/../corpus", "/data/new/../corpus", "/data//corpus"})
      refused(at + name, "is the input");
    for (const std::string name : {"/data/corpus/new", "/data/corpus/speaker", "/link/new/er", "/deep", "/deep/new"})
      refused(at + name, "lies in the input");
    refused("../corpus", "is the input");
    for (const std::string name : {"", "/data", "/data/work/here/.."}) refused(at + name, "the working folder");
    for (const std::string name : {".", "..", "/", "./", "here/..", "../work"}) refused(name, "the working folder");
  }
  fs::current_path(folder_);
  expect_error<UsageError>([&] { OutputFolder("data", {.inputs = {"data/corpus"}}); }, {"data: holds the input"});
  OutputFolder output("out", {.inputs = {"data/corpus", "missing"}});
  EXPECT_EQ(output.final_path(), folder_ / "out") << "in the working folder is where outputs are";
  expect_error<UsageError>([&] { output.keep_clear_of({folder_}); }, {"out: lies in the input"});
  fs::current_path(before);
  EXPECT_EQ(read("data/corpus/speaker/a.wav"), "sound");
}

TEST_F(OutputFolderTest, ReplacesOnlyWhatSunderMade) {
  const auto refused = [&](const std::string& name, const std::vector<std::string>& parts, OlderFolder older = {}) {
    SCOPED_TRACE(name);
    expect_error<UsageError>([&] { OutputFolder(folder_ / name, {.replace = true, .older = older}); }, parts);
  };
  write("mine/precious.wav", "mine");
  refused("mine", {"mine: exists, is not empty and was not made by Sunder; choose another folder, or remove"});
  write("mine/.sunder", "not a record");
  refused("mine", {"was not made by Sunder"});
  fs::remove(folder_ / "mine/.sunder");
  ASSERT_EQ(mkfifo((folder_ / "mine/.sunder").c_str(), 0600), 0);
  refused("mine", {"was not made by Sunder"});
  make("set", "set");
  write("set/sub/mine.txt", "mine");
  refused("set", {"set: exists, is not empty and holds sub/mine.txt, which was added later"});
  fs::remove(folder_ / "set/sub/mine.txt");
  fs::create_symlink(folder_ / "mine", folder_ / "set/friend");
  refused("set", {"holds friend, which was added later"});
  fs::remove(folder_ / "set/friend");
  write("set/sub/b.txt", "SET");
  refused("set", {"set: exists, is not empty and holds sub/b.txt, which was changed since"});
  write("set/sub/b.txt", "longer");
  refused("set", {"holds sub/b.txt, which was changed since"});
  fs::remove(folder_ / "set/sub/b.txt");
  make("set", "less is no reason");
  EXPECT_EQ(whole("set"), "less is no reason");
  write("older/set.toml", "older");
  refused("older", {"was not made by Sunder"}, [](const fs::path&) { return false; });
  make("older", "new", {.older = everything});
  EXPECT_EQ(whole("older"), "new");
  write("file", "file");
  refused("file", {"file: expected a folder, found a file"});
  fs::create_symlink(folder_ / "file", folder_ / "to_file");
  refused("to_file", {"expected a folder, found a file"});
  fs::create_symlink(folder_ / "nothing", folder_ / "to_nothing");
  refused("to_nothing", {"a link that leads to nothing"});
  EXPECT_EQ(read("mine/precious.wav") + read("file"), "minefile");
}

TEST_F(OutputFolderTest, WhatCameWhileItWasWrittenStays) {
  make("out", "old");
  OutputFolder output(folder_ / "out", {.replace = true}), fresh(folder_ / "fresh", {});
  write("out/mine.txt", "mine");
  write("fresh/mine.txt", "mine");
  expect_error<UsageError>([&] { output.commit(); }, {"holds mine.txt, which was added later"});
  expect_error<UsageError>([&] { fresh.commit(); }, {"was not made by Sunder"});
  EXPECT_EQ(read("out/mine.txt") + read("fresh/mine.txt"), "minemine");
}

TEST_F(OutputFolderTest, EmptyFoldersLinksAndMountPointsAreWrittenInto) {
  fs::create_directories(folder_ / "disk/lost+found");
  fs::create_directory_symlink("disk", folder_ / "link");
  const ino_t disk = inode(folder_ / "disk");
  make("link", "first");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(inode(folder_ / "disk"), disk);
  EXPECT_EQ(whole("disk"), "first");
  make("link", "second", {.is_mount_point = any_mount_point});
  EXPECT_EQ(inode(folder_ / "disk"), disk);
  EXPECT_EQ(whole("disk"), "second");
  EXPECT_TRUE(fs::is_directory(folder_ / "disk/lost+found"));
  make("link", "third");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link")) << "the folder behind it is replaced";
  EXPECT_EQ(whole("disk"), "third");
  EXPECT_EQ(names(), (std::vector<std::string>{"disk", "link"}));
  fs::create_directory(folder_ / "empty");
  {
    OutputFolder output(folder_ / "empty", {});
    write_file(output.path() / "a.txt", "a");
  }
  EXPECT_TRUE(fs::is_empty(folder_ / "empty"));
}

TEST_F(OutputFolderTest, OneProcessAtATime) {
  fs::create_directory(folder_ / "empty");
  make("made", "old");
  for (const std::string name : {"new", "empty", "made"}) {
    const OutputRules rules{.replace = true};
    {
      OutputFolder first(folder_ / name, rules);
      write_file(first.path() / "a.txt", "first");
      expect_error<UsageError>([&] { OutputFolder(folder_ / name, rules); }, {name + ": another process is writing"});
      EXPECT_TRUE(fs::exists(first.path() / "a.txt"));
    }
    OutputFolder again(folder_ / name, rules);
  }
  EXPECT_EQ(names(), (std::vector<std::string>{"empty", "made"}));
}

TEST_F(OutputFolderTest, NamesOfAnyLengthAndBytes) {
  for (const std::string& name :
       {std::string(255, 'n'), std::string(201, 'm'), std::string("\xff\xfe "), std::string("-f")})
    for (const std::string text : {"first", "second"}) {
      make(name, text);
      EXPECT_EQ(whole(name), text);
    }
  EXPECT_EQ(names().size(), 4u);
}

// A folder that versions before the record set aside, and were killed.
TEST_F(OutputFolderTest, AFolderThatAKillLeftAsideComesBack) {
  write(".out.old/mine.txt", "mine");
  expect_error<UsageError>([&] { OutputFolder(folder_ / "out", {}); }, {"out", "not empty"});
  EXPECT_EQ(read("out/mine.txt"), "mine");
  EXPECT_FALSE(fs::exists(folder_ / ".out.old"));
}

// Every call that changes names is once the last one before a kill, and once fails.
class OutputFolderFaultTest : public OutputFolderTest {
 protected:
  // `before`: what stands there, empty for nothing.
  void run(const std::string& before, OutputRules rules, const SystemCalls& system, bool empty_folder = false) {
    for (const bool kill : {false, true}) {
      bool reached = true;
      for (int n = 0; reached; ++n) {
        SCOPED_TRACE(fmt::format("{} at call {}", kill ? "killed" : "failing", n));
        ASSERT_LT(n, 200);
        fs::remove_all(folder_ / "out");
        if (!before.empty()) make("out", before);
        if (empty_folder) fs::create_directory(folder_ / "out");
        const std::string after = write_in_child(n, kill, rules, system, reached);
        if (HasFailure()) return;
        check(before, after, rules);
        EXPECT_TRUE(reached || n > 8) << "of fewer calls it cannot consist";
      }
    }
  }

 private:
  // "done", "failed" or "killed"; `reached`: whether call n came.
  std::string write_in_child(int n, bool kill, const OutputRules& rules, const SystemCalls& system, bool& reached) {
    const pid_t child = fork();
    if (child == 0) {
      system_calls = system;
      system_calls.until = n, system_calls.kill = kill, system_calls.reason = EIO;
      int code = 0;
      try {
        make("out", "new", rules);
      } catch (const Error&) {
        code = 1;
      }
      _exit(code | (system_calls.until < 0 ? 2 : 0));
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    const int code = WEXITSTATUS(status);
    if (code == 9) return "killed";
    reached = (code & 2) != 0;
    return (code & 1) != 0 ? "failed" : "done";
  }

  void check(const std::string& before, const std::string& after, OutputRules rules) {
    rules.replace = false;
    std::string now;
    try {
      OutputFolder next(folder_ / "out", rules);  // the next run
    } catch (const FolderInUse&) {
      now = whole("out");
    }
    if (after == "done") EXPECT_EQ(now, "new");
    else EXPECT_TRUE(now == before || now == "new") << after << ", then " << now;
    for (const std::string& name : names()) EXPECT_EQ(name, "out");
    EXPECT_TRUE(!now.empty() || !fs::exists(folder_ / "out") || fs::is_empty(folder_ / "out"));
  }
};

TEST_F(OutputFolderFaultTest, NewFolder) { run("", {}, {}); }
TEST_F(OutputFolderFaultTest, EmptyFolder) { run("", {}, {}, /*empty_folder=*/true); }
TEST_F(OutputFolderFaultTest, Exchange) { run("old", {}, {}); }
TEST_F(OutputFolderFaultTest, WithoutExchange) { run("old", {}, {.can_exchange = false}); }
TEST_F(OutputFolderFaultTest, MountPoint) { run("old", {.is_mount_point = any_mount_point}, {}); }

}  // namespace
}  // namespace sunder
