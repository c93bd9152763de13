// The demo's table says what its runs did, not what they were asked to do.
#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

class DemoTableTest : public ProgramTest {
 protected:
  void write_run(const std::string& name, const std::string& row) const {
    std::filesystem::create_directories(folder_ / name);
    write(name + "/results.md",
          "| method | epochs | steps | minutes | best by | score |\n| --- | --- | --- | --- | --- | "
          "--- |\n" +
              row + "\n");
    write(name + ".md",
          "| score | mean | std | median |\n| --- | --- | --- | --- |\n"
          "| SI-SNR, the mixture itself (dB) | 0.01 | 1.00 | 0.00 |\n| SI-SNRi (dB) | 9.95 | 3.10 | 6.27 |\n"
          "| SI-SNRi, ideal ratio masks (dB) | 24.27 | 3.00 | 23.28 |\n");
  }
};

TEST_F(DemoTableTest, RowsNameStepsTimeAndWhatWasTrained) {
  write_run("mixpit", "| mixpit | 1 | 1 | 1.0 | si_snri | 1.31 dB |");
  write_run("mixcycle", "| mixcycle (MixPIT only) | 1 | 97 | 0.9 | si_snri | 1.31 dB |");
  const ProgramResult table =
      run_program("", {source_folder + "/scripts/demo-table.sh", folder_.string()}, {.shell = "exec bash \"$@\""});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out,
            "| held-out test set                                |     mean |   median |\n"
            "| ------------------------------------------------ | -------: | -------: |\n"
            "| mixture (SI-SNR)                                 |     0.01 |     0.00 |\n"
            "| mixpit, 1 step in 1.0 min                        |     9.95 |     6.27 |\n"
            "| mixcycle (MixPIT only), 97 steps in 0.9 min      |     9.95 |     6.27 |\n"
            "| ideal ratio masks                                |    24.27 |    23.28 |\n");
}

}  // namespace
}  // namespace sunder
