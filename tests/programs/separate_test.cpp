#include "tests/golden.h"
#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

class SeparateTest : public ProgramTest {
 protected:
  ProgramResult separate(std::vector<std::string> arguments, const ProgramSetup& setup = {}) const {
    for (const char* more : {"-o", "out", "--threads", "1", "--force"}) arguments.push_back(more);
    if (std::find(arguments.begin(), arguments.end(), "--model") == arguments.end())
      arguments.insert(arguments.begin(), {"--model", write_model("model.safetensors")});
    ProgramSetup here = setup;
    if (here.folder.empty()) here.folder = folder_.string();
    return run_program("sunder-separate", arguments, here);
  }

  void expect_sum(const std::string& stem, const std::vector<float>& mixture, float tolerance) const {
    const Audio first = audio("out/" + stem + "_s1.wav"), second = audio("out/" + stem + "_s2.wav");
    ASSERT_EQ(first.samples.size(), mixture.size());
    ASSERT_EQ(second.samples.size(), mixture.size());
    float largest = 0, apart = 0;
    for (size_t t = 0; t < mixture.size(); ++t) {
      largest = std::max(largest, std::abs(first.samples[t] + second.samples[t] - mixture[t]));
      apart = std::max(apart, std::abs(first.samples[t] - second.samples[t]));
    }
    EXPECT_LE(largest, tolerance);
    EXPECT_GT(apart, 0.001f) << "the estimates are the same";
  }
};

