// Items are written as files of their names, so that an id that a file gives must be one.
#pragma once

#include <string>

namespace sunder {

inline constexpr size_t longest_id = 240;  // bytes: a name has at most 255, with an extension and a source's number

// Throws InputError "<where>: expected an id that can be a file's name, ..." for an id that is empty, longer than
// longest_id, begins with a dot, or holds a '/' or a control character.
void require_file_name(const std::string& id, const std::string& where);

}  // namespace sunder
