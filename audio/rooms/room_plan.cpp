#include "audio/rooms/room_plan.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "audio/rooms/numpy_random.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::vector<RoomUtterance> utterances_of(const Corpus& corpus, Split split) {
  std::vector<RoomUtterance> utterances;
  for (const Recording& recording : corpus.of(split)) {
    std::string id = fs::path(recording.path).replace_extension().generic_string();
    for (char& c : id)
      if (c == '/' || c == '_' || c == ' ') c = '-';
    require_utf8(id);
    require_utf8(recording.speaker);
    utterances.push_back({id, recording});
  }
  std::sort(utterances.begin(), utterances.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (size_t i = 1; i < utterances.size(); ++i)
    if (utterances[i].id == utterances[i - 1].id)
      throw_error<InputError>("{}: {} and {} have the same name ({})", corpus.root.string(),
                              utterances[i - 1].recording.path, utterances[i].recording.path, utterances[i].id);
  return utterances;
}

using BySpeaker = std::map<std::string, std::vector<int64_t>>;

BySpeaker by_speaker(const std::vector<RoomUtterance>& utterances) {
  BySpeaker result;
  for (size_t i = 0; i < utterances.size(); ++i) result[utterances[i].recording.speaker].push_back(i);
  return result;
}

BySpeaker::iterator most_frequent(BySpeaker& of_speaker) {
  return std::max_element(of_speaker.begin(), of_speaker.end(),
                          [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
}

// Limits the speaker with the most utterances to 1 / (2 S) of all, where there are more speakers than sources S: each
// of them must meet others S times, once in each column, and SMS-WSJ's random search often finds no composition at
// twice that share. Returns how many were dropped.
int64_t limit_most_frequent(const std::string& set, size_t sources, std::vector<RoomUtterance>& utterances) {
  auto of_speaker = by_speaker(utterances);
  if (of_speaker.size() <= sources) return 0;
  std::vector<int64_t>& own = most_frequent(of_speaker)->second;
  const size_t keep = std::max<size_t>(1, (utterances.size() - own.size()) / (2 * sources - 1));
  if (own.size() <= keep) return 0;
  NumpyRandom(sha256_seed(set + "_surplus")).shuffle(own);
  std::vector<bool> gone(utterances.size());
  for (size_t i = keep; i < own.size(); ++i) gone[own[i]] = true;
  size_t kept = 0;
  for (size_t i = 0; i < utterances.size(); ++i)
    if (!gone[i]) std::swap(utterances[kept++], utterances[i]);
  const auto surplus = static_cast<int64_t>(utterances.size() - kept);
  utterances.resize(kept);
  return surplus;
}

int64_t drop_surplus(const std::string& set, size_t sources, std::vector<RoomUtterance>& utterances) {
  int64_t dropped = limit_most_frequent(set, sources, utterances);
  // Another one may now have so many that there is no composition at all.
  for (int64_t more = 1; more > 0; dropped += more) {
    auto of_speaker = by_speaker(utterances);
    const bool too_many = !utterances.empty() && most_frequent(of_speaker)->second.size() * sources > utterances.size();
    more = too_many ? limit_most_frequent(set, sources, utterances) : 0;
  }
  return dropped;
}

}  // namespace

const char* sms_wsj_set(Split split) {
  return split == Split::train ? "train_si284" : split == Split::valid ? "cv_dev93" : "test_eval92";
}

void require_utf8(const std::string& name) {
  try {
    json(name).dump();
  } catch (const json::type_error&) {
    throw_error<InputError>("{}: expected a name in UTF-8, which sms_wsj.json can hold", name);
  }
}

std::string RoomSetPlan::id(int64_t mixture) const {
  std::string id = std::to_string(mixture);
  for (const int64_t utterance : mixtures[mixture]) id += "_" + utterances[utterance].id;
  return id;
}

RoomSetPlan plan_room_set(const Corpus& corpus, Split split, const RoomSetOptions& options) {
  const auto sources = static_cast<size_t>(options.sources);
  require_speakers(corpus, split, sources);
  RoomSetPlan plan{.corpus = corpus.root, .split = split, .options = options};
  plan.key = options.seed == 0 ? plan.set() : fmt::format("{}_seed_{}", plan.set(), options.seed);
  plan.utterances = utterances_of(corpus, split);
  plan.counts.mixtures = options.counts[static_cast<int>(split)];
  plan.counts.surplus = drop_surplus(plan.key, sources, plan.utterances);
  const auto utterances = static_cast<int64_t>(plan.utterances.size());
  plan.counts.utterances = utterances;

  // Repeated, so that all utterances are used equally often; each copy may meet other speakers.
  std::vector<std::string> speakers;
  while (static_cast<int64_t>(speakers.size()) < plan.counts.mixtures)
    for (const RoomUtterance& utterance : plan.utterances) speakers.push_back(utterance.recording.speaker);
  plan.counts.speakers = static_cast<int64_t>(std::set<std::string>(speakers.begin(), speakers.end()).size());
  plan.mixtures = compose_examples(plan.key, speakers, options.sources);
  plan.mixtures.resize(plan.counts.mixtures);
  for (auto& row : plan.mixtures)
    for (int64_t& utterance : row) utterance %= utterances;
  return plan;
}

}  // namespace sunder
