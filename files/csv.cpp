#include "files/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>

#include "files/text_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr std::string_view utf8_bom = "\xEF\xBB\xBF";

// Splits the text of a file into records.
class Records {
 public:
  Records(const std::filesystem::path& path, const std::string& text) : path_(path), text_(text) {
    if (text_.starts_with(utf8_bom)) position_ = utf8_bom.size();
  }

  bool at_end() const { return position_ == text_.size(); }
  int64_t line() const { return line_; }

  // The fields of the next record; none for a blank line.
  std::vector<std::string> next() {
    if (at_end() || take_line_end()) return {};
    std::vector<std::string> fields;
    do fields.push_back(field());
    while (take(","));
    if (!at_end() && !take_line_end())
      fail(line_, "expected a comma or a line end after field {}, got \"{}\"", fields.size(),
           text_[position_] == '\r' ? "\\r" : text_.substr(position_, 1));
    return fields;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(int64_t line, fmt::format_string<Args...> format, Args&&... args) const {
    throw_error<InputError>("{}, line {}: {}", path_.string(), line, fmt::format(format, std::forward<Args>(args)...));
  }

  bool take(std::string_view token) {
    if (text_.compare(position_, token.size(), token) != 0) return false;
    position_ += token.size();
    return true;
  }

  bool take_line_end() {
    const bool taken = take("\n") || take("\r\n");
    line_ += taken;
    return taken;
  }

  std::string field() {
    const size_t begin = position_;
    if (!take("\"")) {
      position_ = std::min(text_.find_first_of(",\"\r\n", begin), text_.size());
      return text_.substr(begin, position_ - begin);
    }
    const int64_t first_line = line_;
    std::string result;
    for (;;) {
      const size_t from = position_, quote = text_.find('"', from);
      if (quote == std::string::npos) fail(first_line, "a quote is never closed");
      result.append(text_, from, quote - from);
      line_ += std::count(text_.begin() + from, text_.begin() + quote, '\n');
      position_ = quote + 1;
      if (!take("\"")) return result;
      result += '"';
    }
  }

  const std::filesystem::path& path_;
  const std::string& text_;
  size_t position_ = 0;
  int64_t line_ = 1;
};

template <class Number>
bool parse(const std::string& field, Number& value) {
  const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
  return failure == std::errc() && end == field.data() + field.size();
}

}  // namespace

CsvTable CsvTable::read(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  if (text.empty()) throw_error<InputError>("{}: expected a line of column names, got an empty file", path.string());
  CsvTable table;
  table.path_ = path;
  Records records(path, text);
  table.columns_ = records.next();
  if (table.columns_.empty()) throw_error<InputError>("{}, line 1: expected column names, got none", path.string());
  std::set<std::string> seen;
  for (const std::string& column : table.columns_)
    if (!seen.insert(column).second) throw_error<InputError>("{}: column {} appears twice", path.string(), column);
  while (!records.at_end()) {
    const int64_t first_line = records.line();
    std::vector<std::string> fields = records.next();
    if (fields.empty()) continue;
    if (fields.size() != table.columns_.size())
      throw_error<InputError>("{}, line {}: expected {} fields, got {}", path.string(), first_line,
                              table.columns_.size(), fields.size());
    table.rows_.push_back(std::move(fields));
    table.lines_.push_back(first_line);
  }
  return table;
}

int64_t CsvTable::column_index(const std::string& column) const {
  return std::find(columns_.begin(), columns_.end(), column) - columns_.begin();
}

bool CsvTable::has(const std::string& column) const {
  return column_index(column) < static_cast<int64_t>(columns_.size());
}

void CsvTable::require(const std::vector<std::string>& columns) const {
  std::vector<std::string> missing;
  for (const std::string& column : columns)
    if (!has(column)) missing.push_back(column);
  if (!missing.empty())
    throw_error<InputError>("{}: expected columns {}, missing: {}", path_.string(), fmt::join(columns, ","),
                            fmt::join(missing, ","));
}

const std::string& CsvTable::at(int64_t row, const std::string& column) const {
  SUNDER_ASSERT(has(column));
  return rows_.at(row)[column_index(column)];
}

int64_t CsvTable::integer(int64_t row, const std::string& column) const {
  int64_t value = 0;
  if (!parse(at(row, column), value))
    throw_error<InputError>("{}: expected a whole number in column {}, got \"{}\"", where(row), column,
                            at(row, column));
  return value;
}

double CsvTable::number(int64_t row, const std::string& column) const {
  double value = 0;
  if (!parse(at(row, column), value) || !std::isfinite(value))
    throw_error<InputError>("{}: expected a number in column {}, got \"{}\"", where(row), column, at(row, column));
  return value;
}

std::string CsvTable::where(int64_t row) const { return fmt::format("{}, line {}", path_.string(), lines_.at(row)); }

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    // Without quotes a row of one empty field would be a blank line, and a UTF-8 BOM at the start of a file would be
    // dropped by the reader.
    const bool plain = field.find_first_of(",\"\r\n") == std::string::npos && !field.starts_with(utf8_bom) &&
                       (fields.size() > 1 || !field.empty());
    if (plain) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + '\n';
}

}  // namespace sunder
