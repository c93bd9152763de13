// Sets of mixtures, most of them with their clean sources, in any of four forms on disk: a list of recordings of a
// corpus (SC09Mix, voices), folders of audio files (LibriMix), a tree of SMS-WSJ, or people's own recordings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/progress.h"
#include "tensor/error.h"
#include "tensor/tensor.h"

namespace sunder {

// Clean sources were required, and the set has none.
struct ReferencesMissing : InputError {
  using InputError::InputError;
};

// Signals are float32 on the CPU.
struct Mixture {
  std::string id;
  int sample_rate = 0;  // Hz
  Tensor mixture;       // (M, L): as many channels as were asked for
  Tensor sources{};     // (S, L), at the first microphone; undefined where the set loads none
  Tensor close_talk{};  // (S, L): the mixture close to each speaker; undefined unless asked for
  // (V, L): the sources at the first microphone as AuxIVA separates them (audio/sets/virtual_items.h); undefined unless
  // asked for
  Tensor virtual_microphones{};
  bool has_noise = false;  // the mixture holds noise that is none of the sources

  int64_t length() const { return mixture.size(1); }
};

enum class CleanSources { unused, where_listed, required };

struct MixtureSetOptions {
  std::filesystem::path corpus{};          // where the recordings of a list are; empty: where set.toml says
  std::filesystem::path noise{};           // where those of its noise are; empty: where set.toml says
  int64_t cache_bytes = int64_t{2} << 30;  // decoded recordings kept in memory
  int channels = 1;                        // how many of a recording's channels to load, from the first on; 0: all
  bool close_talk = false;                 // load the close-talk microphones too
  std::string mixture_kind = "auto";       // of trees with several (audio/sets/split_folders.h)
  int virtual_sources = 0;                 // virtual microphones to compute from the channels; 0: none
  // Whether to load the sources of a set with sms_wsj.json; other sets load those that they have. A set without them is
  // refused where they are required.
  CleanSources sources = CleanSources::required;
  int sample_rate = 0;                 // Hz, of recordings without sources (audio/sets/recording_items.h); 0: automatic
  bool on_the_fly = false;             // draw(): new rooms or new mixtures every epoch; sms_wsj.json, lists
  uint64_t seed = 0;                   // of these rooms
  std::string path_from{}, path_to{};  // paths in sms_wsj.json that begin with `path_from` begin with `path_to` instead
};

class MixtureItems;  // one kind of set on disk (audio/sets/mixture_items.h)

class MixtureSet {
 public:
  // `folder` is one of
  //   - a folder with set.toml and <split>.csv,
  //   - Libri2Mix, Libri2Mix/wav8k/min or the like, with {train-360,train-100,dev,test}/{mix_clean,s1,s2}/*.wav
  //     (train is train-360, else train-100; valid is dev), or mix_both and the like (options.mixture_kind),
  //   - a folder with {train,valid,test}/{mix,s1,s2}, or {tr,cv,tt} of WSJ0-2mix, WHAM! and WHAMR!, of audio files of
  //   any readable kind; a
  //     mixture and its sources have one name, whatever its ending,
  //   - a tree of SMS-WSJ with its sms_wsj.json (audio/sets/sms_wsj.h): the sources are the speakers' reverberant
  //     images at the first microphone,
  //   - recordings of mixtures alone (audio/sets/recording_items.h).
  // `split` is train, valid or test. Throws UsageError for another split; InputError if the folder is none of these,
  // has no mixtures, lacks the file of a source or its corpus is missing; ReferencesMissing as the options say.
  static MixtureSet open(const std::filesystem::path& folder, const std::string& split,
                         const MixtureSetOptions& options = {});

  int64_t size() const;
  int num_sources() const;  // 0: not known
  int channels() const;     // of the mixtures; with options.channels = 0 as many as every recording has
  int sample_rate() const;
  // Folders that items are read from, beside the set's own, which an output must not replace.
  std::vector<std::filesystem::path> reads_from() const;
  // Whether load() gives the clean sources.
  bool has_sources() const;
  // Which mixtures of a tree with several are read (audio/sets/split_folders.h); "auto" for other sets.
  std::string mixture_kind() const;
  // Whether they hold noise beside their sources.
  bool has_noise() const;
  // What somebody who uses the set should know: how recordings were divided and converted, files that have no partner.
  std::vector<std::string> notes() const;
  // Samples of item i, without decoding it.
  int64_t length(int64_t i) const;
  std::string id(int64_t i) const;
  // What item i is made of, as far as the set's list says: two sets with other contents are not the same set. Nothing
  // is decoded, and where the files lie does not matter.
  std::string contents(int64_t i) const;
  // The item, the same bits at every call. Safe to call from several threads. Throws InputError with the file that is
  // missing, broken, silent, or of another length or rate than the mixture.
  Mixture load(int64_t i) const;
  // As load(), but of a set that is made anew every epoch (on_the_fly); its epoch 0 is what load() gives.
  Mixture draw(int64_t i, int64_t epoch) const;

 private:
  explicit MixtureSet(std::shared_ptr<const MixtureItems> items) : items_(std::move(items)) {}

  std::shared_ptr<const MixtureItems> items_;
};

// Writes the first channel and the sources, if there are any, of the first `count` items as
// folder/{mix,s1,s2,...}/<id>.wav (32-bit float), which MixtureSet::open reads back to the same samples if `folder` is
// called train, valid or test. Throws InputError for an id that is no file's name (audio/sets/item_id.h) or not an
// item's alone, Error where a file cannot be written.
void write_audio(const MixtureSet& set, const std::filesystem::path& folder, int64_t count,
                 const Progress& progress = {});

}  // namespace sunder
