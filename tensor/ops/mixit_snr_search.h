// How mixit_snr's CPU kernel finds the best assignment of one item.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "tensor/ops/snr.h"

namespace sunder {

// All assignments of one item, by sets of estimates (bit S - 1 - s for estimate s): first the loss of every mixture
// with every set, M 2^S values, then every way to split the full set among the mixtures, in the order of the indices.
class MixitSearch {
 public:
  MixitSearch(const double* gram, int64_t mixtures, int64_t sources, double tau)
      : mixtures_(mixtures), sources_(sources), loss_(mixtures << sources) {
    for (int64_t m = 0; m < mixtures; ++m) price_sets(gram, m, tau);
    split(0, (uint32_t{1} << sources) - 1, 0);
  }

  int64_t best() const { return best_; }
  int64_t mixture_of(int64_t estimate) const {
    int64_t m = 0;
    while (!(best_sets_[m] >> (sources_ - 1 - estimate) & 1)) ++m;
    return m;
  }

 private:
  // |x - sum e|^2 of a set from that of the set without its last estimate: + |e|^2 - 2 <x, e> + 2 <e, the others>.
  void price_sets(const double* gram, int64_t m, double tau) {
    const int64_t size = mixtures_ + sources_, sets = int64_t{1} << sources_;
    std::vector<double> residual(sets);
    residual[0] = gram[m * size + m];
    for (int64_t set = 1; set < sets; ++set) {
      int64_t last = sources_ - 1;
      while (!(set >> (sources_ - 1 - last) & 1)) --last;
      const double* column = gram + mixtures_ + last;  // products with the estimate `last`
      double sum = residual[set & (set - 1)] + column[(mixtures_ + last) * size] - 2 * column[m * size];
      for (int64_t s = 0; s < last; ++s)
        if (set >> (sources_ - 1 - s) & 1) sum += 2 * column[(mixtures_ + s) * size];
      residual[set] = sum;
    }
    // Rounding may leave a residual of zero slightly negative.
    for (int64_t set = 0; set < sets; ++set)
      loss_[m * sets + set] = snr_loss(residual[0], std::max(residual[set], 0.0), tau);
  }

  // Gives mixture m every subset of `free` in ascending order and the others the rest.
  void split(int64_t m, uint32_t free, double loss) {
    const double* of_set = loss_.data() + (m << sources_);
    if (m == mixtures_ - 1) {
      sets_[m] = free;
      // The first one counts in any case: a NaN makes every sum NaN.
      if (index_ == 0 || loss + of_set[free] < best_loss_) {
        best_loss_ = loss + of_set[free];
        best_ = index_;
        best_sets_ = sets_;
      }
      ++index_;
      return;
    }
    for (uint32_t set = 0;; set = (set - free) & free) {  // the next subset of `free`
      sets_[m] = set;
      split(m + 1, free & ~set, loss + of_set[set]);
      if (set == free) return;
    }
  }

  int64_t mixtures_, sources_, index_ = 0, best_ = 0;
  double best_loss_ = 0;
  std::vector<double> loss_;
  std::array<uint32_t, mixit_max_signals> sets_{}, best_sets_{};
};

}  // namespace sunder
