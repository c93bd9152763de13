#include "audio/metrics/pesq/program_command.h"

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;
using ProgramCommand = ScratchFolder;
using Words = std::vector<std::string>;

TEST_F(ProgramCommand, WordsArePartedAsAShellPartsThem) {
  EXPECT_EQ(split_command("  pesq\t-q  x "), (Words{"pesq", "-q", "x"}));
  EXPECT_EQ(split_command("'a b'/\"c d\"/e\\ f"), (Words{"a b/c d/e f"}));
  EXPECT_EQ(split_command("x '' \"\""), (Words{"x", "", ""}));
  EXPECT_EQ(split_command(R"("a\"b\\c\d" '\' \\)"), (Words{R"(a"b\c\d)", R"(\)", R"(\)"}));
  EXPECT_EQ(split_command("$HOME * ; a|b > c"), (Words{"$HOME", "*", ";", "a|b", ">", "c"}));
  EXPECT_EQ(split_command("end\\"), (Words{"end\\"}));
  EXPECT_EQ(split_command(" \n "), Words{});
  expect_error<UsageError>([] { split_command("pesq 'a b"); }, {"closing '", "pesq 'a b"});
  expect_error<UsageError>([] { split_command("pesq \"a\\\""); }, {"closing \""});
}

TEST_F(ProgramCommand, ProgramsAreFoundByPathAndByName) {
  const fs::path plain = write("plain", "text"), program = write("bin/my-pesq", "#!/bin/sh\n");
  fs::permissions(program, fs::perms::owner_all);
  EXPECT_EQ(find_program(program.string()), program);
  expect_error<InputError>([&] { find_program(plain.string()); }, {plain.string(), "not executable"});
  expect_error<InputError>([&] { find_program(folder_.string()); }, {folder_.string(), "not executable"});
  expect_error<InputError>([&] { find_program("./no-such"); }, {"./no-such: expected a program", "no such file"});
  expect_error<InputError>([] { find_program("no-such-pesq"); }, {"no-such-pesq: expected a program", "PATH"});
  expect_error<InputError>([] { find_program(""); }, {"expected a program"});

  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_EQ(fs::weakly_canonical(find_program("bin/my-pesq")), fs::canonical(program));
  const std::string path = std::getenv("PATH");
  setenv("PATH", ("/no/such:bin:" + path).c_str(), 1);
  EXPECT_EQ(fs::weakly_canonical(find_program("my-pesq")), fs::canonical(program));
  EXPECT_TRUE(find_program("my-pesq").is_absolute());
  unsetenv("PATH");
  EXPECT_THROW(find_program("sh"), InputError);
  setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(find_program("sh").is_absolute());
  fs::current_path(before);
}

}  // namespace
}  // namespace sunder
