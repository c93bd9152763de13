#include "audio/metrics/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"

namespace sunder {
namespace {

class Enumeration {
 public:
  Enumeration(std::vector<double> scores, int64_t sources, int64_t outputs)
      : scores_(std::move(scores)), outputs_(outputs), used_(outputs), current_(sources), best_(sources) {
    descend(0, 0);
  }

  std::vector<int64_t> best() && { return std::move(best_); }

 private:
  void descend(size_t source, double sum) {
    if (source == current_.size()) {
      if (sum > best_sum_) {
        best_sum_ = sum;
        best_ = current_;
      }
      return;
    }
    for (int64_t output = 0; output < outputs_; ++output) {
      if (used_[output]) continue;
      used_[output] = true;
      current_[source] = output;
      descend(source + 1, sum + scores_[source * outputs_ + output]);
      used_[output] = false;
    }
  }

  std::vector<double> scores_;
  int64_t outputs_;
  std::vector<bool> used_;
  std::vector<int64_t> current_, best_;
  double best_sum_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

std::vector<int64_t> best_assignment(const std::vector<double>& scores, int64_t sources, int64_t outputs) {
  if (outputs < sources || static_cast<int64_t>(scores.size()) != sources * outputs)
    throw_error("[best_assignment] expected scores of {} sources and at least as many outputs, got {} for {} outputs",
                sources, scores.size(), outputs);
  std::vector<double> finite = scores;
  for (double& score : finite) score = std::isnan(score) ? -1e6 : std::clamp(score, -1e6, 1e6);
  return Enumeration(std::move(finite), sources, outputs).best();
}

}  // namespace sunder
