#include "audio/metrics/pesq/pesq_program.h"

#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "files/csv.h"
#include "tests/files/scratch_folder.h"
#include "tests/golden.h"
#include "tests/paths.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;
using Signal = std::vector<float>;

// Whole 16-bit steps, so that it is written as it is.
Signal steps(int64_t length) {
  Signal signal(length);
  for (int64_t t = 0; t < length; ++t) signal[t] = static_cast<float>(t * 7919 % 2001 - 1000) / 32768;
  return signal;
}

size_t open_descriptors() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

// Every test ends with a look for temporary folders, child processes and descriptors that were left behind.
class PesqProgramTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    fs::create_directories(folder_ / "tmp");
    setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
    descriptors_ = open_descriptors();
  }
  void TearDown() override {
    EXPECT_TRUE(fs::is_empty(folder_ / "tmp"));
    EXPECT_EQ(open_descriptors(), descriptors_);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    unsetenv("TMPDIR");
    ScratchFolder::TearDown();
  }

  // A program made of lines for the shell; $here is the test's folder.
  fs::path program(const std::string& name, const std::string& body) const {
    const fs::path path = write(name, "#!/bin/sh\nhere='" + folder_.string() + "'\n" + body + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  PesqProgram fake(const std::string& body, double time_limit_s = 60) const {
    return PesqProgram({program("pesq", body), time_limit_s});
  }
  // The score of a fake's answer, NaN where it is missing.
  double answer(const std::string& body, PesqBand band = PesqBand::narrow) const {
    const Score score = fake(body).score(steps(8000), steps(8000), 16000, band);
    EXPECT_NE(score.value.has_value(), score.missing != nullptr);
    return score.value.value_or(NAN);
  }
  void expect_failure(const std::string& body, const std::vector<std::string>& parts, PesqBand band = PesqBand::narrow,
                      double time_limit_s = 60) const {
    const PesqProgram pesq = fake(body, time_limit_s);
    std::vector<std::string> all = parts;
    all.push_back("PESQ program " + (folder_ / "pesq").string() + ": expected a ");
    expect_error<Error>([&] { pesq.score(steps(8000), steps(8000), 16000, band); }, all);
  }

 private:
  size_t descriptors_ = 0;
};

TEST_F(PesqProgramTest, UnderstandsTheItuProgramAndPlainNumbers) {
  const std::string banner = "printf 'Reading reference file ref.wav...done.\\nModel\\n\\n'; ";
  EXPECT_EQ(answer(banner + R"(printf '\nP.862 Prediction (Raw MOS, MOS-LQO):  = 2.237\t1.844\n')"), 1.844);
  EXPECT_EQ(answer(banner + R"(printf '\nP.862.2 Prediction (MOS-LQO):  = 1.083\n')", PesqBand::wide), 1.083);
  // ../shared/spec/metrics.md: raw 4.5 is 4.549, 3 is 2.822, 2 is 1.632, 1 is 1.161; golden.csv: 2.957891 is 2.760015.
  const std::pair<const char*, double> mapped[] = {{"4.500", 4.549}, {"3.000", 2.822}, {"2.000", 1.632}, {"1", 1.161}};
  for (const auto& [raw, lqo] : mapped)
    EXPECT_NEAR(answer(banner + "printf '\\nPrediction : PESQ_MOS = " + raw + "\\r\\n'"), lqo, 0.0005) << raw;
  EXPECT_NEAR(answer("echo 'Prediction : PESQ_MOS = 2.957891'"), 2.760015, 1e-6);
  // P.862.2 gives identical signals (raw 4.5) 4.643888: pair a31 of golden.csv.
  EXPECT_NEAR(answer("echo 'Prediction : PESQ_MOS = 4.5'", PesqBand::wide), 4.643888, 1e-6);
  EXPECT_EQ(answer("echo 2.5"), 2.5);
  EXPECT_EQ(answer("echo loading; echo ' 1.25 '; echo; echo warning >&2"), 1.25);
}

TEST_F(PesqProgramTest, WhatIsNoScoreIsAnErrorThatSaysWhatCame) {
  expect_failure("echo Hello; echo World", {"got no number and \"World\""});
  expect_failure("exit 0", {"got nothing"});
  expect_failure("echo lost >&2", {"got nothing and \"lost\""});
  for (const char* text : {"nan", "inf", "2.5x", "2,5", "1.2 1.3", "0x2"})
    expect_failure(fmt::format("echo '{}'", text), {"got no number", text});
  for (const char* text : {"4.71", "0.49", "-1", "17"})
    expect_failure(fmt::format("echo '{}'", text), {"got a score out of range", text});
  expect_failure("echo 'Prediction : PESQ_MOS = 4.6'", {"got a score out of range, 4.6"});
  expect_failure("echo 'Prediction : PESQ_MOS = bad'", {"got no number"});
  expect_failure("echo 'P.862 Prediction (Raw MOS, MOS-LQO):  = 2.237'", {"got no number"});
  expect_failure("printf 'P.862 Prediction (Raw MOS, MOS-LQO):  = 2.237\\t1.844\\n'",
                 {"expected a wide-band score, got a narrow-band one"}, PesqBand::wide);
  expect_failure("echo 'P.862.2 Prediction (MOS-LQO):  = 1.083'", {"expected a narrow-band score, got a wide-band"});
  expect_failure("printf 'caf\\303\\251\\033[1m\\n'", {"\"caf???[1m\""});
}

TEST_F(PesqProgramTest, ProgramsThatFailAreNamedWithTheirLastWords) {
  expect_failure("echo 2.5; echo 'no licence' >&2; exit 3", {"got exit code 3 and \"no licence\""});
  expect_failure("echo 'An error of type 2'; exit 1", {"got exit code 1 and \"An error of type 2\""});
  expect_failure("echo 2.5; kill -SEGV $$", {"got its end by signal 11 (Segmentation fault) and \"2.5\""});
  expect_failure("echo begun; sleep 60; echo 2.5", {"got none within 2 s and \"begun\""}, PesqBand::narrow, 2);
  expect_failure("yes 2.5", {"got over 1048576 bytes of output and \"2.5"});
  const PesqProgram gone = fake("echo 2.5");
  fs::remove(folder_ / "pesq");
  expect_error<Error>([&] { gone.score(steps(8000), steps(8000), 8000, PesqBand::narrow); },
                      {(folder_ / "pesq").string(), "cannot be run", "No such file"});
}

TEST_F(PesqProgramTest, WhatIsUndefinedIsMissingAndNeverAsked) {
  const PesqProgram pesq = fake("touch $here/called; echo 2.5");
  const auto why = [&](const Signal& reference, const Signal& degraded, int rate, PesqBand band) -> std::string {
    const Score score = pesq.score(reference, degraded, rate, band);
    EXPECT_FALSE(score.value);
    return score.missing ? score.missing : "";
  };
  const Signal speech = steps(4000), silence(4000, 0.0f);
  EXPECT_EQ(why(speech, speech, 8000, PesqBand::wide), "wide-band PESQ is for 16000 Hz");
  EXPECT_EQ(why(speech, speech, 10000, PesqBand::narrow), "PESQ is for 8000 and 16000 Hz");
  EXPECT_EQ(why(steps(1999), steps(1999), 8000, PesqBand::narrow), "shorter than the 1/4 s that PESQ needs");
  EXPECT_EQ(why(steps(3999), steps(3999), 16000, PesqBand::wide), "shorter than the 1/4 s that PESQ needs");
  EXPECT_EQ(why({}, {}, 8000, PesqBand::narrow), "shorter than the 1/4 s that PESQ needs");
  EXPECT_EQ(why(silence, speech, 8000, PesqBand::narrow), "the reference is silent");
  EXPECT_EQ(why(speech, silence, 8000, PesqBand::narrow), "the estimate is silent");
  EXPECT_FALSE(fs::exists(folder_ / "called"));
  EXPECT_EQ(pesq.score(steps(2000), steps(2000), 8000, PesqBand::narrow).value, 2.5);
  EXPECT_TRUE(fs::exists(folder_ / "called"));

  Signal broken = speech;
  broken[17] = NAN;
  expect_error<Error>([&] { pesq.score(speech, broken, 8000, PesqBand::narrow); }, {"[pesq] expected finite", "nan"});
  expect_error<Error>([&] { pesq.score(speech, steps(3999), 8000, PesqBand::narrow); }, {"4000 and 3999 samples"});
}

TEST_F(PesqProgramTest, AProgramMaySayThatThereAreNoUtterances) {
  for (const char* body :
       {"echo 'No utterances detected'; exit 1", "echo no utterances",
        "echo \"NoUtterancesError: b'No utterances detected'\" >&2; exit 1", "echo 'Processing error!'; exit 1"}) {
    const Score score = fake(body).score(steps(8000), steps(8000), 8000, PesqBand::narrow);
    EXPECT_FALSE(score.value) << body;
    EXPECT_STREQ(score.missing, "PESQ finds no utterances") << body;
  }
  EXPECT_EQ(answer("echo 'warning: no utterances at the end' >&2; echo 2.5"), 2.5);
}

TEST_F(PesqProgramTest, TheProgramGetsRateBandAndTwoFilesOf16Bits) {
  const PesqProgram pesq = fake(
      "echo \"$@\" > $here/arguments; pwd > $here/cwd; echo x > pesq_results.txt\n"
      "eval reference=\\${$(($# - 1))} degraded=\\${$#}\n"
      "cp $reference $here/r.wav; cp $degraded $here/d.wav; echo 2.5");
  const Signal reference = steps(8001);
  Signal degraded(8001);  // off the 16-bit steps, and far from full scale
  for (size_t t = 0; t < degraded.size(); ++t) degraded[t] = 1e-5f * std::sin(0.01f * static_cast<float>(t));
  ASSERT_EQ(pesq.score(reference, degraded, 16000, PesqBand::wide).value, 2.5);
  const std::string cwd = read("cwd").substr(0, read("cwd").size() - 1);
  EXPECT_EQ(read("arguments"), fmt::format("+16000 +wb {0}/ref.wav {0}/deg.wav\n", cwd));
  EXPECT_EQ(fs::path(cwd).parent_path(), folder_ / "tmp");
  EXPECT_EQ(fs::file_size(folder_ / "r.wav"), 44 + 2 * reference.size()) << "the plain header, 16 bits";
  const Audio r = read_mono(folder_ / "r.wav"), d = read_mono(folder_ / "d.wav");
  EXPECT_EQ(r.sample_rate, 16000);
  EXPECT_EQ(r.samples, reference) << "whole steps are written as they are";
  ASSERT_EQ(d.samples.size(), degraded.size());
  const float peak = *std::max_element(degraded.begin(), degraded.end());
  for (size_t t = 0; t < degraded.size(); ++t)
    ASSERT_NEAR(d.samples[t], degraded[t] / peak * (32767.0f / 32768), 0.501 / 32768) << t;

  ASSERT_EQ(pesq.score(reference, Signal(8001, 3e4f), 8000, PesqBand::narrow).value, 2.5);
  EXPECT_EQ(read("arguments").rfind("+8000 /", 0), 0u) << read("arguments");
  EXPECT_EQ(read_mono(folder_ / "d.wav").samples, Signal(8001, 32767.0f / 32768)) << "nothing is clipped";
}

TEST_F(PesqProgramTest, CommandsAreCheckedBeforeAnythingIsScored) {
  const fs::path plain = write("plain", "#!/bin/sh\necho 2.5\n");
  expect_error<InputError>([&] { PesqProgram({plain}); }, {plain.string(), "not executable"});
  expect_error<InputError>([] { PesqProgram({"no-such-pesq"}); }, {"no-such-pesq", "PATH"});
  expect_error<UsageError>([] { PesqProgram({" "}); }, {"PESQ", "empty command"});
  expect_error<UsageError>([] { PesqProgram({"'sh"}); }, {"closing '"});
  for (const double limit : {0.0, -1.0, static_cast<double>(NAN)})
    expect_error<UsageError>([&] { PesqProgram({"sh", limit}); }, {"time limit"});
  setenv("TMPDIR", (folder_ / "plain").c_str(), 1);
  expect_error<InputError>([] { PesqProgram({"sh"}); }, {"TMPDIR"});
  setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
}

TEST_F(PesqProgramTest, CommandsMayHaveQuotesArgumentsAndRelativePaths) {
  program("a b/my pesq", "test \"$1\" = 'x y' && test \"$2\" = +8000 && echo 2.5");
  write("a b/script", "echo 1.5\n");
  const auto value = [](const std::string& command) {
    return PesqProgram({command}).score(steps(2000), steps(2000), 8000, PesqBand::narrow).value;
  };
  EXPECT_EQ(value(fmt::format("'{}/a b/my pesq' \"x y\"", folder_.string())), 2.5);
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_EQ(value("a\\ b/my\\ pesq 'x y'"), 2.5);
  EXPECT_EQ(value("sh 'a b/script'"), 1.5) << "an argument that names a file keeps naming it";
  fs::current_path(before);
}

TEST_F(PesqProgramTest, ManyThreadsAtOnceGetTheirOwnScores) {
  const PesqProgram pesq = fake("size=$(wc -c < $2); cmp -s $2 $3 && echo 2.$size");
  std::atomic<int> next = 0;
  std::vector<double> scores(64);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int call = next++; call < 64; call = next++) {
        const Signal signal = steps(2000 + call);  // a file of 4044 + 2 call bytes
        scores[call] = pesq.score(signal, signal, 8000, PesqBand::narrow).value.value_or(NAN);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (int call = 0; call < 64; ++call) EXPECT_NEAR(scores[call], 2 + (4044 + 2 * call) / 1e4, 1e-9);
}

// The program for the Python package `pesq`, run by $SUNDER_PESQ_PYTHON (default python3).
class PesqPython : public PesqProgramTest {
 protected:
  static std::string python() {
    const char* given = std::getenv("SUNDER_PESQ_PYTHON");
    return given ? given : "python3";
  }
  static bool has_package() { return std::system((python() + " -c 'import pesq' 2> /dev/null").c_str()) == 0; }
  static PesqProgram pesq(const std::string& option = "") {
    return PesqProgram({python() + " " + option + " '" + source_folder + "/scripts/pesq-python'"});
  }
};

#define SUNDER_NEEDS_PESQ() \
  if (!has_package()) GTEST_SKIP() << python() << " has no package pesq; name another in SUNDER_PESQ_PYTHON"

TEST_F(PesqPython, AgreesWithTheGoldenValues) {
  SUNDER_NEEDS_SHARED("golden/metrics/golden.csv");
  SUNDER_NEEDS_PESQ();
  const fs::path golden = shared_folder() / "golden/metrics";
  const CsvTable table = CsvTable::read(golden / "golden.csv");
  const PesqProgram program = pesq();
  double largest[2] = {0, 0};
  int scored[2] = {0, 0};
  for (int64_t row = 0; row < table.size(); ++row) {
    const Signal reference = read_mono(golden / table.at(row, "ref_file")).samples;
    const Signal degraded = read_mono(golden / table.at(row, "deg_file")).samples;
    const int rate = static_cast<int>(table.integer(row, "sample_rate"));
    for (const PesqBand band : {PesqBand::narrow, PesqBand::wide}) {
      const bool wide = band == PesqBand::wide;
      const char* column = wide ? "pesq_wb_mos_lqo" : "pesq_nb_mos_lqo";
      const Score score = program.score(reference, degraded, rate, band);
      ASSERT_EQ(score.value.has_value(), !table.at(row, column).empty()) << table.where(row) << " " << column;
      if (!score.value) continue;
      const double difference = std::abs(*score.value - table.number(row, column));
      EXPECT_LE(difference, wide ? 0.005 : 0.002) << table.where(row) << " " << column;
      largest[wide] = std::max(largest[wide], difference);
      ++scored[wide];
    }
  }
  EXPECT_EQ(scored[0], 32);
  EXPECT_EQ(scored[1], 7);
  RecordProperty("largest_difference_narrow", fmt::format("{:.6f}", largest[0]));
  RecordProperty("largest_difference_wide", fmt::format("{:.6f}", largest[1]));
}

// An estimate at any level, in floating point, loses nothing that matters to 16 bits.
TEST_F(PesqPython, TheLevelOfAnEstimateDoesNotMatter) {
  SUNDER_NEEDS_SHARED("golden/metrics/wav/a18_ref.wav");
  SUNDER_NEEDS_PESQ();
  const fs::path wav = shared_folder() / "golden/metrics/wav";
  const Signal reference = read_mono(wav / "a18_ref.wav").samples, degraded = read_mono(wav / "a18_deg.wav").samples;
  const PesqProgram program = pesq();
  for (const float gain : {0.93e-4f, 0.93f, 930.0f}) {
    Signal scaled = degraded;
    for (float& x : scaled) x *= gain;
    const Score score = program.score(reference, scaled, 8000, PesqBand::narrow);
    ASSERT_TRUE(score.value);
    EXPECT_NEAR(*score.value, 3.674798, 0.002) << gain;  // golden.csv, a18
  }
}

TEST_F(PesqPython, SaysWhatItCannotDo) {
  SUNDER_NEEDS_PESQ();
  // Speech in the last 25 ms alone is not enough to be an utterance.
  Signal reference(8000, 0.0f);
  for (size_t t = 7800; t < 8000; ++t) reference[t] = steps(8000)[t];
  const Score score = pesq().score(reference, steps(8000), 8000, PesqBand::narrow);
  EXPECT_FALSE(score.value);
  EXPECT_STREQ(score.missing, "PESQ finds no utterances");
}

TEST_F(PesqPython, SaysThatThePackageIsMissing) {
  if (std::system((python() + " -c '' 2> /dev/null").c_str()) != 0) GTEST_SKIP() << "no " << python();
  const PesqProgram program = pesq("-S");  // without the folder of installed packages
  expect_error<Error>([&] { program.score(steps(8000), steps(8000), 8000, PesqBand::narrow); },
                      {"exit code 2", "pesq-python: cannot load the Python package pesq", "pip install pesq"});
}

}  // namespace
}  // namespace sunder
