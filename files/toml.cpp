#include "files/toml.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tensor/error.h"

namespace sunder {
namespace {

// toml++ limits how deep arrays nest, but not the tables of dotted keys ("a.a.a"), and destroys those by recursion
// until the stack ends. So the depth is found before: up to a file's first syntax error, where toml++ stops, this sees
// the same strings, comments, keys and brackets as it.
class NestingScan {
 public:
  explicit NestingScan(std::string_view text) : text_(text) {}

  // The line where values nest deeper than `limit`; 0 if they do not.
  int64_t line_deeper_than(size_t limit) {
    while (position_ < text_.size()) {
      step(text_[position_]);
      if (outer_ + in_key_ > limit) return line();
    }
    return 0;
  }

 private:
  int64_t line() const { return 1 + std::count(text_.begin(), text_.begin() + static_cast<int64_t>(position_), '\n'); }

  void step(char c) {
    if (c == '#') return skip_to('\n');
    if (c == '"' || c == '\'') return skip_string(c);
    ++position_;
    if (c == '.' && !in_value_) ++in_key_;
    else if (c == '=') in_value_ = true;
    else if (c == '[' || c == '{') open();
    else if ((c == ']' || c == '}') && !open_.empty()) close();
    else if (c == ',' || (c == '\n' && open_.empty())) begin_key();
  }

  void begin_key() { in_key_ = 0, in_value_ = false; }
  void open() {
    open_.push_back(outer_);
    outer_ += in_key_ + 1;
    begin_key();
  }
  void close() {
    outer_ = open_.back();
    open_.pop_back();
    begin_key();
  }

  void skip_to(char c) { position_ = std::min(text_.find(c, position_), text_.size()); }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool many_lines = text_.substr(position_).starts_with(three);
    position_ += many_lines ? 3 : 1;
    for (; position_ < text_.size(); ++position_) {
      if (quote == '"' && text_[position_] == '\\') ++position_;
      else if (!many_lines && text_[position_] == '\n') return;
      else if (!many_lines && text_[position_] == quote) break;
      else if (many_lines && text_.substr(position_).starts_with(three)) {
        position_ += 2;
        for (int more = 0; more < 2 && text_.substr(position_ + 1).starts_with(quote); ++more) ++position_;
        break;
      }
    }
    position_ = std::min(position_ + 1, text_.size());
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t in_key_ = 0;         // dots of the key here
  bool in_value_ = false;     // where dots are decimal points
  size_t outer_ = 0;          // depth of the innermost open bracket's values
  std::vector<size_t> open_;  // `outer_` before each open bracket
};

}  // namespace

toml::table parse_toml(const std::string& text, const std::string& source) {
  if (text.size() > toml_size_limit)
    throw_error<InputError>("{}: expected at most {} bytes of TOML, got {}", source, toml_size_limit, text.size());
  if (const int64_t line = NestingScan(text).line_deeper_than(toml_depth_limit))
    throw_error<InputError>("{}: line {}: nested deeper than {} levels", source, line, toml_depth_limit);
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    throw_error<InputError>("{}: not valid TOML at line {}: {}", source, error.source().begin.line,
                            error.description());
  }
}

}  // namespace sunder
