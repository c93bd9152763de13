#include "train/sets.h"

#include <algorithm>

#include "audio/sample_rate.h"

namespace sunder {
namespace {

constexpr double recordings_segment_s = 2;

// Recordings of mixtures alone do not say how many sources they have.
bool are_recordings(const MixtureSet& set) { return set.num_sources() == 0; }

bool differ_in_length(const MixtureSet& set) {
  for (int64_t i = 1; i < set.size(); ++i)
    if (set.length(i) != set.length(0)) return true;
  return false;
}

std::string selection_without_references(const Config& config, const MethodNeeds& needs, const MixtureSet& validation) {
  if (needs.spectra) return "valid_loss";
  const int64_t limit = config.validation.max_items,
                items = limit > 0 ? std::min(limit, validation.size()) : validation.size();
  return has_blind_score(config, needs) && items >= 2 ? "blind" : "loss";
}

void complete(Config& config, const MethodNeeds& needs, TrainingSets& sets) {
  const auto set = [&](auto& value, const auto& wanted, const char* key, const std::string& why) {
    if (value == wanted) return;
    value = wanted;
    sets.notes.push_back(fmt::format("{} is {} for this run: {}", key, value, why));
  };
  if (are_recordings(sets.training)) {
    config.data.sample_rate = sets.training.sample_rate();
    if (config.data.segment_seconds == 0 && differ_in_length(sets.training))
      set(config.data.segment_seconds, recordings_segment_s, "data.segment_seconds", "items differ in length");
  }
  if (config.validation.select == "si_snri" && !sets.validation.has_sources())
    set(config.validation.select, selection_without_references(config, needs, sets.validation), "validation.select",
        "validation mixtures have no clean sources");
}

}  // namespace

TrainingSets open_sets(Config& config, const MethodDefinition& method) {
  const MethodNeeds needs = method.needs(config);
  if (config.data.sample_rate != 0) check_sample_rate<UsageError>("data.sample_rate", config.data.sample_rate);
  MixtureSetOptions wanted{.channels = static_cast<int>(config.model.microphones()),
                           .close_talk = needs.close_talk,
                           .mixture_kind = config.data.mixture_kind,
                           .virtual_sources = needs.virtual_microphones ? static_cast<int>(config.model.sources()) : 0,
                           .sources = needs.references ? CleanSources::required : CleanSources::unused,
                           .sample_rate = config.data.sample_rate,
                           .on_the_fly = config.data.on_the_fly,
                           .seed = config.train.seed,
                           .path_from = config.data.path_from,
                           .path_to = config.data.path_to};
  const std::string& folder = config.data.set;
  const MixtureSet training = MixtureSet::open(folder, "train", wanted);
  // Validation reports scores for every method; real recordings have no references.
  wanted.sources = CleanSources::where_listed;
  wanted.on_the_fly = false;
  wanted.sample_rate = training.sample_rate();
  TrainingSets sets{training, MixtureSet::open(folder, "valid", wanted), training.notes()};
  for (const std::string& note : sets.validation.notes())
    if (std::ranges::find(sets.notes, note) == sets.notes.end()) sets.notes.push_back(note);
  for (const MixtureSet* set : {&sets.training, &sets.validation})
    if (!are_recordings(*set) && set->num_sources() != config.model.sources())
      throw_error<UsageError>("model.sources: the set {} has mixtures of {} sources, got {}", folder,
                              set->num_sources(), config.model.sources());
  if (config.data.sample_rate > 0 && config.data.sample_rate != training.sample_rate())
    throw_error<UsageError>("data.sample_rate: the set {} has {} Hz, got {}; only recordings are converted", folder,
                            training.sample_rate(), config.data.sample_rate);
  if (sets.validation.sample_rate() != training.sample_rate())
    throw_error<InputError>("{}: expected validation mixtures of {} Hz as for training, got {} Hz", folder,
                            training.sample_rate(), sets.validation.sample_rate());
  complete(config, needs, sets);
  return sets;
}

}  // namespace sunder
