#include "audio/metrics/pesq/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "files/file_descriptor.h"
#include "tensor/error.h"

namespace sunder {

namespace {

// A new descriptor, moved above 0 to 2 where it got one of these (our own streams are closed): the child's dup2 would
// overwrite it.
FileDescriptor checked(FileDescriptor made) {
  if (made.is_open() && made.number() <= STDERR_FILENO)
    made = FileDescriptor(fcntl(made.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!made.is_open()) throw_error("a program cannot be started: {}", std::strerror(errno));
  return made;
}

struct Pipe {
  Pipe() {
    int ends[] = {-1, -1};
    const bool made = pipe2(ends, O_CLOEXEC) == 0;
    FileDescriptor first(made ? ends[0] : -1), second(made ? ends[1] : -1);
    read = checked(std::move(first));
    write = checked(std::move(second));
  }
  FileDescriptor read, write;
};

struct Start {
  char* const* argv;
  const char* folder;
  int input, output, errors, failure;  // descriptors; why it could not start goes to `failure`
  pid_t parent;
};

// The child until exec. It shares our memory, so it may make system calls only.
[[noreturn]] __attribute__((noinline)) void become_program(const Start& start) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != start.parent) _exit(127);  // it died before the line above
  setpgid(0, 0);
  if (dup2(start.input, STDIN_FILENO) >= 0 && dup2(start.output, STDOUT_FILENO) >= 0 &&
      dup2(start.errors, STDERR_FILENO) >= 0 && chdir(start.folder) == 0) {
#ifdef SYS_close_range
    constexpr unsigned close_on_exec = 4;  // CLOSE_RANGE_CLOEXEC: also what a library opened without that flag
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, close_on_exec);
#endif
    for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv(start.argv[0], start.argv);
  }
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = write(start.failure, &reason, sizeof reason);
  _exit(127);
}

// vfork, not fork: fork runs the handlers of other libraries (OpenBLAS stops its threads, which others may be using)
// and copies the page tables. Not posix_spawn: it cannot set PR_SET_PDEATHSIG. All signals are blocked until exec, so
// that none of our handlers runs in the child.
__attribute__((noinline)) pid_t start_child(const Start& start) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = vfork();
  if (child == 0) become_program(start);
  const int reason = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return child;
}

// A process and its group. It is reaped by end() only, so that its number is not given to another process before.
class Child {
 public:
  explicit Child(const Start& start) : pid_(start_child(start)) {
    if (pid_ < 0) throw_error("a program cannot be started: {}", std::strerror(errno));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }

  // Whether it ended by itself; `result` then says how.
  bool ended(ChildResult& result) {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      pid_ = -1;
      throw_error("cannot wait for a program: {} (is SIGCHLD ignored?)", std::strerror(errno));
    }
    if (info.si_pid == 0) return false;
    result.end = info.si_code == CLD_EXITED ? ChildResult::End::exited : ChildResult::End::signalled;
    result.code = info.si_status;
    return true;
  }
  void end() {
    if (pid_ <= 0) return;
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);  // where it left its group
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

// Collects what comes through a pipe, up to `limit` bytes.
class Capture {
 public:
  Capture(FileDescriptor pipe, size_t limit, std::string& text) : pipe_(std::move(pipe)), limit_(limit), text_(text) {
    fcntl(pipe_.number(), F_SETFL, O_NONBLOCK);
  }
  void read_available() {
    char block[1 << 14];
    while (pipe_.is_open() && !full()) {
      const ssize_t count = read(pipe_.number(), block, std::min(sizeof block, limit_ - text_.size()));
      if (count > 0) text_.append(block, count);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) pipe_.close();
    }
  }
  bool full() const { return text_.size() >= limit_; }
  const FileDescriptor& pipe() const { return pipe_; }

 private:
  FileDescriptor pipe_;
  size_t limit_;
  std::string& text_;
};

// Until there is something to read, or long enough not to spin and short enough to notice the program's end soon.
void wait_briefly(const Capture& output, const Capture& errors) {
  pollfd pipes[] = {{output.pipe().number(), POLLIN, 0}, {errors.pipe().number(), POLLIN, 0}};  // poll ignores -1
  const bool open = output.pipe().is_open() || errors.pipe().is_open();
  poll(pipes, 2, open ? 10 : 1);
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                      const ChildLimits& limits) {
  using clock = std::chrono::steady_clock;
  ChildResult result;
  Pipe output_pipe, error_pipe, failure_pipe;
  FileDescriptor input = checked(FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  const clock::time_point start = clock::now();
  Child child({arguments.data(), folder.c_str(), input.number(), output_pipe.write.number(), error_pipe.write.number(),
               failure_pipe.write.number(), getpid()});
  for (FileDescriptor* ours : {&output_pipe.write, &error_pipe.write, &failure_pipe.write, &input}) ours->close();
  int reason = 0;
  ssize_t told = 0;
  while ((told = read(failure_pipe.read.number(), &reason, sizeof reason)) < 0 && errno == EINTR) continue;
  if (told == sizeof reason) throw_error<InputError>("{}: cannot be run: {}", argv[0], std::strerror(reason));

  Capture output(std::move(output_pipe.read), limits.bytes, result.output);
  Capture errors(std::move(error_pipe.read), limits.bytes, result.errors);
  while (true) {
    output.read_available();
    errors.read_available();
    if (output.full() || errors.full() || child.ended(result)) break;
    if (std::chrono::duration<double>(clock::now() - start).count() >= limits.seconds) {
      result.end = ChildResult::End::timed_out;
      break;
    }
    wait_briefly(output, errors);
  }
  child.end();
  output.read_available();
  errors.read_available();
  if (output.full() || errors.full()) result.end = ChildResult::End::printed_too_much;
  return result;
}

}  // namespace sunder
