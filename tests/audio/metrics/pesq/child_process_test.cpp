#include "audio/metrics/pesq/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;
using End = ChildResult::End;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Whether a process runs; one that nobody has reaped yet (state Z) does not.
bool runs(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

class ChildProcess : public ScratchFolder {
 protected:
  ChildResult sh(const std::string& script, ChildLimits limits = {}) const {
    return run_child({"/bin/sh", "-c", script}, folder_, limits);
  }
  // The first line of a file that a script writes in its own time.
  std::string line_of(const std::string& name) const {
    for (const auto start = Clock::now(); seconds_since(start) < 20;) {
      const std::string text = read(name);
      if (text.find('\n') != std::string::npos) return text.substr(0, text.find('\n'));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return "";
  }
  static bool stops_soon(const std::string& pid) {
    for (const auto start = Clock::now(); seconds_since(start) < 20;) {
      if (!runs(pid)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
};

TEST_F(ChildProcess, ReportsOutputErrorsAndCode) {
  ChildResult result = sh("pwd; echo err >&2; exit 3");
  EXPECT_EQ(result.end, End::exited);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.output, fs::canonical(folder_).string() + "\n");
  EXPECT_EQ(result.errors, "err\n");
  result = sh("kill -SEGV $$");
  EXPECT_EQ(result.end, End::signalled);
  EXPECT_EQ(result.code, SIGSEGV);
  EXPECT_EQ(sh("cat; echo end").output, "end\n") << "its stdin is empty";
  EXPECT_EQ(sh("exec >&- 2>&-; sleep 0.1; exit 5").code, 5) << "pipes that are closed early are not its end";
}

TEST_F(ChildProcess, WhatTheSystemRefusesIsNamed) {
  const fs::path text = write("text", "no program\n"), orphan = write("orphan", "#!/no/such/interpreter\n");
  fs::permissions(text, fs::perms::owner_all);
  fs::permissions(orphan, fs::perms::owner_all);
  expect_error<InputError>([&] { run_child({text}, folder_, {}); }, {text.string(), "cannot be run", "format"});
  expect_error<InputError>([&] { run_child({orphan}, folder_, {}); }, {orphan.string(), "No such file"});
  expect_error<InputError>([&] { run_child({"/bin/sh"}, folder_ / "none", {}); }, {"/bin/sh", "No such file"});
}

TEST_F(ChildProcess, LimitsHold) {
  const auto start = Clock::now();
  EXPECT_EQ(sh("echo $$ > pid; echo begun; sleep 60; echo over", {.seconds = 2}).end, End::timed_out);
  EXPECT_FALSE(runs(line_of("pid")));
  // Ignoring signals and running on in the background does not help.
  const ChildResult stubborn = sh("trap '' TERM INT HUP; sleep 60 & echo $! > pid; echo hi; wait", {.seconds = 2});
  EXPECT_EQ(stubborn.end, End::timed_out);
  EXPECT_EQ(stubborn.output, "hi\n");
  EXPECT_TRUE(stops_soon(line_of("pid")));
  for (const char* endless : {"yes", "yes >&2", "cat /dev/zero"}) {
    const ChildResult result = sh(endless, {.bytes = 100000});
    EXPECT_EQ(result.end, End::printed_too_much) << endless;
    EXPECT_EQ(std::max(result.output.size(), result.errors.size()), 100000u);
  }
  const ChildResult long_output = sh("head -c 900000 /dev/zero; head -c 900000 /dev/zero >&2");
  EXPECT_EQ(long_output.end, End::exited);
  EXPECT_EQ(long_output.output.size() + long_output.errors.size(), 1800000u);
  EXPECT_LT(seconds_since(start), 30);
}

TEST_F(ChildProcess, AGrandchildThatKeepsThePipesDoesNotHoldUsUp) {
  const auto start = Clock::now();
  const ChildResult result = sh("sleep 60 & echo $! > pid; echo 2.5");
  EXPECT_LT(seconds_since(start), 30);
  EXPECT_EQ(result.end, End::exited);
  EXPECT_EQ(result.output, "2.5\n");
  EXPECT_TRUE(stops_soon(line_of("pid")));
}

TEST_F(ChildProcess, InheritsNoDescriptorsAndNoSignals) {
  const int leak = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library may open it
  ASSERT_GE(leak, 0);
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  const std::string fds = sh("exec ls /proc/self/fd").output;
  const std::string signals = sh("exec grep -E 'SigBlk|SigIgn' /proc/self/status").output;
  std::signal(SIGPIPE, old);
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, &before, &now);
  close(leak);
  EXPECT_EQ(fds, "0\n1\n2\n3\n") << "3 is the folder that ls reads";
  EXPECT_EQ(signals, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  EXPECT_TRUE(sigismember(&now, SIGTERM)) << "our own mask is as it was";
}

TEST_F(ChildProcess, WorksWhereOurOwnStreamsAreClosed) {
  const pid_t pid = fork();  // a process of its own for it; it reports by its exit code
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    for (int fd : {0, 1, 2}) close(fd);
    try {
      const ChildResult result = sh("cat; echo out; echo err >&2");
      _exit(result.output == "out\n" && result.errors == "err\n" ? 0 : 1);
    } catch (...) {
      _exit(2);
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ChildProcess, DiesWithUs) {
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    sh("echo $$ > pid; exec sleep 60");
    _exit(0);
  }
  const std::string grandchild = line_of("pid");
  EXPECT_TRUE(runs(grandchild));
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_TRUE(stops_soon(grandchild));
}

TEST_F(ChildProcess, AnIgnoredSigchldIsAnErrorAndNoHang) {
  const auto old = std::signal(SIGCHLD, SIG_IGN);
  EXPECT_THROW(sh("echo 1"), Error);
  std::signal(SIGCHLD, old);
}

}  // namespace
}  // namespace sunder
