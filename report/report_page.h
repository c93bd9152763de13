// The report of an evaluation as one HTML file: tables, plots, and examples with spectrograms and players.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sunder {

struct PageTrack {
  std::string label;           // "mixture", "reference 1", "estimate 1 (output 2)"
  std::vector<float> samples;  // at least one
  int source = 0;              // from 1: a reference and its estimate share a colour; 0: neither (the mixture)
};

// Tracks share a time axis, a scale in dB and a gain: the loudest sample of all is scaled to 0.97 of full scale.
struct PageItem {
  std::string name;
  std::string caption;  // "SI-SDR 12.3, 9.8 dB"
  int sample_rate = 8000;
  std::vector<PageTrack> tracks;
};

struct PageRank {
  std::string title;  // "Best", "Median", "Worst"
  std::vector<PageItem> items;
};

// Values of another system on the same items, drawn as an outline: "ideal ratio masks".
struct PageSeries {
  std::string label;
  std::vector<double> values;
};

// One histogram.
struct PageMetric {
  std::string label;                                       // "SI-SDR improvement"
  std::string unit;                                        // "dB"; empty for a number without unit
  std::vector<double> values = {};                         // none: the page says so and shows no plot
  double mean = 0, median = 0;                             // read only where there are values
  std::optional<std::pair<double, double>> interval = {};  // 95 % interval of the mean
  int64_t undefined = 0;                                   // scores that `values` leaves out
  int decimals = 2;                                        // of the numbers in the text
  std::vector<PageSeries> others = {};
};

struct PagePoint {
  double x, y;
  std::string item;  // shown when the pointer is over the point
};

// y against x with its trend: medians of y in groups of neighbouring x. The page draws at most max_points of them.
struct PageScatter {
  std::string title, x_label, y_label;
  std::vector<PagePoint> points = {};
  int decimals = 1;  // of x in the table of the trend
};

struct ReportPage {
  std::string title;
  std::vector<std::pair<std::string, std::string>> heading;  // facts: what was evaluated, on what, when
  std::string counted = "estimates";                         // what a histogram counts
  std::vector<std::vector<std::string>> table;               // the first row is the header; all of one length
  std::vector<PageMetric> metrics;
  std::vector<PageScatter> scatters;
  std::vector<PageRank> ranks;
  std::vector<std::string> notes;  // what was left out and why
};

namespace report_limits {
inline constexpr double seconds = 30;        // shown and played of a track, to keep the file at a few MB
inline constexpr int64_t max_points = 2000;  // of a scatter, evenly thinned along x beyond
// Players that load when the page does. Browsers limit them (Chromium 156: 1000 with data on a desktop computer); those
// beyond load when they are played.
inline constexpr int eager_players = 60;
}  // namespace report_limits

// A self-contained HTML5 document: no network, no other file, and readable without scripts. The same page gives the
// same bytes. Throws Error for values, points or samples that are not finite, tracks without samples, rows of
// unequal length and rates below 1.
std::string report_page(const ReportPage& page);

}  // namespace sunder
