#include "files/toml.h"

#include <gtest/gtest.h>

#include "scratch_folder.h"

namespace sunder {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

void expect_too_deep(const std::string& text, int line) {
  expect_error<InputError>([&] { parse_toml(text, "recipe"); },
                           {fmt::format("recipe: line {}: nested deeper than 64 levels", line)});
}

// toml++ makes a table of every part of a key, and destroys them by recursion.
TEST(Toml, DeepTextIsRefusedWithItsLine) {
  constexpr int deep = 200'000;
  expect_too_deep(repeated("a.", deep) + "a = 1", 1);
  expect_too_deep("x = 1\n[" + repeated("a.", deep) + "a]\n", 2);
  expect_too_deep("\n\n[[" + repeated("a . ", deep) + "a]]\n", 3);
  expect_too_deep(repeated("\"a#\".", deep) + "a = 1", 1);
  expect_too_deep("x = " + repeated("[", deep), 1);
  expect_too_deep("x = " + repeated("[\n", deep), 65);
  expect_too_deep("x = " + repeated("{a=", deep), 1);
  expect_too_deep("x = " + repeated("{a.b.c = [", 20), 1);
  expect_too_deep("x = {" + repeated("a.", deep) + "a = 1}", 1);
  expect_too_deep("x = [1, {y = 2, " + repeated("a.", deep) + "a = 1}]", 1);
}

// A string or comment that seems to go on would hide what follows.
TEST(Toml, DepthIsSeenBehindStringsAndComments) {
  const std::string deep = repeated("a.", 1000) + "a = 1\n";
  for (const char* before :
       {"s = \"\"\n", "s = ''\n", "s = \"\\\"\"\n", "s = 'x\\'\n", "# '''\n", "# \"\n", "s = \"\"\"\n\"\"\"\n",
        "s = \"\"\"a\"\"\"\"\"\n", "s = '''a'''''\n", "s = \"\"\"\\\"\"\"\"\n", "s = \"\"\"\"\"\"\n", "\"a'\" = 1\n",
        "s = '''\n# '''\n", "s = \"# \\\\\" # \"\n", "s = \"\"\"\\\n  \"\"\"\n"}) {
    EXPECT_NO_THROW(parse_toml(before, "text")) << before;
    expect_error<InputError>([&] { parse_toml(before + deep, "text"); }, {"nested deeper"});
  }
}

TEST(Toml, WhatOnlyLooksDeepIsRead) {
  const std::string brackets = repeated("[", 300) + repeated("a.", 300);
  const toml::table table =
      parse_toml("a = \"" + brackets + "\" # " + brackets + "\nb = '" + brackets + "'\nc = \"\"\"\n" + brackets +
                     "\"\"\"\nd = '''\n" + brackets + "'''\ne = [" + repeated("1.5, [2.5], {x.y = 3.5},\n", 300) +
                     "]\n# " + brackets,
                 "text");
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(table[key].value<std::string>(), brackets) << key;
  EXPECT_EQ(table["e"].as_array()->size(), 900u);
}

TEST(Toml, TheLimitItselfIsRead) {
  const int depth = static_cast<int>(toml_depth_limit);
  EXPECT_NO_THROW(parse_toml(
      repeated("a.", depth) + "a = 1\n[b" + repeated(".b", depth - 1) + "]\n" + repeated("a.", depth) + "a = 1\n",
      "text"));
  EXPECT_NO_THROW(parse_toml("x = " + repeated("[", depth) + repeated("]", depth), "text"));
  expect_too_deep("x = " + repeated("[", depth + 1) + repeated("]", depth + 1), 1);
}

TEST(Toml, TextOverTheSizeLimitIsRefused) {
  const std::string large = "# " + std::string(toml_size_limit, 'x');
  expect_error<InputError>([&] { parse_toml(large, "recipe"); },
                           {"recipe: expected at most 16777216 bytes of TOML, got 16777218"});
}

}  // namespace
}  // namespace sunder
