// A temporary folder for each test, and helpers for tests of files.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "audio/file.h"
#include "tensor/error.h"

namespace sunder {

class ScratchFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sunder-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::filesystem::path& name, const std::string& bytes) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::string read(const std::filesystem::path& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Writes a sine of `samples` samples with peak `level`.
  std::filesystem::path write_tone(const std::filesystem::path& name, int64_t samples, int rate = 8000,
                                   float level = 0.5f, double hertz = 440) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::vector<float> tone(samples);
    for (int64_t t = 0; t < samples; ++t)
      tone[t] = level * static_cast<float>(std::sin(2 * M_PI * hertz * static_cast<double>(t) / rate));
    write_wav(folder_ / name, tone, rate);
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

// Runs `call`, which must throw an E whose message contains all of `parts`.
template <class E, class Call>
void expect_error(const Call& call, const std::vector<std::string>& parts) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const E& error) {
    for (const std::string& part : parts)
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << "\"" << error.what() << "\" does not contain \"" << part << "\"";
  }
}

}  // namespace sunder
