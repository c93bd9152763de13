// Training programs on bad input: the exit code, one sentence that names the cause, and no partial results.
#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class BadInputTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    const ProgramResult made = prepare("set", 16);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  // Refused before anything is written: one line on stderr, no run folder.
  void expect_refused(const std::string& method, const std::vector<std::string>& more, int code,
                      const std::vector<std::string>& parts, const std::string& set = "set") const {
    SCOPED_TRACE(testing::PrintToString(more));
    const ProgramResult result = train(method, set, "refused", more);
    EXPECT_EQ(result.code, code) << result.err;
    expect_contains(result.err, {"sunder-train-" + method + ": "});
    expect_contains(result.err, parts);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(exists("refused"));
  }

  // Stops in the middle of training: the last line on stderr says why, no checkpoint is left.
  void expect_stopped(const std::string& set, int code, const std::vector<std::string>& parts,
                      const std::vector<std::string>& more = {}) const {
    SCOPED_TRACE(testing::PrintToString(parts));
    fs::remove_all(folder_ / "stopped");
    std::vector<std::string> all = {"--max-epochs", "1"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = train("pit", set, "stopped", all);
    EXPECT_EQ(result.code, code) << result.err;
    const std::string last = result.err.substr(result.err.rfind('\n', result.err.size() - 2) + 1);
    expect_contains(last, {"sunder-train-pit: "});
    expect_contains(last, parts);
    EXPECT_EQ(checkpoints("stopped"), std::vector<std::string>());
  }
};

TEST_F(BadInputTest, FlagsKeysAndValues) {
  write("typo.toml", "[optim]\nlearning_rate = 1\n[train]\nbatch = 4\n");
  write("near.toml", "[optim]\nclipp = 1.0\n");
  write("type.toml", "[train]\nbatch = 2.5\n");
  write("broken.toml", "[train\n");
  expect_refused("pit", {"--config", at("near.toml")}, 2,
                 {at("near.toml"), "unknown key 'optim.clipp'", "did you mean 'optim.clip'?"});
  expect_refused("pit", {"--config", at("typo.toml")}, 2, {at("typo.toml"), "'optim.learning_rate'"});
  expect_refused("pit", {"--config", at("type.toml")}, 2,
                 {at("type.toml"), "train.batch: expected a whole number", "'2.5'"});
  expect_refused("pit", {"--config", at("broken.toml")}, 3, {at("broken.toml"), "not valid TOML at line 1"});
  expect_refused("pit", {"--config", at("none.toml")}, 3, {at("none.toml") + ": no such file"});
  expect_refused("mixit", {"--max-epoch", "3"}, 2, {"unknown flag '--max-epoch'", "did you mean '--max-epochs'?"});
  expect_refused("mixit", {"--set", "optim.lr=fast"}, 2, {"--set optim.lr: expected a number", "'fast'"});
  expect_refused("mixit", {"--set", "train.bach=3"}, 2, {"unknown key 'train.bach'", "did you mean 'train.batch'?"});
  expect_refused("mixpit", {"--batch", "0"}, 2, {"--batch: expected a whole number of at least 1, got '0'"});
  expect_refused("mixpit", {"--precision", "fp16"}, 2,
                 {"--precision: expected one of fp64, fp32, tf32, bf16, got 'fp16'"});
  expect_refused("mixpit", {"--precision", "bf16", "--device", "cpu"}, 2,
                 {"precision bf16: expected a CUDA device; the CPU computes in fp32 and fp64"});
  expect_refused("mixpit", {"--device", "gpu"}, 2, {"gpu"});
  expect_refused("mixpit", {"--set", "model.architecture=unet"}, 2, {"model.architecture", "stft-conv-tasnet", "unet"});
  expect_refused("mixpit", {"--set", "model.kernel_size=4"}, 2, {"kernel_size", "4"});
  expect_refused("mixpit", {"--set", "model.hop_length=256"}, 2,
                 {"stft-conv-tasnet: n_fft: expected at least the hop length 256, got 128"});
}

