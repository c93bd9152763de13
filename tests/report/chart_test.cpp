#include "report/chart.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tests/report/pictures.h"

namespace sunder {
namespace {

Chart sample_chart() {
  Chart chart{"a run", "step", {}};
  Panel scores{"validation SI-SNRi", "dB", {}};
  for (const char* name : {"PIT", "MixPIT", "MixCycle"}) {
    Curve curve{name, {}, {}};
    const double high = 4 + 4 * static_cast<double>(scores.curves.size());
    for (int i = 0; i < 100; ++i) {
      curve.x.push_back(50.0 * i);
      curve.y.push_back(high * (1 - std::exp(-i / 15.0)) - 1);
    }
    scores.curves.push_back(curve);
  }
  scores.curves[1].y[70] = NAN;
  chart.panels = {scores, {"learning rate", "", {{"lr", {0, 2000, 4950}, {1e-3, 1e-4, 1e-4}}}, true}};
  chart.panels[1].curves[0].steps = true;
  chart.events = {{2500, "MixPIT to MixCycle"}};
  chart.best = 4000;
  return chart;
}

bool near(Color a, Color b) {
  return std::abs(a.red - b.red) + std::abs(a.green - b.green) + std::abs(a.blue - b.blue) < 8;
}

TEST(Chart, CurvesAreWhereTheirValuesAre) {
  const Chart chart = sample_chart();
  const Picture picture = draw_chart(chart);
  keep("chart.png", picture);
  for (size_t p = 0; p < 2; ++p) {
    const PlotFrame frame = panel_frame(chart, p);
    for (size_t c = 0; c < chart.panels[p].curves.size(); ++c) {
      const Curve& curve = chart.panels[p].curves[c];
      for (size_t i = 1; i + 1 < curve.x.size(); ++i) {
        if (!std::isfinite(curve.y[i]) || curve.x[i] < 800) continue;  // curves cross on the left
        if (curve.x[i] == 4000 || p == 1) continue;                    // a ring, and a corner
        const double y = p == 1 ? std::log10(curve.y[i]) : curve.y[i];
        EXPECT_PRED2(near, picture.at(static_cast<int>(frame.at_x(curve.x[i])), static_cast<int>(frame.at_y(y))),
                     curve_color(c))
            << curve.name << " " << i;
      }
    }
  }
  const PlotFrame frame = panel_frame(chart, 0);
  const Curve& broken = chart.panels[0].curves[1];
  EXPECT_EQ(count(picture, curve_color(1), {frame.at_x(broken.x[70]) - 4, frame.box.y, 8, frame.box.height}), 0)
      << "a value that is not finite breaks the line";
  // The learning rate holds until it drops.
  const PlotFrame rate = panel_frame(chart, 1);
  EXPECT_PRED2(near, picture.at(static_cast<int>(rate.at_x(1500)), static_cast<int>(rate.at_y(-3))), curve_color(0));
  EXPECT_PRED2(near, picture.at(static_cast<int>(rate.at_x(3000)), static_cast<int>(rate.at_y(-4))), curve_color(0));
}

TEST(Chart, EveryPanelHasItsOwnScale) {
  const Chart chart = sample_chart();
  const PlotFrame scores = panel_frame(chart, 0), rate = panel_frame(chart, 1);
  EXPECT_EQ(scores.x.low, 0);
  EXPECT_NEAR(scores.x.high, 4950, 100);
  EXPECT_EQ(rate.x.high, scores.x.high);
  EXPECT_GT(scores.y.high, 10);
  EXPECT_LT(scores.y.high, 13);
  EXPECT_LT(rate.y.high, -2.8);
  EXPECT_GT(rate.y.low, -4.3);
  EXPECT_GE(rate.box.y, scores.box.y + scores.box.height + 30) << "room for the title";
}

TEST(Chart, MarksTheBestAndTheEventsInEveryPanel) {
  const Chart marked = sample_chart();
  Chart plain = marked;
  plain.best.reset();
  plain.events.clear();
  const Picture picture = draw_chart(marked), without = draw_chart(plain);
  for (size_t p = 0; p < 2; ++p) {
    for (const double x : {4000.0, 2500.0}) {
      int changed = 0;
      const PlotFrame frame = panel_frame(marked, p), other = panel_frame(plain, p);
      const int column = static_cast<int>(frame.at_x(x));
      for (int y = 1; y < frame.box.height - 1; ++y)
        changed += picture.at(column, static_cast<int>(frame.box.y) + y) !=
                   without.at(column, static_cast<int>(other.box.y) + y);
      EXPECT_GT(changed, frame.box.height * 0.4) << p << " " << x;
    }
  }
  const PlotFrame frame = panel_frame(marked, 0);
  const double y = frame.at_y(marked.panels[0].curves[2].y[80]);
  EXPECT_EQ(picture.at(static_cast<int>(frame.at_x(4000)), static_cast<int>(y)), ink::white) << "inside the ring";
}

// Labels stand above the first panel's heading, and never on one another.
TEST(Chart, LabelsThatFindNoRoomAreLeftOut) {
  Chart few = sample_chart(), many = few;
  for (int i = 0; i < 400; ++i) many.events.push_back({10.0 * i, "lr 0.0001", Event::Kind::drop});
  EXPECT_GT(panel_frame(few, 0).box.y, 100);
  EXPECT_LT(panel_frame(many, 0).box.y, 200) << "three rows at most";
  keep("many-events.png", draw_chart(many));
}

TEST(Chart, FaintCurvesDoNotSetTheScaleByTheirRarestValues) {
  Chart chart{"", "step", {{"loss", "", {{"steps", {}, {}, true}, {"mean", {500, 1000}, {1, 2}}}}}};
  for (int i = 0; i < 1000; ++i) {
    chart.panels[0].curves[0].x.push_back(i);
    chart.panels[0].curves[0].y.push_back(i == 3 ? 1e6 : 1.5);
  }
  EXPECT_LT(panel_frame(chart, 0).y.high, 3);
  const Picture picture = draw_chart(chart);
  EXPECT_GT(count(picture, faint_curve, panel_frame(chart, 0).box), 300);
}

TEST(Chart, TakesOddFormsAndRefusesWrongOnes) {
  EXPECT_NO_THROW(draw_chart({"nothing", "step", {}}));
  const auto single = [](const Curve& curve) { return Chart{"one", "step", {{"loss", "", {curve}}}}; };
  const Chart point = single({"one point", {1}, {3}});
  const Picture picture = draw_chart(point);
  keep("single.png", picture);
  const PlotFrame frame = panel_frame(point, 0);
  EXPECT_GT(count(picture, curve_color(0), {frame.at_x(1) - 6, frame.at_y(3) - 6, 12, 12}), 10)
      << "a lone point is seen";
  EXPECT_NO_THROW(draw_chart(single({"nan", {0, 1}, {NAN, INFINITY}})));
  keep("small.png", draw_chart(single({"loss", {0, 1000, 2e6}, {1e-5, 3e-5, 2e-5}})));
  Chart silent = single({"loss", {0, 1}, {0, -1}});
  silent.panels[0].logarithmic = true;
  EXPECT_NO_THROW(draw_chart(silent)) << "a logarithm has no place for them";
  EXPECT_THROW(draw_chart(single({"uneven", {0, 1}, {1}})), Error);
}

TEST(Chart, AxesHaveRoundNumbers) {
  const auto texts = [](const std::vector<Tick>& ticks) {
    std::vector<std::string> result;
    for (const Tick& tick : ticks) result.push_back(tick.text);
    return result;
  };
  EXPECT_EQ(texts(logarithmic_ticks(-4.1, -2.9)), (std::vector<std::string>{"0.0001", "0.0002", "0.0005", "0.001"}));
  EXPECT_EQ(texts(logarithmic_ticks(-4.1, 0.1)), (std::vector<std::string>{"0.0001", "0.001", "0.01", "0.1", "1"}));
  EXPECT_EQ(logarithmic_ticks(0.01, 0.02).size(), 2u);
  EXPECT_EQ(axis_number(12000), "12,000");
  EXPECT_EQ(axis_number(2.5), "2.5");
}

}  // namespace
}  // namespace sunder
