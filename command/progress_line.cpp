#include "command/progress_line.h"

#include <unistd.h>

#include <chrono>
#include <memory>

#include "command/output.h"

namespace sunder {
namespace {

class ProgressLine {
 public:
  ProgressLine(std::string what, std::string unit, double silent_seconds)
      : what_(std::move(what)),
        unit_(std::move(unit)),
        silent_seconds_(silent_seconds),
        terminal_(isatty(STDERR_FILENO) == 1) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (shown_ && terminal_) print_message("\n");
  }

  void show(int64_t done, int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    if (done <= 0 || seconds < silent_seconds_) return;
    if (shown_ && done < total && now - last_ < std::chrono::seconds(terminal_ ? 1 : 10)) return;
    const double left = seconds / static_cast<double>(done) * static_cast<double>(total - done);
    print_message("{}{}: {} of {}{}, {:.0f}/s, {:.0f} s left{}", terminal_ ? "\r" : "", what_, done, total, unit_,
                  static_cast<double>(done) / seconds, left, terminal_ ? "   " : "\n");
    last_ = now;
    shown_ = true;
  }

 private:
  const std::string what_, unit_;
  const double silent_seconds_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_;
  bool shown_ = false;
};

}  // namespace

std::function<void(int64_t done, int64_t total)> progress_line(const std::string& what, const std::string& unit,
                                                               double silent_seconds) {
  return [line = std::make_shared<ProgressLine>(what, unit, silent_seconds)](int64_t done, int64_t total) {
    line->show(done, total);
  };
}

}  // namespace sunder
