// What sunder-separate writes of one recording, block by block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/sound_writer.h"
#include "programs/separate_inputs.h"

namespace sunder {

// Samples of one signal, looked at on the way.
struct Level {
  int64_t samples = 0;
  double energy = 0, peak = 0;

  void add(std::span<const float> signal);
};

class SeparateOutputs {
 public:
  // Opens files, or standard output for all `voices`. `frames`: of the recording, where its header says it. Throws
  // Error.
  SeparateOutputs(const SeparateOptions& options, const SeparateInput& input, int64_t voices, int sample_rate,
                  std::optional<int64_t> frames);

  // The next samples of each voice, as many of all.
  void write(const std::vector<std::vector<float>>& voices);
  // Puts the files into place and prints their names.
  void commit();

  struct Voice {
    std::string path;
    Level level;  // of what was written
  };
  const std::vector<Voice>& voices() const { return voices_; }
  int64_t clipped() const;  // samples of all voices

 private:
  std::vector<Voice> voices_;
  std::vector<std::unique_ptr<SoundWriter>> writers_;  // one for each voice, or one for all
};

}  // namespace sunder
