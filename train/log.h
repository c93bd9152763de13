// The log of a run: time-stamped lines, to stderr and to log.txt.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

namespace sunder {

class Log {
 public:
  // Appends to `file`; an empty path logs to stderr alone. Throws Error if the file cannot be opened. Lines that cannot
  // be written later are lost, and stderr says so once.
  explicit Log(const std::filesystem::path& file = {});
  // Of another rank than 0: its warnings alone, on stderr, after this name.
  static Log of_rank(const std::string& name);
  Log(Log&&) noexcept;
  ~Log();

  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(fmt::format(format, std::forward<Args>(args)...), false);
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    write(fmt::format(format, std::forward<Args>(args)...), true);
  }

  // Shows a status line below all others, until the next one replaces it; on a terminal only. An empty one removes it.
  void show(const std::string& line);
  bool on_terminal() const;

 private:
  void write(const std::string& line, bool warning);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sunder