TEST_F(SeparateTest, WritesOneFloatFilePerVoiceAndAPicture) {
  const std::vector<float> mixture = write_noise("mix.wav", 9001, 1);
  const ProgramResult result = separate({"mix.wav"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "out/mix_s1.wav\nout/mix_s2.wav\nout/mix.png\n");
  EXPECT_EQ(audio("out/mix_s1.wav").sample_rate, 8000);
  expect_sum("mix", mixture, 1e-5f);
  EXPECT_EQ(read("out/mix_s1.wav").substr(20, 2), std::string("\3\0", 2)) << "format 3 of a WAV file is float";
  EXPECT_EQ(read("out/mix.png").substr(1, 3), "PNG");
}

TEST_F(SeparateTest, KeepsRateAndLengthOfOtherRates) {
  for (const int rate : {11025, 16000, 44100}) {
    const std::string stem = fmt::format("at{}", rate);
    write_tone(stem + ".wav", rate + 7, rate);
    const ProgramResult result = separate({stem + ".wav", "--no-pictures"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_FALSE(exists("out/" + stem + ".png"));
    const Audio first = audio("out/" + stem + "_s1.wav"), second = audio("out/" + stem + "_s2.wav");
    EXPECT_EQ(first.sample_rate, rate);
    ASSERT_EQ(first.frames, rate + 7);
    ASSERT_EQ(second.frames, rate + 7);
    // A tone of 440 Hz passes both rate conversions: away from the ends the estimates add up to it.
    const Audio tone = audio(stem + ".wav");
    for (int64_t t = rate / 4; t < rate * 3 / 4; ++t)
      ASSERT_NEAR(first.samples[t] + second.samples[t], tone.samples[t], 1e-3) << rate << " Hz, sample " << t;
  }
}

TEST_F(SeparateTest, LongRecordingsRunInChunks) {
  const std::vector<float> mixture = write_noise("long.wav", 50001, 2);
  ASSERT_EQ(separate({"long.wav", "--chunk-seconds", "1.5"}).code, 0);
  expect_sum("long", mixture, 1e-5f);
  const std::vector<float> chunked = audio("out/long_s1.wav").samples;
  ASSERT_EQ(separate({"long.wav"}).code, 0);
  const std::vector<float> whole = audio("out/long_s1.wav").samples;
  float apart = 0;
  for (size_t t = 0; t < whole.size(); ++t) apart = std::max(apart, std::abs(whole[t] - chunked[t]));
  EXPECT_GT(apart, 0) << "no chunks were used";
  EXPECT_LT(apart, 0.1f) << "chunks exchange the voices";
}

TEST_F(SeparateTest, ShortestInputs) {
  for (const int64_t samples : {1, 2, 100, 128, 129}) {
    const std::string stem = fmt::format("n{}", samples);
    const std::vector<float> mixture = write_noise(stem + ".wav", samples, 3);
    const ProgramResult result = separate({stem + ".wav"});
    ASSERT_EQ(result.code, 0) << samples << ": " << result.err;
    const Audio first = audio("out/" + stem + "_s1.wav"), second = audio("out/" + stem + "_s2.wav");
    ASSERT_EQ(first.frames, samples);
    for (int64_t t = 0; t < samples; ++t)
      EXPECT_NEAR(first.samples[t] + second.samples[t], mixture[t], 1e-5) << samples;
  }
}

TEST_F(SeparateTest, SilenceGivesSilenceAndAWarning) {
  write_wav(folder_ / "quiet.wav", std::vector<float>(4000, 0.0f), 8000);
  const ProgramResult result = separate({"quiet.wav"});
  EXPECT_EQ(result.code, 0);
  expect_contains(result.err, {"quiet.wav", "silent"});
  for (const char* name : {"out/quiet_s1.wav", "out/quiet_s2.wav"})
    EXPECT_EQ(audio(name).samples, std::vector<float>(4000, 0.0f));
}

TEST_F(SeparateTest, ChannelsAreChosen) {
  const std::vector<float> left = write_noise("left.wav", 5000, 4), right = write_noise("right.wav", 5000, 5);
  std::vector<float> both;
  for (size_t t = 0; t < left.size(); ++t) both.insert(both.end(), {left[t], right[t]});
  write_wav(folder_ / "both.wav", both, 8000, WavFormat::float32, 2);
  const ProgramResult refused = separate({"both.wav"});
  EXPECT_EQ(refused.code, 3);
  expect_contains(refused.err, {"both.wav: expected one channel, got 2; choose one with --channel 1 to 2"});
  ASSERT_EQ(separate({"right.wav"}).code, 0);
  ASSERT_EQ(separate({"both.wav", "--channel", "2"}).code, 0);
  EXPECT_EQ(read("out/both_s1.wav"), read("out/right_s1.wav"));
  EXPECT_EQ(separate({"both.wav", "--channel", "3"}).code, 3);
}

TEST_F(SeparateTest, BadRecordingsAreNamed) {
  write_noise("good.wav", 4000, 6);
  write("empty.wav", "");
  write("text.wav", "this is no sound");
  write("cut.wav", read("good.wav").substr(0, 9000));
  std::vector<float> broken(4000, 0.1f);
  broken[17] = NAN;
  write_wav(folder_ / "nan.wav", broken, 8000);
  const std::map<std::string, std::string> reasons = {{"missing.wav", "no such file"},
                                                      {"empty.wav", "empty file"},
                                                      {"text.wav", "cannot be read as audio"},
                                                      {"cut.wav", "cut short"},
                                                      {"nan.wav", "sample 17"}};
  for (const auto& [name, reason] : reasons) {
    const ProgramResult result = separate({name});
    EXPECT_EQ(result.code, 3) << name;
    expect_contains(result.err, {"sunder-separate: " + name, reason});
    EXPECT_EQ(result.out, "");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));

  const ProgramResult batch = separate({"missing.wav", "good.wav", "nan.wav"});
  EXPECT_EQ(batch.code, 7);
  expect_contains(batch.err, {"missing.wav: no such file", "nan.wav: expected finite", "2 of 3 files failed"});
  EXPECT_TRUE(exists("out/good_s1.wav"));
  EXPECT_FALSE(exists("out/nan_s1.wav"));
}

TEST_F(SeparateTest, FilesNeverReplaceEachOther) {
  write_noise("a/x.wav", 4000, 7);
  write_noise("b/x.wav", 4000, 8);
  const ProgramResult twice = separate({"a/x.wav", "b/x.wav"});
  EXPECT_EQ(twice.code, 2);
  expect_contains(twice.err, {"a/x.wav and b/x.wav would both be written to out/x_s1.wav"});
  EXPECT_FALSE(exists("out"));
  write_noise("out/y.wav", 4000, 9);
  write_noise("out/y_s1.wav", 4000, 10);
  const std::string before = read("out/y_s1.wav");
  const ProgramResult own = separate({"out/y.wav", "out/y_s1.wav"});
  EXPECT_EQ(own.code, 2);
  expect_contains(own.err, {"out/y_s1.wav: is an input"});
  EXPECT_EQ(read("out/y_s1.wav"), before);
}

TEST_F(SeparateTest, ResultsAreReplacedWholeOrNotAtAll) {
  write_noise("mix.wav", 20000, 11);
  write("out/mix_s1.wav", "what was here before");
  const ProgramResult full = separate({"mix.wav"}, {.file_bytes = 20000});
  EXPECT_EQ(full.code, 1);
  expect_contains(full.err, {"out/mix_s1.wav: cannot be written"});
  EXPECT_EQ(read("out/mix_s1.wav"), "what was here before");
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out"))
    EXPECT_EQ(entry.path().filename(), "mix_s1.wav") << "left behind";
  EXPECT_EQ(separate({"mix.wav"}).code, 0);
  EXPECT_EQ(audio("out/mix_s1.wav").frames, 20000);
}

TEST_F(SeparateTest, UnwritableFoldersAreRefused) {
  write_noise("mix.wav", 4000, 12);
  write("out", "a file where the folder should be");
  const ProgramResult result = separate({"mix.wav"});
  EXPECT_EQ(result.code, 1);
  expect_contains(result.err, {"out: cannot be created"});
}

TEST_F(SeparateTest, UsageAndModelsAreChecked) {
  write_noise("mix.wav", 4000, 13);
  const std::string model = write_model("model.safetensors");
  EXPECT_EQ(run_program("sunder-separate", {"--model", model, "-o", at("out")}).code, 2);
  const ProgramResult typo = separate({"mix.wav", "--chunk-second", "3"});
  EXPECT_EQ(typo.code, 2);
  expect_contains(typo.err, {"unknown flag '--chunk-second', did you mean '--chunk-seconds'?"});
  const ProgramResult missing = separate({"--model", "nowhere", "mix.wav"});
  EXPECT_EQ(missing.code, 4);
  expect_contains(missing.err, {"nowhere"});
  write("half.safetensors", read("model.safetensors").substr(0, 5000));
  EXPECT_EQ(separate({"--model", "half.safetensors", "mix.wav"}).code, 4);
  EXPECT_EQ(separate({"--model", model, "--num-layers", "3", "mix.wav"}).code, 4) << "contradicts the metadata";
  EXPECT_EQ(separate({"--model", model, "--device", "cuda:63", "mix.wav"}).code, 6);
  const ProgramResult help = run_program("sunder-separate", {"--help"});
  EXPECT_EQ(help.code, 0);
  expect_contains(help.out, {"--chunk-seconds", "32-bit float", "--model RUN/checkpoints/best mixture.wav -o",
                             "7 some files of a batch failed"});
}

TEST_F(SeparateTest, FlagsComeFromTheEnvironment) {
  write_noise("mix.wav", 4000, 14);
  const ProgramResult result = run_program("sunder-separate", {at("mix.wav")},
                                           {.environment = {{"SUNDER_MODEL", write_model("model.safetensors")},
                                                            {"SUNDER_OUTPUT", at("elsewhere")},
                                                            {"SUNDER_NO_PICTURES", "true"}}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(exists("elsewhere/mix_s2.wav"));
  EXPECT_FALSE(exists("elsewhere/mix.png"));
}

// A state dict as PyTorch saves it: the network's tensors in float32, no metadata.
TEST_F(SeparateTest, StateDictFromPyTorchGivesItsSamples) {
  SUNDER_NEEDS_SHARED("golden/models/stft_conv_tasnet_s2.safetensors");
  const Golden golden("stft_conv_tasnet_s2", DType::float32);
  std::map<std::string, Tensor> weights;
  for (const auto& [name, tensor] : golden.file().tensors)
    if (name.starts_with("mask_generator.")) weights[name] = tensor.cast(DType::float32);
  write_safetensors(folder_ / "weights.safetensors", weights);
  const Tensor input = golden("input"), output = golden("output");
  const int64_t length = input.size(2), sources = output.size(1);
  write_wav(folder_ / "mixture.wav", {input.data<float>(), static_cast<size_t>(length)}, 8000);

  std::vector<std::string> arguments = {"--model", "weights.safetensors", "mixture.wav"};
  const ProgramResult unnamed = separate(arguments);
  EXPECT_EQ(unnamed.code, 4);
  expect_contains(unnamed.err, {"--architecture"});
  arguments.insert(arguments.end(), {"--architecture", "stft-conv-tasnet"});
  for (const char* key : {"num_layers", "num_stacks", "hop_length"}) {
    std::string flag = "--" + std::string(key);
    std::replace(flag.begin(), flag.end(), '_', '-');
    arguments.insert(arguments.end(), {flag, golden.file().metadata.at(key)});
  }
  const ProgramResult result = separate(arguments);
  ASSERT_EQ(result.code, 0) << result.err;
  for (int64_t s = 0; s < sources; ++s) {
    const Audio estimate = audio(fmt::format("out/mixture_s{}.wav", s + 1));
    ASSERT_EQ(estimate.frames, length);
    double largest = 0;
    for (int64_t t = 0; t < length; ++t)
      largest = std::max<double>(largest, std::abs(estimate.samples[t] - output.data<float>()[s * length + t]));
    EXPECT_LE(largest, 1e-5) << "source " << s + 1;
  }
}

}  // namespace
}  // namespace sunder
