#include "report/markup.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/report/html.h"

namespace sunder {
namespace {

TEST(Markup, EscapesWhatHtmlReadsAndWhatItCannot) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&amp;"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;");
  const std::string valid = "M\xc3\xbcller \xe2\x88\x92 \xf0\x9f\x8e\xa7 \xed\x9f\xbf";
  EXPECT_EQ(escape_html(valid), valid);
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(escape_html("a\xff"), "a" + bad);
  EXPECT_EQ(escape_html("\xc3"), bad) << "cut short";
  EXPECT_EQ(escape_html("\xc0\xaf"), bad + bad) << "overlong";
  EXPECT_EQ(escape_html("\xed\xa0\x80"), bad + bad + bad) << "half of a UTF-16 pair";
  EXPECT_EQ(escape_html(std::string("a\0b\x1b", 4)), "a" + bad + "b" + bad);
}

TEST(Markup, NumbersHaveTrueMinusSignsAndNoNegativeZero) {
  EXPECT_EQ(format_number(-1.255, 1),
            "\xe2\x88\x92"
            "1.3");
  EXPECT_EQ(format_number(-0.004, 2), "0.00");
  EXPECT_EQ(format_count(7), "7");
  EXPECT_EQ(format_count(123456), "123,456");
  EXPECT_EQ(format_count(1234567), "1,234,567");
}

TEST(Html, TheReaderItselfSeesFaults) {
  const auto faults = [](const std::string& body) { return Html("<!DOCTYPE html>" + body).faults().size(); };
  EXPECT_EQ(faults("<p class=\"a\">x &amp; y<img src=\"z\"></p>"), 0u);
  EXPECT_GT(faults("<p><b>x</p></b>"), 0u);
  EXPECT_GT(faults("<p>"), 0u);
  EXPECT_GT(faults("<p>a & b</p>"), 0u);
  EXPECT_GT(faults("<p class=a>b</p>"), 0u);
  EXPECT_GT(faults("<p>1 < 2</p>"), 0u);
}

}  // namespace
}  // namespace sunder
