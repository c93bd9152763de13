// The report page's plots as SVG inside HTML.
#pragma once

#include <string>

#include "report/report_page.h"

namespace sunder {

// <figure> with a histogram; mean, its interval and median are marked. `counted` names the values: "estimates".
std::string histogram_html(const PageMetric& metric, const std::string& counted);

// <figure> with a scatter plot, its trend (median and quartiles of neighbouring points), and the trend as a table.
std::string scatter_html(const PageScatter& scatter);

}  // namespace sunder