TEST_F(BadInputTest, WhatAMethodCannotDo) {
  expect_refused("mixcycle", {"--batch", "3"}, 2, {"train.batch: expected a multiple of 2", "got 3"});
  const std::string reason = "expected a network whose estimates add up to the mixture for mixcycle";
  expect_refused("mixcycle", {"--set", "model.architecture=conv-tasnet"}, 2,
                 {"model.architecture: ", reason, "mixture_consistency", "got conv-tasnet"});
  expect_refused("mixcycle", {"--set", "model.masks=sigmoid"}, 2, {reason, "masks = shares", "got stft-conv-tasnet"});
  expect_refused("mixcycle", {"--set", "mixcycle.init_fraction=0.5"}, 2, {"mixcycle.init_fraction", "--max-minutes"});
  expect_refused("mixit", {"--set", "validation.select=blind"}, 2, {"validation.select", "2 outputs, this one has 4"});
  ASSERT_EQ(prepare("three", 16, 4, {"--sources", "3"}).code, 0);
  const std::vector<std::string> three = {"--set", "model.sources=3", "--batch", "4"};
  expect_refused("mixcycle", three, 2, {"train.batch: expected a multiple of 3", "got 4"}, "three");
  expect_refused("mixpit", {"--set", "model.sources=3", "--batch", "6"}, 3,
                 {"expected at least 18 training mixtures for 3 batches of train.batch = 6, got 16"}, "three");
  expect_refused("mixpit", {"--set", "model.sources=3", "--set", "validation.select=blind"}, 2,
                 {"validation.select", "2 outputs, this one has 3"}, "three");
  for (const auto& [method, range] :
       {std::pair("mixit", "1 to 8"), {"mixpit", "2 to 6"}, {"mixcycle", "2 to 6"}, {"pit", "1 to 6"}})
    expect_refused(method, {"--set", "model.sources=9"}, 2,
                   {fmt::format("model.sources: expected {} for {}, got 9", range, method)});
  expect_refused("pit", {}, 2, {"model.sources: the set " + at("three") + " has mixtures of 3 sources, got 2"},
                 "three");
  expect_refused("pit", {"--set", "model.sources=3"}, 2,
                 {"model.sources: the set " + at("set") + " has mixtures of 2 sources, got 3"});
}

TEST_F(BadInputTest, MissingAndEmptySets) {
  fs::create_directories(folder_ / "nothing");
  expect_refused("pit", {}, 3, {at("missing") + ": no such folder"}, "missing");
  expect_refused("pit", {}, 3, {at("nothing") + ": expected a mixture set with the split train"}, "nothing");
  ASSERT_EQ(prepare("untrained", 0).code, 0);
  expect_refused("pit", {}, 3, {at("untrained/train.csv")}, "untrained");
  ASSERT_EQ(prepare("unvalidated", 8, 0).code, 0);
  expect_refused("pit", {}, 3, {at("unvalidated/valid.csv")}, "unvalidated");
  write("cut/set.toml", read("set/set.toml").substr(0, 20));
  expect_refused("pit", {}, 3, {at("cut/set.toml")}, "cut");
  fs::rename(folder_ / "corpus", folder_ / "moved");
  expect_refused("pit", {}, 3, {"/corpus: the corpus of the mixture set " + at("set") + " is not there"});
}

TEST_F(BadInputTest, OneSpeakerMakesNoMixtures) {
  fs::remove_all(folder_ / "corpus");
  write_corpus("corpus", {{"train", 1}, {"valid", 2}, {"test", 2}});
  const ProgramResult made = prepare("alone", 4);
  EXPECT_EQ(made.code, 3);
  expect_contains(made.err, {at("corpus"), "train", "speaker"});
  EXPECT_EQ(std::count(made.err.begin(), made.err.end(), '\n'), 1) << made.err;
  EXPECT_FALSE(exists("alone"));
}

TEST_F(BadInputTest, BatchesAndSegmentsThatDoNotFit) {
  expect_refused("pit", {"--batch", "17"}, 3,
                 {at("set") + ": expected at least 17 training mixtures for a batch of train.batch = 17, got 16"});
  // A step takes two batches: with fewer an epoch would have no step.
  expect_refused("mixpit", {"--batch", "9"}, 3, {at("set") + ": expected at least 18 training mixtures", "got 16"});
  expect_refused("mixcycle", {"--batch", "10"}, 3, {at("set") + ": expected at least 20 training mixtures", "got 16"});
  expect_refused("pit", {"--set", "data.segment_seconds=0.005"}, 3,
                 {at("set"), "segments of 40 samples are shorter than the 65 that the network needs"});
  expect_refused("pit", {"--set", "model.n_fft=4096"}, 3,
                 {at("set"), "segments of 2000 samples are shorter than the 2049 that the network needs"});
}

TEST_F(BadInputTest, ItemsOfDifferentLengths) {
  ASSERT_EQ(prepare("wav", 8, 4, {"--write-audio"}).code, 0);
  fs::remove(folder_ / "wav/set.toml");
  const std::string name = fs::directory_iterator(folder_ / "wav/train/mix")->path().stem();
  for (const char* part : {"mix", "s1", "s2"})
    write_wav(folder_ / "wav/train" / part / (name + ".wav"), synthetic_voice(1, 1, 1500), rate);
  expect_refused("pit", {}, 3, {name, "1500", "2000", "set data.segment_seconds"}, "wav");
  EXPECT_EQ(train("pit", "wav", "run", {"--max-epochs", "1", "--set", "data.segment_seconds=0.2"}).code, 0);
  fs::remove(folder_ / "wav/train/s2" / (name + ".wav"));
  expect_refused("pit", {}, 3, {at("wav/train/s2/" + name + ".wav"), "no such file"}, "wav");
  fs::remove_all(folder_ / "wav/train/s2");
  expect_refused("pit", {}, 3, {at("wav/train"), "s1 and s2"}, "wav");
}

