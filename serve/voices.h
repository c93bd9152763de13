// The voices of a recording as WAV files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audio/file.h"
#include "serve/work_queue.h"

namespace sunder::serve {

struct Voice {
  std::string name, wav;         // "voice1.wav" and its bytes
  std::vector<int64_t> outputs;  // of the model, that it is the sum of, from 0 on
};

struct Voices {
  std::vector<Voice> voices;
  std::optional<int64_t> active;  // outputs that hold a voice; where they were counted
  int64_t clipped = 0;            // samples beyond full scale, of 16 bits
};

// Of a job that is done. `sources`: all, auto or a number, as sunder-separate's --num-sources; the same files as it
// writes.
Voices make_voices(const Job& job, const std::string& sources, WavFormat encoding);

}  // namespace sunder::serve
