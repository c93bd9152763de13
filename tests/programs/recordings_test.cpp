// People's own recordings of mixtures, without clean sources: trained on, resumed, separated, scored and described.
#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class RecordingsTest : public TrainingTest {
 protected:
  // Two voices at once, or `channels` of them in several places.
  static std::vector<float> mixture(int take, int64_t samples, int hertz, int channels = 1) {
    const std::vector<float> a = synthetic_voice(take % 5, take, samples, hertz),
                             b = synthetic_voice(5 + take % 3, take, samples, hertz);
    std::vector<float> result(samples * channels);
    for (int64_t t = 0; t < samples; ++t)
      for (int c = 0; c < channels; ++c)
        result[t * channels + c] = 0.05f * (a[t] + b[std::max<int64_t>(t - c, 0)] * (1 + 0.2f * static_cast<float>(c)));
    return result;
  }
  // 22 short ones of different lengths, rates and kinds, flat and nested, one of them with two channels.
  void write_recordings() const {
    for (int i = 0; i < 22; ++i) {
      const int hertz = i % 3 == 0 ? 16000 : 8000, channels = i == 6 ? 2 : 1;
      const std::string name = fmt::format("{}{}.{}", i % 4 == 0 ? "talk/" : "", i, i % 3 == 2 ? "Flac" : "WAV");
      fs::create_directories((folder_ / "own" / name).parent_path());
      const std::vector<float> signal = mixture(i, 4000 + 200 * i, hertz, channels);
      if (i % 3 == 2) write_flac("own/" + name, signal);
      else write_wav(folder_ / "own" / name, signal, hertz, WavFormat::float32, channels);
    }
  }
  static std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
  }
  const std::vector<std::string> short_segments = {
      "--set", "data.segment_seconds=0.25", "--set", "data.crop=any", "--batch", "2"};
};

