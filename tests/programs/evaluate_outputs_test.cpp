// Where sunder-evaluate and sunder-separate write.
#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "tests/programs/model_fixture.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

struct Waiting : TrainingTest {
  using TrainingTest::wait_until;
};

class EvaluateOutputsTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    for (const char* name : {"refs/x.wav", "ests/x.wav"}) write_noise(name, 4000, name[0]);
  }
  ProgramResult evaluate(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"--references", "refs", "--estimates", "ests", "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program("sunder-evaluate", words, {.folder = folder_.string()});
  }
  void refused(const std::vector<std::string>& more, int code, const std::vector<std::string>& parts) const {
    SCOPED_TRACE(testing::PrintToString(more));
    const ProgramResult result = evaluate(more);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(result.out, "") << "refused before the work";
    expect_contains(result.err, parts);
  }
};

TEST_F(EvaluateOutputsTest, WhatIsNoFileIsWrittenThrough) {
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read("fifo"); });
  write("kept.html", "old");
  fs::create_symlink("kept.html", folder_ / "link.html");
  const ProgramResult result =
      evaluate({"--csv", "fifo", "--json", "/dev/stdout", "--html", "link.html", "--results", "/dev/null"});
  reader.join();
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(got.substr(0, 12), "item,source,");
  EXPECT_TRUE(fs::is_fifo(folder_ / "fifo"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.html"));
  expect_contains(read("kept.html"), {"<!DOCTYPE html>"});
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  const size_t json = result.out.find('{');
  ASSERT_NE(json, std::string::npos) << result.out;
  expect_contains(result.out.substr(0, json), {"SI-SNR"});  // the table first
  EXPECT_TRUE(nlohmann::json::accept(result.out.substr(json))) << result.out;
}

TEST_F(EvaluateOutputsTest, WhatCannotBeWrittenIsRefusedBeforeTheWork) {
  fs::create_directory(folder_ / "folder");
  refused({"--csv", "folder"}, 1, {"folder: cannot be written: Is a directory"});
  refused({"--json", "none/all.json"}, 1, {"none/all.json: cannot be written: no folder", "/none"});
  refused({"--html", std::string(256, 'n')}, 1, {"cannot be written: File name too long"});
  refused({"--csv", "/dev/fd/77"}, 1, {"/dev/fd/77: cannot be written"});
  refused({"--csv", "all", "--json", "folder/../all"}, 2, {"--csv and --json: expected two files", "all"});
  EXPECT_EQ(evaluate({"--csv", "/dev/stdout", "--json", "/dev/stdout"}).code, 0);
}

TEST_F(EvaluateOutputsTest, InputsAreNotReplaced) {
  const std::string sound = read("refs/x.wav");
  fs::create_symlink("refs/x.wav", folder_ / "link.csv");
  refused({"--csv", "refs/x.wav"}, 2, {"--csv refs/x.wav: is an input"});
  refused({"--json", "link.csv"}, 2, {"--json link.csv: is an input"});
  EXPECT_EQ(read("refs/x.wav"), sound);
  EXPECT_EQ(evaluate({"--csv", "ests/items.csv"}).code, 0) << "results beside what they are of";
  EXPECT_EQ(evaluate({"--csv", "ests/items.csv"}).code, 0);

  const std::string model = write_model("model.safetensors"), weights = read("model.safetensors");
  write("set/test.csv", "list");
  for (const std::string& file : {model, std::string("set/test.csv")}) {
    const ProgramResult result = run_program("sunder-evaluate", {"--model", model, "--data", "set", "--csv", file},
                                             {.folder = folder_.string()});
    EXPECT_EQ(result.code, 2) << result.err;
    expect_contains(result.err, {"--csv " + file + ": is an input, which the result would replace"});
  }
  EXPECT_EQ(read("model.safetensors") == weights, true);
  EXPECT_EQ(read("set/test.csv"), "list");
}

// The first program never ends; whatever ends the evaluation, its folder goes.
TEST_F(EvaluateOutputsTest, FoldersOfPesqProgramsAreRemoved) {
  write("slow", "#!/bin/sh\nexec sleep 60\n");
  write("fast", "#!/bin/sh\necho 2.5\n");
  for (const char* name : {"slow", "fast"}) fs::permissions(folder_ / name, fs::perms::owner_all);
  fs::create_directory(folder_ / "tmp");
  setenv("TMPDIR", at("tmp").c_str(), 1);
  const auto words = [&](const std::string& program) {
    return std::vector<std::string>{"--references", at("refs"),       "--estimates", at("ests"),  "--metrics",
                                    "pesq_nb",      "--pesq-program", at(program),   "--threads", "1"};
  };
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGKILL}) {
    Background program("sunder-evaluate", words("slow"), folder_ / "said");
    const auto waits = [&] {
      for (const auto& entry : fs::recursive_directory_iterator(folder_ / "tmp"))
        if (entry.path().filename() == "deg.wav") return true;
      return false;
    };
    Waiting::wait_until(waits, program, "the PESQ program");
    program.kill(signal);
    EXPECT_EQ(program.wait(), 128 + signal);
    EXPECT_EQ(fs::is_empty(folder_ / "tmp"), signal != SIGKILL) << signal;
  }
  EXPECT_EQ(run_program("sunder-evaluate", words("fast")).code, 0);
  unsetenv("TMPDIR");
  EXPECT_TRUE(fs::is_empty(folder_ / "tmp")) << "the next run removes what a killed one left";
}

TEST_F(EvaluateOutputsTest, SeparateKnowsBeforeTheWorkWhatItCannotWrite) {
  const std::string model = write_model("model.safetensors"), name(250, 'n');
  write("n.wav", "never read");
  fs::rename(folder_ / "n.wav", folder_ / (name + ".wav"));
  write_noise("x.wav", 4000, 1);
  const ProgramResult result = run_program(
      "sunder-separate", {"--model", model, name + ".wav", "x.wav", "-o", "out", "--threads", "1", "--no-pictures"},
      {.folder = folder_.string()});
  EXPECT_EQ(result.code, 7) << result.err;
  expect_contains(result.err, {name + "_s1.wav: cannot be written: File name too long", "1 of 2 files failed"});
  EXPECT_EQ(audio("out/x_s2.wav").frames, 4000);
}

TEST_F(EvaluateOutputsTest, SeparateFollowsLinksAndReplacesItsOwnNamesOnly) {
  const std::string model = write_model("model.safetensors");
  write_noise("x.wav", 4000, 1);
  write("out/kept.wav", "mine");
  write("elsewhere.wav", "old");
  fs::create_symlink("../elsewhere.wav", folder_ / "out/x_s1.wav");
  const auto separate = [&] {
    return run_program("sunder-separate", {"--model", model, "x.wav", "-o", "out", "--threads", "1", "--force"},
                       {.folder = folder_.string()});
  };
  ASSERT_EQ(separate().code, 0);
  EXPECT_TRUE(fs::is_symlink(folder_ / "out/x_s1.wav"));
  EXPECT_EQ(audio("elsewhere.wav").frames, 4000);
  EXPECT_EQ(read("out/kept.wav"), "mine");
  fs::remove(folder_ / "out/x_s1.wav");
  fs::create_symlink("../x.wav", folder_ / "out/x_s1.wav");
  const ProgramResult onto_input = separate();
  EXPECT_EQ(onto_input.code, 2);
  expect_contains(onto_input.err, {"out/x_s1.wav: is an input"});
}

}  // namespace
}  // namespace sunder
