// An evaluation as a page to look at.
#pragma once

#include "evaluate/evaluation.h"
#include "report/report_page.h"

namespace sunder {

// One histogram per metric with its oracles, improvement against input level where the mixture is among the oracles,
// and the three best, median and worst items by the first metric (mean over sources) with all their signals, which are
// loaded again. `notes`: what was left out and why.
ReportPage score_page(const Evaluation& evaluation, const std::string& title, const std::vector<std::string>& notes);

}  // namespace sunder
