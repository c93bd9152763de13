#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

using nlohmann::json;

// SI-SNR by its definition: what is left of the estimate after its projection on the reference.
double plain_si_snr(const std::vector<float>& reference, const std::vector<float>& estimate) {
  double rr = 0, er = 0, ee = 0;
  for (size_t t = 0; t < reference.size(); ++t) {
    rr += static_cast<double>(reference[t]) * reference[t];
    er += static_cast<double>(estimate[t]) * reference[t];
    ee += static_cast<double>(estimate[t]) * estimate[t];
  }
  const double target = er * er / rr;
  return 10 * std::log10(target / (ee - target));
}

class EvaluateTest : public ProgramTest {
 protected:
  ProgramResult evaluate(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--threads", "1"});
    return run_program("sunder-evaluate", arguments, {.folder = folder_.string()});
  }

  // set/test/{mix,s1,s2}/<name>.wav: smooth noise and white noise.
  void write_item(const std::string& name, int64_t samples, uint64_t seed, bool silent = false) const {
    std::vector<float> first = noise(samples, seed), second = noise(samples, seed + 100), mixture(samples);
    for (int64_t t = 1; t < samples; ++t) first[t] = 0.9f * first[t - 1] + 0.2f * first[t];
    if (silent) std::fill(second.begin(), second.end(), 0.0f);
    for (int64_t t = 0; t < samples; ++t) mixture[t] = first[t] + second[t];
    const std::vector<float>* signals[] = {&mixture, &first, &second};
    const char* folders[] = {"mix", "s1", "s2"};
    for (int i = 0; i < 3; ++i) {
      const auto folder = folder_ / "set/test" / folders[i];
      std::filesystem::create_directories(folder);
      write_wav(folder / (name + ".wav"), *signals[i], 8000);
    }
  }

  std::vector<std::vector<std::string>> csv(const std::string& name) const {
    std::vector<std::vector<std::string>> rows;
    std::istringstream text(read(name));
    for (std::string line; std::getline(text, line);) {
      rows.emplace_back(1);
      for (const char c : line) {
        if (c == ',') rows.back().emplace_back();
        else rows.back().back() += c;
      }
    }
    return rows;
  }
};

TEST_F(EvaluateTest, ScoresAreThoseOfTheSeparatedFiles) {
  const std::string model = write_model("model.safetensors");
  write_item("one", 6000, 1);
  write_item("three", 4321, 3);  // of another length: in a batch of its own
  write_item("two", 6000, 2);
  const ProgramResult result = evaluate({"--model", model, "--data", "set", "--split", "test", "--csv", "items.csv",
                                         "--json", "all.json", "--results", "results.md"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read("results.md"), result.out);
  expect_contains(result.out, {"3 items of 2 sources", "SI-SNRi", "SI-SNRi, ideal ratio masks",
                               "SI-SNR, the mixture itself", "95 % interval"});

  ASSERT_EQ(run_program("sunder-separate",
                        {"--model", model, "set/test/mix/one.wav", "set/test/mix/two.wav", "set/test/mix/three.wav",
                         "-o", "out", "--no-pictures"},
                        {.folder = folder_.string()})
                .code,
            0);
  const auto rows = csv("items.csv");
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"item", "source", "si_snr", "irm_si_snr", "mixture_si_snr", "si_snri",
                                               "irm_si_snri"}));
  double sum = 0, squares = 0;
  for (size_t i = 0; i < 3; ++i) {
    const std::string name = std::vector<std::string>{"one", "three", "two"}[i];
    std::vector<float> references[2], estimates[2];
    for (int s = 0; s < 2; ++s) {
      references[s] = audio(fmt::format("set/test/s{}/{}.wav", s + 1, name)).samples;
      estimates[s] = audio(fmt::format("out/{}_s{}.wav", name, s + 1)).samples;
    }
    const auto score = [&](int s, int k) { return plain_si_snr(references[s], estimates[k]); };
    const bool crossed = score(0, 1) + score(1, 0) > score(0, 0) + score(1, 1);
    const std::vector<float> mixture = audio("set/test/mix/" + name + ".wav").samples;
    for (int s = 0; s < 2; ++s) {
      const auto& row = rows[1 + 2 * i + s];
      EXPECT_EQ(row[0], name);
      EXPECT_EQ(row[1], fmt::format("s{}", s + 1));
      const double expected = score(s, crossed ? 1 - s : s),
                   improvement = expected - plain_si_snr(references[s], mixture);
      EXPECT_NEAR(std::stod(row[2]), expected, 1e-3);
      EXPECT_NEAR(std::stod(row[4]), expected - improvement, 1e-3);
      EXPECT_NEAR(std::stod(row[5]), improvement, 1e-3);
      EXPECT_GT(std::stod(row[6]), std::stod(row[5])) << "the ideal masks are better than a network of chance";
      sum += improvement;
      squares += improvement * improvement;
    }
  }
  const json all = json::parse(read("all.json"));
  EXPECT_EQ(all["model"], model);
  EXPECT_EQ(all["data"], "set");
  EXPECT_EQ(all["split"], "test");
  EXPECT_EQ(all["items"].size(), 3u);
  EXPECT_EQ(all["items"][1]["item"], "three");
  EXPECT_TRUE(all["skipped"].empty());
  EXPECT_EQ(all["summary"]["si_snri"]["count"], 6);
  EXPECT_NEAR(all["summary"]["si_snri"]["mean"].get<double>(), sum / 6, 1e-3);
  EXPECT_NEAR(all["summary"]["si_snri"]["std"].get<double>(), std::sqrt((squares - sum * sum / 6) / 5), 1e-3);
}

