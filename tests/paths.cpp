#include "tests/paths.h"

namespace sunder {

const std::string source_folder = SUNDER_SOURCE_DIR;
const std::string program_folder = SUNDER_PROGRAMS;

}  // namespace sunder
