#include "tests/emulator/emulator.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/emulator/handles.h"
#include "tests/emulator/memory.h"

namespace sunder::emulator {
namespace {

template <class T>
void read(const char* name, T& value) {
  const char* text = std::getenv(name);
  if (!text) return;
  long long number = 0;
  const std::string_view given(text);
  const bool hexadecimal = given.starts_with("0x");
  const char *begin = text + (hexadecimal ? 2 : 0), *end = text + given.size();
  if (const auto [rest, error] = std::from_chars(begin, end, number, hexadecimal ? 16 : 10);
      rest != end || begin == end)
    throw Failure(fmt::format("{}: expected a number, got {}", name, text));
  value = static_cast<T>(number);
}

void read(const char* name, Order& order) {
  const char* text = std::getenv(name);
  if (!text) return;
  const std::string_view given(text);
  if (given == "forward") order = Order::forward;
  else if (given == "backward") order = Order::backward;
  else if (given == "shuffled") order = Order::shuffled;
  else throw Failure(fmt::format("{}: expected forward, backward or shuffled, got {}", name, text));
}

void print_report() {
  const Counters& c = counters();
  std::string lines = fmt::format(
      "emulator: {} kernels ran ({} different), {} threads, {} library calls; {} launches, {} graph launches, "
      "{} copies ({} bytes up, {} down, {} on the device), {} synchronisations, {} device allocations, peak {} bytes\n",
      c.kernels, kernels_run().size(), c.threads, c.library_calls, c.launches, c.graph_launches, c.copies,
      c.bytes_to_device, c.bytes_to_host, c.bytes_on_device, c.synchronisations, c.allocations, c.bytes_peak);
  for (const auto& [name, count] : kernels_run()) lines += fmt::format("emulator: {:8} x {}\n", count, name);
  for (const std::string& leak : leaks()) lines += fmt::format("emulator: leaked: {}\n", leak);
  std::fputs(lines.c_str(), stderr);
}

// A file to which the program adds, at its end, how often each kernel ran: in one write, so that programs which end
// together do not mix their lines.
constexpr const char* tally_variable = "SUNDER_EMULATOR_TALLY";

void add_to_tally() {
  std::string lines;
  for (const auto& [name, count] : kernels_run()) lines += fmt::format("{} {}\n", count, name);
  std::FILE* file = std::fopen(std::getenv(tally_variable), "a");
  if (!file) return;
  std::setvbuf(file, nullptr, _IOFBF, lines.size() + 1);
  std::fputs(lines.c_str(), file);
  std::fclose(file);
}

Settings from_environment() {
  Settings s;
  read("SUNDER_EMULATOR_ORDER", s.order);
  read("SUNDER_EMULATOR_POISON", s.poison);
  read("SUNDER_EMULATOR_DELAY", s.delay);
  read("SUNDER_EMULATOR_DEVICES", s.devices);
  read("SUNDER_EMULATOR_MEMORY_MIB", s.memory_mib);
  read("SUNDER_EMULATOR_DRIVER", s.driver);
  read("SUNDER_EMULATOR_CAPABILITY", s.capability);
  read("SUNDER_EMULATOR_CODE", s.code);
  read("SUNDER_EMULATOR_FAIL_LAUNCH", s.fail_launch);
  read("SUNDER_EMULATOR_FAIL_ERROR", s.fail_error);
  read("SUNDER_EMULATOR_FAIL_AFTER", s.fail_after);
  read("SUNDER_EMULATOR_REPORT", s.report);
  if (s.report) std::atexit(print_report);
  if (std::getenv(tally_variable)) std::atexit(add_to_tally);
  return s;
}

}  // namespace

Settings& settings() {
  static Settings only = from_environment();
  return only;
}

Counters& counters() {
  static Counters only;
  return only;
}

std::vector<std::string> leaks() {
  std::vector<std::string> lines;
  memory::list_leaks(lines);
  handles::list_leaks(lines);
  return lines;
}

namespace handles {
namespace {

std::map<const void*, std::string>& alive() {
  static auto* all = new std::map<const void*, std::string>;
  return *all;
}

}  // namespace

void add(const char* kind, const void* handle) { alive()[handle] = kind; }

void check(const char* kind, const void* handle) {
  const auto found = alive().find(handle);
  if (found == alive().end() || found->second != kind)
    throw Failure(fmt::format("{} is not a live {} (destroyed before?)", handle, kind));
}

void remove(const char* kind, const void* handle) {
  check(kind, handle);
  alive().erase(handle);
}

void list_leaks(std::vector<std::string>& lines) {
  for (const auto& [handle, kind] : alive()) lines.push_back("a " + kind);
}

}  // namespace handles
}  // namespace sunder::emulator
