#include "train/diagnosis.h"

#include <fmt/format.h>

namespace sunder {

Diagnosis diagnose(const ValidationScores& s) {
  if (s.like_mixture_db > copy_db)
    return {"copying", fmt::format("the outputs copy the mixture (each {:.0f} dB like it)", s.like_mixture_db)};
  const double apart = s.weaker_to_stronger_db - s.sources_weaker_db.value_or(0);
  if (apart < (s.sources_weaker_db ? silent_db : silent_alone_db))
    return {"one silent",
            fmt::format("one output is nearly silent, {:.0f} dB below the other{}", -s.weaker_to_stronger_db,
                        s.sources_weaker_db
                            ? fmt::format(" where the clean sources are {:.0f} dB apart", -*s.sources_weaker_db)
                            : "")};
  if (!s.si_snri || !s.bins_in_order || !s.si_snri_by_bin)
    return {"unclear",
            "the outputs differ from the mixture and from each other; what is in them only clean sources show"};
  const double in_order = *s.bins_in_order, by_bin = *s.si_snri_by_bin, gain = by_bin - *s.si_snri;
  const std::string bins =
      fmt::format("{:.0f} % of the bins in order, {:.2f} dB with the best order in every bin", 100 * in_order, by_bin);
  if (in_order < split_share && gain > split_gain_db)
    return {"bins split", fmt::format("the bins are split: speakers change outputs between bands ({})", bins)};
  if (*s.si_snri > separating_db) return {"separating", fmt::format("the speakers separate ({})", bins)};
  return {"unclear", fmt::format("the outputs are not the speakers yet ({})", bins)};
}

}  // namespace sunder
