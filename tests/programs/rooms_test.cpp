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
  expect_refused(3, {"the split train has one (train-0)"}, {"--skip-unusable"});
  write_wav(folder_ / "speech/train-1/a.wav", std::vector<float>(18000, 0.1f), 8000, WavFormat::float32, 2);
  expect_refused(3, {"train-1/a.wav: expected one channel, got 2"});
}

}  // namespace
}  // namespace sunder
