// Where this tree and its programs lie. Compiled in one file, so that a compiler cache serves every clone.
#pragma once

#include <string>

namespace sunder {

extern const std::string source_folder;  // without a slash at the end
extern const std::string program_folder;

}  // namespace sunder
