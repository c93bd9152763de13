// Training, separating and scoring with several microphones, as a user does it.
#include "audio/auxiva_separation.h"
#include "audio/metrics/si_snr.h"
#include "audio/sets/mixture_set.h"
#include "files/csv.h"
#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

class FarFieldPrograms : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    std::string list = "path,speaker,split\n";
    int voice = 0;
    for (const std::string split : {"train", "valid", "test"})
      for (int speaker = 0; speaker < 2; ++speaker, ++voice)
        for (int take = 0; take < 4; ++take) {
          const std::string name = fmt::format("{}-{}-{}.wav", split, speaker, take);
          std::filesystem::create_directories(folder_ / "speech");
          write_wav(folder_ / "speech" / name, synthetic_voice(voice, take, 9000 + 300 * take, rate), rate);
          list += fmt::format("{0},{1}-{2},{1}\n", name, split, speaker);
        }
    write("speech/splits.csv", list);
    const ProgramResult made =
        run_program("sunder-prepare", {"rooms", "--speech", at("speech"), "--output", at("tree"), "--train", "4",
                                       "--valid", "2", "--test", "2", "--threads", "1"});
    ASSERT_EQ(made.code, 0) << made.err;
  }

  std::vector<std::string> far_arguments(const std::string& run, const std::vector<std::string>& more,
                                         const std::string& set) const {
    std::vector<std::string> result = {"--data", at(set), "--output", at(run)};
    for (const char* key :
         {"train.threads=1", "train.batch=2", "train.log_seconds=0", "data.segment_seconds=0.5", "data.crop=any",
          "model.architecture=tf-gridnet", "model.n_fft=64", "model.hop_length=16", "model.window=sqrt_hann",
          "model.microphones=6", "model.emb_dim=4", "model.num_blocks=1", "model.lstm_hidden=4", "model.heads=2",
          "model.qk_channels=1", "fcp.far_past=3", "fcp.close_past=3", "optim.clip=1", "validation.select=valid_loss"})
      result.insert(result.end(), {"--set", key});
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  ProgramResult train_far(const std::string& method, const std::string& run, const std::vector<std::string>& more = {},
                          const std::string& set = "tree") const {
    return run_program("sunder-train-" + method, far_arguments(run, more, set));
  }
};