TEST_F(EvaluateTest, SilentReferencesAreNamedCountedAndLeftOut) {
  const std::string model = write_model("model.safetensors");
  write_item("full", 4000, 1);
  write_item("half", 4000, 2, /*silent=*/true);
  const ProgramResult result =
      evaluate({"--model", model, "--data", "set", "--csv", "items.csv", "--json", "all.json", "--metrics", "si_sdri"});
  ASSERT_EQ(result.code, 0) << result.err;
  expect_contains(result.err, {"left out: half: silent reference s2"});
  expect_contains(result.out, {"1 item of 2 sources, 1 left out", "SI-SDRi"});
  const std::string text = read("items.csv");
  expect_contains(text, {"item,source,si_sdri,irm_si_sdri,mixture_si_sdr\n", "half,s1,,,\nhalf,s2,,,\n"});
  EXPECT_EQ(text.find("nan"), std::string::npos);
  const json all = json::parse(read("all.json"));
  EXPECT_EQ(all["skipped"][0]["item"], "half");
  EXPECT_EQ(all["summary"]["si_sdri"]["count"], 2);
}

TEST_F(EvaluateTest, MoreOutputsThanSourcesHaveAnOracle) {
  write_item("one", 4000, 1);
  const ProgramResult result = evaluate({"--model", write_model("mixit.safetensors", 4), "--data", "set", "--csv",
                                         "items.csv", "--metrics", "si_snri,sdr"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = csv("items.csv");
  EXPECT_EQ(rows[0], (std::vector<std::string>{"item", "source", "si_snri", "oracle_si_snri", "irm_si_snri",
                                               "mixture_si_snr", "sdr", "oracle_sdr", "irm_sdr", "mixture_sdr"}));
  // The oracle adds all outputs up, the plain match leaves some of them out.
  EXPECT_NE(rows[1][3], rows[1][2]);
  EXPECT_EQ(evaluate({"--model", write_model("one.safetensors", 1), "--data", "set"}).code, 4);
}

TEST_F(EvaluateTest, ScoresFilesOfAnyProgram) {
  // Noise that is orthogonal to the reference and a tenth as loud: 20 dB, whatever the estimate's level.
  const int64_t samples = 8000;
  std::vector<float> signals[2];
  for (int s = 0; s < 2; ++s) {
    std::vector<float> reference(samples), estimate(samples);
    for (int64_t t = 0; t < samples; ++t) {
      const double turn = 2 * M_PI * static_cast<double>(t) / 8000;
      reference[t] = static_cast<float>(std::sin((400 + 300 * s) * turn));
      estimate[t] = 0.3f * static_cast<float>(reference[t] + 0.1 * std::cos((400 + 300 * s) * turn));
    }
    signals[s] = estimate;
    for (const char* folder : {"refs/s1", "refs/s2", "ests/s1", "ests/s2", "flat"})
      std::filesystem::create_directories(folder_ / folder);
    write_wav(folder_ / fmt::format("refs/s{}/x.wav", s + 1), reference, 8000);
    write_wav(folder_ / fmt::format("ests/s{}/x.wav", 2 - s), estimate, 8000);  // exchanged
    write_wav(folder_ / fmt::format("flat/x_s{}.wav", s + 1), estimate, 8000);
  }
  for (const char* estimates : {"ests", "flat"}) {
    const ProgramResult result =
        evaluate({"--references", "refs", "--estimates", estimates, "--csv", "items.csv", "--json", "all.json"});
    ASSERT_EQ(result.code, 0) << result.err;
    const auto rows = csv("items.csv");
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0], (std::vector<std::string>{"item", "source", "si_snr"}));
    for (int s = 0; s < 2; ++s) EXPECT_NEAR(std::stod(rows[1 + s][2]), 20, 1e-4);
    const json all = json::parse(read("all.json"));
    EXPECT_EQ(all["items"][0]["sources"][0]["output"], estimates == std::string("ests") ? 2 : 1);
  }
  const ProgramResult single = evaluate({"--references", "refs/s1", "--estimates", "ests/s2", "--csv", "items.csv"});
  EXPECT_EQ(single.code, 0) << single.err;
  EXPECT_NEAR(std::stod(csv("items.csv")[1][2]), 20, 1e-4);

  write_wav(folder_ / "ests/s2/x.wav", std::vector<float>(samples, 0.0f), 8000);
  const ProgramResult silent = evaluate({"--references", "refs", "--estimates", "ests", "--csv", "items.csv"});
  EXPECT_EQ(silent.code, 0);
  expect_contains(silent.err, {"no SI-SNR for 1 source, which its mean leaves out: the estimate is silent: x s1"});
  expect_contains(read("items.csv"), {"x,s1,\n"});
}

