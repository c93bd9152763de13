// What programs print: messages for people on stderr, results for scripts on stdout. A stream that cannot be written
// (a full disk, a closed pipe) never throws: the work goes on.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sunder {

void write_message(std::string_view text);
void write_result(std::string_view text);

template <class... Args>
void print_message(fmt::format_string<Args...> format, Args&&... args) {
  write_message(fmt::format(format, std::forward<Args>(args)...));
}
// run_main reports results that could not be written: they are lost, which the exit code must say.
template <class... Args>
void print_result(fmt::format_string<Args...> format, Args&&... args) {
  write_result(fmt::format(format, std::forward<Args>(args)...));
}

// Flushes the results. Returns why some since the last call were lost ("No space left on device"); empty if none.
std::string lost_results();

// Points descriptors 0 to 2 at /dev/null where they are closed: the next file that is opened would get their number,
// and messages would be written into it.
void open_standard_streams();

}  // namespace sunder
