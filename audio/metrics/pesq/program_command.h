// Splits the command line of another program into words, without a shell.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

// The words of a command line, separated by blanks. '...' keeps everything, "..." everything but \" and \\, and outside
// of quotes a backslash keeps the next character. No variables, no wildcards. Throws UsageError for an open quote.
std::vector<std::string> split_command(const std::string& command);

// The absolute path of a program: a name with a '/' is a path from the current folder, any other is searched for in
// PATH. Throws InputError if it is missing or not an executable file.
std::filesystem::path find_program(const std::string& name);

}  // namespace sunder
