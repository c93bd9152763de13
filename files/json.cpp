#include "files/json.h"

#include <fmt/format.h>

#include <unordered_set>

namespace sunder {
namespace {

using nlohmann::json;

// Builds values from nlohmann's events, whose names and types it must have.
class Builder {
 public:
  Builder(int level, int depth_limit, const TakeJson& take)
      : level_(static_cast<size_t>(level)), depth_limit_(static_cast<size_t>(depth_limit)), take_(take) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(int64_t value) { return put(value); }
  bool number_unsigned(uint64_t value) { return put(value); }
  bool number_float(double value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(std::vector<uint8_t>&) { return false; }  // not in JSON

  bool start_object(size_t) {
    check_depth();
    if (!open_.empty() || keys_.size() == level_) return open(json::object());
    keys_.emplace_back();
    seen_.emplace_back();
    return true;
  }
  bool start_array(size_t) {
    check_depth();
    return open(json::array());
  }

  bool key(std::string& name) {
    bool fresh = true;
    if (open_.empty()) {
      fresh = seen_.back().insert(name).second;
      keys_.back() = name;
    } else {
      const auto [place, inserted] = open_.back()->emplace(name, nullptr);
      fresh = inserted;
      member_ = &*place;
    }
    if (!fresh) throw JsonError(fmt::format("has the key '{}' twice", name));
    return true;
  }

  bool end_object() {
    if (!open_.empty()) return close();
    const bool empty = seen_.back().empty();
    keys_.pop_back();
    seen_.pop_back();
    return empty ? put(json::object()) : true;
  }
  bool end_array() { return close(); }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
    throw JsonError(fmt::format("is not valid JSON: {}", error.what()));
  }

 private:
  void check_depth() const {
    if (keys_.size() + open_.size() >= depth_limit_)
      throw JsonError(fmt::format("is nested deeper than {} levels", depth_limit_));
  }

  // Where the next value belongs.
  json* place(json value) {
    if (open_.empty()) {
      value_ = std::move(value);
      return &value_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *member_ = std::move(value);
    return member_;
  }
  bool put(json value) {
    place(std::move(value));
    if (open_.empty()) take_(keys_, value_);
    return true;
  }
  bool open(json value) {
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    if (open_.empty()) take_(keys_, value_);
    return true;
  }

  size_t level_, depth_limit_;
  const TakeJson& take_;
  std::vector<std::string> keys_;                      // of the outer objects here
  std::vector<std::unordered_set<std::string>> seen_;  // all keys of these objects so far
  json value_;                                         // under these keys
  std::vector<json*> open_;                            // objects and arrays of it that have not ended
  json* member_ = nullptr;                             // of the innermost object here
};

template <class Text>
void read(Text& text, int level, const TakeJson& take, int depth_limit) {
  Builder builder(level, depth_limit, take);
  json::sax_parse(text, &builder);
}

}  // namespace

void read_json(const std::string& text, int level, const TakeJson& take, int depth_limit) {
  read(text, level, take, depth_limit);
}

void read_json(std::istream& text, int level, const TakeJson& take, int depth_limit) {
  read(text, level, take, depth_limit);
}

nlohmann::json parse_json(const std::string& text, int depth_limit) {
  json result;
  read_json(
      text, 0, [&](const auto&, json& value) { result = std::move(value); }, depth_limit);
  return result;
}

}  // namespace sunder
