// What scripts/bundle.sh makes of this build, unpacked into a folder whose name has a space and used with nothing else.
#include <algorithm>
#include <sstream>

#include "tests/embed/model_files.h"
#include "tests/install/installed_tree.h"
#include "tests/synthetic_voice.h"

namespace sunder {
namespace {

class Bundle : public InstalledTree {
 protected:
  void SetUp() override {
    InstalledTree::SetUp();
    if (run_program("", {}, {.shell = "command -v patchelf"}).code != 0)
      GTEST_SKIP() << "no patchelf (apt-get install patchelf)";
    write_conv_tasnet(folder_);
    write_wav(folder_ / "mixture.wav", mixture(), 8000);
  }

  static std::vector<float> mixture() {
    std::vector<float> sum = synthetic_voice(0, 0, 8000, 8000);
    const std::vector<float> other = synthetic_voice(1, 0, 8000, 8000);
    for (size_t t = 0; t < sum.size(); ++t) sum[t] += other[t];
    return sum;
  }

  // Makes bundle.tar and unpacks it to "un packed/sunder", with the model as the default one. Returns what was printed.
  std::string bundle() {
    const std::string printed = shell(
        "SOURCE_DATE_EPOCH=1000000000 \"$SOURCE/scripts/bundle.sh\" --build \"$BUILD\" --model conv_tasnet.safetensors "
        "--output \"$PWD/bundle.tar\"");
    shell(
        "mkdir 'un packed' && tar -xf bundle.tar -C 'un packed' && mv 'un packed'/* 'un packed/sunder' && "
        "mkdir -p 'un packed/sunder/share/sunder/models' && "
        "cp conv_tasnet.safetensors 'un packed/sunder/share/sunder/models/speech-8k.safetensors' && "
        "\"$BUILD/bin/sunder-separate\" --model conv_tasnet.safetensors mixture.wav -o expected --no-pictures");
    return printed;
  }