TEST_F(BadInputTest, RecordingsThatWentBadSinceTheListWasMade) {
  const std::string flac = read("corpus/s0_0.flac"), wav = read("corpus/s0_1.wav");
  const std::vector<float> voice = synthetic_voice(0, 1, samples);
  const auto attempt = [&](const std::string& name, const std::string& reason) {
    expect_stopped("set", 3, {"/corpus/" + name + ": ", reason});
    write("corpus/s0_0.flac", flac);
    write("corpus/s0_1.wav", wav);
  };
  fs::remove(folder_ / "corpus/s0_0.flac");
  attempt("s0_0.flac", "no such file");
  write("corpus/s0_0.flac", flac.substr(0, flac.size() / 2));
  attempt("s0_0.flac", "cut short");
  write("corpus/s0_1.wav", wav.substr(0, wav.size() / 2));
  attempt("s0_1.wav", "cut short");
  write("corpus/s0_1.wav", "");
  attempt("s0_1.wav", "empty file");
  write("corpus/s0_1.wav", "no sound at all");
  attempt("s0_1.wav", "cannot be read as audio");
  write_wav(folder_ / "corpus/s0_1.wav", std::vector<float>(samples, 0.0f), rate);
  attempt("s0_1.wav", "silent");
  write_wav(folder_ / "corpus/s0_1.wav", std::vector<float>(samples, 0.5f), rate);
  attempt("s0_1.wav", "silent");
  std::vector<float> both;
  for (const float sample : voice) both.insert(both.end(), {sample, -sample});
  write_wav(folder_ / "corpus/s0_1.wav", both, rate, WavFormat::float32, 2);
  attempt("s0_1.wav", "expected one channel, got 2");
  std::vector<float> broken = voice;
  broken[1234] = NAN;
  write_wav(folder_ / "corpus/s0_1.wav", broken, rate);
  attempt("s0_1.wav", "got nan at sample 1234");
  broken[1234] = INFINITY;
  write_wav(folder_ / "corpus/s0_1.wav", broken, rate);
  attempt("s0_1.wav", "got inf at sample 1234");
  // A word of another length or rate is no error: it is padded and converted.
  write_wav(folder_ / "corpus/s0_1.wav", synthetic_voice(0, 1, 700, 11025), 11025);
  EXPECT_EQ(train("pit", "set", "other", {"--max-epochs", "1"}).code, 0);
}

TEST_F(BadInputTest, LossesThatAreNotFiniteStopTheRun) {
  ASSERT_EQ(prepare("loud", 8, 4, {"--write-audio"}).code, 0);
  fs::remove(folder_ / "loud/set.toml");
  const std::vector<std::string> patience = {"--set", "train.nonfinite_patience=3", "--batch", "2"};
  std::vector<std::string> once = patience, more = patience;
  once.insert(once.end(), {"--max-epochs", "1"});
  more.insert(more.end(), {"--max-epochs", "9"});
  ASSERT_EQ(train("pit", "loud", "run", once).code, 0);
  const std::string before = read("run/checkpoints/last/model.safetensors");
  const auto names = checkpoints("run");

  // The squares of these samples overflow float32: every batch is bad from here on.
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "loud/train")) {
    if (entry.path().extension() != ".wav") continue;
    Audio audio = read_mono(entry.path());
    for (float& sample : audio.samples) sample *= 1e25f;
    write_wav(entry.path(), audio.samples, rate);
  }
  const ProgramResult result = resume("pit", "run", more);
  EXPECT_EQ(result.code, 5) << result.err;
  expect_contains(result.err, {"is not finite, update skipped (1 of 3 in a row)", "(3 of 3 in a row)",
                               "sunder-train-pit: diverged at step 7: 3 updates in a row were not finite",
                               at("run/diverged-batch.safetensors")});
  EXPECT_EQ(checkpoints("run"), names);
  EXPECT_EQ(read("run/checkpoints/last/model.safetensors"), before);
  const SafeTensors dump = read_safetensors(folder_ / "run/diverged-batch.safetensors");
  EXPECT_EQ(dump.tensors.at("mixtures").shape(), (Shape{2, samples}));
  EXPECT_EQ(dump.tensors.at("references").shape(), (Shape{2, 2, samples}));
}

