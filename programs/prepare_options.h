// What the subcommands of sunder-prepare share: options and the steps from a folder of recordings to a finished output.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "audio/corpora/screening.h"
#include "files/output_folder.h"

namespace sunder {

// A subcommand that was added to the command line, and its work, called where it was given.
struct Subcommand {
  const CLI::App* command;
  std::function<void()> run;
};

Subcommand add_sc09mix(CLI::App& app);
Subcommand add_voices(CLI::App& app);
Subcommand add_librimix(CLI::App& app);
Subcommand add_rooms(CLI::App& app);
Subcommand add_audio(CLI::App& app);

struct OutputOptions {
  std::string output;
  int threads = 0;
  bool force = false;
};
void add_threads(CLI::App& command, OutputOptions& options);
void add_force(CLI::App& command, OutputOptions& options);

// The rules for the output of the subcommand `name`, which is made of `inputs`.
OutputRules output_rules(const OutputOptions& options, const std::string& name, const std::vector<std::string>& inputs);
// Throws UsageError where the folder of a recording, which links may lead to, is no place for the output.
void keep_clear_of(const Corpus& corpus, const OutputFolder& output);
// Recognises what versions wrote that left no record in it (files/folder_record.h): a set of list or room mixtures, and
// nothing beside it. Folders of WAV files alone look like anybody's.
bool is_older_output(const std::filesystem::path& folder);

// Renames the output to its final name and prints it.
void finish(OutputFolder& output);

// Mixtures of recorded speech, split by speaker.
struct CorpusOptions : OutputOptions {
  std::string corpus;
  std::array<int64_t, 3> counts{};  // mixtures of train, valid and test
  uint64_t seed = 0;
  bool downmix = false, skip_unusable = false;
  double min_seconds = 0, max_seconds = 0;  // of a recording; 0: the subcommand's default
  SpeakerSplit split;

  int64_t count(Split of) const { return counts[static_cast<int>(of)]; }
};
void add_counts(CLI::App& command, CorpusOptions& options, double most, const std::array<std::string, 3>& what);
void add_seed(CLI::App& command, CorpusOptions& options, const std::string& what);
void add_speaker_split(CLI::App& command, CorpusOptions& options);
void add_recording_flags(CLI::App& command, CorpusOptions& options);

// A folder with splits.csv, or one with a folder for each speaker.
Corpus read_corpus(const CorpusOptions& options);

// --min-seconds and --max-seconds with the subcommand's defaults. Throws UsageError where the first is longer.
void set_lengths(ScreeningOptions& screening, const CorpusOptions& options, double shortest, double longest);

// Screens all recordings and prints which were left out. Throws InputError for a split that shall have mixtures and has
// fewer than `speakers`.
ScreeningResult screen_corpus(const Corpus& corpus, const CorpusOptions& options, const ScreeningOptions& screening,
                              int speakers = 2);

}  // namespace sunder
