// What a kind of mixture set implements; MixtureSet holds one. A new kind is audio/sets/X.{h,cpp} and a row of the
// table in mixture_set.cpp.
#pragma once

#include <memory>

#include "audio/sets/mixture_set.h"

namespace sunder {

class MixtureItems {
 public:
  virtual ~MixtureItems() = default;
  virtual int64_t size() const = 0;
  virtual int num_sources() const = 0;  // 0: not known
  virtual int sample_rate() const = 0;
  virtual int channels() const { return 1; }  // that load() gives
  virtual bool has_sources() const { return true; }
  virtual bool has_noise() const { return false; }
  virtual std::string mixture_kind() const { return "auto"; }
  // Folders that items are read from, beside the set's own; also those that links lead to.
  virtual std::vector<std::filesystem::path> reads_from() const { return {}; }
  virtual int64_t length(int64_t i) const = 0;
  virtual std::string id(int64_t i) const = 0;
  virtual std::string contents(int64_t i) const { return id(i); }
  virtual Mixture load(int64_t i) const = 0;
  virtual std::vector<std::string> notes() const { return {}; }
  virtual Mixture draw(int64_t i, int64_t /*epoch*/) const { return load(i); }
};

}  // namespace sunder
