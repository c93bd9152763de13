// What the query of a request asks for: ?format=json&sources=2.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audio/file.h"

namespace sunder::serve {

using Query = std::map<std::string, std::string>;

enum class Packing { zip, multipart, json };

struct SeparateParameters {
  Packing packing = Packing::zip;
  WavFormat encoding = WavFormat::float32;
  std::string sources = "all";  // of the outputs: all, auto or a number
  std::optional<int> channel;   // from 1 on
};

struct StreamParameters {
  int sample_rate = 0, channels = 0;
  bool is_int16 = false;
  std::optional<double> chunk_seconds, overlap_seconds;
};

// All throw Refusal (400) for a parameter that is unknown, missing or out of range. `outputs`: of the model.
SeparateParameters separate_parameters(const Query& query, int outputs);
StreamParameters stream_parameters(const Query& query, int microphones, double most_chunk_seconds);

}  // namespace sunder::serve
