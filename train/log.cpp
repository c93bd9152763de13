#include "train/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <mutex>

#include "command/output.h"
#include "tensor/error.h"

namespace sunder {

struct Log::Parts {
  std::mutex mutex;
  std::unique_ptr<spdlog::logger> logger;
  std::string shown;  // the status line below the others
  std::string rank;   // where warnings alone are written: whose
  bool terminal = ::isatty(STDERR_FILENO) == 1;

  void erase() const {
    if (!shown.empty()) write_message("\r\x1b[K");
  }
  void draw() const {
    if (!shown.empty()) write_message(shown);
  }
};

Log::Log(const std::filesystem::path& file) : parts_(std::make_unique<Parts>()) {
  std::vector<spdlog::sink_ptr> sinks = {std::make_shared<spdlog::sinks::stderr_sink_st>()};
  try {
    if (!file.empty()) sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_st>(file.string()));
  } catch (const spdlog::spdlog_ex& error) {
    throw_error("{}: cannot open the log: {}", file.string(), error.what());
  }
  parts_->logger = std::make_unique<spdlog::logger>("sunder", sinks.begin(), sinks.end());
  parts_->logger->set_pattern("%Y-%m-%d %H:%M:%S %L %v");
  parts_->logger->flush_on(spdlog::level::info);
  // A full disk must not stop the training that the log is about.
  parts_->logger->set_error_handler([told = false](const std::string& reason) mutable {
    if (!std::exchange(told, true)) print_message("the log cannot be written: {}\n", reason);
  });
}

Log Log::of_rank(const std::string& name) {
  Log log;
  log.parts_->rank = name;
  log.parts_->terminal = false;
  return log;
}

Log::Log(Log&&) noexcept = default;

Log::~Log() {
  if (parts_) show("");
}

void Log::write(const std::string& line, bool warning) {
  if (!parts_->rank.empty()) {
    if (warning) parts_->logger->log(spdlog::level::warn, "{}: {}", parts_->rank, line);
    return;
  }
  const std::lock_guard lock(parts_->mutex);
  parts_->erase();
  parts_->logger->log(warning ? spdlog::level::warn : spdlog::level::info, "{}", line);
  parts_->draw();
}

void Log::show(const std::string& line) {
  const std::lock_guard lock(parts_->mutex);
  if (!parts_->terminal) return;
  parts_->erase();
  parts_->shown = line;
  parts_->draw();
}

bool Log::on_terminal() const { return parts_->terminal; }

}  // namespace sunder
