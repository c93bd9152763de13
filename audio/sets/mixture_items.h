// The kinds of mixture sets behind MixtureSet.
#pragma once

#include <memory>

#include "audio/sets/mixture_set.h"

namespace sunder {

class MixtureItems {
 public:
  virtual ~MixtureItems() = default;
  virtual int64_t size() const = 0;
  virtual int num_sources() const = 0;
  virtual int sample_rate() const = 0;
  virtual bool has_sources() const { return true; }
  virtual int64_t length(int64_t i) const = 0;
  virtual std::string id(int64_t i) const = 0;
  virtual Mixture load(int64_t i) const = 0;
  virtual Mixture draw(int64_t i, int64_t /*epoch*/) const { return load(i); }
};

// A folder with set.toml.
std::shared_ptr<const MixtureItems> open_listed_items(const std::filesystem::path& folder, Split split,
                                                      const MixtureSetOptions& options);

// Folders of WAV files; null if no known layout has a folder for this split.
std::shared_ptr<const MixtureItems> open_folder_items(const std::filesystem::path& folder, Split split,
                                                      const MixtureSetOptions& options);

// A folder with sms_wsj.json.
std::shared_ptr<const MixtureItems> open_room_items(const std::filesystem::path& folder, Split split,
                                                    const MixtureSetOptions& options);

}  // namespace sunder
