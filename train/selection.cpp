#include "train/selection.h"

#include <fmt/format.h>

#include <cmath>

namespace sunder {

Fields fields(PlateauConfig& c) {
  return {number("plateau_patience", &c.plateau_patience, 0, many,
                 "validations without a better score that are tolerated; the next lowers the learning rate; 0: never"),
          number("plateau_factor", &c.plateau_factor, 0, 1, "factor of the learning rate when it is lowered"),
          number("min_lr", &c.min_lr, 0, 1e6, "the run ends when the learning rate falls to this value; 0: no limit")};
}

Selection::Verdict Selection::rank(const SelectionScores& scores) {
  const double score = by_ == "loss"         ? -scores.training_loss
                       : by_ == "valid_loss" ? -scores.loss.value_or(NAN)
                       : by_ == "blind"      ? scores.blind.value_or(NAN)
                                             : scores.si_snri.value_or(NAN);
  Verdict verdict;
  verdict.is_best = std::isfinite(score) && (!has_best_ || score > best_score_);
  // MixIT's patience is also reset by its oracle score, as in the authors' code.
  const bool oracle_is_best = scores.oracle && (!has_oracle_ || *scores.oracle > best_oracle_);
  if (verdict.is_best) best_score_ = score;
  if (oracle_is_best) best_oracle_ = *scores.oracle;
  has_best_ |= verdict.is_best;
  has_oracle_ |= oracle_is_best;
  const bool better = verdict.is_best || oracle_is_best;
  waited_ = better ? 0 : waited_ + 1;
  plateau_waited_ = better ? 0 : plateau_waited_ + 1;
  if (plateau_.plateau_patience > 0 && plateau_waited_ > plateau_.plateau_patience) {
    plateau_waited_ = 0;
    ++plateaus_;
    verdict.lowered = true;
  }
  return verdict;
}

double Selection::learning_rate() const {
  return lr_ * std::pow(plateau_.plateau_factor, static_cast<double>(plateaus_));
}

std::string Selection::best() const {
  if (!has_best_) return "none";
  return by_ == "loss" || by_ == "valid_loss" ? fmt::format("{:.4f}", -best_score_)
                                              : fmt::format("{:.2f} dB", best_score_);
}

Fields Selection::state() {
  return {
      number("best_score", &best_score_, -no_limit, no_limit, "score of the best checkpoint"),
      number("best_oracle", &best_oracle_, -no_limit, no_limit, "MixIT's best oracle score, dB"),
      flag("has_best", &has_best_, "whether there is a best score"),
      number("validations_without_best", &waited_, 0, many, "validations since the last better score"),
      renamed(flag("has_oracle", &has_oracle_, "whether there is a best oracle score"), "counter.has_oracle"),
      renamed(number("plateau_validations", &plateau_waited_, 0, many,
                     "validations since the last better score or lower learning rate"),
              "counter.plateau_validations"),
      renamed(number("plateaus", &plateaus_, 0, many, "how often the learning rate was lowered"), "counter.plateaus")};
}

}  // namespace sunder
