// The report page's plots as SVG within HTML; colours come from the page's style sheet.
#pragma once

#include <string>

#include "report/report_page.h"

namespace sunder {

// <figure>: how often each value came, mean, interval and median marked; `counted` names what is counted.
std::string histogram_html(const PageMetric& metric, const std::string& counted);

// <figure>: the points, zero, the trend and the quartiles around it, and the trend as a table.
std::string scatter_html(const PageScatter& scatter);

}  // namespace sunder