TEST_F(EvaluateTest, FilesThatDoNotFitAreNamed) {
  const auto refused = [&](const std::vector<std::string>& parts) {
    const ProgramResult result = evaluate({"--references", "refs", "--estimates", "ests"});
    EXPECT_EQ(result.code, 3) << result.err;
    expect_contains(result.err, parts);
  };
  refused({"refs: no such folder"});
  write_noise("refs/x.wav", 4000, 1);
  write_noise("ests/y.wav", 4000, 2);
  refused({"ests: expected estimates of all 1 item in refs, found none for 1: x"});
  write_noise("ests/x.wav", 3999, 2);
  refused({"ests/x.wav: expected 4000 samples as in refs/x.wav, got 3999"});
  write_noise("ests/x.wav", 4000, 2, 16000);
  refused({"ests/x.wav: expected 8000 Hz as in refs/x.wav, got 16000 Hz"});
  write("ests/x.wav", read("refs/x.wav").substr(0, 5000));
  refused({"ests/x.wav", "cut short"});
}

TEST_F(EvaluateTest, LengthsAreMadeEqualOnRequest) {
  const std::vector<float> signal = write_noise("refs/x.wav", 4000, 1);
  std::filesystem::create_directories(folder_ / "ests");
  write_wav(folder_ / "ests/x.wav", std::vector<float>(signal.begin(), signal.end() - 400), 8000);
  const ProgramResult refused = evaluate({"--references", "refs", "--estimates", "ests"});
  EXPECT_EQ(refused.code, 3);
  expect_contains(refused.err, {"ests/x.wav: expected 4000 samples as in refs/x.wav, got 3600; --align trim or pad"});
  ASSERT_EQ(evaluate({"--references", "refs", "--estimates", "ests", "--align", "trim", "--csv", "items.csv"}).code, 0);
  expect_contains(read("items.csv"), {"x,s1,inf\n"});
  ASSERT_EQ(evaluate({"--references", "refs", "--estimates", "ests", "--align", "pad", "--csv", "items.csv"}).code, 0);
  std::vector<float> padded(signal.begin(), signal.end() - 400);
  padded.resize(4000);
  EXPECT_NEAR(std::stod(csv("items.csv")[1][2]), plain_si_snr(signal, padded), 1e-6);
}

