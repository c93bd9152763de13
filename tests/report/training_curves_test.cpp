#include "report/training_curves.h"

#include <gtest/gtest.h>

#include "tensor/error.h"
#include "tests/report/pictures.h"

namespace sunder {
namespace {

std::vector<std::string> titles(const Chart& chart) {
  std::vector<std::string> result;
  for (const Panel& panel : chart.panels) result.push_back(panel.title);
  return result;
}

TEST(TrainingCurves, OnePanelForEachQuantityThatARunHas) {
  TrainingHistory history;
  EXPECT_TRUE(training_chart("", history).panels.empty());
  history.losses = {{1, -3}, {2, -4}};
  EXPECT_EQ(titles(training_chart("", history)), std::vector<std::string>{"training loss"});
  history.validations = {{.step = 2, .train_loss = -3.5, .weaker_to_stronger_db = -2},
                         {.step = 4, .train_loss = -4.5, .weaker_to_stronger_db = -3}};
  EXPECT_EQ(titles(training_chart("", history)),
            (std::vector<std::string>{"training loss", "weaker output relative to stronger"}));
  for (auto& validation : history.validations) {
    validation.valid_loss = validation.si_snri = validation.oracle = validation.blind = 1;
    validation.learning_rate = 1e-3;
  }
  EXPECT_EQ(titles(training_chart("", history)),
            (std::vector<std::string>{"training loss", "validation loss", "validation SI-SNRi", "blind score",
                                      "weaker output relative to stronger"}))
      << "no panel for a learning rate that stays";
  history.validations[1].learning_rate = 5e-4;
  const Chart chart = training_chart("name", history);
  EXPECT_EQ(titles(chart).back(), "learning rate");
  EXPECT_TRUE(chart.panels.back().logarithmic);
  EXPECT_EQ(chart.title, "name");
  EXPECT_EQ(chart.panels[2].curves.size(), 2u) << "SI-SNRi and the oracle";
  EXPECT_EQ(chart.panels[2].unit, "dB");
}

TEST(TrainingCurves, ADecayIsMarkedWhereItBegins) {
  TrainingHistory history;
  for (const double rate : {2e-3, 2e-3, 1.5e-3, 1e-3, 5e-4, 0.0})
    history.validations.push_back(
        {.step = static_cast<double>(history.validations.size()), .train_loss = -1, .learning_rate = rate});
  const Chart chart = training_chart("", history);
  ASSERT_EQ(chart.events.size(), 1u);
  EXPECT_EQ(chart.events[0].label, "lr 0.0015");
  EXPECT_TRUE(std::isnan(chart.panels.back().curves[0].y.back())) << "no zero on a logarithmic axis";
}

TEST(TrainingCurves, CurvesHoldTheNumbers) {
  TrainingHistory history;
  history.losses = {{1, -3}, {2, NAN}};
  history.validations = {{.step = 10, .train_loss = -1, .si_snri = 2}, {.step = 20, .train_loss = -2, .si_snri = 3}};
  const Chart chart = training_chart("", history);
  EXPECT_TRUE(chart.panels[0].curves[0].faint);
  EXPECT_EQ(chart.panels[0].curves[0].x, (std::vector<double>{1, 2}));
  EXPECT_EQ(chart.panels[0].curves[1].x, (std::vector<double>{10, 20}));
  EXPECT_EQ(chart.panels[0].curves[1].y, (std::vector<double>{-1, -2}));
  EXPECT_EQ(chart.panels[1].curves[0].y, (std::vector<double>{2, 3}));
}

TEST(TrainingCurves, MarksTheLastBestTheDropsAndTheChangeOfTask) {
  TrainingHistory history;
  for (int i = 1; i <= 6; ++i)
    history.validations.push_back({.step = 10.0 * i,
                                   .train_loss = -1.0 * i,
                                   .si_snri = 1.0 * i,
                                   .learning_rate = i < 4 ? 1e-3 : 5e-4,
                                   .best = i < 6,
                                   .task = i < 3 ? "mixpit" : "mixcycle"});
  const Chart chart = training_chart("", history);
  EXPECT_EQ(chart.best, 50.0);
  ASSERT_EQ(chart.events.size(), 2u);
  EXPECT_EQ(chart.events[0].x, 20) << "the steps after the last validation of MixPIT are MixCycle's";
  EXPECT_EQ(chart.events[0].label, "MixPIT \xe2\x86\x92 MixCycle");
  EXPECT_EQ(chart.events[1].x, 40);
  EXPECT_EQ(chart.events[1].label, "lr 0.0005");
  EXPECT_EQ(chart.events[1].kind, Event::Kind::drop);
  const Curve& loss = chart.panels[0].curves[0];
  ASSERT_EQ(loss.y.size(), 7u);
  EXPECT_TRUE(std::isnan(loss.y[2])) << "losses of two tasks are not joined";
  EXPECT_EQ(loss.y[1], -2);
  EXPECT_EQ(loss.y[3], -3);
  EXPECT_EQ(chart.panels[1].curves[0].y.size(), 6u) << "the scores are one quantity";
  keep("training.png", draw_chart(chart));
}

TEST(TrainingCurves, OldRunsHaveNoMarks) {
  TrainingHistory history;
  history.validations = {{.step = 1, .train_loss = -1}, {.step = 2, .train_loss = -2}};
  const Chart chart = training_chart("", history);
  EXPECT_FALSE(chart.best);
  EXPECT_TRUE(chart.events.empty());
  EXPECT_EQ(chart.panels[0].curves[0].y.size(), 2u);
}

TEST(TrainingCurves, RunsAreComparedOverOneAxis) {
  TrainingHistory first, second;
  first.validations = {{.step = 10, .epoch = 1, .minutes = 0.5, .train_loss = 3, .si_snri = 5},
                       {.step = 20, .epoch = 2, .minutes = 1.5, .train_loss = 2, .si_snri = 7}};
  second.validations = {{.step = 40, .epoch = 1, .minutes = 2, .train_loss = 1, .blind = 4}};
  const std::vector<NamedHistory> runs = {{"a", first}, {"b", second}};
  const Chart chart = comparison_chart("two", runs, "minutes");
  ASSERT_EQ(chart.panels.size(), 3u);
  EXPECT_EQ(chart.x_label, "minutes");
  EXPECT_EQ(chart.panels[0].title, "validation SI-SNRi");
  EXPECT_EQ(chart.panels[0].curves[0].x, (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(chart.panels[0].curves[0].y, (std::vector<double>{5, 7}));
  EXPECT_EQ(chart.panels[0].curves[1].name, "b") << "keeps its colour where it has no value";
  EXPECT_EQ(chart.panels[1].curves[1].y, std::vector<double>{4});
  EXPECT_EQ(chart.panels[2].title, "training loss");
  EXPECT_EQ(comparison_chart("two", runs, "epochs").panels[2].curves[1].x, std::vector<double>{1});
  EXPECT_EQ(comparison_chart("two", runs, "steps").panels[2].curves[1].x, std::vector<double>{40});
  const std::vector<NamedHistory> ten(10, {"a", first}), eleven(11, {"a", first});
  EXPECT_FALSE(comparison_chart("", ten, "steps").panels[0].curves[4].dashed);
  EXPECT_TRUE(comparison_chart("", ten, "steps").panels[0].curves[5].dashed);
  EXPECT_THROW(comparison_chart("", eleven, "steps"), Error);
  EXPECT_THROW(comparison_chart("", runs, "hours"), Error);
  const std::string svg = chart_svg(chart);
  EXPECT_TRUE(svg.starts_with("<?xml"));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THROW(draw_chart(chart).svg(), Error);
  EXPECT_THROW(Picture::vector(10, 10).at(0, 0), Error);
}

}  // namespace
}  // namespace sunder
