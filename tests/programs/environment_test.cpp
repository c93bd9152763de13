// Variables of the environment: misspelt ones are named, those of other programs and of the tests are not.
#include <set>
#include <sstream>

#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

// SUNDER_<FLAG> for every flag that a program's help shows, and every key of a training program.
std::set<std::string> variables(const std::string& program) {
  std::string text = run_program(program, {"--help"}).out;
  for (const char* command : {"sc09mix", "voices", "librimix", "rooms", "audio"})
    if (program == "sunder-prepare") text += run_program(program, {command, "--help"}).out;
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    std::string variable = "SUNDER_";
    for (const char c : name) variable += c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(c));
    names.insert(variable);
  };
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (const size_t comma = word.find(",--"); comma != std::string::npos) word = word.substr(comma + 1);
    if (word.starts_with("--") && word.size() > 3)
      add(word.substr(2, word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", 2) - 2));
  }
  if (program.starts_with("sunder-train")) {
    std::istringstream lines(run_program(program, {"--print-config"}).out);
    std::string section;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("[")) section = line.substr(1, line.find(']') - 1);
      else if (const size_t equals = line.find(" ="); equals != std::string::npos && line[0] != '#')
        add(section + "." + line.substr(0, equals));
    }
  }
  return names;
}

TEST(EnvironmentTest, ProgramsLeaveEachOthersVariablesAlone) {
  const std::vector<std::string> programs = {"sunder-train-pit", "sunder-separate", "sunder-evaluate",
                                             "sunder-prepare"};
  std::map<std::string, std::set<std::string>> own;
  std::set<std::string> all = {"SUNDER_POOL", "SUNDER_SHARED", "SUNDER_REQUIRE_SHARED", "SUNDER_REQUIRE_CUDA"};
  for (const std::string& program : programs) {
    own[program] = variables(program);
    EXPECT_GT(own[program].size(), 8u) << program;
    all.insert(own[program].begin(), own[program].end());
  }
  EXPECT_TRUE(all.contains("SUNDER_OPTIM_LR"));
  for (const std::string& program : programs) {
    ProgramSetup setup;
    for (const std::string& variable : all)
      if (!own[program].contains(variable)) setup.environment[variable] = "";
    const ProgramResult result = run_program(program, {"--version"}, setup);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.code, 0);
  }
}

TEST(EnvironmentTest, TrainingNamesWhatWasMeant) {
  const ProgramResult result = run_program("sunder-train-pit", {"--print-config"},
                                           {.environment = {{"SUNDER_BACTH", "3"}, {"SUNDER_OPTIM_LRR", "1"}}});
  EXPECT_EQ(result.code, 0);
  for (const char* part : {"SUNDER_BACTH is set, but no flag or key has that name; did you mean SUNDER_BATCH?",
                           "SUNDER_OPTIM_LRR is set, but no flag or key has that name; did you mean SUNDER_OPTIM_LR?"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
}

}  // namespace
}  // namespace sunder
