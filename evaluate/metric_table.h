// The metrics, one row each (metric_table.cpp). A new metric is a file of audio/metrics, a row, and its line in
// docs/metrics.md; columns, improvements, help texts and reports follow from the row.
#pragma once

#include <span>
#include <variant>

#include "audio/metrics/bin_order.h"
#include "audio/metrics/bss_eval.h"
#include "audio/metrics/pesq/pesq_program.h"
#include "audio/metrics/stoi.h"

namespace sunder {

struct ScoringOptions;

// What most metrics compare. (L) each.
struct SignalPair {
  std::span<const double> reference, estimate;
  int sample_rate = 0;  // Hz
};

// How a score is computed: from one pair; as one of several scores that share most of their work (BSS-eval takes all
// references and all estimates of an item together, and so does the order of bins); or by the user's PESQ program.
using PairMetric = Score (*)(const SignalPair& pair, const ScoringOptions& options);
using BssPart = Score BssScores::*;
using StoiPart = Score StoiScores::*;
using OrderPart = Score BinOrderScores::*;

struct Metric {
  const char* name;   // in files and on the command line; with an i appended, the improvement over the mixture
  const char* label;  // in tables and pictures
  const char* unit;   // "dB", "MOS", or empty
  int decimals;       // in tables
  std::variant<PairMetric, BssPart, StoiPart, OrderPart, PesqBand> score;
  bool matches_outputs = false;  // may decide which output belongs to which source
};

std::span<const Metric> metric_table();

}  // namespace sunder
