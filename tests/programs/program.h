// Runs a program of the build as a user does and captures its output.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tensor/error.h"
#include "tests/paths.h"

namespace sunder {

struct ProgramResult {
  int code = -1;  // the exit code; 128 + the signal that ended it
  std::string out, err;
  int64_t peak_kib = 0;  // the most memory that it had in use
};

struct ProgramSetup {
  std::map<std::string, std::string> environment{};  // added to this process's own
  std::string folder{};                              // to run in; empty: this process's own
  rlim_t file_bytes = RLIM_INFINITY;                 // limit on file sizes, which stands for a full disk
  rlim_t address_bytes = RLIM_INFINITY;              // limit on address space (ulimit -v)
  int cpus = 0;                                      // so many of this process's; 0: all
  unsigned seconds = 0;                              // after which SIGALRM ends it; 0: never
  std::string shell{};  // runs this line of bash instead, where "$0" "$@" is the program with its arguments
};

// Binds this process to the first `count` of its CPUs.
inline bool bind_to_cpus(int count) {
  cpu_set_t all, some;
  CPU_ZERO(&some);
  if (sched_getaffinity(0, sizeof all, &all) != 0) return false;
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&some) < count; ++cpu)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &some);
  return sched_setaffinity(0, sizeof some, &some) == 0;
}

// `name` is a program in the build's bin folder, e.g. "sunder-separate".
inline ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments,
                                 const ProgramSetup& setup = {}) {
  const std::string path = program_folder + "/" + name;
  std::FILE* streams[] = {std::tmpfile(), std::tmpfile()};
  if (!streams[0] || !streams[1]) throw_error("no temporary file for the output of {}", name);
  const pid_t child = fork();
  if (child < 0) throw_error("cannot start {}", path);
  if (child == 0) {
    for (const auto& [key, value] : setup.environment) setenv(key.c_str(), value.c_str(), 1);
    if (!setup.folder.empty() && chdir(setup.folder.c_str()) != 0) _exit(127);
    const int nothing = open("/dev/null", O_RDONLY);
    if (dup2(nothing, 0) < 0 || dup2(fileno(streams[0]), 1) < 0 || dup2(fileno(streams[1]), 2) < 0) _exit(127);
    if (setup.seconds > 0) alarm(setup.seconds);
    if (setup.cpus > 0 && !bind_to_cpus(setup.cpus)) _exit(127);
    const rlimit addresses{setup.address_bytes, setup.address_bytes};
    if (setup.address_bytes != RLIM_INFINITY && setrlimit(RLIMIT_AS, &addresses) != 0) _exit(127);
    const rlimit limit{setup.file_bytes, setup.file_bytes};
    if (setup.file_bytes != RLIM_INFINITY && setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(127);
    std::signal(SIGPIPE, SIG_DFL);
    std::vector<char*> words;
    const std::string shell[] = {"/bin/bash", "-c", setup.shell};
    if (!setup.shell.empty())
      for (const std::string& word : shell) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(const_cast<char*>(path.c_str()));
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    execv(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  ProgramResult result;
  result.peak_kib = used.ru_maxrss;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  for (int i = 0; i < 2; ++i) {
    std::rewind(streams[i]);
    std::string& text = i == 0 ? result.out : result.err;
    for (int c = std::fgetc(streams[i]); c != EOF; c = std::fgetc(streams[i])) text += static_cast<char>(c);
    std::fclose(streams[i]);
  }
  return result;
}

}  // namespace sunder
