// What the system says when a file or a folder cannot be opened or read.
#pragma once

#include <filesystem>
#include <string>

#include "tensor/error.h"

namespace sunder {

// Whether an errno speaks of the file alone. Others (no descriptors or memory left, a disk or network that fails) may
// be gone at the next try: they must never pass for a file that is unusable.
bool is_of_the_file(int error);

// Throws "<path>: <what>: <the system's reason>": InputError where that is of the file, OutOfMemory, else Error.
[[noreturn]] void throw_system_error(const std::filesystem::path& path, const std::string& what, int error);

}  // namespace sunder
