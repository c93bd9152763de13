#include "train/run_folder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include "command/signals.h"
#include "files/crc32c.h"
#include "tensor/error.h"
#include "train/log.h"
#include "train/progress_bar.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class RunFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = fs::temp_directory_path() / fmt::format("sunder-run-{}-{}", ::getpid(), info->name());
  }
  void TearDown() override { fs::remove_all(path_); }
  fs::path path_;
};

TEST_F(RunFolderTest, HoldsConfigAndResults) {
  const RunFolder run(path_ / "deep" / "RUN");
  EXPECT_FALSE(run.in_use());
  Config config;
  config.train.batch = 3;
  run.write_config(config);
  run.write_results("# Results\n");
  EXPECT_TRUE(run.in_use());
  Config read;
  load_config(read, run.path() / "config.toml");
  EXPECT_TRUE(compare(config, read).empty());
  EXPECT_EQ(slurp(run.path() / "results.md"), "# Results\n");
}

TEST_F(RunFolderTest, FilesCalledAsThoseOfARunAreInUse) {
  for (const char* name : {"metrics.jsonl", "log.txt", "results.md", "curves.png"}) {
    const RunFolder run(path_);
    EXPECT_FALSE(run.in_use());
    std::ofstream(path_ / name) << "mine";
    EXPECT_TRUE(run.in_use()) << name;
    fs::remove(path_ / name);
  }
}

TEST_F(RunFolderTest, MetricsAreLinesAndEndAtTheResumedStep) {
  const RunFolder run(path_);
  for (int64_t step = 1; step <= 4; ++step)
    run.append_metrics({{"step", step}, {"loss", 0.5 * static_cast<double>(step)}, {"phase", std::string("mixpit")}});
  run.append_metrics({{"step", int64_t{5}}, {"loss", std::nan("")}});
  const std::string first =
      "{\"step\":1,\"loss\":0.5,\"phase\":\"mixpit\"}\n{\"step\":2,\"loss\":1.0,\"phase\":\"mixpit\"}\n";
  EXPECT_EQ(slurp(path_ / "metrics.jsonl").substr(0, first.size()), first);
  EXPECT_NE(slurp(path_ / "metrics.jsonl").find("{\"step\":5,\"loss\":null}\n"), std::string::npos);
  std::ofstream(path_ / "metrics.jsonl", std::ios::app) << "{\"step\":2,\"lo";  // as a kill leaves it
  run.truncate_metrics(2);
  EXPECT_EQ(slurp(path_ / "metrics.jsonl"), first);
  run.append_metrics({{"step", int64_t{3}}});
  EXPECT_EQ(slurp(path_ / "metrics.jsonl"), first + "{\"step\":3}\n");
}

// What Sunder did not write or cannot read is not Sunder's to remove.
TEST_F(RunFolderTest, OtherLinesStay) {
  const RunFolder run(path_);
  const std::string kept = "{\"step\":1}\n\n{\"step\":2,\"lo{\"step\":2}\n# a note\n{\"mine\":7}\n";
  const fs::path name = path_ / "metrics.jsonl";
  std::ofstream(name) << kept + "{\"step\":3}\n{\"st";
  run.truncate_metrics(2);
  EXPECT_EQ(slurp(name), kept);
  const auto written = fs::last_write_time(name);
  run.truncate_metrics(2);
  EXPECT_EQ(fs::last_write_time(name), written) << "nothing to remove, nothing to write";
  fs::remove(name);
  fs::create_symlink("/proc/self/mem", name);  // its first byte cannot be read
  EXPECT_THROW(run.truncate_metrics(2), Error);
  EXPECT_TRUE(fs::is_symlink(name)) << "what could not be read was not replaced";
}

