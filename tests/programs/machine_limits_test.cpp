// Programs under limits of address space and CPUs, and on the processors that the environment asks for.
#include "tensor/simd.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

constexpr rlim_t mib = 1 << 20;

class MachineLimitsTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (IsSkipped()) return;
    const ProgramResult made = prepare("set", 8);
    ASSERT_EQ(made.code, 0) << made.err;
  }
  ProgramResult train_once(const std::string& run, const ProgramSetup& setup) const {
    return train("pit", "set", run, {"--threads", "2", "--max-epochs", "1"}, setup);
  }
};

bool limits_address_space() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#endif
#endif
  return true;
}

// OpenBLAS asks for ever for a buffer that it does not get, and a thread that cannot be started used to end the
// process.
TEST_F(MachineLimitsTest, LittleAddressSpaceIsExit6OrEnough) {
  if (!limits_address_space()) GTEST_SKIP() << "sanitizers take address space without limit";
  rlim_t loaded = 8 * mib;  // what the dynamic loader needs
  while (run_program("sunder-train-pit", {"--version"}, {.address_bytes = loaded}).code != 0) loaded += 8 * mib;
  ASSERT_LT(loaded, 512 * mib);
  std::set<int> codes;
  std::string said;
  for (const rlim_t more : {0, 20, 100, 250, 330, 345, 400, 900}) {
    const ProgramSetup setup{.address_bytes = loaded + more * mib, .seconds = 60};
    const ProgramResult result = train_once(fmt::format("run-{}", more), setup);
    EXPECT_TRUE(result.code == 0 || result.code == 6) << more << ": " << result.code << "\n" << result.err;
    codes.insert(result.code);
    said += result.err;
  }
  EXPECT_EQ(codes, (std::set<int>{0, 6})) << said;
  expect_contains(said, {"the limit on address space (ulimit -v) leaves", "OpenBLAS takes for 2 threads"});
  // Not of each file of a batch, that it failed.
  const ProgramResult separated = run_program(
      "sunder-separate",
      {"--model", at("run-900/checkpoints/last"), "--threads", "2", at("corpus/s0_1.wav"), "--output", at("separated")},
      {.address_bytes = loaded + 250 * mib, .seconds = 60});
  EXPECT_EQ(separated.code, 6) << separated.err;
  expect_contains(separated.err, {"OpenBLAS takes for 2 threads; lower --threads or raise the limit"});
  const auto parts = [&](const std::string& run) { return read(run + "/checkpoints/last/model.safetensors"); };
  ASSERT_EQ(train_once("free", {}).code, 0);
  EXPECT_TRUE(parts("run-900") == parts("free"));
}

TEST_F(MachineLimitsTest, ThreadsAreThoseOfTheCpusThatAProgramMayUse) {
  const ProgramResult result = run_program("sunder-info", {}, {.cpus = 1});
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(result.out, {"threads        1\n"});
}

TEST_F(MachineLimitsTest, OneSwitchForcesTheSimdLevel) {
  const auto simd = [](const std::string& level) {
    return run_program("sunder-info", {}, {.environment = {{"SUNDER_SIMD", level}}});
  };
  std::vector<std::string> levels = {"baseline", "avx2", "avx512"};
  while (levels.back() != simd_level()) levels.pop_back();  // in a build with one level, that one
  for (const std::string& level : levels) {
    const ProgramResult result = simd(level);
    EXPECT_EQ(result.code, 0) << result.err;
    expect_contains(result.out, {"simd           " + level + "\n"});
  }
  for (const char* wrong : {"avx", "AVX2", "baseline ", "avx512 or so, whatever that is"}) {
    const ProgramResult result = simd(wrong);
    EXPECT_EQ(result.code, 2);
    expect_contains(result.err, {"SUNDER_SIMD: expected baseline, avx2 or avx512", fmt::format("got '{}'", wrong)});
  }
  expect_contains(simd("").out, {std::string("simd           ") + simd_level()});
}

TEST_F(MachineLimitsTest, OneSwitchForcesTheCoreOfOpenBlas) {
  const auto blas = [](const std::string& core) {
    return run_program("sunder-info", {}, {.environment = {{"SUNDER_OPENBLAS_CORE", core}}});
  };
  expect_contains(blas("Nehalem").out, {"OpenBLAS, Nehalem\n"});
  if (cpu_has_avx2()) expect_contains(blas("haswell").out, {"OpenBLAS, Haswell\n"});
  const ProgramResult wrong = blas("Quantum");
  EXPECT_EQ(wrong.code, 2);
  expect_contains(wrong.err, {"SUNDER_OPENBLAS_CORE: expected a core of OpenBLAS", "'Quantum'"});
  // Other programs' variable is not ours.
  const ProgramResult other = run_program("sunder-info", {}, {.environment = {{"OPENBLAS_CORETYPE", "Nehalem"}}});
  EXPECT_EQ(other.out.find("Nehalem"), std::string::npos) << other.out;
}

// A trajectory of an older machine, on this one.
TEST_F(MachineLimitsTest, TheLogNamesWhatTheBitsDependOn) {
  const ProgramSetup old{.environment = {{"SUNDER_SIMD", "baseline"}, {"SUNDER_OPENBLAS_CORE", "Nehalem"}}};
  for (const char* run : {"old", "again"}) {
    const ProgramResult result = train_once(run, old);
    EXPECT_EQ(result.code, 0) << result.err;
    expect_contains(read(std::string(run) + "/log.txt"), {"SIMD level baseline, OpenBLAS core Nehalem"});
  }
  expect_same_checkpoint("old/checkpoints/last", "again/checkpoints/last");
  ASSERT_EQ(train_once("new", {}).code, 0);
  expect_contains(read("new/log.txt"), {fmt::format("SIMD level {}, OpenBLAS core ", simd_level())});
}

}  // namespace
}  // namespace sunder
