// Sunder as a part of another project, by add_subdirectory.
#include <nlohmann/json.hpp>

#include "tests/install/installed_tree.h"

namespace sunder {
namespace {

class Subproject : public InstalledTree {
 protected:
  void SetUp() override {
    InstalledTree::SetUp();
    write("main.c", "#include <sunder.h>\nint main(void) { return sunder_abi_version() != SUNDER_ABI_VERSION; }\n");
    write("CMakeLists.txt",
          "cmake_minimum_required(VERSION 3.25)\n"
          "project(user LANGUAGES C CXX)\n"
          "set(CMAKE_EXPORT_COMPILE_COMMANDS ON)\n"
          "add_subdirectory($ENV{SOURCE} sunder)\n"
          "add_executable(user main.c)\n"
          "target_link_libraries(user PRIVATE sunder::sunder)\n"
          "file(GENERATE OUTPUT library.txt CONTENT $<TARGET_FILE_NAME:sunder::sunder>)\n");
  }
};

TEST_F(Subproject, GetsTheLibraryAndNothingElse) {
  shell("cmake -S . -B build");
  const std::string root = source_folder + "/";
  size_t users = 0, ours = 0;
  for (const auto& entry : nlohmann::json::parse(read("build/compile_commands.json"))) {
    const std::string file = entry["file"], command = entry["command"].get<std::string>() + " ";
    EXPECT_EQ(command.find("-Werror"), std::string::npos) << command;
    EXPECT_EQ(command.substr(0, command.find(' ')).find("ccache"), std::string::npos) << command;
    if (file.starts_with(root)) {
      ++ours;
      EXPECT_NE(command.find(" -O3 "), std::string::npos) << command;
      for (const char* folder : {"tests/", "bench/", "programs/", "train/"})
        EXPECT_FALSE(file.starts_with(root + folder)) << file;
    } else if (file.ends_with("/main.c")) {
      ++users;
      for (const std::string& option :
           {"-I" + source_folder + " ", "-I" + root, std::string("-std="), std::string("-f")})
        EXPECT_EQ(command.find(" " + option), std::string::npos) << command;
    }
  }
  EXPECT_EQ(users, 1u);
  EXPECT_GT(ours, 100u);
  EXPECT_EQ(read("build/library.txt").rfind("libsunder.so", 0), 0u);
  EXPECT_EQ(shell("grep -iE 'gtest|protobuf|cairo' build/CMakeCache.txt || true"), "");
  EXPECT_EQ(shell("grep -rn 'file(INSTALL' build --include=cmake_install.cmake || true"), "");

  shell("cmake -D BUILD_SHARED_LIBS=OFF build");
  EXPECT_EQ(read("build/library.txt"), "libsunder.a");
  shell("cmake -D BUILD_SHARED_LIBS=ON build");
  EXPECT_EQ(read("build/library.txt").rfind("libsunder.so", 0), 0u);
}

}  // namespace
}  // namespace sunder
