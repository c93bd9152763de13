#include "evaluate/metric_table.h"

#include <algorithm>

#include "audio/metrics/si_snr.h"
#include "audio/metrics/snr.h"
#include "audio/silence.h"
#include "evaluate/scoring.h"

namespace sunder {
namespace {

Score si_sdr(const SignalPair& pair, const ScoringOptions& options) {
  if (is_silent(pair.estimate)) return {std::nullopt, "the estimate is silent"};
  const std::optional<double> score =
      si_snr(pair.reference, pair.estimate, 0, options.zero_mean ? Mean::removed : Mean::kept);
  return score ? Score{score} : Score{std::nullopt, "nothing is left without the mean"};
}

Score plain_snr(const SignalPair& pair, const ScoringOptions&) { return snr(pair.reference, pair.estimate); }

constexpr bool matches_outputs = true;

constexpr Metric table[] = {
    {"si_sdr", "SI-SDR", "dB", 2, si_sdr, matches_outputs},
    {"si_snr", "SI-SNR", "dB", 2, si_sdr},  // the same number under its other name
    {"snr", "SNR", "dB", 2, plain_snr},
    {"sdr", "SDR", "dB", 2, &BssScores::sdr, matches_outputs},
    {"sir", "SIR", "dB", 2, &BssScores::sir, matches_outputs},
    {"sar", "SAR", "dB", 2, &BssScores::sar},
    {"stoi", "STOI", "", 3, &StoiScores::classic},
    {"estoi", "eSTOI", "", 3, &StoiScores::extended},
    {"bin_order", "bins in order", "", 3, &BinOrderScores::right},
    {"si_sdr_by_bin", "SI-SDR, best order in every bin", "dB", 2, &BinOrderScores::si_sdr},
    {"pesq_nb", "PESQ narrow-band", "MOS", 2, PesqBand::narrow},
    {"pesq_wb", "PESQ wide-band", "MOS", 2, PesqBand::wide},
};

constexpr bool can_match(const Metric& metric) {
  return std::holds_alternative<PairMetric>(metric.score) || std::holds_alternative<BssPart>(metric.score);
}
static_assert(std::ranges::all_of(table,
                                  [](const Metric& metric) { return !metric.matches_outputs || can_match(metric); }),
              "outputs are matched by scores of pairs and by BSS-eval (scoring.cpp)");

}  // namespace

std::span<const Metric> metric_table() { return table; }

}  // namespace sunder
