// Text files that people give, read whole.
#pragma once

#include <filesystem>
#include <string>

namespace sunder {

// All bytes of a file or pipe. Throws InputError for a path where no file is, for a folder and for a file that may not
// be read, with the reason; Error for what is not the file's fault (files/system_error.h).
std::string read_text(const std::filesystem::path& path);

}  // namespace sunder