// A PESQ failure for one item leaves all other scores in place and sets the exit code.
TEST_F(EvaluateTest, PesqFailuresCostNothingElse) {
  for (const char* name : {"a", "b", "c"}) {
    write_noise(fmt::format("refs/{}.wav", name), 4000, name[0]);
    write_noise(fmt::format("ests/{}.wav", name), 4000, name[0] + 50);
  }
  // Fails on the second call, whichever item that is.
  write("pesq",
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"\nmkdir one 2>/dev/null && echo 2.5 && exit\n"
        "mkdir two 2>/dev/null && echo 'no licence' && exit 3\necho 3.5\n");
  std::filesystem::permissions(folder_ / "pesq", std::filesystem::perms::owner_all);
  const ProgramResult result =
      evaluate({"--references", "refs", "--estimates", "ests", "--metrics", "pesq_nb,si_sdr", "--pesq-program",
                "./pesq", "--csv", "items.csv", "--json", "all.json", "--html", "report.html"});
  EXPECT_EQ(result.code, 7) << result.err;
  expect_contains(result.err, {"the PESQ program failed for 1 of 3 items, first for ", "no licence",
                               "no PESQ narrow-band for 1 source, which its mean leaves out: the PESQ program failed"});
  expect_contains(result.out, {"PESQ narrow-band (MOS) |     3.00 |", "3 items of 1 source"});
  const auto rows = csv("items.csv");
  int missing = 0;
  for (size_t i = 1; i < rows.size(); ++i) {
    missing += rows[i][2].empty();
    EXPECT_FALSE(rows[i][3].empty());
  }
  EXPECT_EQ(missing, 1);
  const json all = json::parse(read("all.json"));
  EXPECT_EQ(all["summary"]["pesq_nb"]["missing"]["the PESQ program failed"], 1);
  EXPECT_EQ(all["summary"]["pesq_nb"]["interval"].size(), 2u);
  const std::string page = read("report.html");
  expect_contains(page, {"<!DOCTYPE html>", "PESQ narrow-band", "the PESQ program failed", "<audio"});
  for (const char* address : {"http://", "https://"})
    EXPECT_EQ(page.find(std::string("src=\"") + address), std::string::npos);
}

// The number of threads changes no digit of a score, PESQ included.
TEST_F(EvaluateTest, ThreadsChangeNothing) {
  for (int i = 0; i < 6; ++i) write_item(fmt::format("item{}", i), 8000 + 100 * i, i + 1);
  write("pesq", "#!/bin/sh\nwc -c <\"$3\" | sed 's/^.*\\(...\\)$/2.\\1/'\n");
  std::filesystem::permissions(folder_ / "pesq", std::filesystem::perms::owner_all);
  std::string first;
  for (const char* threads : {"1", "4"}) {
    const ProgramResult result =
        run_program("sunder-evaluate",
                    {"--model", write_model("model.safetensors"), "--data", "set", "--metrics",
                     "si_sdr,sdr,sir,sar,stoi,estoi,pesq_nb", "--oracles", "irm,ibm,psm,mixture", "--pesq-program",
                     "./pesq", "--csv", "items.csv", "--threads", threads},
                    {.folder = folder_.string()});
    ASSERT_EQ(result.code, 0) << result.err;
    if (first.empty()) first = read("items.csv");
    EXPECT_EQ(read("items.csv"), first);
  }
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 13);
  expect_contains(first, {",pesq_nb,irm_pesq_nb,ibm_pesq_nb,psm_pesq_nb,mixture_pesq_nb\n", ",2."});
}

