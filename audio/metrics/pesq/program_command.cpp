#include "audio/metrics/pesq/program_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

std::vector<std::string> split_command(const std::string& command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool more = i + 1 < command.size();
    if (quote == 0 && std::strchr(" \t\r\n", c)) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == quote) quote = 0;
    else if (quote == 0 && (c == '\'' || c == '"')) quote = c;
    else if (c == '\\' && more && (quote == 0 || (quote == '"' && std::strchr("\"\\", command[i + 1]))))
      words.back() += command[++i];
    else words.back() += c;
  }
  if (quote != 0) throw_error<UsageError>("expected a closing {} in the command {}", quote, command);
  return words;
}

fs::path find_program(const std::string& name) {
  const auto executable = [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    std::error_code ignored;
    if (!fs::exists(name, ignored)) throw_error<InputError>("{}: expected a program, found no such file", name);
    if (!executable(name)) throw_error<InputError>("{}: expected a program, got a file that is not executable", name);
    return fs::absolute(name);
  }
  const char* variable = std::getenv("PATH");
  const std::string folders = variable ? variable : "";
  for (size_t begin = 0; begin <= folders.size() && !name.empty();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const fs::path path = fs::absolute(fs::path(folders.substr(begin, end - begin)) / name);
    if (executable(path)) return path;
    begin = end + 1;
  }
  throw_error<InputError>("{}: expected a program, found none of this name in PATH", name);
}

}  // namespace sunder
