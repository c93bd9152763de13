// A set of mixtures with their clean sources, whatever it is on disk: a list over a corpus (sunder-prepare sc09mix and
// voices), folders of WAV files (LibriMix), or a tree of SMS-WSJ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/progress.h"

namespace sunder {

struct Mixture {
  std::string id;
  int sample_rate = 0;                      // Hz
  std::vector<float> mixture;               // (L), at the first microphone
  std::vector<std::vector<float>> sources;  // S x (L), as the first microphone hears them
  // M x (L), the first is `mixture`; empty where one microphone was asked for.
  std::vector<std::vector<float>> microphones{};
  std::vector<std::vector<float>> close_talk{};  // S x (L): the mixture close to each speaker; empty unless asked for
};

enum class CleanSources { unused, where_listed, required };

struct MixtureSetOptions {
  std::filesystem::path corpus{};          // where the recordings of a list are, if not where set.toml says
  int64_t cache_bytes = int64_t{2} << 30;  // decoded recordings kept in memory
  int microphones = 1;                     // how many of a recording's to load
  bool close_talk = false;                 // load the close-talk microphones too
  // Whether to load them; sets with sms_wsj.json only, others always have them.
  CleanSources sources = CleanSources::required;
  bool on_the_fly = false;             // draw(): new rooms every epoch; sets with sms_wsj.json only
  uint64_t seed = 0;                   // of these rooms
  std::string path_from{}, path_to{};  // paths of sms_wsj.json that begin with the one begin with the other
};

class MixtureItems;  // one kind of set on disk (audio/sets/mixture_items.h)

class MixtureSet {
 public:
  // `folder` is one of
  //   - a folder with set.toml and <split>.csv,
  //   - Libri2Mix, Libri2Mix/wav8k/min or the like, with {train-360,train-100,dev,test}/{mix_clean,s1,s2}/*.wav
  //     (train is train-360, else train-100; valid is dev),
  //   - a folder with {train,valid,test}/{mix,s1,s2}/*.wav,
  //   - a tree of SMS-WSJ with its sms_wsj.json (audio/sets/sms_wsj.h): the sources are the speakers' reverberant
  //   images at
  //     the first microphone.
  // `split` is train, valid or test. Throws UsageError for another split; InputError if it is none of these, has no
  // mixtures, lacks the file of a source or its corpus is missing.
  static MixtureSet open(const std::filesystem::path& folder, const std::string& split,
                         const MixtureSetOptions& options = {});

  int64_t size() const;
  int num_sources() const;
  int sample_rate() const;
  // Whether load() gives the clean sources.
  bool has_sources() const;
  // Samples of item i, without decoding it.
  int64_t length(int64_t i) const;
  std::string id(int64_t i) const;
  // The item, the same bits at every call. Safe to call from several threads. Throws InputError naming the file that
  // is missing, broken, silent, or of another length or rate than the mixture.
  Mixture load(int64_t i) const;
  // The same, but for sets that are simulated anew every epoch: epoch 0 is what load() gives.
  Mixture draw(int64_t i, int64_t epoch) const;

 private:
  explicit MixtureSet(std::shared_ptr<const MixtureItems> items) : items_(std::move(items)) {}

  std::shared_ptr<const MixtureItems> items_;
};

// Writes the set's first `count` items as folder/{mix,s1,s2,...}/<id>.wav (32-bit float), which MixtureSet::open reads
// back to the same samples if `folder` is called train, valid or test. Throws Error if it cannot.
void write_audio(const MixtureSet& set, const std::filesystem::path& folder, int64_t count,
                 const Progress& progress = {});

}  // namespace sunder
