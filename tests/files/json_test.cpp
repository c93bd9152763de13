#include "files/json.h"

#include <gtest/gtest.h>

#include <ctime>
#include <sstream>

namespace sunder {
namespace {

using nlohmann::json;

std::string refusal(const std::string& text, int depth_limit = json_depth_limit) {
  try {
    parse_json(text, depth_limit);
  } catch (const JsonError& error) {
    return error.what();
  }
  return "";
}

TEST(Json, ValuesAreThoseOfTheLibrarysParser) {
  for (const char* text :
       {R"({"a": {"b": [1, {"c": []}, -2], "d": {}}, "e": 1.5, "f": [[], [null, true], "x"], "g": "\u00fc"})", "[]",
        "7", R"("text")", "null", R"([{"a": 1}, {"a": 2}])", "18446744073709551615", "1e400"}) {
    std::string expected, got;
    try {
      expected = json::parse(text).dump();
    } catch (const json::exception&) {
      EXPECT_NE(refusal(text).find("is not valid JSON"), std::string::npos) << text;
      continue;
    }
    EXPECT_EQ(parse_json(text).dump(), expected);
  }
}

TEST(Json, WhatIsNotJsonIsRefused) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":}", "{}x", "[1] [2]", "{\"a\" 1}", "\"\xff\"", "nul"})
    EXPECT_NE(refusal(text).find("is not valid JSON"), std::string::npos) << text;
}

TEST(Json, AKeyTwiceIsRefusedInItsObjectAlone) {
  EXPECT_EQ(refusal(R"({"a": 1, "b": 2, "a": 3})"), "has the key 'a' twice");
  EXPECT_EQ(refusal(R"([{"x": {"a": 1, "a": {}}}])"), "has the key 'a' twice");
  EXPECT_EQ(refusal(R"({"a": {"a": {"a": 1}}, "b": {"a": 1}})"), "");
  std::istringstream text(R"({"a": {"x": 1}, "a": {"y": 1}})");
  EXPECT_THROW(read_json(text, 2, [](const auto&, json&) {}), JsonError);
}

// Depth is that of the text: whatever is built is copied and destroyed within the stack.
TEST(Json, DeepTextIsRefused) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(refusal(nested(json_depth_limit)), "");
  EXPECT_EQ(refusal(nested(json_depth_limit + 1)), "is nested deeper than 32 levels");
  EXPECT_EQ(refusal(std::string(1'000'000, '[')), "is nested deeper than 32 levels");
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusal(objects), "is nested deeper than 32 levels");
  EXPECT_EQ(refusal(R"({"a": [1]})", 2), "");
  EXPECT_EQ(refusal(R"({"a": [[1]]})", 2), "is nested deeper than 2 levels");
}

TEST(Json, MembersComeOneAtATimeWithTheirKeys) {
  std::istringstream text(R"({"n": 1, "sets": {"train": {"a": {"x": [1]}, "b": 2}, "none": {}, "list": [{"c": 1}]}})");
  std::vector<std::string> seen;
  read_json(text, 3, [&](const std::vector<std::string>& keys, json& value) {
    std::string line;
    for (const std::string& key : keys) line += key + "/";
    seen.push_back(line + value.dump());
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"n/1", "sets/train/a/{\"x\":[1]}", "sets/train/b/2", "sets/none/{}",
                                            "sets/list/[{\"c\":1}]"}));
}

// With nlohmann's callback parser, half a minute.
TEST(Json, TimeIsInProportionToTheSize) {
  std::string text = "{";
  for (int i = 0; i < 20'000; ++i) text += (i ? ",\"" : "\"") + std::to_string(i) + "\":{\"x\":[1],\"y\":{}}";
  text += "}";
  const std::clock_t begin = std::clock();
  size_t members = 0;
  read_json(text, 1, [&](const auto&, json&) { ++members; });
  EXPECT_EQ(members, 20'000u);
  EXPECT_EQ(parse_json(text).size(), 20'000u);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 5);
}

}  // namespace
}  // namespace sunder
