#include "command/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <functional>

#include "command/command_line.h"
#include "command/progress_line.h"
#include "tensor/error.h"

namespace sunder {
namespace {

// The exit code of `body`, run as a program in a process of its own; 128 + the signal that ended it.
int code_of(const std::function<int()>& body) {
  std::fflush(nullptr);  // or the child writes it again
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void redirect(int number, const char* path) {
  const int file = open(path, O_RDWR);
  if (file < 0 || dup2(file, number) < 0) _exit(99);
  close(file);
}

std::string target(int number) {
  char path[64];
  const ssize_t length = readlink(fmt::format("/proc/self/fd/{}", number).c_str(), path, sizeof path);
  return length < 0 ? "" : std::string(path, static_cast<size_t>(length));
}

TEST(Output, AMessageThatCannotBeWrittenIsNoError) {
  EXPECT_EQ(code_of([] {
              redirect(STDERR_FILENO, "/dev/full");
              return run_main("sunder-x", [] {
                for (int i = 0; i < 3; ++i) print_message("{}\n", std::string(1 << 16, 'x'));
                return 75;
              });
            }),
            75);
  EXPECT_EQ(code_of([] {
              redirect(STDERR_FILENO, "/dev/full");
              return run_main("sunder-x", []() -> int { throw InputError("no"); });
            }),
            3);
}

TEST(Output, LostResultsAreAFailureAfterTheWork) {
  for (const bool pipe_without_reader : {false, true}) {
    EXPECT_EQ(code_of([&] {
                int ends[2];
                if (pipe(ends) != 0) return 99;
                close(ends[0]);
                if (pipe_without_reader) dup2(ends[1], STDOUT_FILENO);
                else redirect(STDOUT_FILENO, "/dev/full");
                int said[2];
                if (pipe(said) != 0) return 99;
                dup2(said[1], STDERR_FILENO);
                bool worked = false;
                const int code = run_main("sunder-x", [&] {
                  for (int i = 0; i < 3; ++i) print_result("{}\n", std::string(1 << 16, 'x'));
                  worked = true;
                  return 0;
                });
                char text[200];
                const ssize_t length = read(said[0], text, sizeof text);
                const std::string expected =
                    fmt::format("sunder-x: standard output: cannot be written: {}\n",
                                pipe_without_reader ? "Broken pipe" : "No space left on device");
                return worked && std::string(text, static_cast<size_t>(length)) == expected ? code : 98;
              }),
              1);
  }
}

TEST(Output, AnotherFailureKeepsItsExitCode) {
  EXPECT_EQ(code_of([] {
              redirect(STDOUT_FILENO, "/dev/full");
              return run_main("sunder-x", []() -> int {
                print_result("x\n");
                throw ModelError("no");
              });
            }),
            4);
}

TEST(Output, ClosedStreamsLeadNowhere) {
  EXPECT_EQ(code_of([] {
              for (const int number : {0, 1, 2}) close(number);
              return run_main("sunder-x", [] {
                for (const int number : {0, 1, 2})
                  if (target(number) != "/dev/null") return 98;
                print_result("a result\n");
                print_message("a message\n");
                return 0;
              });
            }),
            0);
  // Those that are open stay what they are.
  EXPECT_EQ(code_of([] {
              redirect(STDOUT_FILENO, "/dev/zero");
              close(STDIN_FILENO);
              open_standard_streams();
              return target(0) == "/dev/null" && target(1) == "/dev/zero" ? 0 : 98;
            }),
            0);
}

TEST(Output, ProgressThatCannotBeShownIsNoError) {
  EXPECT_EQ(code_of([] {
              redirect(STDERR_FILENO, "/dev/full");
              const auto line = progress_line("separating", " s", /*silent_seconds=*/0);
              for (int64_t i = 1; i <= 3; ++i) line(i, 3);
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace sunder
