#include "evaluate/evaluation.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "evaluate/item_memory.h"
#include "evaluate/score_folders.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using Names = std::vector<std::string>;

// Two masks of fixed share, and nothing finite from 1e18 on, as in a network that squares its input in float32.
class Overflowing : public Separator {
 public:
  Variable forward(const Tensor& mixture) const override {
    const int64_t batch = mixture.size(0), length = mixture.size(1);
    if (batch > 1 && together_fails) throw OutOfMemory("no memory for a batch", 1);
    const Tensor estimates = Tensor::empty({batch, 2, length}, DType::float32);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t t = 0; t < length; ++t) {
        const float x = mixture.data<float>()[b * length + t];
        for (int64_t s = 0; s < 2; ++s)
          estimates.mutable_data<float>()[(2 * b + s) * length + t] = x * x > 1e36f ? NAN : (s == 0 ? 0.75f : 0.5f) * x;
      }
    return Variable(estimates);
  }
  int64_t sources() const override { return 2; }
  int64_t shortest_input() const override { return 1; }
  std::map<std::string, std::string> metadata() const override { return {}; }

  bool together_fails = false;
};

class EvaluationTest : public ScratchFolder {
 protected:
  // set/test/{mix,s1,s2}/<name>.wav; the mixture's level is that of `level`.
  void write_item(const std::string& name, float level) const {
    write_tone("set/test/s1/" + name + ".wav", 400, 8000, level, 440);
    write_tone("set/test/s2/" + name + ".wav", 400, 8000, level, 700);
    write_tone("set/test/mix/" + name + ".wav", 400, 8000, level, 570);
  }
  void write_pair(const std::string& name) const {
    write_tone("refs/" + name + ".wav", 400);
    write_tone("ests/" + name + ".wav", 400, 8000, 0.5f, 450);
  }
  std::vector<ScoredFiles> pairs() const { return find_scored_files(folder_ / "refs", folder_ / "ests", "").items; }

  void SetUp() override {
    ScratchFolder::SetUp();
    options_.metrics = {"si_sdr"};
    options_.oracles = {"none"};
    options_.failed = [this](const ScoredItem& item, const Error& error) {
      told_.push_back(item.name + ": " + error.what());
    };
  }

  Names told_;
  EvaluationOptions options_;
};

Names failed(const Evaluation& evaluation) {
  Names names;
  for (const ScoredItem& item : evaluation.table.items) {
    EXPECT_EQ(item.has_scores(), !item.scores.empty()) << item.name;
    if (!item.failed.empty()) names.push_back(item.name);
  }
  return names;
}

// A broken file and one too large for the memory cost only their own items.
TEST_F(EvaluationTest, BadFilesCostOnlyTheirItems) {
  for (const char* name : {"a", "b", "c", "d"}) write_pair(name);
  write("ests/b.wav", read("refs/b.wav").substr(0, 500));
  write_tone("ests/c.wav", 399);
  const Evaluation evaluation = evaluate_files(pairs(), Align::none, options_);
  EXPECT_EQ(failed(evaluation), (Names{"b", "c"}));
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_NE(told_[0].find("b.wav: "), std::string::npos);
  EXPECT_NE(told_[1].find("expected 400 samples"), std::string::npos);
  EXPECT_EQ(scores_csv(evaluation.table).substr(0, 22), "item,source,si_sdr\na,s");
  EXPECT_NE(scores_csv(evaluation.table).find("b,s1,\nc,s1,\nd,s1,"), std::string::npos);
  EXPECT_NE(scores_json(evaluation.table, {}).find("\"failed\": [\n    {\n      \"item\": \"b\""), std::string::npos);
  EXPECT_EQ(summarise(evaluation.table, 0).count, 2);
}

TEST_F(EvaluationTest, FilesTooLargeForTheMemoryAreNamed) {
  write_pair("a");
  write_tone("refs/b.wav", 4000);
  write_tone("ests/b.wav", 4000);
  options_.memory_bytes = 2 * 2 * 8 * 1000;
  const Evaluation evaluation = evaluate_files(pairs(), Align::none, options_);
  EXPECT_EQ(failed(evaluation), Names{"b"});
  EXPECT_NE(told_.at(0).find("b.wav: too large for the memory"), std::string::npos);
  options_.memory_bytes = 1;
  expect_error<OutOfMemory>([&] { evaluate_files(pairs(), Align::none, options_); }, {"a.wav: too large"});
  EXPECT_GT(available_memory_bytes(), int64_t{1} << 20);
}

TEST_F(EvaluationTest, AModelsItemTooLargeForTheMemoryIsNamed) {
  for (const char* name : {"a", "b"}) write_item(name, 0.5f);
  for (const char* source : {"mix", "s1", "s2"}) write_tone(fmt::format("set/test/{}/b.wav", source), 4000);
  const MixtureSet set = MixtureSet::open(folder_ / "set", "test");
  options_.memory_bytes = 4 * 5 * 1000;
  EXPECT_EQ(failed(evaluate_model(Overflowing(), set, 4, options_)), Names{"b"});
  EXPECT_NE(told_.at(0).find("b: too large for the memory"), std::string::npos);
}

// Whatever allocates may fail.
TEST_F(EvaluationTest, NoMemoryForOneItemCostsOnlyThatItem) {
  for (const char* name : {"a", "b", "c"}) write_pair(name);
  write_tone("ests/b.wav", 400, 8000, 0.125f);
  options_.metrics = {"pesq_nb"};
  options_.scoring.pesq = [](std::span<const float>, std::span<const float> degraded, int, PesqBand) -> Score {
    if (*std::max_element(degraded.begin(), degraded.end()) < 0.2f) throw std::bad_alloc();
    return {3.0};
  };
  const Evaluation evaluation = evaluate_files(pairs(), Align::none, options_);
  EXPECT_EQ(failed(evaluation), Names{"b"});
  EXPECT_EQ(told_, Names{"b: out of memory"});
  EXPECT_EQ(*summarise(evaluation.table, 0).mean, 3);
}

