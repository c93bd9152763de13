#include "files/settings.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace sunder {
namespace {

struct Sizes {
  int64_t width = 4;
  double share = 0.5;
  std::string window = "hann";
  bool on = false;
};

Fields fields(Sizes& s) {
  return {number("width", &s.width, 1, 64, "in samples"), number("share", &s.share, 0, 1, "of the whole"),
          renamed(text("window", &s.window, "shape", {"hann", "hamming"}), "taper"), flag("on", &s.on, "whether")};
}

template <class E>
std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

TEST(Settings, ALargestValueMayBeExcluded) {
  double rate = 0;
  const Field field = below(number("rate", &rate, 0, 1, "of decay"));
  EXPECT_EQ(refusal<UsageError>([&] { assign(field, "1", "rate"); }),
            "rate: expected a number from 0 to below 1, got '1'");
  assign(field, "0.9999999999999999", "rate");
  EXPECT_LT(rate, 1);
  rate = 1;
  EXPECT_NE(refusal<UsageError>([&] { check_ranges({field}, "test"); }), "");
}

TEST(Settings, TomlAndBack) {
  Sizes sizes{7, 0.1 + 0.2, "hamming", true}, again;
  const std::string toml = to_toml(in_section("stft", fields(sizes)));
  EXPECT_EQ(toml,
            "[stft]\nwidth = 7  # in samples\nshare = 0.30000000000000004  # of the whole\n"
            "window = \"hamming\"  # shape\non = true  # whether\n");
  read_toml(in_section("stft", fields(again)), parse_toml(toml, "text"), "text", Names::current);
  EXPECT_EQ(to_toml(in_section("stft", fields(again))), toml);
}

TEST(Settings, MetadataAndBack) {
  Sizes sizes{7, 0.25, "hamming", true}, again;
  std::map<std::string, std::string> metadata{{"other", "is left alone"}};
  write_metadata(fields(sizes), metadata);
  EXPECT_EQ(metadata,
            (std::map<std::string, std::string>{
                {"other", "is left alone"}, {"width", "7"}, {"share", "0.25"}, {"window", "hamming"}, {"on", "true"}}));
  metadata.erase("share");
  read_metadata(fields(again), metadata, "FILE");
  EXPECT_EQ(again.width, 7);
  EXPECT_EQ(again.share, 0.5) << "a field without a key keeps its value";
  metadata["width"] = "65";
  EXPECT_EQ(refusal<ModelError>([&] { read_metadata(fields(again), metadata, "FILE"); }),
            "FILE: width in the metadata: expected a whole number from 1 to 64, got '65'");
}

TEST(Settings, FormerNames) {
  Sizes sizes;
  read_metadata(fields(sizes), {{"taper", "hamming"}}, "FILE");
  EXPECT_EQ(sizes.window, "hamming");
  const auto read = [&](Names names) {
    read_toml(in_section("stft", fields(sizes)), parse_toml("[stft]\ntaper = 'hann'\n", "old"), "old", names);
  };
  EXPECT_EQ(refusal<UsageError>([&] { read(Names::current); }), "old: 'stft.taper' was renamed to 'stft.window'");
  EXPECT_EQ(sizes.window, "hamming");
  read(Names::also_former);
  EXPECT_EQ(sizes.window, "hann");
}

TEST(Settings, MergedListsShareTheirNames) {
  Sizes first, second;
  const Fields both = merged(fields(first), fields(second));
  ASSERT_EQ(both.size(), 4u);
  assign(find(both, "width", "test"), "9", "test");
  EXPECT_EQ(first.width, 9);
  EXPECT_EQ(second.width, 9);
  EXPECT_THROW(find(both, "with", "test"), UnknownName);
}

TEST(Settings, StructsFilledByHandAreCheckedToo) {
  Sizes sizes{.width = 0};
  EXPECT_EQ(refusal<UsageError>([&] { check_ranges(fields(sizes), "network"); }),
            "network: width: expected a whole number from 1 to 64, got '0'");
  sizes = {.window = "han"};
  EXPECT_EQ(refusal<UsageError>([&] { check_ranges(fields(sizes), "network"); }),
            "network: window: expected one of hann, hamming, got 'han'");
}

}  // namespace
}  // namespace sunder