  // A program in C, built with the bundle's header and library by pkg-config.
  void build_in_c() const {
    shell(
        "PKG_CONFIG_PATH='un packed/sunder/lib/pkgconfig'; export PKG_CONFIG_PATH; eval \"$CC -std=c99 "
        "'$SOURCE/examples/separate.c' -o 'un packed/sunder/bin/in-c' -Wl,-rpath,'\\$ORIGIN/../lib' "
        "$(pkg-config --cflags --libs sunder)\"");
  }
  void expect_what_the_build_makes(const std::string& folder) const {
    for (const char* voice : {"/mixture_s1.wav", "/mixture_s2.wav"})
      EXPECT_TRUE(read(folder + voice) == read(std::string("expected") + voice)) << folder << voice;
  }
};

TEST_F(Bundle, NeedsNothingButGlibc) {
  const std::string printed = bundle();
  for (const char* word : {"unpacked ", "glibc       2.", "or newer", "cold start  0.", "one second of sound"})
    EXPECT_NE(printed.find(word), std::string::npos) << word << " not in: " << printed;

  // Nothing depends on who packed it, and when.
  std::istringstream list(shell("TZ=UTC tar -tvf bundle.tar --full-time --numeric-owner"));
  std::string last;
  for (std::string line; std::getline(list, line);) {
    EXPECT_NE(line.find(" 0/0 "), std::string::npos) << line;
    EXPECT_NE(line.find(" 2001-09-09 01:46:40 "), std::string::npos) << line;
    std::string file = line.substr(line.find(" sunder-") + 1);
    std::ranges::replace(file, '/', '\1');  // sorted folder by folder
    EXPECT_LT(last, file);
    last = file;
  }
  EXPECT_FALSE(last.empty());
  EXPECT_EQ(shell("grep -rlF -e \"$SOURCE/\" -e \"$BUILD\" 'un packed' || true"), "");

  // A stray variable does not lead elsewhere.
  shell(
      "mkdir strays && for name in libfmt.so.9 libstdc++.so.6 libopenblas.so.0; do echo no library >strays/$name; "
      "done");
  const std::string alone = "env -i LD_LIBRARY_PATH=\"$PWD/strays\" ";
  shell("cd 'un packed/sunder/bin'; for program in *; do env -i \"./$program\" --version && " + alone +
        "\"./$program\" --help; done");
  shell(alone +
        "LD_DEBUG=files LD_DEBUG_OUTPUT=\"$PWD/loaded\" 'un packed/sunder/bin/sunder-separate' mixture.wav -o 'o ut'");
  EXPECT_GT(std::filesystem::file_size(folder_ / "o ut/mixture.png"), 1000u);
  expect_what_the_build_makes("o ut");

  // What was loaded, at the start and later, and what any file would load.
  const std::string glibc = "/(ld-linux-x86-64|lib(c|m|mvec|dl|pthread|rt|resolv))\\.so\\.[0-9]+$";
  const std::string loaded = shell("sed -n 's/.*calling init: //p' loaded.*");
  EXPECT_NE(loaded.find("un packed/sunder/bin/../lib/libopenblas.so.0\n"), std::string::npos) << loaded;
  EXPECT_EQ(
      shell("sed -n 's/.*calling init: //p' loaded.* | grep -vF 'un packed/sunder' | grep -vE '" + glibc + "' || true"),
      "");
  EXPECT_EQ(shell("for file in 'un packed/sunder'/bin/* 'un packed/sunder'/lib/*.so*; do env -i ldd \"$file\"; done | "
                  "sed -n 's/.* => //p' | sed 's/ (0x.*//' | grep -vF \"$PWD/un packed/sunder\" | grep -vE '" +
                  glibc + "' || true"),
            "");

  // Every library has its licence.
  EXPECT_EQ(shell("cd 'un packed/sunder/share/doc/sunder'; comm -3 <(cd ../../../lib; ls lib*.so* | grep -v libsunder) "
                  "<(sed -n 's/^| \\(lib[^ ]*\\) .*/\\1/p' bundled.md | LC_ALL=C sort); "
                  "for text in $(grep -o 'licences/[^ ]*' bundled.md); do [ -s $text ] || echo $text; done"),
            "");

  build_in_c();
  shell(
      "tail -c 16000 mixture.wav | head -c 16000 >mixture.raw; env -i 'un packed/sunder/bin/in-c' "
      "conv_tasnet.safetensors <mixture.raw >voices.raw");
  EXPECT_EQ(std::filesystem::file_size(folder_ / "voices.raw"), 32000u);
  write("user/CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.18)\nproject(user C)\nfind_package(sunder REQUIRED)\n"
        "add_executable(user main.c)\ntarget_link_libraries(user sunder::sunder)\n");
  write("user/main.c", "#include <sunder.h>\nint main(void) { return sunder_abi_version() != SUNDER_ABI_VERSION; }\n");
  shell(
      "cmake -S user -B user/build -D CMAKE_PREFIX_PATH=\"$PWD/un packed/sunder\" && cmake --build user/build && "
      "env -i user/build/user");
}

TEST_F(Bundle, RefusesWhatWouldNotRun) {
  const auto refused = [&](const std::string& flags, const std::string& reason, int code = 1) {
    const ProgramResult result = run_program(
        "", {}, {.folder = folder_, .shell = "PATH=\"$PWD:$PATH\" '" + source_folder + "/scripts/bundle.sh' " + flags});
    EXPECT_EQ(result.code, code) << flags;
    EXPECT_NE(result.err.find(reason), std::string::npos) << flags << ": " << result.err;
  };
  const std::string build = "--build '" + std::filesystem::path(program_folder).parent_path().string() + "' ";
  refused("--output voices.zip", "--output: expected a name that ends with .tar.gz, .tar.xz or .tar, got ", 2);
  refused("--cuda some", "--cuda: expected none or needed, got some", 2);
  refused("--build nowhere", "/nowhere/CMakeCache.txt");
  refused(build + "--model nowhere", "--model: there is no ", 4);
  if (shell("ldd \"$BUILD/bin/sunder-info\"").find("libcudart") == std::string::npos)
    refused(build + "--cuda needed", "has no CUDA: configure it with -D SUNDER_CUDA=on");
  write("dpkg-query", "#!/bin/sh\nexit 1\n");
  shell("chmod +x dpkg-query");
  refused(build + "--output \"$PWD/out.tar\"", "no licence text was found: put it into lib");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.tar"));
}

// With SUNDER_BUNDLE_CHROOT=FOLDER, where the system stays for the next time: FOLDER/trixie.
TEST_F(Bundle, RunsInABareNewerDebian) {
  const char* systems = std::getenv("SUNDER_BUNDLE_CHROOT");
  if (!systems || !*systems) GTEST_SKIP() << "SUNDER_BUNDLE_CHROOT names no folder for a Debian (scripts/nightly.sh)";
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a Debian and change into it";
  const ProgramResult made = run_program(
      "", {}, {.environment = {{"SYSTEMS", std::filesystem::absolute(systems)}}, .folder = folder_, .shell = R"(
        set -eu; PATH=$PATH:/usr/sbin:/sbin; [ ! -e "$SYSTEMS/trixie" ] || exit 0; mkdir -p "$SYSTEMS"
        rm -rf "$SYSTEMS/trixie.part"
        debootstrap --variant=minbase trixie "$SYSTEMS/trixie.part" http://deb.debian.org/debian 2>&1 | tail -1
        [ -e "$SYSTEMS/trixie.part/usr/bin/env" ]; mv "$SYSTEMS/trixie.part" "$SYSTEMS/trixie")"});
  if (made.code != 0) GTEST_SKIP() << "debootstrap cannot make a Debian here: " << made.out << made.err;

  bundle();
  build_in_c();
  shell(
      "tail -c 16000 mixture.wav >mixture.raw && 'un packed/sunder/bin/in-c' conv_tasnet.safetensors <mixture.raw "
      ">expected.raw");
  std::filesystem::create_directories(folder_ / "corpus");
  std::string list = "path,speaker,split\n";
  for (int speaker = 0; speaker < 8; ++speaker)
    for (int take = 0; take < 2; ++take) {
      const std::string name = fmt::format("s{}_{}.wav", speaker, take);
      write_wav(folder_ / "corpus" / name, synthetic_voice(speaker, take, 2000, 8000), 8000);
      list += fmt::format("{},{},{}\n", name, speaker, speaker < 4 ? "train" : speaker < 6 ? "valid" : "test");
    }
  write("corpus/splits.csv", list);
  write("work.sh", R"(set -eu
cd "$1"; bin="$1/un packed/sunder/bin"
for program in "$bin"/sunder-*; do "$program" --version; "$program" --help >/dev/null; done
"$bin/sunder-info"
"$bin/sunder-prepare" sc09mix --corpus corpus --output set --train 8 --valid 4 --test 2 --seconds 0.25 --threads 1
"$bin/sunder-train-pit" --data set --output run --max-epochs 1 --set train.batch=4 --set model.n_fft=128 \
  --set model.hop_length=32 --set model.num_feats=8 --set model.num_hidden=16 --set model.num_layers=2 --set model.num_stacks=1
"$bin/sunder-evaluate" --model run --data set --split test --html report.html
"$bin/sunder-separate" mixture.wav -o there
"$bin/in-c" conv_tasnet.safetensors <mixture.raw >voices.raw
)");
  // The mount of /proc, which the loader needs for $ORIGIN, ends with the shell.
  write("enter.sh", R"(set -euo pipefail
root=$1 name=${PWD##*/}
trap 'rm -rf "$root/srv/$name"' EXIT
cp -a . "$root/srv/$name"
unshare --mount bash -euc 'mount -t proc proc "$1/proc"; chroot "$1" /usr/bin/env -i /bin/sh "/srv/$2/work.sh" "/srv/$2"' \
  - "$root" "$name" 2>&1
mv "$root/srv/$name" back
)");
  const std::string printed =
      shell(fmt::format("bash enter.sh '{}/trixie'", std::filesystem::absolute(systems).string()));
  fmt::print("{}\n", printed);
  std::filesystem::rename(folder_ / "back/there", folder_ / "there");
  expect_what_the_build_makes("there");
  for (const char* made_there : {"there/mixture.png", "back/report.html", "back/run/results.md"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / made_there)) << made_there;
  EXPECT_TRUE(read("back/voices.raw") == read("expected.raw"));
}

}  // namespace
}  // namespace sunder
