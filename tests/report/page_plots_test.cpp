#include "report/page_plots.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/report/html.h"
#include "tests/report/page_sample.h"

namespace sunder {
namespace {

// A number as the page writes it: with a true minus sign.
double parse(std::string text) {
  if (const size_t at = text.find("\xe2\x88\x92"); at != std::string::npos) text.replace(at, 3, "-");
  return std::stod(text);
}

// 1, 2 or 5 times a power of ten.
bool is_round(double step) {
  const double digit = step / std::pow(10.0, std::floor(std::log10(step) + 1e-9));
  return std::abs(digit - 1) < 1e-6 || std::abs(digit - 2) < 1e-6 || std::abs(digit - 5) < 1e-6;
}

struct Scale {
  std::vector<double> values, positions;
  double at(double position) const {
    const double share = (position - positions.front()) / (positions.back() - positions.front());
    return values.front() + share * (values.back() - values.front());
  }
};

Scale scale_of(const Html& html, const HtmlElement* plot, const std::string& axis) {
  Scale scale;
  for (const HtmlElement* text : html.find("text", axis, plot)) {
    if (text->has_class("name")) continue;
    scale.values.push_back(parse(text->text));
    scale.positions.push_back(text->number(axis) - (axis == "y" ? 4 : 0));  // labels hang 4 below their line's height
  }
  return scale;
}

struct Bar {
  double low, high;
  int64_t count;
};

std::vector<Bar> bars_of(const Html& html, const HtmlElement* plot) {
  std::vector<Bar> bars;
  for (const HtmlElement* rect : html.find("rect", "bar", plot)) {
    // "12 to 13 dB: 1,234 estimates"
    const std::string& title = rect->text;
    const size_t to = title.find(" to "), colon = title.find(": ");
    EXPECT_TRUE(to != std::string::npos && colon != std::string::npos && title.ends_with(" estimates")) << title;
    if (to == std::string::npos || colon == std::string::npos) continue;
    std::string count = title.substr(colon + 2);
    std::erase(count, ',');
    bars.push_back({parse(title.substr(0, to)), parse(title.substr(to + 4)), std::stoll(count)});
  }
  return bars;
}

ReportPage page_of(const PageMetric& metric) {
  ReportPage page;
  page.title = "one metric";
  page.metrics = {metric};
  return page;
}

TEST(PagePlots, HistogramBarsCountTheValues) {
  Random random(9, RandomUse::test, 0);
  for (const auto& [count, scale, center] : std::vector<std::tuple<int, double, double>>{
           {1, 1, 3}, {5, 0, -2.5}, {40, 1e-4, 0.91}, {3000, 6, -40}, {500, 2e4, 1e5}}) {
    PageMetric metric{"SI-SDR", "dB"};
    for (int i = 0; i < count; ++i) metric.values.push_back(center + scale * random.normal());
    metric.mean = metric.median = metric.values[0];
    const Html html(report_page(page_of(metric)));
    ASSERT_EQ(html.faults(), std::vector<std::string>{});
    const HtmlElement* plot = html.find("svg", "plot").at(0);
    const std::vector<Bar> bars = bars_of(html, plot);
    ASSERT_FALSE(bars.empty());
    const double step = bars[0].high - bars[0].low;
    EXPECT_TRUE(is_round(step)) << step;
    const Scale x = scale_of(html, plot, "x"), y = scale_of(html, plot, "y");
    const auto rects = html.find("rect", "bar", plot);
    int64_t total = 0;
    for (size_t i = 0; i < bars.size(); ++i) {
      const Bar& bar = bars[i];
      total += bar.count;
      EXPECT_NEAR(bar.high - bar.low, step, 1e-6 * step);
      EXPECT_EQ(bar.count, std::count_if(metric.values.begin(), metric.values.end(),
                                         [&](double value) { return value >= bar.low && value < bar.high; }))
          << bar.low;
      // The drawing agrees with the axes: middle of the bar, its height.
      const double unit_x = (x.values[1] - x.values[0]) / (x.positions[1] - x.positions[0]);
      EXPECT_NEAR(x.at(rects[i]->number("x") + rects[i]->number("width") / 2), (bar.low + bar.high) / 2,
                  std::abs(unit_x) * 0.3);
      const double unit_y = (y.values[1] - y.values[0]) / (y.positions[1] - y.positions[0]);
      EXPECT_NEAR(y.at(rects[i]->number("y")), static_cast<double>(bar.count), std::abs(unit_y) * 0.3);
      EXPECT_NEAR(y.at(rects[i]->number("y") + rects[i]->number("height")), 0, std::abs(unit_y) * 0.3);
    }
    EXPECT_EQ(total, count);
  }
}

TEST(PagePlots, AxesHaveRoundTicks) {
  const Html html(report_page(sample_page()));
  const auto plots = html.find("svg", "plot");
  ASSERT_EQ(plots.size(), 3u) << "two metrics with values and a scatter";
  for (const HtmlElement* plot : plots)
    for (const char* axis : {"x", "y"}) {
      const Scale scale = scale_of(html, plot, axis);
      ASSERT_GE(scale.values.size(), 3u);
      EXPECT_LE(scale.values.size(), 12u);
      const double step = scale.values[1] - scale.values[0];
      EXPECT_TRUE(is_round(step)) << step;
      for (size_t i = 0; i < scale.values.size(); ++i) {
        EXPECT_NEAR(scale.values[i] / step, std::round(scale.values[i] / step), 1e-6);
        EXPECT_NEAR(scale.at(scale.positions[i]), scale.values[i], 0.01 * step) << "evenly spaced";
      }
    }
}

TEST(PagePlots, MarksStandAtTheirValues) {
  const ReportPage page = sample_page();
  const Html html(report_page(page));
  const HtmlElement* plot = html.find("svg", "plot").at(0);
  const Scale x = scale_of(html, plot, "x");
  const double pixel = std::abs((x.values[1] - x.values[0]) / (x.positions[1] - x.positions[0]));
  const PageMetric& metric = page.metrics[0];
  EXPECT_NEAR(x.at(html.find("line", "mean", plot).at(0)->number("x1")), metric.mean, 0.1 * pixel);
  EXPECT_NEAR(x.at(html.find("line", "median", plot).at(0)->number("x1")), metric.median, 0.1 * pixel);
  const HtmlElement* interval = html.find("rect", "interval", plot).at(0);
  EXPECT_NEAR(x.at(interval->number("x")), metric.interval->first, 0.1 * pixel);
  EXPECT_NEAR(x.at(interval->number("x") + interval->number("width")), metric.interval->second, 0.2 * pixel);
  EXPECT_EQ(html.find("path", "other", plot).size(), 1u);
  const HtmlElement* card = html.find("figure", "card").at(1);
  EXPECT_NE(card->text.find("0.900"), std::string::npos);
  EXPECT_NE(card->text.find("2 undefined, left out"), std::string::npos);
}

TEST(PagePlots, AMetricWithoutValuesSaysSo) {
  PageMetric metric{"PESQ", "MOS"};
  metric.mean = metric.median = NAN;
  metric.undefined = 1200;
  const Html html(report_page(page_of(metric)));
  EXPECT_EQ(html.faults(), std::vector<std::string>{});
  EXPECT_EQ(html.find("svg", "plot").size(), 0u);
  EXPECT_EQ(html.find("p", "none").at(0)->text, "no values");
  EXPECT_NE(html.find("figure").at(0)->text.find("1,200 undefined"), std::string::npos);
  EXPECT_EQ(Html(report_page(ReportPage{})).faults(), std::vector<std::string>{}) << "nothing at all";
}

TEST(PagePlots, TheTrendIsTheMedianOfNeighbours) {
  PageScatter scatter{"gain", "input", "gain (dB)", {}};
  for (int i = 79; i >= 0; --i) scatter.points.push_back({i - 40.0, 2.0 * (i - 40), fmt::format("p{}", i)});
  ReportPage page;
  page.scatters = {scatter};
  const Html html(report_page(page));
  ASSERT_EQ(html.faults(), std::vector<std::string>{});
  const HtmlElement* plot = html.find("svg", "plot").at(0);
  const Scale x = scale_of(html, plot, "x"), y = scale_of(html, plot, "y");
  for (const HtmlElement* point : html.find("circle", "", plot)) {
    const double input = x.at(point->number("cx"));
    EXPECT_NEAR(y.at(point->number("cy")), 2 * std::round(input), 0.5);
    EXPECT_TRUE(point->text.starts_with(fmt::format("p{}: ", std::lround(input) + 40))) << point->text;
  }
  EXPECT_NEAR(y.at(html.find("line", "zero", plot).at(0)->number("y1")), 0, 0.1);
  // 80 points in eight groups of ten: -40 ... -31 has median y -71.
  const auto rows = html.find("tr", "", html.find("tbody").at(0));
  ASSERT_EQ(rows.size(), 8u);
  EXPECT_EQ(parse(html.find("td", "", rows[0]).at(1)->text), -71);
  EXPECT_EQ(parse(html.find("td", "", rows[7]).at(1)->text), 69);
  const std::string path = html.find("path", "trend", plot).at(0)->attributes.at("d");  // "M12.3 45.6L..."
  ASSERT_TRUE(path.starts_with("M")) << path;
  EXPECT_NEAR(x.at(std::stod(path.substr(1))), -35.5, 0.2);
  EXPECT_NEAR(y.at(std::stod(path.substr(path.find(' ')))), -71, 0.4);
}

TEST(PagePlots, EqualInputsStayInOneGroup) {
  ReportPage page;
  page.scatters = {{"gain", "input", "gain", {}}};
  for (int i = 0; i < 100; ++i) page.scatters[0].points.push_back({0.0, static_cast<double>(i), "same"});
  const Html html(report_page(page));
  EXPECT_EQ(html.find("tr", "", html.find("tbody").at(0)).size(), 1u);
  EXPECT_EQ(html.find("path", "trend").size(), 0u);
}

TEST(PagePlots, ThinsManyPointsAndSaysSo) {
  ReportPage page;
  page.scatters = {{"gain", "input", "gain", {}}};
  for (int i = 0; i < 7001; ++i) page.scatters[0].points.push_back({(i * 37) % 7001 / 100.0, i % 10 * 1.0, "p"});
  const std::string text = report_page(page);
  const Html html(text);
  const auto points = html.find("circle");
  EXPECT_EQ(points.size(), 2000u);
  EXPECT_NE(html.find("figcaption").at(0)->text.find("2,000 of 7,001 points"), std::string::npos);
  double widest = 0;
  for (size_t i = 1; i < points.size(); ++i)
    widest = std::max(widest, points[i]->number("cx") - points[i - 1]->number("cx"));
  EXPECT_LT(widest, 1.01) << "evenly along x";
  EXPECT_GT(points.back()->number("cx") - points.front()->number("cx"), 450) << "from end to end";
  std::reverse(page.scatters[0].points.begin(), page.scatters[0].points.end());
  EXPECT_EQ(report_page(page), text) << "whatever the order of the items";
}

}  // namespace
}  // namespace sunder