TEST_F(RunFolderTest, AMetricsLineIsWholeOrAbsent) {
  const RunFolder run(path_);
  run.append_metrics({{"step", int64_t{1}}});
  const std::string before = slurp(path_ / "metrics.jsonl");
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit low = old;
  low.rlim_cur = before.size() + 5;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_THROW(run.append_metrics({{"step", int64_t{2}}}), Error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(slurp(path_ / "metrics.jsonl"), before);
}

TEST_F(RunFolderTest, ASecondWriterIsRefused) {
  const RunFolder run(path_);
  try {
    const RunFolder second(path_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), path_.string() + ": another program is writing to this run folder");
  }
}

TEST_F(RunFolderTest, UnwritablePlacesAreNamed) {
  fs::create_directories(path_);
  std::ofstream(path_ / "file") << "x";
  EXPECT_THROW(RunFolder(path_ / "file"), Error);
  EXPECT_THROW(RunFolder("/proc/none"), Error);
  EXPECT_THROW(Log(path_ / "file" / "log.txt"), Error);
}

TEST_F(RunFolderTest, LogGoesToStderrAndFile) {
  testing::internal::CaptureStderr();
  {
    Log log(path_ / "log.txt");
    log.info("epoch {}", 3);
    log.warn("careful {{}}");
  }
  const std::string file = slurp(path_ / "log.txt"), err = testing::internal::GetCapturedStderr();
  EXPECT_EQ(file, err);
  EXPECT_NE(file.find(" I epoch 3\n"), std::string::npos) << file;
  EXPECT_NE(file.find(" W careful {}\n"), std::string::npos) << file;
}

TEST_F(RunFolderTest, ProgressLinesCarryRateAndRemainingTime) {
  double now = 100;
  testing::internal::CaptureStderr();
  {
    Log log(path_ / "log.txt");
    ProgressBar progress(log, {20, 0}, 10, cpu_device, 10, 0, [&] { return now; });
    for (int step = 0; step < 5; ++step) {
      now += 4;  // seconds
      progress.step(2, 8, step + 1, 1);
    }
    progress.finish();
  }
  testing::internal::GetCapturedStderr();
  const std::string text = slurp(path_ / "log.txt");
  // The first line closes after three steps of 4 s: 24 inputs in 12 s, losses 1 2 3, 3 s of waiting, 7 steps to go.
  EXPECT_NE(text.find("epoch=2 step=13 loss=2.0000 inputs_per_second=2.0 eta=00:28 data_wait=0.250 peak_mib="),
            std::string::npos)
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_GT(peak_memory_mib(cpu_device), 1.0);
}

TEST(ProgressBar, FormatsDurations) {
  EXPECT_EQ(format_duration(0), "00:00");
  EXPECT_EQ(format_duration(59.6), "01:00");
  EXPECT_EQ(format_duration(3723), "1:02:03");
}

TEST(Signals, TheFirstSetsAFlagTheSecondKills) {
  for (const int number : {SIGTERM, SIGINT}) {
    const pid_t child = fork();
    if (child == 0) {
      watch_stop_signals();
      if (stop_requested()) _exit(1);
      raise(number);
      if (!stop_requested() || std::string(stop_signal_name()) != (number == SIGTERM ? "SIGTERM" : "SIGINT")) _exit(2);
      raise(number == SIGTERM ? SIGINT : SIGTERM);
      _exit(3);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);
    EXPECT_EQ(WTERMSIG(status), number == SIGTERM ? SIGINT : SIGTERM);
  }
}

// Test vectors of RFC 3720, appendix B.4, and the check value of the CRC catalogue.
TEST(Crc32c, MatchesThePublishedVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c(falling), 0x113fdb5cu);
  EXPECT_EQ(crc32c(""), 0u);
  const auto bytes = std::as_bytes(std::span(rising));
  for (size_t cut = 0; cut <= bytes.size(); ++cut)
    EXPECT_EQ(crc32c(bytes.subspan(cut), crc32c(bytes.first(cut))), 0x46dd794eu) << cut;
}

}  // namespace
}  // namespace sunder
