#include "files/temporary.h"

#include <sys/wait.h>

#include <csignal>
#include <functional>
#include <optional>
#include <thread>

#include "files/atomic_file.h"
#include "files/output_folder.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class TemporaryTest : public ScratchFolder {
 protected:
  // Runs `work` in a process that then says so, and lives until it is killed.
  pid_t start(const std::function<void()>& work) const {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      work();
      if (::write(ready[1], "!", 1) == 1) pause();
      _exit(1);
    }
    char said = 0;
    EXPECT_EQ(::read(ready[0], &said, 1), 1);
    ::close(ready[0]), ::close(ready[1]);
    return child;
  }
  static void kill(pid_t child) {
    ::kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  int64_t entries() const { return std::distance(fs::directory_iterator(folder_), {}); }
  // In a process of its own, because each removes left-overs once in a folder.
  template <class Work>
  void in_child(const Work& work) const {
    const pid_t child = fork();
    if (child == 0) {
      work();
      _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
};

TEST_F(TemporaryTest, WhatAKilledProcessLeftIsRemovedAndNothingElse) {
  std::optional<AtomicFile> file;
  Temporary subfolder;
  const auto begin = [&] {
    file.emplace(folder_ / "a.txt");
    subfolder = Temporary::subfolder(folder_, "work-");
    write(subfolder.path() / "inside", "x");
  };
  const auto next = [&] {
    write_file(folder_ / "b.txt", "b");
    Temporary::subfolder(folder_, "work-");
  };
  write(".sunder-mine", "mine");
  write("work-mine", "no folder");
  const pid_t killed = start(begin), alive = start(begin);
  EXPECT_EQ(entries(), 6);
  kill(killed);
  in_child(next);
  EXPECT_EQ(entries(), 5) << "two of the killed are gone, two of the other are there, and b.txt";
  kill(alive);
  in_child(next);
  EXPECT_EQ(entries(), 3);
  EXPECT_EQ(read(".sunder-mine"), "mine");
}

// Machines that share a disk may not see each other's locks.
TEST_F(TemporaryTest, WhatAnotherMachineLeftIsRemovedAfterADay) {
  const fs::path fresh = write(".sunder-00000000-1-0.part", "x"), old = write(".sunder-00000000-1-1.part", "x");
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(25));
  in_child([&] { write_file(folder_ / "a.txt", "a"); });
  EXPECT_TRUE(fs::exists(fresh));
  EXPECT_FALSE(fs::exists(old));
}

TEST_F(TemporaryTest, AProcessThatEndsRemovesItsOwnAndBeginsNothing) {
  write("old.txt", "old");
  in_child([&] {
    AtomicFile file(folder_ / "old.txt");
    OutputFolder output(folder_ / "out", {});
    write(output.path() / "deep/a.txt", "a");
    std::optional<AtomicFile> late;
    remove_temporaries();
    std::thread([&] { late.emplace(folder_ / "late.txt"); }).detach();  // waits for ever
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    _exit(late ? 1 : 0);
  });
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(read("old.txt"), "old");
}

}  // namespace
}  // namespace sunder
