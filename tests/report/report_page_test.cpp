#include "report/report_page.h"

#include <algorithm>
#include <cstring>

#include "tests/files/scratch_folder.h"
#include "tests/report/html.h"
#include "tests/report/page_sample.h"
#include "tests/report/pictures.h"
#include "tests/report/png.h"

namespace sunder {
namespace {

std::string decode_base64(const std::string& text) {
  static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0, count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 255);
  }
  return bytes;
}

std::string data_of(const HtmlElement& element, const std::string& type) {
  const std::string& source = element.attributes.at("src");
  const std::string prefix = "data:" + type + ";base64,";
  EXPECT_TRUE(source.starts_with(prefix)) << source.substr(0, 60);
  return decode_base64(source.substr(prefix.size()));
}

template <class T>
T read_at(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

TEST(ReportPage, IsWellFormedAndHasTheTextsAsTheyAre) {
  const ReportPage page = sample_page();
  const Html html(report_page(page));
  EXPECT_EQ(html.faults(), std::vector<std::string>{});
  EXPECT_EQ(html.find("html").at(0)->attributes.at("lang"), "en");
  EXPECT_EQ(html.find("title").at(0)->text, page.title);
  ASSERT_EQ(html.find("h1").size(), 1u);
  EXPECT_EQ(html.find("h1")[0]->text, page.title);
  EXPECT_EQ(html.find("dd").at(0)->text, "runs/a & b/checkpoints/best");
  EXPECT_EQ(html.find("h4").at(0)->text, "a<b>&\"c'");
  EXPECT_EQ(html.find("img").at(0)->attributes.at("alt"), "Spectrogram of mixture, a<b>&\"c': 0 to 4 kHz over 1.00 s");
  EXPECT_EQ(html.find("audio").at(2)->attributes.at("aria-label"), "estimate 1 (output 2), a<b>&\"c'");
  EXPECT_EQ(html.find("li", "", html.find("ul", "notes").at(0)).at(0)->text, page.notes[0]);
  // Headings descend by one level at a time.
  int level = 1;
  for (const HtmlElement& element : html.elements())
    if (element.name.size() == 2 && element.name[0] == 'h' && std::isdigit(element.name[1])) {
      EXPECT_LE(element.name[1] - '0', level + 1) << element.text;
      level = element.name[1] - '0';
    }
  for (const HtmlElement* link : html.find("a")) {
    const std::string id = link->attributes.at("href").substr(1);
    EXPECT_TRUE(std::any_of(html.elements().begin(), html.elements().end(), [&](const HtmlElement& element) {
      return element.attributes.count("id") && element.attributes.at("id") == id;
    })) << id;
  }
}

TEST(ReportPage, NeedsNothingButItself) {
  ReportPage page = sample_page();
  const std::string text = report_page(page);
  for (const char* outside : {"http:", "https:", "@import", "url("})
    EXPECT_EQ(text.find(outside), std::string::npos) << outside;
  const Html html(text);
  for (const HtmlElement& element : html.elements())
    for (const auto& [name, value] : element.attributes) {
      if (name == "src" || name == "href") {
        const std::string inside = element.name == "a" ? "#" : "data:";
        EXPECT_TRUE(value.starts_with(inside)) << value.substr(0, 60);
      }
      EXPECT_FALSE(name.starts_with("on") || name == "srcset") << name;
    }
  page.title = "http://example.org/<script src=\"x\">";  // a text stays a text
  EXPECT_EQ(Html(report_page(page)).find("script").size(), 1u);
  EXPECT_EQ(report_page(sample_page()), text) << "the same page, other bytes";
}

TEST(ReportPage, PlayersHoldTheSamplesWithOneGainPerItem) {
  const ReportPage page = sample_page();
  const Html html(report_page(page));
  const auto players = html.find("audio");
  size_t player = 0;
  for (const PageRank& rank : page.ranks)
    for (const PageItem& item : rank.items) {
      float peak = 0;
      for (const PageTrack& track : item.tracks)
        for (const float sample : track.samples) peak = std::max(peak, std::abs(sample));
      for (const PageTrack& track : item.tracks) {
        ASSERT_LT(player, players.size());
        const std::string wav = data_of(*players[player++], "audio/wav");
        ASSERT_EQ(wav.size(), 44 + 2 * track.samples.size());
        EXPECT_EQ(wav.substr(0, 4) + wav.substr(8, 8), "RIFFWAVEfmt ");
        EXPECT_EQ(read_at<uint16_t>(wav, 20), 1) << "PCM";
        EXPECT_EQ(read_at<uint16_t>(wav, 22), 1) << "channels";
        EXPECT_EQ(read_at<uint32_t>(wav, 24), static_cast<uint32_t>(item.sample_rate));
        EXPECT_EQ(read_at<uint16_t>(wav, 34), 16) << "bits";
        for (size_t t = 0; t < track.samples.size(); ++t)
          ASSERT_NEAR(read_at<int16_t>(wav, 44 + 2 * t) / 32767.0, 0.97 * track.samples[t] / peak, 0.51 / 32767) << t;
      }
    }
  EXPECT_EQ(player, players.size());
}

TEST(ReportPage, SpectrogramsShowWhatIsPlayed) {
  // A tone in the first half at 1 kHz, in the second at 3 kHz, beside a longer and 20 dB softer track at 2 kHz.
  PageItem item{"tones", "", 8000, {{"steps", std::vector<float>(8000)}, {"soft", std::vector<float>(16000)}}};
  const auto tone = [](double hertz, size_t t) { return std::sin(2 * M_PI * hertz * static_cast<double>(t) / 8000); };
  for (size_t t = 0; t < 8000; ++t) item.tracks[0].samples[t] = static_cast<float>(tone(t < 4000 ? 1000 : 3000, t));
  for (size_t t = 0; t < 16000; ++t) item.tracks[1].samples[t] = static_cast<float>(0.1 * tone(2000, t));
  ReportPage page;
  page.ranks = {{"Best", {item}}};
  const Html html(report_page(page));
  const auto pictures = html.find("img");
  ASSERT_EQ(pictures.size(), 2u);
  std::vector<int> brightest;
  for (size_t i = 0; i < 2; ++i) {
    const Png image = read_png(data_of(*pictures[i], "image/png"));
    EXPECT_EQ(image.width, pictures[i]->number("width"));
    EXPECT_EQ(image.height, pictures[i]->number("height"));
    for (const double share : {0.25, 0.75}) {
      int best = -1, row = -1;
      for (int y = 0; y < image.height; ++y) {
        const int light = lightness(image.at(static_cast<int>(share * image.width), y));
        if (light > best) best = light, row = y;
      }
      const double hertz = i == 1 ? 2000 : share < 0.5 ? 1000 : 3000;
      EXPECT_NEAR((image.height - 1 - row) * 4000.0 / (image.height - 1), hertz, 40) << i << " " << share;
      brightest.push_back(best);
    }
  }
  EXPECT_LT(brightest[2], brightest[0] - 100) << "20 dB softer on the same scale";
  const auto extents = html.find("div", "extent");
  EXPECT_EQ(extents.at(0)->attributes.at("style"), "width:50.00%") << "half as long on one time axis";
  EXPECT_EQ(extents.at(1)->attributes.at("style"), "width:100.00%");
}

TEST(ReportPage, CutsLongTracksAndSaysSo) {
  PageItem item = sample_item("long", 1, 8000);
  for (PageTrack& track : item.tracks) track.samples.resize(8000 * 32, 0.25f);
  item.tracks[1].samples.back() = 100;  // beyond what is shown: no reason to turn the rest down
  ReportPage page;
  page.ranks = {{"Worst", {item}}};
  const Html html(report_page(page));
  EXPECT_EQ(html.find("p", "cut").at(0)->text, "the first 30 s of 32.0 s");
  for (const HtmlElement* player : html.find("audio"))
    EXPECT_EQ(data_of(*player, "audio/wav").size(), 44u + 2 * 8000 * 30);
  const std::string wav = data_of(*html.find("audio").at(1), "audio/wav");
  EXPECT_GT(read_at<int16_t>(wav, 44 + 2 * 8000 * 20), 500) << "about 80 if the peak counted";
}

TEST(ReportPage, SilenceIsSilentAndDark) {
  ReportPage page;
  page.ranks = {{"Worst", {{"nothing", "", 8000, {{"mixture", std::vector<float>(4000, 0.0f)}}}}}};
  const Html html(report_page(page));
  const std::string wav = data_of(*html.find("audio").at(0), "audio/wav");
  EXPECT_EQ(wav.substr(44), std::string(8000, '\0'));
  for (const Color color : read_png(data_of(*html.find("img").at(0), "image/png")).pixels)
    ASSERT_LT(lightness(color), 3 * 12);
}

TEST(ReportPage, OneSampleTracksAndOddRates) {
  ReportPage page;
  page.ranks = {{"Best", {{"tiny", "", 44100, {{"mixture", {1e-45f}}}}, {"odd", "", 1, {{"mixture", {0.5f, -1.0f}}}}}}};
  const Html html(report_page(page));
  EXPECT_EQ(html.faults(), std::vector<std::string>{});
  EXPECT_EQ(read_at<int16_t>(data_of(*html.find("audio").at(0), "audio/wav"), 44), 31784) << "0.97 of full scale";
}

TEST(ReportPage, OnlySomePlayersLoadAtOnce) {
  ReportPage page;
  page.ranks = {{"Best", {}}};
  for (int i = 0; i < 14; ++i) page.ranks[0].items.push_back(sample_item(fmt::format("item {}", i), i, 400));
  const Html html(report_page(page));
  const auto players = html.find("audio");
  ASSERT_EQ(players.size(), 70u);
  for (size_t i = 0; i < players.size(); ++i)
    EXPECT_EQ(players[i]->attributes.at("preload"), i < 60 ? "metadata" : "none");
}

TEST(ReportPage, NumbersOfATableStandRight) {
  ReportPage page;
  page.table = {
      {"metric", "mean", "interval", "how"}, {"SI-SDR", "-1.5", "[-2.0, -1.0]", "mean of 3"}, {"STOI", "", "inf", "x"}};
  const Html html(report_page(page));
  const auto cells = html.find("td");
  ASSERT_EQ(cells.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(cells[i]->has_class("number"), i % 3 != 2) << cells[i]->text;
  EXPECT_EQ(cells[3]->text, "\xe2\x80\x93");
}

TEST(ReportPage, RefusesWhatIsNotFinite) {
  const auto refuses = [](const auto& change, const std::vector<std::string>& parts) {
    ReportPage page = sample_page();
    change(page);
    expect_error<Error>([&] { report_page(page); }, parts);
  };
  refuses([](ReportPage& page) { page.metrics[0].values[3] = NAN; }, {"SI-SDR improvement", "finite", "nan"});
  refuses([](ReportPage& page) { page.metrics[0].mean = INFINITY; }, {"SI-SDR improvement", "inf"});
  refuses([](ReportPage& page) { page.metrics[0].interval->second = NAN; }, {"SI-SDR improvement", "nan"});
  refuses([](ReportPage& page) { page.metrics[0].others[0].values[0] = -INFINITY; }, {"SI-SDR improvement", "-inf"});
  refuses([](ReportPage& page) { page.scatters[0].points[1].y = NAN; },
          {"improvement against input level", "item 0 <2>"});
  refuses([](ReportPage& page) { page.ranks[1].items[0].tracks[4].samples[17] = NAN; },
          {"16 kHz", "estimate 2 (output 1)", "sample 17"});
  refuses([](ReportPage& page) { page.ranks[1].items[0].tracks[0].samples.clear(); },
          {"16 kHz", "mixture", "no samples"});
  refuses([](ReportPage& page) { page.ranks[1].items[0].sample_rate = 0; }, {"16 kHz", "rate", "0"});
  refuses([](ReportPage& page) { page.table[1].pop_back(); }, {"4 cells", "got 3 in row 1"});
}

}  // namespace
}  // namespace sunder