TEST_F(EvaluateTest, UsageIsChecked) {
  const std::string model = write_model("model.safetensors");
  write_item("one", 4000, 1);
  const auto refused = [&](std::vector<std::string> more, int code, const std::vector<std::string>& parts) {
    more.insert(more.begin(), {"--model", model});
    const ProgramResult result = evaluate(more);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(result.out, "");
    expect_contains(result.err, parts);
  };
  refused({}, 2, {"--data is required"});
  refused({"--data", "set", "--metrics", "pesq_nb"}, 2, {"name it with --pesq-program"});
  refused({"--data", "set", "--metrics", "sdri,estoy"}, 2, {"got 'estoy'", "did you mean 'estoi'"});
  refused({"--data", "set", "--oracles", "wiener"}, 2, {"got 'wiener'", "irm, ibm, psm, auxiva, mixture"});
  refused({"--data", "set", "--permutation-by", "stoi"}, 2, {"--permutation-by"});
  refused({"--data", "set", "--align", "trim"}, 2, {"--align belongs to --references"});
  refused({"--data", "set", "--metrics", "pesq_nb", "--pesq-program", "/nowhere/pesq"}, 3, {"/nowhere/pesq"});
  refused({"--data", "set", "--metrics", "si_snr,si_snr"}, 2, {"si_snr twice"});
  refused({"--data", "set", "--split", "tests"}, 2, {"train, valid or test"});
  refused({"--data", "set", "--split", "train"}, 3, {"set"});
  refused({"--data", "nowhere"}, 3, {"nowhere: no such folder"});
  refused({"--data", "set", "--estimates", "e"}, 2, {"got both"});
  refused({"--data", "set", "--csv", "no/folder/items.csv"}, 1, {"no/folder/items.csv: cannot be written"});
  const ProgramResult improvement =
      evaluate({"--references", "set/test/s1", "--estimates", "set/test/s1", "--metrics", "si_snri"});
  EXPECT_EQ(improvement.code, 2);
  expect_contains(improvement.err, {"--mixtures"});
  const ProgramResult rate = evaluate({"--model", write_model("wide.safetensors", 2, 16000), "--data", "set"});
  EXPECT_EQ(rate.code, 3);
  expect_contains(rate.err, {"16000 Hz", "8000 Hz"});
  expect_contains(run_program("sunder-evaluate", {"--help"}).out,
                  {"--references", "si_sdri", "ideal ratio", "x_est1.wav", "x/vocals.wav"});
}

// Kinds in any letters; what has no partner is named, and what fails costs only itself.
TEST_F(EvaluateTest, ItemsOfABatchFailAlone) {
  for (const char* name : {"a", "b", "c"}) {
    write_noise(fmt::format("refs/{}.WAV", name), 4000, name[0]);
    write_noise(fmt::format("ests/{}.wav", name), 4000, name[0] + 50);
  }
  write_noise("ests/spare.Wave", 4000, 1);
  write("ests/b.wav", read("ests/a.wav").substr(0, 5000));
  const ProgramResult result = evaluate({"--references", "refs", "--estimates", "ests", "--csv", "items.csv", "--json",
                                         "all.json", "--html", "report.html"});
  EXPECT_EQ(result.code, 7) << result.err;
  expect_contains(result.err, {"ests: 1 recording has no partner and is not scored: spare.Wave", "ests/b.wav",
                               "cut short", "1 of 3 items failed and are left out: b"});
  expect_contains(result.out, {"2 items of 1 source, 1 failed"});
  const auto rows = csv("items.csv");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[2], (std::vector<std::string>{"b", "s1", ""}));
  EXPECT_FALSE(rows[3][2].empty());
  const json all = json::parse(read("all.json"));
  EXPECT_EQ(all["failed"][0]["item"], "b");
  EXPECT_EQ(all["items"].size(), 2u);
  expect_contains(read("report.html"), {"failed: b: ", "spare.Wave"});
}

