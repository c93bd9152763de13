#include "tests/embed/model_files.h"
#include "tests/files/scratch_folder.h"
#include "tests/programs/program.h"

namespace sunder {
namespace {

class Unload : public ScratchFolder {};

TEST_F(Unload, AHundredTimesLeavesNothing) {
  const ProgramResult result =
      run_program("unload", {program_folder + "/../embed/libsunder.so", write_conv_tasnet(folder_)});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

}  // namespace
}  // namespace sunder
