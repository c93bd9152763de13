// A small report page with everything that a page can hold.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "report/report_page.h"
#include "tests/synthetic_voice.h"

namespace sunder {

// A mixture of two voices, their references and estimates that leak; unequal lengths are allowed, so estimate 2 is
// shorter.
inline PageItem sample_item(const std::string& name, int take, int64_t samples, int sample_rate = 8000) {
  const std::vector<float> a = synthetic_voice(0, take, samples, sample_rate),
                           b = synthetic_voice(3, take, samples, sample_rate);
  std::vector<float> mixture(samples), first(samples), second(samples - samples / 4);
  for (int64_t t = 0; t < samples; ++t) mixture[t] = a[t] + b[t], first[t] = a[t] + 0.2f * b[t];
  for (size_t t = 0; t < second.size(); ++t) second[t] = b[t] + 0.1f * a[t];
  return {name,
          "SI-SDR 13.9, 19.8 dB",
          sample_rate,
          {{"mixture", mixture, 0},
           {"reference 1", a, 1},
           {"estimate 1 (output 2)", first, 1},
           {"reference 2", b, 2},
           {"estimate 2 (output 1)", second, 2}}};
}

inline ReportPage sample_page() {
  ReportPage page;
  page.title = "MixCycle on words <test>";
  page.heading = {{"model", "runs/a & b/checkpoints/best"}, {"items", "60 of 2 sources, 8 kHz"}};
  page.table = {
      {"metric", "mean", "median", "count"}, {"SI-SDRi (dB)", "10.18", "10.20", "120"}, {"PESQ", "", "", "0"}};
  PageMetric improvement{"SI-SDR improvement", "dB"}, stoi{"STOI", ""}, pesq{"PESQ", "MOS"};
  PageScatter scatter{"improvement against input level", "SI-SDR of the mixture (dB)", "improvement (dB)", {}};
  PageSeries masks{"ideal ratio masks", {}};
  Random random(5, RandomUse::test, 0);
  for (int i = 0; i < 120; ++i) {
    const double input = 3 * random.normal(), value = 10 - 0.5 * input + 2 * random.normal();
    improvement.values.push_back(value);
    improvement.mean += value / 120;
    masks.values.push_back(14 + random.normal());
    stoi.values.push_back(1 - 0.2 * random.uniform());
    scatter.points.push_back({input, value, "item " + std::to_string(i / 2) + " <" + std::to_string(i % 2 + 1) + ">"});
  }
  improvement.median = improvement.mean + 0.3;
  improvement.interval = {{improvement.mean - 0.4, improvement.mean + 0.4}};
  improvement.others = {masks};
  stoi.mean = stoi.median = 0.9;
  stoi.decimals = 3;
  stoi.undefined = 2;
  pesq.undefined = 120;
  page.metrics = {improvement, stoi, pesq};
  page.scatters = {scatter};
  page.ranks = {{"Best", {sample_item("a<b>&\"c'", 1, 8000)}},
                {"Median", {sample_item("16 kHz", 2, 12000, 16000)}},
                {"Worst", {sample_item("one_and_two.wav", 3, 5000), sample_item("four", 4, 900)}}};
  page.notes = {"item <x>: reference 2 is silent", "PESQ: no program was given"};
  return page;
}

}  // namespace sunder
