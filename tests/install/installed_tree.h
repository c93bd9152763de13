// An installation in a scratch folder, and shell lines that use it.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/files/scratch_folder.h"
#include "tests/programs/program.h"

namespace sunder {

// Lines of bash run in the scratch folder and know these variables: SOURCE and BUILD, this tree and its build; PREFIX,
// where `install` puts things, and LIB, its folder of libraries.
class InstalledTree : public ScratchFolder {
 protected:
  // Installs, and then moves what was installed: nothing in it may depend on its place.
  void install() {
    shell("cmake --install \"$BUILD\" --prefix \"$PWD/before\" && mv before prefix");
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "prefix"))
      if (std::filesystem::exists(entry.path() / "pkgconfig")) library_folder_ = entry.path();
    ASSERT_FALSE(library_folder_.empty());
  }

  // What the line prints; throws where it fails.
  std::string shell(const std::string& line) const {
    const std::string build = std::filesystem::path(program_folder).parent_path();
    const ProgramSetup setup{
        .environment = {{"SOURCE", source_folder},
                        {"BUILD", build},
                        {"PREFIX", folder_ / "prefix"},
                        {"LIB", library_folder_},
                        {"CC", SUNDER_C_COMPILER},
                        {"CXX", SUNDER_CXX_COMPILER},
                        {"CMAKE_GENERATOR", SUNDER_GENERATOR}},
        .folder = folder_,
        .shell = "set -euo pipefail; cmake() { " SUNDER_CMAKE " \"$@\"; }; unset DESTDIR; " + line};
    const ProgramResult result = run_program("", {}, setup);
    if (result.code != 0) throw std::runtime_error(line + ":\n" + result.out + result.err);
    return result.out;
  }

  std::filesystem::path library_folder_;
};

}  // namespace sunder
