// The nearest known name for a mistyped one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sunder {

// The least number of letters to insert, remove or replace.
size_t edit_distance(const std::string& a, const std::string& b);

// The candidate that is "something.word", or the one with the smallest edit distance to `word`, as ", did you mean
// 'x'?", or "" if none is close.
std::string suggest(const std::string& word, const std::vector<std::string>& candidates);

// The candidate that `word` differs from in two letters at most; empty if there is none. Names of less than five
// letters are near to too many others.
std::string nearly(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace sunder
