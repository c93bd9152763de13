#include "audio/sets/item_id.h"

#include <algorithm>

#include "tensor/error.h"

namespace sunder {

void require_file_name(const std::string& id, const std::string& where) {
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  const char* wrong = id.empty()                                      ? "an empty one"
                      : id.size() > longest_id                        ? "one of too many bytes"
                      : id[0] == '.'                                  ? "one that begins with a dot"
                      : id.find('/') != std::string::npos             ? "one with a '/'"
                      : std::any_of(id.begin(), id.end(), is_control) ? "one with a control character"
                                                                      : nullptr;
  if (!wrong) return;
  std::string shown = id.substr(0, 80);
  for (char& c : shown)
    if (is_control(static_cast<unsigned char>(c))) c = '?';
  throw_error<InputError>("{}: expected an id that can be a file's name, got {}: \"{}\"", where, wrong, shown);
}

}  // namespace sunder
