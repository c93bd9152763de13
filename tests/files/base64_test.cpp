#include "files/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sunder {
namespace {

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648, section 10
  for (const auto& [bytes, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}})
    EXPECT_EQ(base64(bytes), text);
  EXPECT_EQ(base64(std::string("\xff\xfe\x00\x80", 4)), "//4AgA==");
}

}  // namespace
}  // namespace sunder
