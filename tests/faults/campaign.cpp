#include "tests/faults/campaign.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "command/exit_codes.h"
#include "tensor/error.h"

namespace sunder::faults {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

std::string injected_library() {
#ifdef SUNDER_SANITIZED
  return "";
#else
  return program_folder + "/libfault_injection.so";
#endif
}

int64_t size_of_campaign(const char* variable, int64_t otherwise) {
  const char* text = std::getenv(variable);
  if (!text || !*text) return otherwise;
  char* end = nullptr;
  const int64_t size = std::strtoll(text, &end, 10);
  if (*end != '\0' || size < 0) throw_error("{}: expected a number of cases, got '{}'", variable, text);
  return size;
}

Count::Count(std::string kind, std::string what, size_t cases)
    : kind_(std::move(kind)), what_(std::move(what)), cases_(cases) {}

Count::~Count() {
  std::printf("tally|%s|%s|%zu|%zu\n", kind_.c_str(), what_.c_str(), tried_, tried_ - failed_);
  std::fflush(stdout);
}

void Count::tried(const std::string& name, const std::string& wrong) {
  ++tried_;
  if (!wrong.empty()) {
    ++failed_;
    ADD_FAILURE() << what_ << ", " << name << ": " << wrong;
  }
  const auto now = steady_clock::now();
  if (now - said_ < std::chrono::seconds(10)) return;
  said_ = now;
  const double minutes = std::chrono::duration<double>(now - begin_).count() / 60;
  const auto left = cases_ > tried_ ? static_cast<double>(cases_ - tried_) : 0;
  std::fprintf(stderr, "%s, %s: %zu of %zu, %zu failed, %.1f minutes left\n", kind_.c_str(), what_.c_str(), tried_,
               cases_, failed_, minutes / static_cast<double>(tried_) * left);
}

std::string Fault::text() const { return fmt::format("{}:{}{}:{}", kind_names[kind], at, onwards ? "+" : "", what); }

Injected inject(const Command& command, const fs::path& under, const Fault* fault) {
  const fs::path file = fs::path(under.string() + ".tally");
  std::ofstream(file, std::ios::binary) << std::string(sizeof(Tally), '\0');
  ProgramSetup setup;
  setup.environment = {{"LD_PRELOAD", injected_library()},
                       {"FAULT_UNDER", fs::canonical(under).string()},
                       {"FAULT_TALLY", file.string()},
                       {"FAULT_AT", fault ? fault->text() : ""}};
  Injected injected;
  injected.result = run_program(command.program, command.arguments, setup);
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  fs::remove(file);
  if (bytes.size() != sizeof(Tally)) throw_error("{}: expected {} bytes", file.string(), sizeof(Tally));
  uint64_t counts[kinds + 1];
  std::memcpy(counts, bytes.data(), sizeof counts);
  for (int kind = 0; kind < kinds; ++kind) injected.calls[static_cast<Kind>(kind)] = counts[kind];
  injected.struck = counts[kinds] > 0;
  injected.path = bytes.c_str() + sizeof counts;
  return injected;
}

std::vector<Fault> choose_faults(const std::map<Kind, uint64_t>& calls, size_t half) {
  const int64_t most = size_of_campaign("FAULTS_OF_A_KIND", 1);
  struct Way {
    Kind kind;
    const char* what;
    bool onwards;
  };
  const Way ways[] = {{Kind::open, "EMFILE", false},   {Kind::open, "EIO", false},     {Kind::read, "EIO", false},
                      {Kind::read, "EINTR", false},    {Kind::read, "cut", false},     {Kind::write, "ENOSPC", false},
                      {Kind::write, "ENOSPC", true},   {Kind::write, "cut", false},    {Kind::write, "EINTR", false},
                      {Kind::write, "tear", false},    {Kind::sync, "EIO", false},     {Kind::close, "EIO", false},
                      {Kind::rename, "EIO", false},    {Kind::rename, "EINVAL", true}, {Kind::link, "EPERM", true},
                      {Kind::remove, "EACCES", false}, {Kind::remove, "EIO", true},    {Kind::mkdir, "ENOSPC", false},
                      {Kind::truncate, "EIO", false},  {Kind::list, "EIO", false},     {Kind::stat, "EIO", false},
                      {Kind::lock, "ENOLCK", false},   {Kind::memory, "ENOMEM", true}, {Kind::memory, "ENOMEM", false},
                      {Kind::change, "kill", false}};
  std::vector<Fault> faults;
  uint64_t turn = 0;
  for (const Way& way : ways) {
    const uint64_t count = calls.at(way.kind);
    if (most == 0 || count <= static_cast<uint64_t>(most)) {
      for (uint64_t at = 1; at <= count; ++at) faults.push_back({way.kind, at, way.onwards, way.what});
      continue;
    }
    // Spread over the run, and not at the same places for every way.
    const auto share = static_cast<uint64_t>(most);
    const uint64_t shift = turn++ * 0x9E3779B97F4A7C15u;
    for (uint64_t i = 0; i < share; ++i) {
      const uint64_t first = i * count / share, next = (i + 1) * count / share;
      faults.push_back({way.kind, 1 + first + shift % (next - first), way.onwards, way.what});
    }
  }
  if (is_campaign()) return faults;
  std::vector<Fault> some;
  for (size_t i = half; i < faults.size(); i += 2) some.push_back(faults[i]);
  return some;
}

Snapshot snapshot(const fs::path& folder) {
  Snapshot found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (entry.is_symlink()) {
      found[name] = "-> " + fs::read_symlink(entry.path()).string();
    } else if (entry.is_directory()) {
      found[name + "/"] = "";
    } else {
      std::ifstream stream(entry.path(), std::ios::binary);
      found[name] = {std::istreambuf_iterator<char>(stream), {}};
    }
  }
  return found;
}

std::string difference(const Snapshot& expected, const Snapshot& found) {
  for (const auto& [name, bytes] : expected) {
    const auto other = found.find(name);
    if (other == found.end()) return name + " is missing";
    if (other->second != bytes)
      return fmt::format("{} differs ({} bytes, expected {})", name, other->second.size(), bytes.size());
  }
  for (const auto& [name, bytes] : found)
    if (!expected.contains(name)) return fmt::format("{} is left over ({} bytes)", name, bytes.size());
  return "";
}

bool is_documented(int code) { return (code >= exit_done && code <= exit_some_failed) || code == exit_stopped; }

std::string unclear(const std::string& message, const fs::path& under, bool memory) {
  if (message.empty()) return "nothing is said";
  for (const char* jargon : {"filesystem error", "basic_", "what()", "std::", "terminate", "json.exception"})
    if (message.find(jargon) != std::string::npos) return "jargon is said: " + message;
  if (memory || message.find(under.string()) != std::string::npos) return "";
  return "no path is named: " + message;
}

}  // namespace sunder::faults
