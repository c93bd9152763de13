// Tables in CSV files (RFC 4180: commas, double quotes; the first line names the columns; \n ends a line as well).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

class CsvTable {
 public:
  // Blank lines are skipped, after a mark of the byte order (UTF-8) too. Throws InputError if the file is missing or
  // empty, names no column or one twice, if a line has another number of fields than the first, if a quote is never
  // closed or stands within a field, or if a line ends in \r alone.
  static CsvTable read(const std::filesystem::path& path);

  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  const std::vector<std::string>& columns() const { return columns_; }
  bool has(const std::string& column) const;
  // Throws InputError naming the columns that are missing, all of them.
  void require(const std::vector<std::string>& columns) const;
  // The column must exist (require, has).
  const std::string& at(int64_t row, const std::string& column) const;
  // Throws InputError naming file, line and column if the field is no whole number.
  int64_t integer(int64_t row, const std::string& column) const;
  // As integer, for any finite number.
  double number(int64_t row, const std::string& column) const;
  // "file, line 12" for messages.
  std::string where(int64_t row) const;

 private:
  int64_t column_index(const std::string& column) const;

  std::filesystem::path path_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<int64_t> lines_;
};

// One line of fields, quoted where they need it, with its line end.
std::string csv_line(const std::vector<std::string>& fields);

// Writes text under a temporary name and renames it. Throws Error with the reason of the system.
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace sunder