TEST_F(EvaluationTest, AModelsItemsFailAlone) {
  for (const char* name : {"a", "b", "c", "d"}) write_item(name, 0.5f);
  write_item("b", 1e30f);
  write("set/test/s2/d.wav", read("set/test/s1/d.wav").substr(0, 500));
  const MixtureSet set = MixtureSet::open(folder_ / "set", "test");
  const Overflowing network;
  const Evaluation evaluation = evaluate_model(network, set, 4, options_);
  EXPECT_EQ(failed(evaluation), (Names{"b", "d"}));
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_NE(told_[0].find("b: the recording is too loud for the network"), std::string::npos) << told_[0];
  EXPECT_NE(told_[0].find("samples reach 1e+30"), std::string::npos) << told_[0];
  EXPECT_NE(told_[1].find("d.wav"), std::string::npos) << told_[1];
  EXPECT_EQ(summarise(evaluation.table, 0).count, 4);
}

// Where all items fail, the first one's name and kind are the failure's.
TEST_F(EvaluationTest, TheFirstOfAllFailuresIsNamed) {
  write_item("a", 1e30f);
  const MixtureSet one = MixtureSet::open(folder_ / "set", "test");
  expect_error<Error>([&] { evaluate_model(Overflowing(), one, 4, options_); }, {"a: the recording is too loud"});
  EXPECT_EQ(told_, Names{}) << "said once";
  for (const char* name : {"x", "y"}) write_pair(name);
  write_tone("ests/x.wav", 399);
  write_tone("ests/y.wav", 398);
  EXPECT_THROW(evaluate_files(pairs(), Align::none, options_), LengthsDiffer);
}

// A batch that does not fit goes item by item, to the same scores.
TEST_F(EvaluationTest, ABatchThatDoesNotFitGoesOneByOne) {
  for (const char* name : {"a", "b", "c"}) write_item(name, 0.5f);
  const MixtureSet set = MixtureSet::open(folder_ / "set", "test");
  Overflowing network;
  const std::string whole = scores_csv(evaluate_model(network, set, 4, options_).table);
  network.together_fails = true;
  EXPECT_EQ(scores_csv(evaluate_model(network, set, 4, options_).table), whole);
  EXPECT_EQ(told_, Names{});
}

// No item's fault: nothing is scored.
TEST_F(EvaluationTest, OtherFailuresAreThrown) {
  for (const char* name : {"a", "b"}) write_pair(name);
  options_.metrics = {"pesq_nb"};
  options_.scoring.pesq = [](std::span<const float>, std::span<const float>, int, PesqBand) -> Score {
    throw std::logic_error("a bug");
  };
  EXPECT_THROW(evaluate_files(pairs(), Align::none, options_), std::logic_error);
  options_.scoring.permutation_by = "stoi";
  EXPECT_THROW(evaluate_files(pairs(), Align::none, options_), UsageError);
}

// 64-bit files are scored as they are: an error at -180 dB is no rounding to 32 bits (162.5 dB).
TEST_F(EvaluationTest, SixtyFourBitsAreScoredUnrounded) {
  const int64_t length = 8000;
  std::vector<double> reference(length), estimate(length);
  for (int64_t t = 0; t < length; ++t) {
    const double turn = 2 * M_PI * static_cast<double>(t) / 80;
    reference[t] = 0.5 * std::sin(turn);
    estimate[t] = reference[t] + 0.5e-9 * std::cos(turn);
  }
  for (const char* folder : {"refs", "ests"}) std::filesystem::create_directory(folder_ / folder);
  write_wav_float64(folder_ / "refs/x.wav", reference, 8000);
  write_wav_float64(folder_ / "ests/x.wav", estimate, 8000);
  options_.metrics = {"si_sdr", "snr"};
  const Evaluation evaluation = evaluate_files(pairs(), Align::none, options_);
  for (size_t c = 0; c < 2; ++c) EXPECT_NEAR(*evaluation.table.items.at(0).scores[0][c].value, 180, 1e-3);
  EXPECT_EQ(evaluation.load(0).references.dtype(), DType::float64);
}

// Stereo files are read as they are, and other numbers of channels refused.
TEST_F(EvaluationTest, ChannelsAreReadAndCompared) {
  std::vector<float> stereo(800);
  for (size_t i = 0; i < stereo.size(); ++i) stereo[i] = (i % 2 == 0 ? 1.0f : -2.0f) * static_cast<float>(i / 2);
  for (const char* name : {"refs/x.wav", "ests/x.wav", "refs/y.wav"}) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_wav(folder_ / name, stereo, 8000, WavFormat::float32, 2);
  }
  write_tone("ests/y.wav", 400);
  const ScoredSignals signals = read_scored_files(pairs().at(0), Align::none);
  EXPECT_EQ(signals.references.shape(), (Shape{1, 2, 400}));
  EXPECT_EQ(signals.references.data<double>()[3], 3);
  EXPECT_EQ(signals.references.data<double>()[403], -6);
  const Evaluation evaluation = evaluate_files(pairs(), Align::none, options_);
  EXPECT_EQ(failed(evaluation), Names{"y"});
  EXPECT_NE(told_.at(0).find("y.wav: expected 2 channels as in"), std::string::npos);
}

}  // namespace
}  // namespace sunder
