// An evaluation as a report page.
#pragma once

#include "evaluate/evaluation.h"
#include "report/report_page.h"

namespace sunder {

// One histogram per metric with its oracles; improvement against input level where the mixture is among the oracles;
// the three best, median and worst items by the first metric (mean over sources), whose signals are loaded again.
// `notes` says what was left out and why.
ReportPage score_page(const Evaluation& evaluation, const std::string& title, const std::vector<std::string>& notes);

}  // namespace sunder
