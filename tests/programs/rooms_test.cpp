// sunder-prepare rooms as a user runs it.
#include "audio/sets/sms_wsj.h"
#include "tests/files/scratch_folder.h"
#include "tests/programs/program.h"

namespace sunder {
namespace {

class RoomsTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    std::string list = "path,speaker,split\n";
    for (const std::string split : {"train", "valid", "test"})
      for (int speaker = 0; speaker < 2; ++speaker) {
        for (const char* take : {"a", "b"}) {
          const std::string name = fmt::format("{}-{}/{}.wav", split, speaker, take);
          write_tone("speech/" + name, 9000 + 700 * speaker, 8000, 0.2f, 300 + 50 * speaker);
          list += fmt::format("{0},{1}-{2},{1}\n", name, split, speaker);
        }
      }
    write("speech/splits.csv", list);
  }
  ProgramResult rooms(std::vector<std::string> more = {}, const std::string& output = "tree") const {
    std::vector<std::string> all = {"rooms",
                                    "--speech",
                                    (folder_ / "speech").string(),
                                    "--output",
                                    (folder_ / output).string(),
                                    "--train",
                                    "2",
                                    "--valid",
                                    "1",
                                    "--test",
                                    "0",
                                    "--threads",
                                    "2"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program("sunder-prepare", all);
  }
  void expect_refused(int code, const std::vector<std::string>& parts,
                      const std::vector<std::string>& more = {}) const {
    const ProgramResult result = rooms(more, "refused");
    EXPECT_EQ(result.code, code) << result.err;
    for (const std::string& part : parts) EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "refused"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / ".refused.sunder-part"));
  }
};

TEST_F(RoomsTest, WritesATreeThatIsReadAndReplacesItOnlyByForce) {
  const ProgramResult made = rooms();
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.out,
            "train_si284      2 mixtures of     4 recordings by    2 speakers\n"
            "cv_dev93         1 mixtures of     4 recordings by    2 speakers\n" +
                (folder_ / "tree").string() + "\n");
  const SmsWsjSet train = SmsWsjSet::open(folder_ / "tree", "train"),
                  valid = SmsWsjSet::open(folder_ / "tree", "valid");
  EXPECT_EQ(train.size(), 2);
  EXPECT_EQ(valid.size(), 1);
  EXPECT_EQ(valid.load(0).observation.shape(), (Shape{6, 9700}));
  expect_error<InputError>([&] { SmsWsjSet::open(folder_ / "tree", "test"); }, {"no set test_eval92"});
  const ProgramResult again = rooms();
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("--force"), std::string::npos) << again.err;
  EXPECT_EQ(rooms({"--force", "--seed", "3"}).code, 0);
}

// The disk that was announced is what was written, to 5 %.
TEST_F(RoomsTest, SaysTheDiskThatItTakes) {
  for (const std::vector<std::string>& with : {std::vector<std::string>{}, {"--with", "images"}, {"--with", "all"}}) {
    std::filesystem::remove_all(folder_ / "tree");
    const ProgramResult made = rooms(with);
    ASSERT_EQ(made.code, 0) << made.err;
    double megabytes = 0, written = 0;
    const size_t at = made.err.find("3 mixtures take ");
    ASSERT_NE(at, std::string::npos) << made.err;
    ASSERT_EQ(std::sscanf(made.err.c_str() + at, "3 mixtures take %lf MB of", &megabytes), 1) << made.err;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "tree"))
      if (entry.is_regular_file()) written += static_cast<double>(entry.file_size());
    EXPECT_NEAR(megabytes * 1e6 / written, 1, 0.05);
  }
}

// A file system of 1 MB, where the user may make one.
TEST_F(RoomsTest, ADiskThatIsTooSmallIsNamedBeforeAnythingIsWritten) {
  std::filesystem::create_directories(folder_ / "small");
  const std::string mounted = "unshare --map-root-user --mount bash -c 'mount -t tmpfs -o size=1m none " +
                              (folder_ / "small").string() + " || exit 77; \"$0\" \"$@\"; code=$?; ls -A " +
                              (folder_ / "small").string() + "; exit $code' \"$0\" \"$@\" || exit $?";
  const ProgramResult result =
      run_program("sunder-prepare",
                  {"rooms", "--speech", (folder_ / "speech").string(), "--output", (folder_ / "small/tree").string(),
                   "--train", "4", "--valid", "1", "--test", "0", "--threads", "1"},
                  {.shell = mounted});
  if (result.code == 77 || result.err.find("unshare") != std::string::npos)
    GTEST_SKIP() << "this system gives tests no file system of their own";
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_NE(result.err.find("small/tree: 5 mixtures take 2."), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(" MB, but only 1.0 MB are free there"), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(RoomsTest, SeveralSpeakersAtAnotherRate) {
  expect_refused(2, {"--sources", "5"}, {"--sources", "5"});
  expect_refused(3, {"3 different speakers", "the split train has 2 (train-0, train-1)"}, {"--sources", "3"});
  std::string list = read("speech/splits.csv");
  for (const std::string split : {"train", "valid"})
    for (int speaker = 2; speaker < 4; ++speaker)
      for (const char* take : {"a", "b"}) {
        const std::string name = fmt::format("{}-{}/{}.wav", split, speaker, take);
        write_tone("speech/" + name, 9000 + 700 * speaker, 8000, 0.2f, 300 + 50 * speaker);
        list += fmt::format("{0},{1}-{2},{1}\n", name, split, speaker);
      }
  write("speech/splits.csv", list);
  const ProgramResult made = rooms({"--sources", "4", "--sample-rate", "16000"});
  ASSERT_EQ(made.code, 0) << made.err;
  const SmsWsjSet train = SmsWsjSet::open(folder_ / "tree", "train");
  EXPECT_EQ(train.num_sources(), 4);
  EXPECT_EQ(train.close_talk(), 4);
  EXPECT_EQ(train.sample_rate(), 16000);
  EXPECT_EQ(train.entry(0).files.dry.size(), 4u);
  EXPECT_EQ(train.entry(0).length, 2 * 11100);
}

TEST_F(RoomsTest, BadInputIsNamedAndLeavesNothing) {
  expect_refused(2, {"--min-seconds 3 is more than --max-seconds 2"}, {"--min-seconds", "3", "--max-seconds", "2"});
  expect_refused(2, {"--train"}, {"--train", "-1"});
  expect_refused(3, {"no recordings in the split train"}, {"--min-seconds", "2"});
  std::filesystem::rename(folder_ / "speech", folder_ / "away");
  expect_refused(3, {"speech: no such folder"});
  std::filesystem::rename(folder_ / "away", folder_ / "speech");
  write_wav(folder_ / "speech/train-1/a.wav", std::vector<float>(9000, 0.0f), 8000);
  expect_refused(3, {"train-1/a.wav: silent"});
  std::filesystem::copy_file(folder_ / "speech/train-1/a.wav", folder_ / "speech/train-1/b.wav",
                             std::filesystem::copy_options::overwrite_existing);
  expect_refused(3, {"the split train has 1 (train-0)"}, {"--skip-unusable"});
  write_wav(folder_ / "speech/train-1/a.wav", std::vector<float>(18000, 0.1f), 8000, WavFormat::float32, 2);
  expect_refused(3, {"train-1/a.wav: expected one channel, got 2"});
}

}  // namespace
}  // namespace sunder
