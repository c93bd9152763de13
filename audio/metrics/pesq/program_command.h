// A command line that names another program, as words: what a shell would do, as far as a flag needs it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

// The words of a command line. Blanks part them, '...' keeps everything, "..." keeps all but \" and \\, and outside of
// quotes a backslash keeps the next character. No variables and no wildcards. Throws UsageError for an open quote.
std::vector<std::string> split_command(const std::string& command);

// The absolute path of a program: a name with a '/' is a path from the present folder, any other is looked for in PATH.
// Throws InputError naming it where it is missing or is no file that can be executed.
std::filesystem::path find_program(const std::string& name);

}  // namespace sunder
