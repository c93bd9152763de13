#include "files/plain_message.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <stdexcept>

namespace sunder {
namespace {

namespace fs = std::filesystem;

TEST(PlainMessage, NamesTheFileAndTheReason) {
  const auto message = [](auto... paths) {
    return plain_message(
        fs::filesystem_error("cannot rename", paths..., std::make_error_code(std::errc::no_space_on_device)));
  };
  EXPECT_EQ(message(fs::path("/a/b")), "/a/b: No space left on device");
  EXPECT_EQ(message(fs::path("/a/b"), fs::path("/c")), "/a/b to /c: No space left on device");
  EXPECT_EQ(message(fs::path()), "No space left on device");
  EXPECT_EQ(plain_message(std::runtime_error("as it is")), "as it is");
  EXPECT_EQ(plain_message(std::bad_alloc()), "out of memory");
}

}  // namespace
}  // namespace sunder
