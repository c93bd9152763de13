#include <algorithm>
#include <array>
#include <map>

#include "audio/containers/view.h"

namespace sunder {
namespace {

constexpr size_t header_size = 27, checksum_at = 22;
constexpr int64_t largest_granule = int64_t{1} << 52;
constexpr int64_t vorbis_lead = 3 * 8192;  // frames; a block has at most 8192 and needs the one before

// CRC-32 of an OGG page: polynomial 0x04c11db7, most significant bit first, from 0 (RFC 3533, section 6).
uint32_t ogg_checksum(std::string_view page) {
  static constexpr auto table = [] {
    std::array<uint32_t, 256> sums{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
      sums[byte] = byte << 24;
      for (int bit = 0; bit < 8; ++bit) sums[byte] = sums[byte] << 1 ^ (sums[byte] >> 31 ? 0x04c11db7u : 0u);
    }
    return sums;
  }();
  uint32_t sum = 0;
  for (const char c : page) sum = sum << 8 ^ table[sum >> 24 ^ static_cast<uint8_t>(c)];
  return sum;
}

struct Page {
  uint64_t size = 0;
  bool first = false, last = false;  // of its stream
  uint64_t stream = 0, sequence = 0;
  int64_t granule = 0;  // frames at the end of its last packet; -1: no packet ends in it
};

Page read_page(const View& view, uint64_t offset) {
  const std::string header = view.bytes_at(offset, header_size + 255);
  if (!header.starts_with("OggS"))
    throw_error<InputError>("{}: expected a page of the OGG stream at byte {}, got something else", view.name(),
                            offset);
  const size_t segments = header.size() < header_size ? 0 : static_cast<uint8_t>(header[header_size - 1]);
  Page page{header_size + segments};
  for (size_t i = header_size; i < std::min(header_size + segments, header.size()); ++i)
    page.size += static_cast<uint8_t>(header[i]);
  if (page.size > view.size - offset)
    throw_error<InputError>("{}: cut short: the last page of the OGG stream is incomplete", view.name());
  page.first = header[5] & 2, page.last = header[5] & 4;
  page.granule = static_cast<int64_t>(number(std::string_view(header).substr(6), 8, Endian::little));
  page.stream = number(std::string_view(header).substr(14), 4, Endian::little);
  page.sequence = number(std::string_view(header).substr(18), 4, Endian::little);
  return page;
}

void check_sum(const View& view, uint64_t offset, uint64_t size) {
  std::string page = view.bytes_at(offset, static_cast<size_t>(size));
  if (page.size() < size)  // somebody cuts the file now
    throw_error<InputError>("{}: cut short: the last page of the OGG stream is incomplete", view.name());
  const uint64_t checksum = number(std::string_view(page).substr(checksum_at), 4, Endian::little);
  std::fill_n(&page[checksum_at], 4, '\0');
  if (ogg_checksum(page) != checksum)
    throw_error<InputError>("{}: damaged: the page of the OGG stream at byte {} has a wrong checksum", view.name(),
                            offset);
}

}  // namespace

// Every page of the file (RFC 3533, section 6): libsndfile skips a damaged or missing page and returns a shorter
// signal, and reads the first link of a chain only. A first page behind other pages than first ones begins a link. The
// end-of-stream flag is no test: some encoders do not set it.
Container check_ogg(const View& view, Depth depth) {
  std::map<uint64_t, uint64_t> pages;  // how many so far, by serial number of the stream
  std::vector<uint64_t> links;
  bool in_link = false;
  for (uint64_t offset = 0; offset < view.size;) {
    const Page page = read_page(view, offset);
    if (depth == Depth::whole) check_sum(view, offset, page.size);
    if (page.first && (in_link || links.empty())) links.push_back(offset);
    in_link = !page.first;
    const uint64_t expected = page.first ? 0 : pages[page.stream];  // links may have the same serial number
    if (page.sequence != expected)
      throw_error<InputError>("{}: damaged: expected page {} of the OGG stream at byte {}, got page {}", view.name(),
                              expected, offset, page.sequence);
    pages[page.stream] = page.sequence + 1;
    offset += page.size;
  }
  if (links.empty() || links[0] != 0) links.insert(links.begin(), 0);
  Container container;
  for (size_t i = 0; i < links.size(); ++i) {
    const uint64_t end = i + 1 < links.size() ? links[i + 1] : view.size;
    container.streams.push_back(SoundStream{{view.begin + links[i], end - links[i]}});
  }
  return container;
}

// The headers, and pages from before the excerpt to its end: their granule positions say which frames they decode to.
std::optional<Excerpt> ogg_excerpt(const View& view, int64_t length, int64_t begin, int64_t end) {
  struct Place {
    uint64_t begin, end;
    int64_t granule;
  };
  std::vector<Place> pages;  // with sound
  uint64_t headers = 0;
  Page page;
  for (uint64_t offset = 0; offset < view.size; offset += page.size) {
    const Page next = read_page(view, offset);
    if (offset > 0 && next.stream != page.stream) return std::nullopt;  // several streams side by side
    page = next;
    const int64_t before = pages.empty() ? 0 : pages.back().granule;
    if (page.granule != -1 && (page.granule < before || page.granule > largest_granule)) return std::nullopt;
    if (page.granule == 0 && pages.empty()) headers = offset + page.size;
    else if (page.granule != -1) pages.push_back({offset, offset + page.size, page.granule});
  }
  // Without the mark of the last page nothing cuts the last block to its granule position.
  if (pages.empty() || headers == 0 || !page.last) return std::nullopt;
  const int64_t shift = pages.back().granule - length;  // of a stream that was cut out of a longer one
  size_t last = 0;
  while (last + 1 < pages.size() && pages[last].granule < end + shift) ++last;
  size_t first = last;
  while (first > 0 && pages[first - 1].granule > begin + shift - vorbis_lead) --first;
  if (first > 0) --first;  // its first packet may have begun in the page before
  const uint64_t from = first == 0 ? headers : pages[first].begin;
  return Excerpt{{{view.begin, headers}, {view.begin + from, pages[last].end - from}},
                 pages[last].granule - shift - begin};
}

}  // namespace sunder
