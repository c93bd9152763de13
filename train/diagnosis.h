// What a network under training does with its mixtures, for people whose run does not separate. docs/rooms.md shows
// each state and says what helps.
#pragma once

#include <string>

#include "train/validation.h"

namespace sunder {

// Measured on small TF-GridNets in simulated rooms. Outputs that copy the mixture are above 20 dB, those of networks
// that separate below 5 dB; outputs of runs that stand on a plateau are 12 to 24 dB apart, those of runs that separate
// as far as the sources are.
inline constexpr double copy_db = 10;           // every output is this much like the mixture, or more
inline constexpr double silent_db = -8;         // weaker to stronger output, relative to that of the clean sources
inline constexpr double silent_alone_db = -15;  // the same where there are no clean sources
inline constexpr double split_share = 0.85;     // share of bins in order; 0.5 is chance for two speakers
inline constexpr double split_gain_db = 1.5;    // what the best order in every bin gains
inline constexpr double separating_db = 1;      // SI-SNRi

struct Diagnosis {
  std::string state;  // in metrics.jsonl: "copying", "one silent", "bins split", "separating", or "unclear"
  std::string sentence;
};
Diagnosis diagnose(const ValidationScores& scores);

}  // namespace sunder
