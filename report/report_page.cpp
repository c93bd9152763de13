#include "report/report_page.h"

#include "report/heat_map.h"
#include "report/markup.h"
#include "report/page_plots.h"
#include "report/page_tracks.h"
#include "report/report_page_script.h"
#include "report/report_page_style.h"
#include "report/separation_picture.h"
#include "tensor/error.h"

namespace sunder {
namespace {

// The policy makes the browser refuse to load anything from outside the file.
constexpr const char* head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{}</title>
<style>
{}</style>
</head>
<body>
)";

// One line splits into two.
constexpr const char* logo = R"(<svg class="logo" viewBox="0 0 56 40" aria-hidden="true">
<path class="one" d="M2 20H16"/><path class="two" d="M16 20C26 20 26 8 36 8H54"/><path class="three" d="M16 20C26 20 26 32 36 32H54"/>
</svg>
)";

struct Section {
  std::string id, title, html;
};

// Columns of numbers are right-aligned. A number begins with a sign, a digit or a bracket; a dash is a missing one.
bool is_number(std::string_view text) {
  for (const std::string_view sign : {"-", "+", "\xe2\x88\x92"})
    if (text.starts_with(sign)) text.remove_prefix(sign.size());
  if (text.starts_with("inf") || text == "\xe2\x80\x93") return true;
  if (text.starts_with('[')) text.remove_prefix(1);
  return text.empty() || (text[0] >= '0' && text[0] <= '9') || text[0] == '-';
}

std::string table_html(const std::vector<std::vector<std::string>>& table) {
  const std::vector<std::string>& header = table[0];
  std::vector<const char*> kind(header.size(), "");
  for (size_t column = 1; column < header.size(); ++column) {
    bool numeric = table.size() > 1;
    for (size_t row = 1; row < table.size(); ++row) {
      if (table[row].size() != header.size())
        throw_error("[report_page] expected {} cells in every row of the table, got {} in row {}", header.size(),
                    table[row].size(), row);
      numeric = numeric && is_number(table[row][column]);
    }
    if (numeric) kind[column] = " class=\"number\"";
  }
  std::string html =
      "<div class=\"card wide\" role=\"region\" aria-label=\"Scores\" tabindex=\"0\"><table>\n<thead><tr>";
  for (size_t column = 0; column < header.size(); ++column)
    html += fmt::format("<th scope=\"col\"{}>{}</th>", kind[column], escape_html(header[column]));
  html += "</tr></thead>\n<tbody>\n";
  for (size_t row = 1; row < table.size(); ++row) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(table[row][0]));
    for (size_t column = 1; column < header.size(); ++column)
      html += table[row][column].empty() ? fmt::format("<td{}>\xe2\x80\x93</td>", kind[column])
                                         : fmt::format("<td{}>{}</td>", kind[column], escape_html(table[row][column]));
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string level_key() {
  std::string stops;
  for (int i = 0; i <= 10; ++i) {
    const Color c = heat_color(i / 10.0);
    stops += fmt::format("{}rgb({} {} {})", i ? "," : "", c.red, c.green, c.blue);
  }
  return fmt::format(
      "<span class=\"levels\">\xe2\x88\x92{:.0f} dB<span class=\"scale\" "
      "style=\"background:linear-gradient(90deg,{})\"></span>0 dB</span>.",
      spectrogram_range_db, stops);
}

std::string ranks_html(const std::vector<PageRank>& ranks) {
  std::string html = fmt::format(
      "<p class=\"about\">All tracks of an item share one time axis, one gain and one colour scale, in dB below the "
      "item's "
      "loudest: {}<span class=\"script\"> A track that is started while another plays continues at its position; a "
      "click "
      "into a spectrogram jumps there.</span></p>\n",
      level_key());
  int players = 0;
  for (const PageRank& rank : ranks) {
    html += fmt::format("<section class=\"rank\"><h3>{}</h3>\n", escape_html(rank.title));
    for (const PageItem& item : rank.items) html += item_html(item, players);
    if (rank.items.empty()) html += "<p class=\"none\">no items</p>\n";
    html += "</section>\n";
  }
  return html;
}

std::vector<Section> sections(const ReportPage& page) {
  std::vector<Section> result;
  if (!page.table.empty() && !page.table[0].empty()) result.push_back({"scores", "Scores", table_html(page.table)});
  if (!page.metrics.empty()) {
    std::string html = "<div class=\"plots\">\n";
    for (const PageMetric& metric : page.metrics) html += histogram_html(metric, page.counted);
    result.push_back({"distributions", "Distributions", html + "</div>\n"});
  }
  if (!page.scatters.empty()) {
    std::string html;
    for (const PageScatter& scatter : page.scatters) html += scatter_html(scatter);
    result.push_back({"points", "Item by item", html});
  }
  if (!page.ranks.empty()) result.push_back({"examples", "Look and listen", ranks_html(page.ranks)});
  if (!page.notes.empty()) {
    std::string html = "<ul class=\"card notes\">\n";
    for (const std::string& note : page.notes) html += fmt::format("<li>{}</li>\n", escape_html(note));
    result.push_back({"notes", "Notes", html + "</ul>\n"});
  }
  return result;
}

}  // namespace

std::string report_page(const ReportPage& page) {
  const std::string title = escape_html(page.title);
  std::string html = fmt::format(fmt::runtime(head), title, report_page_style);
  html += fmt::format("<header class=\"top\">\n{}<h1>{}</h1>\n", logo, title);
  if (!page.heading.empty()) {
    html += "<dl>\n";
    for (const auto& [name, value] : page.heading)
      html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(name), escape_html(value));
    html += "</dl>\n";
  }
  const std::vector<Section> shown = sections(page);
  html += "<nav aria-label=\"Sections\">";
  for (const Section& section : shown) html += fmt::format("<a href=\"#{}\">{}</a>", section.id, section.title);
  html += "</nav>\n</header>\n<main>\n";
  for (const Section& section : shown)
    html += fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", section.id, section.title, section.html);
  html += fmt::format("</main>\n<script>\n{}</script>\n</body>\n</html>\n", report_page_script);
  return html;
}

}  // namespace sunder
