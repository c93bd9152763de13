// One item of the report page: spectrograms and players of its tracks.
#pragma once

#include <string>

#include "report/report_page.h"

namespace sunder {

// <article>. `players` counts the page's players so far.
std::string item_html(const PageItem& item, int& players);

}  // namespace sunder