TEST_F(RecordingsTest, TrainResumeSeparateEvaluate) {
  write_recordings();
  const ProgramResult whole =
      train("mixcycle", "own", "whole", with(short_segments, {"--set", "mixcycle.init_epochs=1", "--max-epochs", "3"}));
  ASSERT_EQ(whole.code, 0) << whole.err;
  expect_contains(whole.err,
                  {"recordings of 8000 and 16000 Hz, converted to 8000 Hz", "1 recording with more than 1 channel",
                   "by the hash of their names 10 % of the recordings are for validation and 10 % for the test",
                   "validation.select is blind for this run", ", blind "});
  EXPECT_EQ(whole.err.find("SI-SNRi"), std::string::npos) << whole.err;
  EXPECT_EQ(whole.err.find("has a score"), std::string::npos);
  for (const auto& row : metrics("whole")) {
    EXPECT_FALSE(row.contains("valid_si_snri"));
    EXPECT_EQ(row.contains("train_loss"), row.contains("valid_blind") && row["valid_blind"].is_number());
  }
  expect_contains(read("whole/config.toml"), {"select = \"blind\"", "sample_rate = 8000"});
  expect_contains(read("whole/results.md"), {"| blind |"});
  EXPECT_EQ(read_safetensors(folder_ / "whole/checkpoints/best/model.safetensors").metadata.at("sample_rate"), "8000");

  ASSERT_EQ(
      train("mixcycle", "own", "parts", with(short_segments, {"--set", "mixcycle.init_epochs=1", "--max-epochs", "2"}))
          .code,
      0);
  const ProgramResult resumed = resume("mixcycle", "parts", {"--max-epochs", "3"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  // With the recipe's choices again: they are completed as before.
  ASSERT_EQ(resume("mixcycle", "parts", {"--max-epochs", "3", "--set", "validation.select=si_snri"}).code, 0);
  expect_same_checkpoint("whole/checkpoints/last", "parts/checkpoints/last");
  EXPECT_EQ(metrics("whole"), metrics("parts"));

  const ProgramResult separated =
      run_program("sunder-separate", {"--model", at("whole"), at("own/2.Flac"), "-o", at("out"), "--threads", "1"});
  ASSERT_EQ(separated.code, 0) << separated.err;
  EXPECT_EQ(read_audio(folder_ / "out/2_s2.wav").frames, 4400);

  const ProgramResult scored = run_program(
      "sunder-evaluate", {"--model", at("whole"), "--data", at("own"), "--split", "train", "--csv", at("items.csv"),
                          "--json", at("all.json"), "--html", at("report.html"), "--threads", "1"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  expect_contains(scored.out, {"blind SI-SNRi (dB)", "weakest output relative to the strongest (dB)"});
  const std::string csv = read("items.csv");
  expect_contains(csv, {"item,source,blind,weaker\n"});
  const auto all = nlohmann::json::parse(read("all.json"));
  EXPECT_EQ(all["metrics"], (nlohmann::json{"blind", "weaker"}));
  EXPECT_TRUE(all["summary"]["blind"]["mean"].is_number());
  EXPECT_EQ(static_cast<size_t>(std::count(csv.begin(), csv.end(), '\n')), 1 + 2 * all["items"].size());
  expect_contains(read("report.html"), {"<audio", "blind SI-SNRi"});
  const ProgramResult clean = run_program(
      "sunder-evaluate", {"--model", at("whole"), "--data", at("own"), "--metrics", "si_snri", "--threads", "1"});
  EXPECT_EQ(clean.code, 2) << clean.err;
  expect_contains(clean.err, {"the set has no clean sources, so that blind alone is left, got si_snri"});
}

TEST_F(RecordingsTest, FoldersOfSplitsAndOtherMethods) {
  for (int i = 0; i < 10; ++i) {
    const std::string split = i < 6 ? "train" : "valid";
    fs::create_directories(folder_ / "own" / split / "mix");
    write_wav(folder_ / "own" / split / "mix" / fmt::format("{}.wav", i), mixture(i, 3000 + 100 * i, 8000), 8000);
  }
  const std::vector<std::string> once = with(short_segments, {"--max-epochs", "1"});
  const ProgramResult mixit = train("mixit", "own", "mixit", once);
  ASSERT_EQ(mixit.code, 0) << mixit.err;
  expect_contains(mixit.err, {"validation.select is loss for this run"});
  const ProgramResult mixpit = train("mixpit", "own", "mixpit", with(once, {"--set", "data.sample_rate=11025"}));
  ASSERT_EQ(mixpit.code, 0) << mixpit.err;
  EXPECT_EQ(read_safetensors(folder_ / "mixpit/checkpoints/best/model.safetensors").metadata.at("sample_rate"),
            "11025");
  const ProgramResult pit = train("pit", "own", "pit", once);
  EXPECT_EQ(pit.code, 3);
  expect_contains(pit.err, {"own: expected clean sources (s1, s2) beside the mixtures, found none; mixpit, mixcycle"});
  EXPECT_FALSE(exists("pit/checkpoints"));
}

TEST_F(RecordingsTest, UnssorTrainsOnPeoplesArrays) {
  fs::create_directories(folder_ / "own");
  for (int i = 0; i < 3; ++i)
    write_wav(folder_ / fmt::format("own/{}.wav", i), mixture(i, 12000, 8000, 3), 8000, WavFormat::float32, 3);
  std::vector<std::string> arguments = {"--data", at("own"), "--max-epochs", "1"};
  for (const char* key :
       {"train.threads=1", "train.batch=2", "data.segment_seconds=0.25", "data.crop=any",
        "model.architecture=tf-gridnet", "model.n_fft=64", "model.hop_length=16", "model.window=sqrt_hann",
        "model.microphones=3", "model.emb_dim=4", "model.num_blocks=1", "model.lstm_hidden=4", "model.heads=2",
        "model.qk_channels=1", "fcp.far_past=3", "optim.clip=1"})
    arguments.insert(arguments.end(), {"--set", key});
  const ProgramResult run = run_program("sunder-train-unssor", with(arguments, {"--output", at("run")}));
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.err, {"validation.select is valid_loss for this run"});
  const ProgramResult separated =
      run_program("sunder-separate", {"--model", at("run"), at("own/0.wav"), "-o", at("out"), "--threads", "1"});
  ASSERT_EQ(separated.code, 0) << separated.err;
  const ProgramResult scored = run_program(
      "sunder-evaluate", {"--model", at("run"), "--data", at("own"), "--csv", at("items.csv"), "--threads", "1"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  expect_contains(scored.err, {"no blind score: it needs a network of 1 microphone and 2 outputs"});
  expect_contains(read("items.csv"), {"item,source,weaker\n0@1.4s,s1,"});
  write_wav(folder_ / "own/mono.wav", mixture(4, 12000, 8000), 8000);
  const ProgramResult mono = run_program("sunder-train-unssor", with(arguments, {"--output", at("mono")}));
  EXPECT_EQ(mono.code, 3) << mono.err;
  expect_contains(mono.err, {"own/mono.wav: expected at least 3 channels, one for each microphone, got 1"});
}

TEST_F(RecordingsTest, InfoDescribesThem) {
  write_recordings();
  const ProgramResult own = run_program("sunder-info", {at("own")});
  ASSERT_EQ(own.code, 0) << own.err;
  expect_contains(own.out,
                  {"train          ", " mixtures at 8000 Hz, 00:0", ", no clean sources", "valid          ",
                   "test           ", "8000 and 16000 Hz, converted to 8000 Hz", "1 channel: the first is taken",
                   "10 % of the recordings are for validation", "mixit, mixpit and mixcycle train on mixtures"});
  // An SMS-WSJ list without speaker images.
  write("rooms/sms_wsj.json",
        R"({"datasets": {"train_si284": {"meeting": {"speaker_id": ["ann", "bob"], "num_samples": {"observation": 8000},
            "audio_path": {"observation": "meeting.wav"}}}}})");
  write_wav(folder_ / "rooms/meeting.wav", mixture(0, 8000, 8000, 2), 8000, WavFormat::float32, 2);
  const ProgramResult rooms = run_program("sunder-info", {at("rooms")});
  ASSERT_EQ(rooms.code, 0) << rooms.err;
  expect_contains(rooms.out, {"train          1 mixtures of 2 sources at 8000 Hz, 00:01, no clean sources",
                              "unssor on those of several microphones"});
  write("empty/notes.txt", "nothing to hear");
  const ProgramResult empty = run_program("sunder-info", {at("empty")});
  EXPECT_EQ(empty.code, 3);
  expect_contains(empty.err, {"found no file that is named"});
}

// A training on silence says so, and at which level it is.
TEST_F(RecordingsTest, SilenceIsNamed) {
  fs::create_directories(folder_ / "own");
  for (int i = 0; i < 4; ++i) {
    std::vector<float> faint = mixture(i, 8000, 8000);
    for (float& sample : faint) sample *= 1e-29f;
    write_wav(folder_ / fmt::format("own/{}.wav", i), faint, 8000);
  }
  const ProgramResult run = train("mixpit", "own", "run", with(short_segments, {"--max-epochs", "1"}));
  EXPECT_EQ(run.code, 0) << run.err;
  expect_contains(run.err, {"training segments so far hold nothing to learn from", "below -120 dB of full scale",
                            "the loudest at -60"});
}

}  // namespace
}  // namespace sunder
