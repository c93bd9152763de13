// The score of a network on mixtures whose clean sources nobody knows.
#pragma once

#include <span>

#include "evaluate/evaluation.h"

namespace sunder {

// The blind score exchanges estimates of two outputs between mixtures of one channel.
bool has_blind_score(const Separator& network);

// Energy of the `sources`-th loudest output relative to the loudest, dB; NaN where one is not finite. A silent output
// does not make it infinite: 1e-12 is added to energies. estimates: (K, L), K >= sources.
double weaker_to_stronger_db(const Tensor& estimates, int64_t sources);

// How well a network recovers its own estimates from mixtures of them, MixCycle's task (arXiv 2202.03875, Fig. 3) as a
// score. Item i of n is paired with item i + n / 2 (of an odd number the last with the first), both are cut to the
// shorter one, and their first estimates change places: the network separates e_2 + f_1 and e_1 + f_2. The table has a
// row for each output: the SI-SNR of what is recovered of it less that of the mixture of estimates ("blind"), and the
// energy of the item's weakest output over that of its strongest, in dB, in every row ("weaker"). Without a blind score
// the table has the latter alone. No clean source is read. Silent mixtures are skipped. The network and the set must
// outlive the result. Throws as MixtureSet::load does.
Evaluation evaluate_blind(const Separator& network, const MixtureSet& set, const EvaluationOptions& options);

}  // namespace sunder
