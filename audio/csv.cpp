#include "audio/csv.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "tensor/error.h"

namespace sunder {
namespace {

// Splits one record that starts at `position`, which ends up behind it; counts the line ends inside into `line`.
std::vector<std::string> next_record(const std::string& text, size_t& position, int64_t& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  while (position < text.size()) {
    const char c = text[position++];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (position < text.size() && text[position] == '"') {
        fields.back() += text[position++];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

template <class Number>
bool parse(const std::string& field, Number& value) {
  const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
  return failure == std::errc() && end == field.data() + field.size();
}

}  // namespace

CsvTable CsvTable::read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) throw_error<InputError>("{}: no such file", path.string());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) throw_error<InputError>("{}: expected a line of column names, got an empty file", path.string());
  CsvTable table;
  table.path_ = path;
  size_t position = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  int64_t line = 1;
  table.columns_ = next_record(text, position, line);
  std::set<std::string> seen;
  for (const std::string& column : table.columns_)
    if (!seen.insert(column).second) throw_error<InputError>("{}: column {} is there twice", path.string(), column);
  while (position < text.size()) {
    const int64_t first_line = line;
    std::vector<std::string> fields = next_record(text, position, line);
    if (fields.size() == 1 && fields[0].empty()) continue;
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
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + '\n';
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary = path.string() + ".part";
  errno = 0;
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code failure;
  if (file) std::filesystem::rename(temporary, path, failure);
  if (file && !failure) return;
  const std::string reason = failure ? failure.message() : std::strerror(errno);
  std::filesystem::remove(temporary, failure);
  throw_error("{}: cannot be written: {}", path.string(), reason);
}

}  // namespace sunder
