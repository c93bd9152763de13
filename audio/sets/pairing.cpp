#include "audio/sets/pairing.h"

#include <algorithm>
#include <set>

#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {
namespace {

// An endless sequence of shuffled passes over the indices 0 ... count - 1.
class ShuffledPasses {
 public:
  ShuffledPasses(int64_t count, const PairingOptions& options) : count_(count), options_(options) {}

  int64_t at(int64_t position) {
    if (const int64_t pass = position / count_; pass != pass_) {
      pass_ = pass;
      order_ =
          Random(options_.seed, RandomUse::shuffle, static_cast<uint32_t>(options_.split), pass).permutation(count_);
    }
    return order_[position % count_];
  }

 private:
  const int64_t count_;
  const PairingOptions& options_;
  int64_t pass_ = -1;
  std::vector<int64_t> order_;
};

std::string mixture_id(int64_t index) { return fmt::format("{:06}", index); }

Placement draw_placement(const Screened& recording, const PairingOptions& options, Random& random) {
  if (recording.length <= options.window)
    return {recording.begin, recording.length,
            static_cast<int64_t>(random.below(options.window - recording.length + 1))};
  const int64_t frame = frame_length(options.sample_rate);
  const auto active_frames = [&](int64_t begin) {
    const auto frames = static_cast<int64_t>(recording.active.size());
    const int64_t first = std::min(begin / frame, frames), last = std::min(first + options.window / frame, frames);
    return std::count(recording.active.begin() + first, recording.active.begin() + last, true);
  };
  int64_t best = 0, most = -1;
  for (int attempt = 0; attempt < 20 && 2 * most * frame < options.window; ++attempt) {
    const auto begin = static_cast<int64_t>(random.below(recording.length - options.window + 1));
    if (const int64_t active = active_frames(begin); active > most) best = begin, most = active;
  }
  return {recording.begin + best, options.window, 0};
}

// What a pass goes through.
std::vector<const Screened*> turns_of(const std::vector<Screened>& recordings, const PairingOptions& options) {
  std::vector<const Screened*> turns;
  for (const Screened& recording : recordings)
    turns.insert(turns.end(), options.by_duration ? std::max<int64_t>(1, recording.length / options.window) : 1,
                 &recording);
  return turns;
}

}  // namespace

std::vector<ListedMixture> pair_cycling(const std::vector<Recording>& recordings, const PairingOptions& options) {
  if (recordings.empty()) throw_error<InputError>("no recordings in the split {}", split_name(options.split));
  ShuffledPasses passes(static_cast<int64_t>(recordings.size()), options);
  std::vector<ListedMixture> mixtures(options.count);
  for (int64_t i = 0; i < options.count; ++i) {
    mixtures[i].id = mixture_id(i);
    for (int s = 0; s < options.num_sources; ++s)
      mixtures[i].sources.push_back({recordings[passes.at(i * options.num_sources + s)].path, std::nullopt, ""});
  }
  return mixtures;
}

std::vector<ListedMixture> pair_voices(const std::vector<Screened>& recordings, const PairingOptions& options) {
  std::set<std::string> speakers;
  for (const Screened& screened : recordings) speakers.insert(screened.recording.speaker);
  if (static_cast<int>(speakers.size()) < options.num_sources)
    throw_error<InputError>("mixtures of {} different speakers need as many, the split {} has {}", options.num_sources,
                            split_name(options.split), speakers.size());
  const std::vector<const Screened*> turns = turns_of(recordings, options);
  ShuffledPasses passes(static_cast<int64_t>(turns.size()), options);
  std::vector<ListedMixture> mixtures(options.count);
  for (int64_t i = 0; i < options.count; ++i) {
    Random random(options.seed, RandomUse::mixing, static_cast<uint32_t>(options.split), i);
    mixtures[i].id = mixture_id(i);
    std::set<std::string> taken;
    const Screened* chosen = turns[passes.at(i)];
    for (int s = 0; s < options.num_sources; ++s) {
      while (taken.contains(chosen->recording.speaker)) chosen = turns[random.below(turns.size())];
      taken.insert(chosen->recording.speaker);
      mixtures[i].sources.push_back(
          {chosen->recording.path, draw_placement(*chosen, options, random), chosen->recording.speaker});
    }
  }
  return mixtures;
}

}  // namespace sunder
