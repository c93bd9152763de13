// Lists of mixtures (audio/sets/mixture_list.h): whole sources whose placements fit into the window, and a list that is
// the same when it is written and read again.
#include "audio/sets/mixture_list.h"

#include <algorithm>
#include <set>

#include "contract.h"

namespace sunder {
namespace {

bool same(const Placement& a, const Placement& b) {
  return a.begin == b.begin && a.length == b.length && a.start == b.start;
}

bool same(const ListedSource& a, const ListedSource& b) {
  return a.path == b.path && a.placement.has_value() == b.placement.has_value() &&
         (!a.placement || same(*a.placement, *b.placement));
}

bool same(const ListedMixture& a, const ListedMixture& b) {
  const auto same_source = [](const ListedSource& x, const ListedSource& y) { return same(x, y); };
  return a.id == b.id &&
         std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end(), same_source);
}

void check(const std::vector<ListedMixture>& mixtures, const SetConfig& config) {
  const std::vector<float> recording(config.window / 2, 1.0f);
  std::vector<float> window(config.window);
  SUNDER_PROMISE(!mixtures.empty());
  std::set<std::string> ids;
  for (const ListedMixture& mixture : mixtures) {
    SUNDER_PROMISE(ids.insert(mixture.id).second);
    SUNDER_PROMISE(static_cast<int>(mixture.sources.size()) == config.num_sources);
    for (const ListedSource& source : mixture.sources) {
      SUNDER_PROMISE(!source.path.empty());
      if (source.placement) place(recording, *source.placement, window);
    }
  }
  const auto copy = fuzz::output_folder() / "copy.csv";
  write_mixture_list(copy, mixtures, config.num_sources);
  const std::vector<ListedMixture> again = read_mixture_list(copy, config);
  const auto same_mixture = [](const ListedMixture& x, const ListedMixture& y) { return same(x, y); };
  SUNDER_PROMISE(std::equal(mixtures.begin(), mixtures.end(), again.begin(), again.end(), same_mixture));
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  SetConfig config;
  config.window = 100;
  const auto path = fuzz::memory_file(fuzz::text(data, size));
  const auto read = [&](const std::filesystem::path& list) { return read_mixture_list(list, config); };
  if (const auto mixtures = fuzz::accepted<InputError>(read, path)) check(*mixtures, config);
  return 0;
}
