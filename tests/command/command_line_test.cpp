#include "command/command_line.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "command/suggest.h"
#include "tensor/blas.h"
#include "tensor/error.h"

namespace sunder {
namespace {

TEST(CommandLineTest, ProgramsWithSubcommandsShareTheParser) {
  CLI::App app("Prepares.", "sunder-prepare");
  app.require_subcommand(1);
  int64_t train = 0;
  std::string output;
  CLI::App* command = app.add_subcommand("sc09mix", "digits");
  command->add_option("--train", train);
  command->add_option("--output", output)->required();
  const auto run = [&](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "sunder-prepare");
    parse_command_line(app, static_cast<int>(arguments.size()), arguments.data(), "  sunder-prepare sc09mix ...");
  };
  setenv("SUNDER_OUTPUT", "ENV", 1);
  run({"sc09mix", "--train", "15"});
  EXPECT_EQ(train, 15);
  EXPECT_EQ(output, "ENV");
  unsetenv("SUNDER_OUTPUT");
  const auto message = [&](const std::vector<const char*>& arguments) -> std::string {
    try {
      run(arguments);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({"sc09mix", "--output", "x", "--trian", "3"}), "unknown flag '--trian', did you mean '--train'?");
  EXPECT_NE(message({"sc09mix"}).find("--output is required"), std::string::npos);
  EXPECT_NE(message({}), "");
}

TEST(CommandLineTest, RunMainMapsFailuresToExitCodes) {
  const auto code = [](const std::function<int()>& body) {
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const int result = run_main("sunder-x", body);
    return fmt::format("{}|{}|{}", result, testing::internal::GetCapturedStdout(),
                       testing::internal::GetCapturedStderr());
  };
  EXPECT_EQ(code([] { return 75; }), "75||");
  EXPECT_EQ(code([]() -> int { throw UsageError("no"); }), "2||sunder-x: no\n");
  EXPECT_EQ(code([]() -> int { throw InputError("no"); }), "3||sunder-x: no\n");
  EXPECT_EQ(code([]() -> int { throw ModelError("no"); }), "4||sunder-x: no\n");
  EXPECT_EQ(code([]() -> int { throw DivergedError("no"); }), "5||sunder-x: no\n");
  EXPECT_EQ(code([]() -> int { throw OutOfMemory("no", 3); }), "6||sunder-x: no\n");
  EXPECT_EQ(code([]() -> int { throw std::bad_alloc(); }), "6||sunder-x: out of memory\n");
  EXPECT_EQ(code([]() -> int { throw std::runtime_error("no"); }), "1||sunder-x: no\n");
  EXPECT_EQ(code([]() -> int { throw DeviceMissing("no"); }), "6||sunder-x: no; use --device cpu\n");
  EXPECT_EQ(code([]() -> int { throw blas::OutOfThreadMemory("no room", 8); }),
            "6||sunder-x: no room; lower --threads or raise the limit\n");
  EXPECT_EQ(code([]() -> int {
              throw UnknownName("metric 'sdrr': unknown", "sdrr", {"sdr", "stoi"});
            }),
            "2||sunder-x: metric 'sdrr': unknown, did you mean 'sdr'?\n");
  EXPECT_EQ(code([]() -> int { throw HelpRequested{"text\n"}; }), "0|text\n|");
}

TEST(CommandLineTest, AProgramsAdviceFollowsTheFacts) {
  const auto said = [](const Advice& advice) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_main(
                  "sunder-x", []() -> int { throw OutOfMemory("no memory", 8); }, advice),
              6);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(
      said([](const Error& error) -> std::string { return error.kind() == ErrorKind::memory ? "lower --batch" : ""; }),
      "sunder-x: no memory; lower --batch\n");
  EXPECT_EQ(said([](const Error&) -> std::string { return ""; }), "sunder-x: no memory\n");
}

TEST(Suggest, SuggestsByEditDistance) {
  EXPECT_EQ(suggest("--bacth", {"--batch", "--data"}), ", did you mean '--batch'?");
  EXPECT_EQ(suggest("--qqqqqqqqqqqq", {"--batch", "--data"}), "");
  EXPECT_EQ(suggest("x", {}), "");
}

TEST(Environment, AMisspeltVariableIsNamedWithTheOneThatWasMeant) {
  const auto said = [](const std::string& variable) {
    CLI::App app("Prepares.", "sunder-prepare");
    std::string value;
    app.add_subcommand("sc09mix", "digits")->add_option("--max-epochs", value);
    app.add_option("--seed", value);
    setenv(variable.c_str(), "1", 1);
    testing::internal::CaptureStderr();
    const char* none[] = {"sunder-prepare"};
    parse_command_line(app, 1, none, "");
    unsetenv(variable.c_str());
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said("SUNDER_MAX_EPOCH"),
            "sunder-prepare: SUNDER_MAX_EPOCH is set, but no flag or key has that name; did you mean "
            "SUNDER_MAX_EPOCHS?\n");
  EXPECT_EQ(said("SUNDER_SEDE"), "") << "short names are near to too many others";
  EXPECT_EQ(said("SUNDER_SEEDS"), "");
  EXPECT_NE(said("SUNDER_MXA_EPOCHS"), "");
  for (const char* other :
       {"SUNDER_SEED", "SUNDER_MAX_EPOCHS", "SUNDER_POOL", "SUNDER_REQUIRE_SHARED", "SUNDER_", "SUNDERED"})
    EXPECT_EQ(said(other), "");
}

}  // namespace
}  // namespace sunder
