// The examples, built against an installation, compute what sunder-separate does.
#include <cmath>
#include <cstring>

#include "tests/embed/model_files.h"
#include "tests/install/installed_tree.h"

namespace sunder {
namespace {

using Voices = std::vector<std::vector<float>>;

constexpr int rate = 8000;
constexpr float step = 1.0f / 32768, rounded = 0.51f * step;

class Examples : public InstalledTree {
 protected:
  // Installs, and separates a mixture with the installed program.
  void SetUp() override {
    InstalledTree::SetUp();
    install();
    write_conv_tasnet(folder_);
    std::vector<float> mixture(3 * rate + 1);
    std::vector<int16_t> raw;
    for (size_t t = 0; t < mixture.size(); ++t) {
      const double seconds = static_cast<double>(t) / rate;
      raw.push_back(static_cast<int16_t>(8000 * std::sin(1400 * seconds) + 6000 * std::sin(7000 * seconds * seconds)));
      mixture[t] = raw[t] * step;
    }
    write_wav(folder_ / "mixture.wav", mixture, rate);
    shell("\"$PREFIX/bin/sunder-separate\" --model conv_tasnet.safetensors mixture.wav -o whole --no-pictures");
    write_wav(folder_ / "mixture.wav", mixture, rate, WavFormat::pcm16);
    write("mixture.raw", {reinterpret_cast<const char*>(raw.data()), raw.size() * sizeof raw[0]});
  }

  // name1.wav, name2.wav
  Voices wav(const std::string& name) const {
    return {read_mono(folder_ / (name + "1.wav")).samples, read_mono(folder_ / (name + "2.wav")).samples};
  }
  // Interleaved 16-bit samples.
  Voices raw(const std::string& name) const {
    const std::string bytes = read(name);
    std::vector<int16_t> samples(bytes.size() / sizeof(int16_t));
    std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(int16_t));
    Voices voices(2);
    for (size_t i = 0; i < samples.size(); ++i) voices[i % 2].push_back(samples[i] * step);
    return voices;
  }

  static void expect_near(const Voices& voices, const Voices& expected, float tolerance) {
    for (size_t v = 0; v < 2; ++v) {
      ASSERT_EQ(voices[v].size(), expected[v].size());
      float worst = 0;
      for (size_t t = 0; t < voices[v].size(); ++t) worst = std::max(worst, std::abs(voices[v][t] - expected[v][t]));
      EXPECT_LE(worst, tolerance) << "voice " << v + 1;
    }
  }
};

TEST_F(Examples, BuildWithCMake) {
  shell(
      "cmake -S \"$PREFIX/share/doc/sunder/examples\" -B build -D CMAKE_PREFIX_PATH=\"$PREFIX\" "
      "-D CMAKE_C_FLAGS='-std=c99 -Wall -Wextra -Wpedantic -Werror' -D CMAKE_CXX_FLAGS='-Wall -Wextra -Werror' && "
      "cmake --build build");
  const Voices whole = wav("whole/mixture_s");
  shell("build/separate conv_tasnet.safetensors < mixture.raw > voices.raw");
  expect_near(raw("voices.raw"), whole, rounded);
  shell("build/separate_wav conv_tasnet.safetensors mixture.wav");
  expect_near(wav("voice"), whole, 1e-6f);

  // Without the shared library.
  shell(
      "mv \"$LIB\" elsewhere && build/separate_static conv_tasnet.safetensors < mixture.raw > static.raw && "
      "mv elsewhere \"$LIB\"");
  expect_near(raw("static.raw"), whole, rounded);

  shell(
      "build/stream conv_tasnet.safetensors 8000 < mixture.raw > stream.raw && \"$PREFIX/bin/sunder-separate\" --model "
      "conv_tasnet.safetensors mixture.wav -o chunks --chunk-seconds 2 --overlap-seconds 0.5 --no-pictures");
  expect_near(raw("stream.raw"), wav("chunks/mixture_s"), rounded);
}

TEST_F(Examples, BuildWithPkgConfig) {
  const std::string compile =
      "export PKG_CONFIG_PATH=\"$LIB/pkgconfig\"; \"$CC\" -std=c99 "
      "\"$PREFIX/share/doc/sunder/examples/separate.c\" -o separate ";
  const Voices whole = wav("whole/mixture_s");
  shell(compile + "$(pkg-config --cflags --libs sunder)");
  shell("LD_LIBRARY_PATH=\"$LIB\" ./separate conv_tasnet.safetensors < mixture.raw > voices.raw");
  expect_near(raw("voices.raw"), whole, rounded);
  shell(compile + "$(pkg-config --cflags --libs sunder-static)");
  shell("./separate conv_tasnet.safetensors < mixture.raw > static.raw");
  expect_near(raw("static.raw"), whole, rounded);
  shell("mv \"$LIB/libsunder.so\" . && " + compile + "$(pkg-config --static --cflags --libs sunder)");
  shell("./separate conv_tasnet.safetensors < mixture.raw > static.raw");
  expect_near(raw("static.raw"), whole, rounded);
}

// The section of the README shows examples/separate.c, and compiles as it stands there.
TEST_F(Examples, TheReadmesCodeSeparates) {
  const std::string readme = read("prefix/share/doc/sunder/README.md"), fence = "```c\n";
  const size_t section = readme.find("## In your own program");
  ASSERT_NE(section, std::string::npos);
  const size_t begin = readme.find(fence, section) + fence.size();
  const std::string code = readme.substr(begin, readme.find("```", begin) - begin);
  write("readme.c", code);
  EXPECT_TRUE(read("prefix/share/doc/sunder/examples/separate.c").ends_with(code));
  shell(
      "PKG_CONFIG_PATH=\"$LIB/pkgconfig\"; export PKG_CONFIG_PATH; \"$CC\" -std=c99 -Wall -Wextra -Wpedantic -Werror "
      "readme.c -o readme $(pkg-config --cflags --libs sunder)");
  shell("LD_LIBRARY_PATH=\"$LIB\" ./readme conv_tasnet.safetensors < mixture.raw > voices.raw");
  expect_near(raw("voices.raw"), wav("whole/mixture_s"), rounded);
}

TEST_F(Examples, RunInPython) {
  if (run_program("", {}, {.shell = "python3 -c 'import ctypes, wave'"}).code != 0) GTEST_SKIP() << "no python3";
  shell(
      "LD_LIBRARY_PATH=\"$LIB\" python3 \"$PREFIX/share/doc/sunder/examples/separate.py\" conv_tasnet.safetensors "
      "mixture.wav");
  expect_near(wav("voice"), wav("whole/mixture_s"), rounded);
}

}  // namespace
}  // namespace sunder