TEST_F(BadInputTest, OneBadBatchIsLeftOut) {
  ASSERT_EQ(prepare("loud", 8, 4, {"--write-audio"}).code, 0);
  fs::remove(folder_ / "loud/set.toml");
  const std::string name = fs::directory_iterator(folder_ / "loud/train/mix")->path().filename();
  for (const char* part : {"mix", "s1", "s2"}) {
    Audio audio = read_mono(folder_ / "loud/train" / part / name);
    for (float& sample : audio.samples) sample *= 1e25f;
    write_wav(folder_ / "loud/train" / part / name, audio.samples, rate);
  }
  const ProgramResult result = train("pit", "loud", "run", {"--max-epochs", "2", "--batch", "2"});
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(result.err, {"update skipped (1 of 10 in a row)"});
  EXPECT_EQ(result.err.find("(2 of 10"), std::string::npos);
  for (const auto& row : metrics("run")) {
    if (!row.contains("train_loss")) continue;
    EXPECT_TRUE(row["train_loss"].is_number() && row["valid_si_snri"].is_number());
  }
  const SafeTensors model = read_safetensors(folder_ / "run/checkpoints/last/model.safetensors");
  for (const auto& [key, tensor] : model.tensors)
    for (const float value : tensor.to_vector<float>()) ASSERT_TRUE(std::isfinite(value)) << key;
}

class OutputTest : public BadInputTest {};

TEST_F(OutputTest, PlacesThatCannotBeWritten) {
  write("file", "x");
  for (const std::string& place : {std::string("/proc/none"), at("file"), at("file") + "/below"}) {
    const ProgramResult result =
        run_program("sunder-train-pit", {"--data", at("set"), "--batch", "4", "--output", place});
    EXPECT_EQ(result.code, 1) << result.err;
    expect_contains(result.err, {"sunder-train-pit: " + place, "run folder"});
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  EXPECT_EQ(read("file"), "x");
}

TEST_F(OutputTest, AFolderThatHoldsARunIsLeftAlone) {
  ASSERT_EQ(train("pit", "set", "run", {"--max-epochs", "1"}).code, 0);
  const std::string log = read("run/log.txt");
  const ProgramResult again = train("pit", "set", "run", {"--max-epochs", "1"});
  EXPECT_EQ(again.code, 2);
  expect_contains(again.err,
                  {at("run") + ": holds a run already; resume it with --resume auto or choose another --output"});
  EXPECT_EQ(read("run/log.txt"), log);
}

TEST_F(OutputTest, OneProgramAtATime) {
  Background first("sunder-train-pit", arguments("set", "run"), folder_ / "said.txt");
  wait_for_metrics("run", 1, first);
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume", "auto"}}) {
    const ProgramResult second = train("pit", "set", "run", more);
    EXPECT_EQ(second.code, 1) << second.err;
    expect_contains(second.err, {at("run") + ": another program is writing to this run folder"});
  }
  first.kill(SIGTERM);
  EXPECT_EQ(first.wait(), 75) << first.said();
}

TEST_F(OutputTest, AFullDiskLeavesTheCheckpointBefore) {
  const std::vector<std::string> often = {"--set", "train.checkpoint_minutes=1e-6", "--set", "train.log_seconds=1000"};
  std::vector<std::string> one = often, two = often;
  one.insert(one.end(), {"--max-epochs", "1"});
  two.insert(two.end(), {"--max-epochs", "2"});
  ASSERT_EQ(train("pit", "set", "whole", two).code, 0);
  ASSERT_EQ(train("pit", "set", "run", one).code, 0);
  const std::string before = read("run/checkpoints/last/model.safetensors");
  const auto names = checkpoints("run");
  // A limit on file size stands for a full disk: the logs fit, the model does not.
  ProgramSetup full;
  full.file_bytes = before.size() - 1;
  ASSERT_GT(full.file_bytes, read("run/config.toml").size());
  const ProgramResult result = resume("pit", "run", {"--max-epochs", "2"}, full);
  EXPECT_EQ(result.code, 1) << result.err;
  expect_contains(result.err,
                  {"sunder-train-pit: " + at("run/checkpoints/step-00000005"), "cannot save the checkpoint"});
  EXPECT_EQ(checkpoints("run"), names);
  EXPECT_EQ(read("run/checkpoints/last/model.safetensors"), before);
  ASSERT_EQ(resume("pit", "run", {"--max-epochs", "2"}).code, 0);
  expect_same_run("whole", "run");
}

TEST_F(OutputTest, DevicesThatAreNotThere) {
  const ProgramResult result = train("pit", "set", "run", {"--device", "cuda:63"});
  EXPECT_EQ(result.code, 6) << result.err;
  expect_contains(result.err, {"cuda"});
  EXPECT_FALSE(exists("run"));
}

}  // namespace
}  // namespace sunder