// What is too loud for the network is named as such, and the other items are scored.
TEST_F(EvaluateTest, ALoudItemFailsAlone) {
  const std::string model = write_model("model.safetensors");
  for (const char* name : {"one", "three", "two"}) write_item(name, 4000, name[0]);
  std::vector<float> loud = audio("set/test/mix/three.wav").samples;
  for (float& sample : loud) sample *= 1e37f;
  write_wav(folder_ / "set/test/mix/three.wav", loud, 8000);
  const ProgramResult result = evaluate({"--model", model, "--data", "set", "--csv", "items.csv"});
  EXPECT_EQ(result.code, 7) << result.err;
  expect_contains(result.err, {"three: the recording is too loud", "1 of 3 items failed"});
  const auto rows = csv("items.csv");
  ASSERT_EQ(rows.size(), 7u);
  for (size_t row = 1; row < 7; ++row) EXPECT_EQ(rows[row][2].empty(), row == 3 || row == 4);
}

// A track's folder holds its sources by their names, in stereo; items have different numbers of sources.
TEST_F(EvaluateTest, TracksHaveNamedSources) {
  const auto stereo = [&](const std::string& name, uint64_t seed, float error) {
    const std::vector<float> signal = noise(8000, seed), other = noise(8000, seed + 90, error);
    std::vector<float> samples = signal;
    for (size_t i = 0; i < samples.size(); ++i) samples[i] += other[i];
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_wav(folder_ / name, samples, 8000, WavFormat::float32, 2);
  };
  for (const char* track : {"One", "Two"}) {
    for (const char* source : {"vocals", "bass"}) {
      stereo(fmt::format("refs/{}/{}.wav", track, source), source[0], 0);
      stereo(fmt::format("ests/{}/{}.wav", track, source), source[0], source[0] == 'b' ? 0.03f : 0.003f);
    }
    stereo(fmt::format("refs/{}/mixture.wav", track), 7, 0);
  }
  stereo("refs/Two/drums.wav", 20, 0);
  stereo("ests/Two/drums.wav", 20, 0.1f);
  const ProgramResult result =
      evaluate({"--references", "refs", "--estimates", "ests", "--metrics", "snr,snri", "--oracles", "none", "--csv",
                "items.csv", "--json", "all.json", "--html", "report.html"});
  ASSERT_EQ(result.code, 0) << result.err;
  expect_contains(result.out, {"2 items of 2 to 3 sources"});
  expect_contains(result.err, {"items have different numbers of sources: 2 in 1 (One), 3 in 1 (Two)"});
  const auto rows = csv("items.csv");
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"item", "source", "snr", "snri"}));
  const char* expected[] = {"One bass 20", "One vocals 40", "Two bass 20", "Two drums 9.5", "Two vocals 40"};
  for (size_t row = 1; row < 6; ++row) {
    const std::string text = fmt::format("{} {} ", rows[row][0], rows[row][1]), line = expected[row - 1];
    EXPECT_EQ(text, line.substr(0, text.size()));
    EXPECT_NEAR(std::stod(rows[row][2]), std::stod(line.substr(text.size())), 0.5);
  }
  const json all = json::parse(read("all.json"));
  EXPECT_EQ(all["items"][1]["sources"][1]["source"], "drums");
  EXPECT_EQ(all["summary"]["snr"]["count"], 5);
  expect_contains(read("report.html"), {"reference vocals", "estimate drums, at its level"});
}

// An estimate equal to its reference scores infinity, not NaN.
TEST_F(EvaluateTest, ExactCopiesAreInfinite) {
  write_noise("refs/x.wav", 4000, 1);
  const ProgramResult result =
      evaluate({"--references", "refs", "--estimates", "refs", "--csv", "items.csv", "--json", "all.json"});
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(read("items.csv"), {"x,s1,inf\n"});
  EXPECT_EQ(json::parse(read("all.json"))["summary"]["si_snr"]["mean"], "inf");
}

}  // namespace
}  // namespace sunder
