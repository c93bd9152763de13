// Files that a list names and that are not there: one message names them all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace sunder {

class MissingFiles {
 public:
  // Notes the file if it cannot be found; each path is looked at once. `where`: what names it, "list.csv, line 3".
  void look_for(const std::filesystem::path& file, const std::string& where);
  // Throws InputError where any was missing, with the first one's `where` and reason and the names of the others, up to
  // most_named.
  void require_none() const;

  static constexpr size_t most_named = 20;

 private:
  std::set<std::string> seen_;
  std::vector<std::string> missing_;
  std::string first_;
};

}  // namespace sunder
