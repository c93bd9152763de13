// What sunder-separate reads, and what its results are called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audio/sound_reader.h"
#include "programs/separate_options.h"

namespace sunder {

struct SeparateInput {
  std::string path;  // "-": standard input
  std::string name;  // for messages
  // Of the results, below the output folder: "mixture", or "takes/mixture" for a recording of a folder's folder.
  std::filesystem::path stem;

  std::filesystem::path estimate(const SeparateOptions& options, int64_t source) const;  // "out/mixture_s1.wav"
  std::filesystem::path picture(const SeparateOptions& options) const;
};

// Folders become the recordings in them and below, but for those in the output folder; patterns the files that they
// name. Throws InputError for a folder without recordings and a pattern without files.
std::vector<SeparateInput> list_inputs(const SeparateOptions& options);

// Before the first recording is read: makes the output folder. Throws UsageError where a result would replace another,
// an input or, without --force, any file; Error where the folder cannot be written.
void check_outputs(const SeparateOptions& options, const std::vector<SeparateInput>& inputs, int64_t sources);

// Throws Error as open_sound, open_sound_stream and open_raw_stream.
std::unique_ptr<SoundReader> open_input(const SeparateOptions& options, const SeparateInput& input);

// The channels that are separated, from 0 on: one for each microphone of the model. `channel`: 1, 2, ...; 0: not given.
// Throws InputError where the recording has others.
std::vector<int> chosen_channels(const SoundReader& reader, int64_t microphones, int channel);

}  // namespace sunder
