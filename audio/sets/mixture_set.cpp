#include "audio/sets/mixture_set.h"

#include <mutex>
#include <set>

#include "audio/file.h"
#include "audio/listing.h"
#include "audio/sets/folder_items.h"
#include "audio/sets/item_id.h"
#include "audio/sets/listed_items.h"
#include "audio/sets/recording_items.h"
#include "audio/sets/room_items.h"
#include "audio/sets/virtual_items.h"
#include "files/output_folder.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {

namespace {

struct SetKind {
  const char* layout;     // in messages
  bool several_channels;  // has recordings of arrays
  bool close_talk;        // and of close-talk microphones
  bool drawn;             // can be mixed anew every epoch
  bool named_mixtures;    // may hold clean and noisy ones (options.mixture_kind)
  // Null where the folder is not of this kind.
  std::shared_ptr<const MixtureItems> (*open)(const std::filesystem::path& folder, Split split,
                                              const MixtureSetOptions& options);
};

// The first that fits is taken.
constexpr SetKind kinds[] = {
    {"sms_wsj.json", true, true, true, false, open_room_items},
    {"set.toml and <split>.csv", false, false, true, false, open_listed_items},
    {"<split>/mix, <split>/s1, <split>/s2, or LibriMix's wav8k/min", false, false, false, true, open_folder_items},
    {"recordings of mixtures, in <split>/mix or anyhow", true, false, false, true, open_recording_items},
};

}  // namespace

MixtureSet MixtureSet::open(const std::filesystem::path& folder, const std::string& split,
                            const MixtureSetOptions& options) {
  if (split != "train" && split != "valid" && split != "test")
    throw_error<UsageError>("expected the split train, valid or test, got \"{}\"", split);
  if (!std::filesystem::is_directory(folder)) throw_error<InputError>("{}: no such folder", folder.string());
  const Split wanted = parse_split(split, folder.string());
  const bool several = options.channels > 1 || options.close_talk;
  std::vector<std::string> layouts;
  for (const SetKind& kind : kinds) {
    if ((several && !kind.several_channels) || (options.close_talk && !kind.close_talk)) continue;
    if (options.on_the_fly && !kind.drawn) continue;
    if (options.mixture_kind != "auto" && !kind.named_mixtures) continue;
    layouts.emplace_back(kind.layout);
    auto items = kind.open(folder, wanted, options);
    if (!items) continue;
    return MixtureSet(options.virtual_sources == 0 ? std::move(items)
                                                   : with_virtual_microphones(items, wanted, options));
  }
  if (several)
    throw_error<InputError>("{}: expected recordings of several microphones ({}), found none", folder.string(),
                            fmt::join(layouts, ", "));
  if (options.on_the_fly)
    throw_error<InputError>("{}: expected a set that can be mixed anew every epoch ({}), found none", folder.string(),
                            fmt::join(layouts, ", "));
  if (options.mixture_kind != "auto")
    throw_error<InputError>("{}: expected mixtures in folders mix_{} (LibriMix, WHAM!, WHAMR!), found none",
                            folder.string(), options.mixture_kind);
  const bool empty = list_audio(folder, /*recursive=*/true).empty();
  throw_error<InputError>("{}: expected a mixture set with the split {}: {}{}", folder.string(), split,
                          fmt::join(layouts, "; or "),
                          empty ? fmt::format("; found no file that is named {}", audio_names()) : "");
}

int64_t MixtureSet::size() const { return items_->size(); }
bool MixtureSet::has_sources() const { return items_->has_sources(); }
std::string MixtureSet::mixture_kind() const { return items_->mixture_kind(); }
bool MixtureSet::has_noise() const { return items_->has_noise(); }
std::vector<std::string> MixtureSet::notes() const { return items_->notes(); }
int MixtureSet::num_sources() const { return items_->num_sources(); }
int MixtureSet::channels() const { return items_->channels(); }
int MixtureSet::sample_rate() const { return items_->sample_rate(); }
std::vector<std::filesystem::path> MixtureSet::reads_from() const { return items_->reads_from(); }

int64_t MixtureSet::length(int64_t i) const {
  SUNDER_ASSERT(i >= 0 && i < size());
  return items_->length(i);
}

std::string MixtureSet::id(int64_t i) const {
  SUNDER_ASSERT(i >= 0 && i < size());
  return items_->id(i);
}

std::string MixtureSet::contents(int64_t i) const {
  SUNDER_ASSERT(i >= 0 && i < size());
  return items_->contents(i);
}

Mixture MixtureSet::load(int64_t i) const {
  SUNDER_ASSERT(i >= 0 && i < size());
  return items_->load(i);
}

Mixture MixtureSet::draw(int64_t i, int64_t epoch) const {
  SUNDER_ASSERT(i >= 0 && i < size());
  return items_->draw(i, epoch);
}

void write_audio(const MixtureSet& set, const std::filesystem::path& folder, int64_t count, const Progress& progress) {
  std::set<std::string> ids;
  for (int64_t i = 0; i < count; ++i) {
    require_file_name(set.id(i), fmt::format("item {}", i + 1));
    if (!ids.insert(set.id(i)).second)
      throw_error<InputError>("item {}: its id \"{}\" is that of another item, too", i + 1, set.id(i));
  }
  std::vector<std::filesystem::path> folders = {folder / "mix"};
  for (int s = 1; set.has_sources() && s <= set.num_sources(); ++s) folders.push_back(folder / fmt::format("s{}", s));
  for (const auto& each : folders) create_folders(each);
  std::mutex reporting;
  int64_t done = 0;
  parallel_for(count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Mixture item = set.load(i);
      const std::string name = item.id + ".wav";
      const auto write = [&](const std::filesystem::path& into, const Tensor& signals, int64_t row) {
        const int64_t length = item.length();
        write_wav(into / name, std::span(signals.data<float>() + row * length, length), item.sample_rate);
      };
      write(folders[0], item.mixture, 0);
      for (int s = 0; set.has_sources() && s < set.num_sources(); ++s) write(folders[s + 1], item.sources, s);
    }
    const std::lock_guard lock(reporting);
    done += end - begin;
    if (progress) progress(done, count);
  });
}

}  // namespace sunder
