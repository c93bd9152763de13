// One item of the report page: spectrograms and players of its tracks.
#pragma once

#include <string>

#include "report/report_page.h"

namespace sunder {

// <article>. `players` is the number of players on the page so far; this item's are added.
std::string item_html(const PageItem& item, int& players);

}  // namespace sunder
