#include "files/csv.h"

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class CsvTest : public ScratchFolder {
 protected:
  CsvTable table(const std::string& text) const { return CsvTable::read(write("table.csv", text)); }
  void refused(const std::string& text, const std::vector<std::string>& parts) const {
    expect_error<InputError>([&] { table(text); }, parts);
  }
};

TEST_F(CsvTest, ReadsQuotesMarksAndBlankLines) {
  const CsvTable read = table("\xEF\xBB\xBFid,\"a \"\"name\"\"\"\r\n\r\n1,\"two\nlines, one field\"\r\n2,");
  EXPECT_EQ(read.columns(), (std::vector<std::string>{"id", "a \"name\""}));
  ASSERT_EQ(read.size(), 2);
  EXPECT_EQ(read.at(0, "a \"name\""), "two\nlines, one field");
  EXPECT_EQ(read.at(1, "a \"name\""), "");
  EXPECT_NE(read.where(0).find("line 3"), std::string::npos);
  EXPECT_NE(read.where(1).find("line 5"), std::string::npos);
}

TEST_F(CsvTest, NumbersAreFiniteAndWhole) {
  const CsvTable read = table("x\n-9223372036854775808\n1.5\nnan\n1e999\n9223372036854775808\n");
  EXPECT_EQ(read.integer(0, "x"), INT64_MIN);
  EXPECT_EQ(read.number(1, "x"), 1.5);
  expect_error<InputError>([&] { read.integer(1, "x"); }, {"line 3", "whole number in column x", "1.5"});
  expect_error<InputError>([&] { read.number(2, "x"); }, {"line 4", "number in column x", "nan"});
  expect_error<InputError>([&] { read.number(3, "x"); }, {"line 5", "1e999"});
  expect_error<InputError>([&] { read.integer(4, "x"); }, {"line 6", "9223372036854775808"});
}

TEST_F(CsvTest, WhatIsWrittenIsRead) {
  const std::vector<std::string> fields = {"\xEF\xBB\xBFmark", "a,b", "\"", "\r", "\n", "", " x ", "\"\""};
  const CsvTable read = table(csv_line(fields) + csv_line(fields));
  EXPECT_EQ(read.columns(), fields);
  ASSERT_EQ(read.size(), 1);
  for (const std::string& field : fields) EXPECT_EQ(read.at(0, field), field);
  const CsvTable narrow = table(csv_line({"only"}) + csv_line({""}) + "\n" + csv_line({"x"}));
  ASSERT_EQ(narrow.size(), 2) << "an empty field is no blank line";
  EXPECT_EQ(narrow.at(0, "only"), "");
}

TEST_F(CsvTest, BrokenTablesAreNamedWithTheLine) {
  refused("", {"table.csv", "empty file"});
  refused("\xEF\xBB\xBF", {"line 1", "names"});
  refused("\na,b\n", {"line 1", "names"});
  refused("a,a\n", {"column a appears twice"});
  refused("a,b\n1,2\n1\n", {"line 3", "expected 2 fields, got 1"});
  // A file that was cut within a quote must not pass for a shorter one.
  refused("a,b\n1,\"2\n3,4\n", {"line 2", "quote", "never closed"});
  refused("a,b\n1,\"2\"3\n", {"line 2", "after field 2", "got \"3\""});
  refused("a,b\n1\",2\n", {"line 2", "after field 1", "got \"\"\""});
  refused("a,b\r1,2\r", {"line 1", "after field 2", "got \"\\r\""});
}

}  // namespace
}  // namespace sunder
