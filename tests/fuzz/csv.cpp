// CSV tables (files/csv.h): rows as wide as the header, numbers that are finite, and a table that is the same when it
// is written and read again.
#include "files/csv.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "contract.h"

namespace sunder {
namespace {

std::vector<std::string> row_of(const CsvTable& table, int64_t row) {
  std::vector<std::string> fields;
  for (const std::string& column : table.columns()) fields.push_back(table.at(row, column));
  return fields;
}

void check(const CsvTable& table, const std::filesystem::path& path) {
  const std::vector<std::string>& columns = table.columns();
  SUNDER_PROMISE(!columns.empty());
  SUNDER_PROMISE(std::set(columns.begin(), columns.end()).size() == columns.size());
  std::string written = csv_line(columns);
  for (int64_t row = 0; row < table.size(); ++row) {
    SUNDER_PROMISE(table.where(row).find(", line ") != std::string::npos);
    for (const std::string& column : columns) {
      const auto integer = [&](const auto&) { return table.integer(row, column); };
      const auto number = [&](const auto&) { return table.number(row, column); };
      const auto whole = fuzz::accepted<InputError>(integer, path);
      const auto real = fuzz::accepted<InputError>(number, path);
      if (whole) SUNDER_PROMISE(real && static_cast<double>(*whole) == *real);
      if (real) SUNDER_PROMISE(std::isfinite(*real));
    }
    written += csv_line(row_of(table, row));
  }
  const CsvTable again = CsvTable::read(fuzz::memory_file<1>(written));
  SUNDER_PROMISE(again.columns() == columns);
  SUNDER_PROMISE(again.size() == table.size());
  for (int64_t row = 0; row < table.size(); ++row) SUNDER_PROMISE(row_of(again, row) == row_of(table, row));
}

// Without quotes a table is its lines, and each line its fields with commas between.
void check_plain(const CsvTable& table, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  int64_t row = -1;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto fields = row < 0 ? table.columns() : row_of(table, row);
    SUNDER_PROMISE(fmt::format("{}", fmt::join(fields, ",")) == line);
    ++row;
  }
  SUNDER_PROMISE(row == table.size());
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  const auto path = fuzz::memory_file(fuzz::text(data, size));
  const auto table = fuzz::accepted<InputError>(CsvTable::read, path);
  if (!table) return 0;
  const std::string_view text = fuzz::text(data, size);
  const auto quotes = std::count(text.begin(), text.end(), '"');
  SUNDER_PROMISE(quotes % 2 == 0);
  check(*table, path);
  if (quotes == 0) check_plain(*table, text);
  return 0;
}