TEST_F(FarFieldPrograms, M2mTrainsResumesSeparatesAndScores) {
  const ProgramResult whole = train_far("m2m", "whole", {"--max-epochs", "3"});
  ASSERT_EQ(whole.code, 0) << whole.err;
  ASSERT_EQ(train_far("m2m", "parts", {"--max-epochs", "2"}).code, 0);
  const ProgramResult resumed = resume("m2m", "parts", {"--max-epochs", "3"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_same_checkpoint("whole/checkpoints/last", "parts/checkpoints/last");
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  int validations = 0;
  for (const auto& row : metrics("whole"))
    if (row.contains("valid_loss")) {
      ++validations;
      EXPECT_GT(row["valid_loss"], 0) << "a distance";
      EXPECT_TRUE(std::isfinite(row["valid_si_snri"].get<double>()));
    }
  EXPECT_EQ(validations, 3);

  const auto metadata = read_safetensors(folder_ / "whole/checkpoints/best/model.safetensors").metadata;
  EXPECT_EQ(metadata.at("estimate"), "source");
  EXPECT_EQ(metadata.at("microphones"), "6");
  EXPECT_EQ(metadata.at("fcp_past"), "3");

  std::filesystem::path recording;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "tree/observation/test_eval92"))
    recording = entry.path();
  const ProgramResult separated =
      run_program("sunder-separate",
                  {"--model", at("whole/checkpoints/best"), recording.string(), "-o", at("out"), "--threads", "1"});
  ASSERT_EQ(separated.code, 0) << separated.err;
  const Audio heard = read_audio(recording);
  for (int s = 1; s <= 2; ++s) {
    const Audio voice = read_audio(folder_ / fmt::format("out/{}_s{}.wav", recording.stem().string(), s));
    EXPECT_EQ(voice.channels, 1);
    EXPECT_EQ(voice.frames, heard.frames);
  }
  EXPECT_TRUE(exists("out/" + recording.stem().string() + ".png"));
  // The tensors alone, as PyTorch saves them.
  const SafeTensors model = read_safetensors(folder_ / "whole/checkpoints/best/model.safetensors");
  write_safetensors(folder_ / "weights.safetensors", model.tensors);
  std::vector<std::string> plain = {"--model",
                                    at("weights.safetensors"),
                                    "--architecture",
                                    "tf-gridnet",
                                    "--hop-length",
                                    "16",
                                    recording.string(),
                                    "-o",
                                    at("plain"),
                                    "--threads",
                                    "1"};
  for (const char* key : {"estimate", "fcp_past", "fcp_future", "window"})
    plain.insert(plain.end(), {"--metadata", fmt::format("{}={}", key, model.metadata.at(key))});
  const ProgramResult again = run_program("sunder-separate", plain);
  ASSERT_EQ(again.code, 0) << again.err;
  const std::string first_voice = recording.stem().string() + "_s1.wav";
  EXPECT_EQ(read("plain/" + first_voice), read("out/" + first_voice));
  plain.insert(plain.end(), {"--metadata", "outptu=source"});
  const ProgramResult misspelt = run_program("sunder-separate", plain);
  EXPECT_EQ(misspelt.code, 2);
  expect_contains(misspelt.err, {"--metadata: expected KEY=VALUE", "got 'outptu=source'"});
  write_wav(folder_ / "mono.wav", std::vector<float>(8000, 0.1f), rate);
  const ProgramResult mono = run_program("sunder-separate", {"--model", at("whole"), at("mono.wav"), "-o", at("out")});
  EXPECT_EQ(mono.code, 3);
  expect_contains(mono.err, {"mono.wav: expected 6 channels, one for each of the model's microphones, got 1"});
  const ProgramResult chosen =
      run_program("sunder-separate", {"--model", at("whole"), at("mono.wav"), "-o", at("out"), "--channel", "1"});
  EXPECT_EQ(chosen.code, 2);
  expect_contains(chosen.err, {"--channel: the model takes all 6 channels"});

  const ProgramResult scored =
      run_program("sunder-evaluate",
                  {"--model", at("whole"), "--data", at("tree"), "--split", "test", "--metrics", "si_sdr,sdr",
                   "--oracles", "mixture", "--csv", at("items.csv"), "--html", at("report.html"), "--threads", "1"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const std::string csv = read("items.csv");
  expect_contains(csv, {"item,source,si_sdr,mixture_si_sdr,sdr,mixture_sdr\n", "\n0_"});
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 5) << csv;
  expect_contains(read("report.html"), {"<audio"});
}

// With as few microphones as speakers: the virtual ones are in the loss, of training and validation alike.
TEST_F(FarFieldPrograms, UnssorWithVirtualMicrophonesTrainsAndResumes) {
  const auto with_epochs = [](const std::string& epochs) {
    std::vector<std::string> all = {"--max-epochs", epochs};
    for (const char* key : {"model.microphones=2", "unssor.virtual=iva", "unssor.virtual_weight=0.5",
                            "unssor.anchor=0.5", "data.crop=active"})
      all.insert(all.end(), {"--set", key});
    return all;
  };
  const ProgramResult whole = train_far("unssor", "whole", with_epochs("3"));
  ASSERT_EQ(whole.code, 0) << whole.err;
  expect_contains(read("whole/log.txt"), {"2 virtual microphones by AuxIVA", "of the training segments are active"});
  ASSERT_EQ(train_far("unssor", "parts", with_epochs("2")).code, 0);
  const ProgramResult resumed = resume("unssor", "parts", {"--max-epochs", "3"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_same_checkpoint("whole/checkpoints/last", "parts/checkpoints/last");
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  std::vector<std::string> unweighted = with_epochs("1");
  unweighted.insert(unweighted.end(), {"--set", "unssor.virtual_weight=0", "--set", "unssor.anchor=0"});
  ASSERT_EQ(train_far("unssor", "unweighted", unweighted).code, 0);
  const auto first = metrics("whole").front(), without = metrics("unweighted").front();
  EXPECT_GT(first.at("loss").get<double>(), without.at("loss").get<double>() + 0.1) << "of the first step";
  const auto valid_loss = [&](const std::string& run) {
    for (const auto& row : metrics(run))
      if (row.contains("valid_loss")) return row["valid_loss"].get<double>();
    return 0.0;
  };
  EXPECT_GT(valid_loss("whole"), valid_loss("unweighted") + 0.1);
}

// Beside a model of one microphone AuxIVA separates all that the set has; without a model it is what is scored.
TEST_F(FarFieldPrograms, AuxIvaIsScoredBesideAModelAndAlone) {
  ASSERT_EQ(train_far("m2m", "one", {"--max-epochs", "1", "--set", "model.microphones=1"}).code, 0);
  const std::vector<std::string> common = {"--data", at("tree"), "--split", "test", "--threads", "1"};
  const auto evaluate = [&](std::vector<std::string> more) {
    more.insert(more.end(), common.begin(), common.end());
    return run_program("sunder-evaluate", more);
  };
  const ProgramResult beside =
      evaluate({"--model", at("one"), "--metrics", "si_snri", "--oracles", "auxiva", "--csv", at("beside.csv")});
  ASSERT_EQ(beside.code, 0) << beside.err;
  expect_contains(beside.out, {"SI-SNRi, AuxIVA, without training", "AuxIVA of 6 microphones"});
  const ProgramResult alone = evaluate({"--oracles", "mixture,auxiva", "--metrics", "si_snri,sdr", "--csv",
                                        at("alone.csv"), "--html", at("alone.html")});
  ASSERT_EQ(alone.code, 0) << alone.err;
  expect_contains(alone.out, {"AuxIVA of 6 microphones, data "});

  const CsvTable own = CsvTable::read(folder_ / "alone.csv"), other = CsvTable::read(folder_ / "beside.csv");
  const MixtureSet set = MixtureSet::open(folder_ / "tree", "test", {.channels = 6});
  ASSERT_EQ(own.size(), 2 * set.size());
  for (int64_t row = 0; row < own.size(); ++row) EXPECT_EQ(own.at(row, "si_snri"), other.at(row, "auxiva_si_snri"));
  for (int64_t i = 0; i < set.size(); ++i) {
    const Mixture item = set.load(i);
    const auto expected = mean_si_snri(score_separation(item.sources, auxiva_sources(item.mixture, rate),
                                                        item.mixture.slice(0, 1).reshape({item.length()})));
    EXPECT_NEAR((own.number(2 * i, "si_snri") + own.number(2 * i + 1, "si_snri")) / 2, expected.value(), 1e-3);
  }

  ASSERT_EQ(prepare("set", 4).code, 0);
  const ProgramResult mono = run_program("sunder-evaluate", {"--data", at("set"), "--oracles", "auxiva"});
  EXPECT_EQ(mono.code, 2);
  expect_contains(mono.err, {"AuxIVA: expected recordings of at least 2 microphones, got 1"});
  const ProgramResult files =
      run_program("sunder-evaluate", {"--references", at("set"), "--estimates", at("set"), "--oracles", "auxiva"});
  EXPECT_EQ(files.code, 2);
  expect_contains(files.err, {"--oracles auxiva: expected --data, a set of recordings of several microphones"});
}

TEST_F(FarFieldPrograms, EveryMethodTrains) {
  const std::vector<std::string> one_epoch = {"--max-epochs", "1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), one_epoch.begin(), one_epoch.end());
    return more;
  };
  const ProgramResult unssor = train_far("unssor", "unssor", one_epoch);
  EXPECT_EQ(unssor.code, 0) << unssor.err;
  const ProgramResult pit = train_far("pit", "pit", one_epoch);
  EXPECT_EQ(pit.code, 0) << pit.err;
  EXPECT_EQ(read_safetensors(folder_ / "pit/checkpoints/best/model.safetensors").metadata.at("estimate"), "image");
  const ProgramResult anchored = train_far("m2m", "anchored", with({"--set", "m2m.anchor=0.5"}));
  EXPECT_EQ(anchored.code, 0) << anchored.err;
  const ProgramResult one =
      train_far("m2m", "one", with({"--set", "model.microphones=1", "--set", "m2m.alpha=0.142857"}));
  EXPECT_EQ(one.code, 0) << one.err;
  // A waveform network trains on the first microphone alone; to it the tree is a set like any other.
  const ProgramResult mixcycle = train("mixcycle", "tree", "mixcycle",
                                       with({"--set", "data.segment_seconds=0.5", "--set", "mixcycle.init_epochs=0"}));
  EXPECT_EQ(mixcycle.code, 0) << mixcycle.err;
}

// Three speakers at 4 kHz, a close-talk microphone each.
TEST_F(FarFieldPrograms, ThreeSpeakersAtAnotherRate) {
  std::string list = "path,speaker,split\n";
  int voice = 0;
  for (const std::string split : {"train", "valid"})
    for (int speaker = 0; speaker < 3; ++speaker, ++voice)
      for (int take = 0; take < 3; ++take) {
        const std::string name = fmt::format("{}-{}-{}.wav", split, speaker, take);
        std::filesystem::create_directories(folder_ / "voices");
        write_wav(folder_ / "voices" / name, synthetic_voice(voice, take, 4500 + 150 * take, 4000), 4000);
        list += fmt::format("{0},{1}-{2},{1}\n", name, split, speaker);
      }
  write("voices/splits.csv", list);
  const ProgramResult made = run_program(
      "sunder-prepare", {"rooms", "--speech", at("voices"), "--output", at("three"), "--train", "2", "--valid", "1",
                         "--test", "0", "--threads", "1", "--sources", "3", "--sample-rate", "4000"});
  ASSERT_EQ(made.code, 0) << made.err;
  for (const std::string method : {"pit", "m2m", "unssor"}) {
    const ProgramResult run =
        train_far(method, method, {"--max-epochs", "2", "--on-the-fly", "--set", "model.sources=3"}, "three");
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_TRUE(std::isfinite(metrics(method).back()["valid_si_snri"].get<double>()));
    const auto metadata = read_safetensors(folder_ / method / "checkpoints/best/model.safetensors").metadata;
    EXPECT_EQ(metadata.at("sources"), "3");
    EXPECT_EQ(metadata.at("sample_rate"), "4000");
  }
  for (const std::string method : {"pit", "m2m"}) {
    const ProgramResult two = train_far(method, "refused", {}, "three");
    EXPECT_EQ(two.code, 2);
    expect_contains(two.err, {"model.sources: the set " + at("three") + " has mixtures of 3 sources, got 2"});
    EXPECT_FALSE(exists("refused"));
  }
}

// New rooms every epoch: the first epoch has the tree's recordings, the second has others.
TEST_F(FarFieldPrograms, RoomsAreDrawnAnewEveryEpoch) {
  for (const std::string on_the_fly : {"false", "true"})
    ASSERT_EQ(train_far("m2m", on_the_fly, {"--max-epochs", "2", "--set", "data.on_the_fly=" + on_the_fly}).code, 0);
  const auto still = metrics("false"), drawn = metrics("true");
  ASSERT_EQ(still.size(), drawn.size());
  EXPECT_EQ(still[0], drawn[0]);
  EXPECT_NE(still.back()["train_loss"], drawn.back()["train_loss"]);
}

TEST_F(FarFieldPrograms, ThePlateauScheduleLowersTheRate) {
  // This rate is 0 in float32, so that nothing is learned and the first validation stays the best.
  const ProgramResult run = train_far("m2m", "flat",
                                      {"--max-epochs", "9", "--set", "optim.lr=1e-300", "--set",
                                       "optim.plateau_patience=1", "--set", "optim.min_lr=2.6e-301"});
  ASSERT_EQ(run.code, 0) << run.err;
  const std::string log = read("flat/log.txt");
  expect_contains(
      log, {"no better score in 2 validations: the learning rate is now 5e-301", "the learning rate is now 2.5e-301"});
  EXPECT_EQ(metrics("flat").back()["epoch"], 4) << "one validation that is best, then twice two that are not";
}

// A resumed run draws the same rooms for its epoch and continues the plateau schedule.
TEST_F(FarFieldPrograms, NewRoomsAndPlateausResume) {
  const std::vector<std::string> options = {"--on-the-fly", "--set", "optim.lr=1e-300", "--set",
                                            "optim.plateau_patience=2"};
  const auto with_epochs = [&](const std::string& epochs) {
    std::vector<std::string> all = {"--max-epochs", epochs};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  };
  ASSERT_EQ(train_far("m2m", "whole", with_epochs("5")).code, 0);
  ASSERT_EQ(train_far("m2m", "parts", with_epochs("3")).code, 0);
  EXPECT_EQ(state("parts/checkpoints/last")["plateau_validations"], 2) << "in the middle of a plateau";
  const ProgramResult resumed = resume("m2m", "parts", {"--max-epochs", "5"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_same_checkpoint("whole/checkpoints/last", "parts/checkpoints/last");
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  expect_contains(read("parts/log.txt"), {"the learning rate is now 5e-301"});
}

// Real recordings have no references at the array.
TEST_F(FarFieldPrograms, MixturesAloneAreEnough) {
  auto list = nlohmann::json::parse(read("tree/sms_wsj.json"));
  for (auto& [set, examples] : list["datasets"].items())
    for (auto& [id, example] : examples.items())
      std::erase_if(example["audio_path"].get_ref<nlohmann::json::object_t&>(),
                    [](const auto& path) { return path.first != "observation" && path.first != "ct_observation"; });
  write("tree/sms_wsj.json", list.dump());
  for (const char* signal : {"speech_image", "sources"})
    ASSERT_GT(std::filesystem::remove_all(folder_ / "tree" / signal), 0u) << signal;
  for (const std::string method : {"m2m", "unssor"}) {
    const ProgramResult run = train_far(method, method, {"--max-epochs", "2"});
    ASSERT_EQ(run.code, 0) << run.err;
    const auto last = metrics(method).back();
    EXPECT_GT(last["valid_loss"], 0);
    EXPECT_TRUE(last["valid_collapse_db"].is_number());
    EXPECT_FALSE(last.contains("valid_si_snri"));
    expect_contains(read(method + "/log.txt"), {"2 validation mixtures without clean sources"});
  }
  const ProgramResult chosen = train_far("m2m", "chosen", {"--set", "validation.select=si_snri", "--max-epochs", "1"});
  EXPECT_EQ(chosen.code, 0) << chosen.err;
  expect_contains(chosen.err, {"validation.select is valid_loss for this run"});
  const ProgramResult pit = train_far("pit", "pit");
  EXPECT_EQ(pit.code, 3);
  expect_contains(pit.err, {"expected speaker images (speech_image), or their early and tail parts, found none"});
}

TEST_F(FarFieldPrograms, WhatDoesNotFitIsRefused) {
  const auto refused = [&](const std::string& method, int code, const std::vector<std::string>& parts,
                           const std::vector<std::string>& more, const std::string& set = "tree") {
    const ProgramResult result = train_far(method, "refused", more, set);
    EXPECT_EQ(result.code, code) << result.err;
    expect_contains(result.err, parts);
    EXPECT_FALSE(exists("refused/checkpoints"));
  };
  refused("m2m", 2, {"model.architecture: expected a spectral network (tf-gridnet) for m2m, got stft-conv-tasnet"},
          {"--set", "model.architecture=stft-conv-tasnet", "--set", "model.microphones=1"});
  refused("pit", 2, {"is not a key of stft-conv-tasnet"},
          {"--set", "model.architecture=stft-conv-tasnet", "--set", "validation.select=si_snri"});
  refused("unssor", 2, {"model.microphones: expected more than the 2 sources for UNSSOR, got 2"},
          {"--set", "model.microphones=2"});
  refused("unssor", 2,
          {"model.microphones: expected at least the 2 sources for UNSSOR with virtual microphones, got 1"},
          {"--set", "model.microphones=1", "--set", "unssor.virtual=iva"});
  refused("unssor", 2, {"unssor.anchor: expected 0 without virtual microphones (unssor.virtual), got 0.5"},
          {"--set", "unssor.anchor=0.5"});
  refused("unssor", 2, {"data.crop: expected whole-second or any for unssor, which hears no speaker alone"},
          {"--set", "data.crop=active"});
  refused("m2m", 2, {"optim.decay: expected train.max_epochs or train.max_minutes for 'linear', got neither"},
          {"--set", "optim.decay=linear", "--set", "train.max_epochs=0"});
  refused("m2m", 3, {"expected at least 7 microphones, found 6"}, {"--set", "model.microphones=7"});
  refused("m2m", 2, {"data.segment_seconds: expected more than the 5 frames that a filter spans, got 5"},
          {"--set", "data.segment_seconds=0.008"});
  refused("m2m", 2, {"fcp: expected filters of at most 128 frames, got 127 past and 1 future ones"},
          {"--set", "fcp.far_past=127"});
  refused("m2m", 2, {"optim.min_lr: expected less than optim.lr"}, {"--set", "optim.min_lr=0.5"});
  refused("mixpit", 2, {"model.microphones: expected 1 for mixpit, which works on waveforms, got 6"},
          {"--set", "validation.select=si_snri"});
  refused("pit", 2, {"train.dynamic_mixing"}, {"--set", "train.dynamic_mixing=true"});
  ASSERT_EQ(prepare("set", 4).code, 0);
  refused("m2m", 3, {"set: expected recordings of several microphones (sms_wsj.json), found none"}, {}, "set");
  // A tree of SMS-WSJ itself has no close-talk microphones.
  std::string list = read("tree/sms_wsj.json");
  for (size_t at = list.find("ct_observation"); at != std::string::npos; at = list.find("ct_observation", at))
    list.replace(at, 14, "xx_observation");
  write("tree/sms_wsj.json", list);
  refused("m2m", 3, {"expected a close-talk microphone for each of 2 speakers (ct_observation), found 0"}, {});
  EXPECT_EQ(train_far("unssor", "plain", {"--max-epochs", "1"}).code, 0);
  std::filesystem::remove_all(folder_ / "tree/observation");
  refused("unssor", 3, {"observation", "no such file"}, {});
}

}  // namespace
}  // namespace sunder
