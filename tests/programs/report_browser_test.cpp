// The report page in a real browser.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "evaluate/score_page.h"
#include "tensor/random.h"
#include "tests/browser.h"
#include "tests/report/page_sample.h"

namespace sunder {
namespace {

using nlohmann::json;

// Waits for every player and picture, logs a verdict to the console and closes the page. Players after the first ones
// load only on request.
constexpr const char* probe = R"(
<script>
const violations = [];
document.addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI));
window.addEventListener('load', async () => {
  const once = (target, names) => new Promise((done) => names.forEach((name) => target.addEventListener(name, done)));
  const verdict = {players: [], pictures: [], plots: [], violations};
  for (const player of document.querySelectorAll('audio')) {
    if (player.preload === 'none') { player.preload = 'metadata'; player.load(); }
    if (player.readyState < 1 && !player.error) await once(player, ['loadedmetadata', 'error']);
    const box = player.getBoundingClientRect();
    verdict.players.push({seconds: player.duration, error: player.error && player.error.message, width: box.width});
  }
  for (const picture of document.images) {
    await picture.decode().catch(() => {});
    const box = picture.getBoundingClientRect();
    verdict.pictures.push({pixels: [picture.naturalWidth, picture.naturalHeight], shown: [box.width, box.height]});
  }
  for (const plot of document.querySelectorAll('svg.plot')) {
    const box = plot.getBBox(), view = plot.viewBox.baseVal, shown = plot.getBoundingClientRect();
    verdict.plots.push({inside: box.x >= -1 && box.y >= -1 && box.x + box.width <= view.width + 1 && box.y + box.height <= view.height + 1,
                        drawn: [box.width, box.height], shown: [shown.width, shown.height]});
  }
  verdict.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  // Contrast of text by WCAG 2.2, against the background of the nearest ancestor that has one.
  const parts = (color) => color.match(/[0-9.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = parts(color).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if ((parts(color)[3] ?? 1) > 0.5) return luminance(color);
    }
    return 1;
  };
  verdict.contrast = 21;
  for (const element of document.querySelectorAll('h1,h2,h3,h4,h5,dt,dd,a,th,td,p,li,figcaption,.hertz span,.seconds span,.plot text')) {
    const style = getComputedStyle(element), a = luminance(element.closest('svg') ? style.fill : style.color), b = behind(element);
    verdict.contrast = Math.min(verdict.contrast, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  verdict.paper = luminance(getComputedStyle(document.body).backgroundColor);
  const [first, second] = document.querySelectorAll('audio');
  if (second && !first.error) {  // the second track starts at the position of the first, which stops
    first.muted = second.muted = true;
    first.currentTime = 0.25;
    await once(first, ['seeked']);
    await first.play();
    await second.play();
    verdict.handover = [first.paused, second.currentTime, document.querySelectorAll('.started').length];
    second.pause();
  }
  console.log('VERDICT ' + JSON.stringify(verdict));
  window.close();
});
</script>
)";

struct Seen {
  json verdict;
  std::string console;  // all other console output of the page
};

class ReportBrowserTest : public BrowserTest {
 protected:
  Seen look(std::string html, const std::string& flags = "--window-size=1240,900") const {
    html.insert(html.rfind("</body>"), probe);
    write("page.html", html);
    std::string console;
    const json verdict = look_at("file://" + (folder_ / "page.html").string(), flags, console);
    return {verdict, console};
  }
};

void expect_whole(const Seen& seen, const ReportPage& page) {
  const json& verdict = seen.verdict;
  size_t index = 0;
  for (const PageRank& rank : page.ranks)
    for (const PageItem& item : rank.items)
      for (const PageTrack& track : item.tracks) {
        ASSERT_LT(index, verdict["players"].size());
        const json& player = verdict["players"][index];
        const json& picture = verdict["pictures"][index++];
        EXPECT_TRUE(player["error"].is_null()) << item.name << ", " << track.label << ": " << player["error"];
        ASSERT_TRUE(player["seconds"].is_number()) << item.name << ", " << track.label;
        EXPECT_NEAR(player["seconds"], static_cast<double>(track.samples.size()) / item.sample_rate, 1e-3);
        EXPECT_GT(player["width"], 150);
        EXPECT_GT(picture["pixels"][0], 0) << item.name << ", " << track.label << " is not decoded";
        EXPECT_GT(picture["pixels"][1], 30);
        EXPECT_GT(picture["shown"][0], 50);
        EXPECT_GT(picture["shown"][1], 50);
      }
  EXPECT_EQ(index, verdict["players"].size());
  EXPECT_EQ(index, verdict["pictures"].size());
  for (const json& plot : verdict["plots"]) {
    EXPECT_TRUE(plot["inside"]) << plot;
    for (const char* size : {"drawn", "shown"}) {
      EXPECT_GT(plot[size][0], 250) << plot;
      EXPECT_GT(plot[size][1], 120) << plot;
    }
  }
  EXPECT_EQ(verdict["violations"], json::array());
  EXPECT_EQ(verdict["overflow"], 0) << "the page is wider than its window";
  EXPECT_GE(verdict["contrast"], 4.5) << "WCAG 2.2, 1.4.3";
  EXPECT_EQ(seen.console.find("CONSOLE"), std::string::npos) << seen.console;
}

TEST_F(ReportBrowserTest, EveryPlayerPictureAndPlotIsThere) {
  const ReportPage page = sample_page();
  const Seen seen = look(report_page(page));
  expect_whole(seen, page);
  EXPECT_EQ(seen.verdict["plots"].size(), 3u);
  EXPECT_GT(seen.verdict["paper"], 0.8) << "light";
  const json& handover = seen.verdict["handover"];
  EXPECT_TRUE(handover[0]) << "the first track still plays";
  EXPECT_GE(handover[1], 0.25);
  EXPECT_GE(handover[2], 1) << "no line shows where it is played";
}

// A page as sunder-evaluate writes it, with real scores; the estimates of one item are far too loud.
TEST_F(ReportBrowserTest, AnEvaluationsPageIsWhole) {
  const auto noise = [](Shape shape, uint64_t which, double level) {
    const Tensor signal = Tensor::empty(std::move(shape), DType::float32);
    Random random(which, RandomUse::test);
    for (int64_t i = 0; i < signal.numel(); ++i)
      signal.mutable_data<float>()[i] = static_cast<float>(level * random.normal());
    return signal;
  };
  Evaluation evaluation;
  evaluation.table.columns = score_columns({"si_sdr", "si_sdri", "stoi"}, {"irm", "mixture"}, {});
  evaluation.heading = {{"model", "<noise>"}};
  evaluation.load = [&](int64_t item) {
    const Tensor references = noise({2, 8000}, 10 + item, 0.1), estimates = noise({2, 8000}, 30 + item, 0.02);
    for (int64_t t = 0; t < 16000; ++t) estimates.mutable_data<float>()[t] += references.data<float>()[t];
    for (int64_t t = 0; t < 8000 && item == 2; ++t) estimates.mutable_data<float>()[t] *= 1000;
    return ScoredSignals{references, estimates, noise({8000}, 50 + item, 0.1), 8000};
  };
  for (int64_t i = 0; i < 8; ++i)
    evaluation.table.items.push_back(
        score_item(fmt::format("item \"{}\"", i), evaluation.load(i), evaluation.table.columns, {}));
  const ReportPage page = score_page(evaluation, "Scores of 8 items", {});
  const Seen seen = look(report_page(page));
  expect_whole(seen, page);
  EXPECT_EQ(seen.verdict["plots"].size(), 5u) << "three histograms, SI-SDR and STOI against the mixture's";
  EXPECT_EQ(page.ranks.size(), 3u);
}

TEST_F(ReportBrowserTest, DarkAndNarrow) {
  const ReportPage page = sample_page();
  const Seen seen = look(report_page(page), "--window-size=500,900 --blink-settings=preferredColorScheme=0");
  expect_whole(seen, page);
  EXPECT_LT(seen.verdict["paper"], 0.05) << "dark";
}

// With more players than load at once, the last ones still play.
TEST_F(ReportBrowserTest, ManyPlayers) {
  ReportPage page;
  page.ranks = {{"Worst", {}}};
  for (int i = 0; i < 18; ++i) page.ranks[0].items.push_back(sample_item(fmt::format("item {}", i), i, 2000));
  std::string html = report_page(page);
  html.insert(html.rfind("</body>"), R"(<script>
[...document.querySelectorAll('.item')].slice(7, 17).forEach((item) => item.remove());
</script>)");
  const Seen seen = look(html);
  auto& items = page.ranks[0].items;
  items.erase(items.begin() + 7, items.begin() + 17);
  expect_whole(seen, page);
}

TEST_F(ReportBrowserTest, TheTestItselfSeesFaults) {
  ReportPage page = sample_page();
  page.ranks.resize(1);
  std::string html = report_page(page);
  // Damages the data of the first player and the first picture, and adds a request to the network.
  for (const char* type : {"data:audio/wav;base64,", "data:image/png;base64,"})
    html.replace(html.find(type) + std::string(type).size(), 40, 40, 'A');
  html.insert(html.rfind("</body>"),
              "<img alt=\"\" src=\"http://outside.invalid/x.png\"><script>undefined_name();</script>");
  const Seen seen = look(html);
  EXPECT_FALSE(seen.verdict["players"][0]["error"].is_null());
  EXPECT_TRUE(seen.verdict["players"][1]["error"].is_null());
  EXPECT_EQ(seen.verdict["pictures"][0]["pixels"][0], 0);
  EXPECT_GT(seen.verdict["pictures"][1]["pixels"][0], 0);
  EXPECT_NE(seen.console.find("undefined_name is not defined"), std::string::npos) << seen.console;
  EXPECT_NE(seen.console.find("Content Security Policy"), std::string::npos) << seen.console;
}

}  // namespace
}  // namespace sunder
