// The command line of sunder-separate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audio/sound_reader.h"
#include "programs/model_options.h"

namespace sunder {

inline constexpr const char* standard_stream = "-";  // as an input or an output

struct SeparateOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string output;          // a folder, or "-"
  std::optional<RawForm> raw;  // of standard input; nothing: its header says
  std::string output_format = "wav";
  int channel = 0;  // 1, 2, ...; 0: not given
  double chunk_seconds = 30, overlap_seconds = 4;
  std::string voices = "all";  // of the outputs: all, auto or a number
  int jobs = 1;
  std::string report;  // empty: none
  bool force = false, no_pictures = false;

  bool to_standard_output() const { return output == standard_stream; }
};

// Throws UsageError for flags that do not go together, HelpRequested.
SeparateOptions parse_separate(int argc, char** argv);

// Little-endian samples without a header, "s16le" and so on; nothing for another name.
std::optional<RawCoding> raw_coding(const std::string& name);

}  // namespace sunder
