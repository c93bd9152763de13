// Tables in CSV files (RFC 4180: commas, double quotes; the first line names the columns; lines may end in \n alone).
// Our own code: a broken table must be refused with its line number, where CSV libraries guess and read on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

class CsvTable {
 public:
  // Skips blank lines and a UTF-8 BOM. Throws InputError if the file is missing or empty, if it names no column or the
  // same one twice, if a line does not have as many fields as the first, if a quote is never closed or stands inside an
  // unquoted field, or if a line ends in \r alone.
  static CsvTable read(const std::filesystem::path& path);

  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  const std::vector<std::string>& columns() const { return columns_; }
  bool has(const std::string& column) const;
  // Throws InputError that names all missing columns.
  void require(const std::vector<std::string>& columns) const;
  // The column must exist.
  const std::string& at(int64_t row, const std::string& column) const;
  // Throws InputError with file, line and column if the field is not an integer.
  int64_t integer(int64_t row, const std::string& column) const;
  // Any finite number; throws as integer().
  double number(int64_t row, const std::string& column) const;
  // "<path>, line 12", for messages.
  std::string where(int64_t row) const;

 private:
  int64_t column_index(const std::string& column) const;

  std::filesystem::path path_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<int64_t> lines_;
};

// One line, with its line end; fields are quoted where necessary.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace sunder
