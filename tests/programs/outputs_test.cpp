// What programs write, where people point them at: never over what is not theirs, never half, nothing left behind.
#include <sys/file.h>
#include <sys/stat.h>

#include <set>
#include <thread>

#include "files/folder_exchange.h"
#include "files/folder_record.h"
#include "files/temporary.h"
#include "tests/programs/model_fixture.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

struct Waiting : TrainingTest {
  using TrainingTest::wait_until;
};

class OutputsTest : public ProgramTest {
 protected:
  // A speaker for each split with two words, and a third speaker for training.
  void SetUp() override {
    ProgramTest::SetUp();
    std::string list = "path,speaker,split\n";
    for (const std::string speaker : {"train-0", "train-1", "valid-0", "valid-1", "test-0", "test-1"})
      for (const std::string take : {"a", "b"}) {
        const std::string name = speaker + "/" + take + ".wav";
        write_tone("corpus/" + name, 9000, 8000, 0.2f, 300 + 20.0 * static_cast<double>(list.size() % 37));
        list += fmt::format("{},{},{}\n", name, speaker, speaker.substr(0, speaker.find('-')));
      }
    write("corpus/splits.csv", list);
  }

  using Words = std::vector<std::string>;
  ProgramResult run(const std::string& program, const Words& words) const {
    return run_program(program, words, {.folder = folder_.string()});
  }
  static Words voices(const Words& more) {
    Words words = {"voices", "--corpus", "corpus", "--kind", "sentences", "--seconds", "0.5", "--train",
                   "3",      "--valid",  "2",      "--test", "2",         "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static Words rooms(const Words& more) {
    Words words = {"rooms", "--speech", "corpus", "--train", "1", "--valid", "0", "--test", "0", "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void refused(const Words& words, const Words& parts, int code = 2) const {
    SCOPED_TRACE(testing::PrintToString(words));
    const auto before = tree();
    const ProgramResult result = run("sunder-prepare", words);
    EXPECT_EQ(result.code, code) << result.err;
    expect_contains(result.err, parts);
    EXPECT_EQ(tree(), before);
  }
  // All names below the folder.
  std::vector<std::string> tree() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      names.push_back(entry.path().lexically_relative(folder_));
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(OutputsTest, ForceNeverTakesInputsOrWhatIsNotSunders) {
  ASSERT_EQ(run("sunder-prepare", voices({"--output", "set"})).code, 0);
  write("mine/precious.txt", "mine");
  write("metadata/libri2mix_dev-clean.csv", "mixture_ID\n");
  fs::create_directory_symlink("corpus", folder_ / "link");
  fs::create_directories(folder_ / "libri/dev-clean");
  for (const std::string output : {"corpus", "corpus/", "link", "corpus/../corpus", "corpus/new", "link/train-0"}) {
    refused(voices({"--force", "--output", output}), {"the input corpus"});
    refused(rooms({"--force", "--output", output}), {"the input corpus"});
    refused({"sc09mix", "--corpus", "corpus", "--force", "--output", output}, {"the input corpus"});
    refused({"audio", "--set", "set", "--force", "--output", output}, {"the input"});
  }
  for (const std::string output : {".", "..", "/"}) {
    refused(voices({"--force", "--output", output}), {"the working folder"});
    refused({"audio", "--set", "set", "--force", "--output", output}, {"the working folder"});
  }
  refused({"audio", "--set", "set", "--force", "--output", "set"}, {"set: is the input set"});
  refused({"audio", "--set", "set", "--force", "--output", "set/audio"}, {"set/audio: lies in the input set"});
  for (const std::string output : {"metadata", "libri", "libri/dev-clean"})
    refused({"librimix", "--metadata", "metadata", "--librispeech", "libri", "--force", "--output", output},
            {"the input"});
  refused(voices({"--force", "--output", "mine"}), {"mine: exists, is not empty and was not made by Sunder"});
  refused(voices({"--output", "mine"}), {"was not made by Sunder"});
  refused(voices({"--output", "set"}), {"set: exists and is not empty; choose another --output, or", "--force"});
  refused(voices({"--force", "--output", "mine/precious.txt"}), {"expected a folder, found a file"});
  write("set/notes.txt", "mine");
  refused(voices({"--force", "--output", "set"}), {"holds notes.txt, which was added later"});
}

TEST_F(OutputsTest, NoiseIsAnInputAndIsDividedLikeTheVoices) {
  fs::create_directory(folder_ / "hum");
  for (const char* name : {"a.wav", "b.wav"}) fs::copy_file(folder_ / "corpus/train-0/a.wav", folder_ / "hum" / name);
  refused(voices({"--noise", "hum", "--output", "noisy"}), {"hum: expected at least three recordings of noise"}, 3);
  fs::copy_file(folder_ / "corpus/train-0/a.wav", folder_ / "hum/c.wav");
  refused(voices({"--noise", "hum", "--force", "--output", "hum"}), {"the input hum"});
  refused(voices({"--noise", "hum", "--snr", "3", "1", "--output", "noisy"}),
          {"--snr: expected the lowest level first"});
  ASSERT_EQ(
      run("sunder-prepare", voices({"--noise", "hum", "--snr", "1", "3", "--write-audio", "--output", "noisy"})).code,
      0);
  std::set<std::string> used;
  for (const std::string split : {"train", "valid", "test"}) {
    const std::string list = read("noisy/" + split + ".csv");
    std::set<std::string> here;
    for (const char* name : {"a.wav", "b.wav", "c.wav"})
      if (list.find(std::string(",") + name + ",") != std::string::npos) here.insert(name);
    EXPECT_EQ(here.size(), 1u) << split;
    used.insert(here.begin(), here.end());
  }
  EXPECT_EQ(used.size(), 3u) << "no split hears another's noise";
  expect_contains(read("noisy/set.toml"), {"noise_folder = \"../hum\"", "snr_high_db = 3.0"});
}

// A recording may be a link to elsewhere, and a list may name recordings outside of its corpus.
TEST_F(OutputsTest, WhatLinksOfTheCorpusLeadToIsAnInputToo) {
  fs::rename(folder_ / "corpus/train-0", folder_ / "elsewhere");
  fs::create_directory_symlink("../elsewhere", folder_ / "corpus/train-0");
  fs::create_directory(folder_ / "disk");
  fs::rename(folder_ / "corpus/train-1/a.wav", folder_ / "disk/a.wav");
  fs::create_symlink("../../disk/a.wav", folder_ / "corpus/train-1/a.wav");
  ASSERT_EQ(run("sunder-prepare", voices({"--output", "set"})).code, 0);
  for (const std::string output : {"elsewhere", "disk"}) {
    write_folder_record(folder_ / output, "a test");  // as if Sunder had made it
    refused(voices({"--force", "--output", output}), {"the input"});
    refused(rooms({"--force", "--output", output}), {"the input"});
  }
  refused({"audio", "--set", "set", "--split", "train", "--force", "--output", "elsewhere"}, {"the input"});
}

TEST_F(OutputsTest, SetsOfOlderVersionsAreRecognised) {
  ASSERT_EQ(run("sunder-prepare", voices({"--output", "set", "--write-audio"})).code, 0);
  ASSERT_EQ(run("sunder-prepare", rooms({"--output", "tree", "--with", "all"})).code, 0);
  for (const std::string name : {"set", "tree"}) {
    fs::remove(folder_ / name / ".sunder");
    const Words again = name == "set" ? voices({"--output", name, "--force", "--write-audio"})
                                      : rooms({"--output", name, "--force", "--with", "all"});
    const std::string mine = name == "set" ? "set/train/mix/mine.wav" : "tree/mine/observation/mine.wav";
    write(mine, "mine");
    refused(again, {name + ": exists, is not empty and was not made by Sunder"});
    fs::remove(folder_ / mine);
    const ProgramResult made = run("sunder-prepare", again);
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_TRUE(has_folder_record(folder_ / name));
    EXPECT_FALSE(exists(mine));
  }
  // Anybody's set of WAV files looks like one that `audio` wrote.
  fs::rename(folder_ / "set/test", folder_ / "wavs");
  refused({"audio", "--set", "tree", "--split", "train", "--force", "--output", "wavs"}, {"was not made by Sunder"});
}

TEST_F(OutputsTest, NamesThatAreNotUtf8) {
  const std::string name = "b\xff";
  EXPECT_EQ(run("sunder-prepare", voices({"--output", name})).code, 0);
  EXPECT_EQ(run("sunder-prepare", {"audio", "--set", name, "--output", "a" + name, "--threads", "1"}).code, 0);
  refused(rooms({"--output", "r" + name}), {"expected a name in UTF-8, which sms_wsj.json can hold"}, 3);
  fs::rename(folder_ / "corpus", folder_ / name / "corpus");
  Words words = voices({"--output", "set"});
  words[2] = name + "/corpus";
  refused(words, {"expected a path in UTF-8, which set.toml can hold"}, 3);
}

TEST_F(OutputsTest, TheSecondOfTwoProcessesIsRefused) {
  const Temporary lock = Temporary::lock(beside(folder_ / "set", "lock"));
  ASSERT_TRUE(lock.open());
  refused(voices({"--output", "set"}), {"set: another process is writing this folder"});
}

TEST_F(OutputsTest, IdsAreNamesOfFiles) {
  ASSERT_EQ(run("sunder-prepare", voices({"--output", "set"})).code, 0);
  ASSERT_EQ(run("sunder-prepare", rooms({"--output", "tree"})).code, 0);
  const std::string list = read("set/test.csv"), room_list = read("tree/sms_wsj.json");
  const size_t begin = room_list.find("\"0_");
  const std::string room_id = room_list.substr(begin, room_list.find("\": {", begin) + 1 - begin);
  const auto with = [](std::string text, const std::string& old, const std::string& now) {
    return text.replace(text.find(old), old.size(), now);
  };
  for (const std::string id : {"../../../x", "/tmp/sunder-x", "a/b", ".", "..", ".hidden", "a\tb"}) {
    write("set/test.csv", with(list, "000000", id));
    refused({"audio", "--set", "set", "--output", "out"},
            {"set/test.csv, line 2: expected an id that can be a file's name"}, 3);
    write("tree/sms_wsj.json", with(room_list, room_id, nlohmann::json(id).dump()));
    refused({"audio", "--set", "tree", "--split", "train", "--output", "out"},
            {"tree/sms_wsj.json: example 1: expected an id that can be a file's name"}, 3);
  }
  fs::create_directory(folder_ / "libri");
  for (const std::string id : {"../x", "/x"}) {
    write("libri2mix_dev-clean.csv",
          "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain\n" + id + ",a,1,b,1\n");
    refused({"librimix", "--metadata", "libri2mix_dev-clean.csv", "--librispeech", "libri", "--output", "out"},
            {"libri2mix_dev-clean.csv, line 2: expected an id that can be a file's name"}, 3);
  }
}

TEST_F(OutputsTest, ASignalOrAKillLeavesTheOldSetAndNothingElse) {
  const Words words = {"voices",  "--corpus", at("corpus"), "--output", at("set"), "--train",      "20000",
                       "--valid", "0",        "--test",     "0",        "--force", "--write-audio"};
  ASSERT_EQ(run("sunder-prepare", voices({"--output", "set"})).code, 0);
  const std::string list = read("set/train.csv");
  for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
    Background program("sunder-prepare", words, folder_ / "said");
    Waiting::wait_until([&] { return exists(".set.sunder-part/train/mix"); }, program, "the first mixtures");
    program.kill(signal);
    EXPECT_EQ(program.wait(), 128 + signal);
    // The next run removes what was left.
    const int next = signal == SIGKILL ? run("sunder-prepare", voices({"--output", "set"})).code : 2;
    EXPECT_EQ(next, 2);
    for (const auto& entry : fs::directory_iterator(folder_))
      EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
    EXPECT_EQ(read("set/train.csv"), list);
  }
}

}  // namespace
}  // namespace sunder
