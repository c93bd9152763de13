#include "train/notify.h"

#include <cstdlib>
#include <new>

#include "audio/metrics/pesq/child_process.h"
#include "command/exit_codes.h"
#include "command/signals.h"
#include "files/plain_message.h"
#include "files/read_file.h"
#include "train/log.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

int exit_code_of(const std::exception& error) {
  if (const auto* own = dynamic_cast<const Error*>(&error)) return exit_code(own->kind());
  return dynamic_cast<const std::bad_alloc*>(&error) ? exit_device : exit_failed;
}

std::string why_failed(const ChildResult& result) {
  const std::string said = result.errors.substr(0, result.errors.find('\n'));
  switch (result.end) {
    case ChildResult::End::exited:
      return result.code == 0 ? "" : fmt::format("exit code {}{}{}", result.code, said.empty() ? "" : ": ", said);
    case ChildResult::End::signalled:
      return fmt::format("signal {}", result.code);
    case ChildResult::End::timed_out:
      return fmt::format("it took more than {} s", notify_seconds);
    case ChildResult::End::printed_too_much:
      return "it printed too much";
  }
  return "";
}

void notify(const RunOptions& options, int code, const std::string& summary) {
  const std::string& command = options.config.train.notify;
  const fs::path run = fs::absolute(options.output).lexically_normal();
  const std::pair<const char*, std::string> variables[] = {
      {"SUNDER_RUN", run.string()}, {"SUNDER_EXIT", std::to_string(code)}, {"SUNDER_SUMMARY", summary}};
  std::string why;
  for (const auto& [name, value] : variables) ::setenv(name, value.c_str(), 1);
  try {
    why = why_failed(run_child({"/bin/sh", "-c", command}, fs::is_directory(run) ? run : fs::current_path(),
                               {.seconds = notify_seconds}));
  } catch (const std::exception& error) {
    why = plain_message(error);
  }
  for (const auto& [name, value] : variables) ::unsetenv(name);
  if (why.empty()) return;
  try {
    const fs::path log = run / "log.txt";
    Log(fs::is_regular_file(log) ? log : fs::path()).warn("train.notify: the command '{}' failed: {}", command, why);
  } catch (const std::exception&) {  // the log cannot be opened: the run's own end is what counts
  }
}

std::string summary_of(const RunOptions& options, int code) {
  if (code == exit_stopped) return fmt::format("stopped by {}; resume with --resume auto", stop_signal_name());
  try {
    return read_file(options.output / "results.md");
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

int with_notification(const RunOptions& options, const std::function<int()>& body) {
  if (options.config.train.notify.empty()) return body();
  int code = exit_failed;
  try {
    code = body();
  } catch (const std::exception& error) {
    notify(options, exit_code_of(error), plain_message(error));
    throw;
  }
  notify(options, code, summary_of(options, code));
  return code;
}

}  // namespace sunder
