// What the system said, for people.
#pragma once

#include <exception>
#include <string>

namespace sunder {

// "/a/b: No space left on device" of a std::filesystem_error and "out of memory" of std::bad_alloc, whose own texts are
// for programmers; what() of any other.
std::string plain_message(const std::exception& error);

}  // namespace sunder
