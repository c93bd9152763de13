// What cmake --install leaves.
#include <algorithm>
#include <set>
#include <sstream>

#include "tests/install/installed_tree.h"

namespace sunder {
namespace {

std::set<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST_F(InstalledTree, HasEverythingAndNamesNoPlace) {
  install();
  for (const char* name : {"bin/sunder-separate", "bin/sunder-prepare", "bin/sunder-train-pit", "bin/sunder-bench",
                           "include/sunder.h", "share/sunder/recipes/sc09mix/pit.toml", "share/doc/sunder/LICENSE",
                           "share/doc/sunder/licences.md", "share/doc/sunder/docs/design.md",
                           "share/doc/sunder/help/sunder-separate.txt", "share/doc/sunder/examples/separate.c",
                           "share/sunder/systemd/sunder-serve.service", "share/sunder/Containerfile"})
    EXPECT_TRUE(std::filesystem::is_regular_file(folder_ / "prefix" / name)) << name;
  for (const char* name : {"libsunder.so", "libsunder.so.1", "libsunder.a", "pkgconfig/sunder.pc",
                           "pkgconfig/sunder-static.pc", "cmake/sunder/sunder-config.cmake",
                           "cmake/sunder/sunder-targets.cmake", "cmake/sunder/sunder-static-targets.cmake"})
    EXPECT_TRUE(std::filesystem::exists(library_folder_ / name)) << name;
  EXPECT_NE(read("prefix/share/doc/sunder/help/sunder-separate.txt").find("--model"), std::string::npos);
  // Those that the tree has: it may have none.
  const std::string models = "models; ls *.safetensors *.md 2>/dev/null || true";
  EXPECT_EQ(shell("cd \"$PREFIX/share/sunder\"; [ ! -e models ] || { cd " + models + "; }"),
            shell("cd \"$SOURCE\"; [ ! -e models ] || { cd " + models + "; }"));
  // Neither as text nor as a place where libraries are looked for.
  EXPECT_EQ(shell("grep -rlF -e \"$SOURCE\" -e \"$BUILD\" -e \"$PWD/before\" \"$LIB\"/{cmake,pkgconfig} "
                  "\"$PREFIX\"/{include,share} || true"),
            "");
  EXPECT_EQ(
      shell("readelf -d \"$PREFIX\"/bin/* \"$LIB\"/libsunder.so | grep -E 'R(UN)?PATH' | grep -F \"$BUILD\" || true"),
      "");
}

TEST_F(InstalledTree, LibrariesShowTheHeadersFunctionsAlone) {
  install();
  const auto declared =
      words(shell("grep -oE '^SUNDER_API.*\\bsunder_[a-z0-9_]+\\(' \"$PREFIX/include/sunder.h\" | "
                  "grep -oE 'sunder_[a-z0-9_]+\\(' | tr -d '('"));
  EXPECT_GE(declared.size(), 20u);
  EXPECT_EQ(words(shell("nm -D --defined-only \"$LIB/libsunder.so\" | awk 'NF == 3 {print $3}'")), declared);
  EXPECT_EQ(words(shell("nm -g --defined-only \"$LIB/libsunder.a\" | awk 'NF == 3 {print $3}'")), declared);
}

TEST_F(InstalledTree, ComponentsAndDestdirDivideIt) {
  shell("DESTDIR=\"$PWD/stage\" cmake --install \"$BUILD\" --prefix /opt/sunder --component runtime");
  const std::filesystem::path stage = folder_ / "stage/opt/sunder";
  EXPECT_TRUE(std::filesystem::exists(stage / "bin/sunder-separate"));
  EXPECT_FALSE(std::filesystem::exists(stage / "include"));
  EXPECT_EQ(shell("find stage -name '*.a' -o -name libsunder.so -o -name '*.cmake' -o -name '*.pc'"), "");
  shell("cmake --install \"$BUILD\" --prefix \"$PREFIX\" --component development");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "prefix/include/sunder.h"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "prefix/bin"));
}

}  // namespace
}  // namespace sunder
