#include "programs/prepare_options.h"

#include <fmt/format.h>

#include <set>

#include "command/command_line.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

void add_threads(CLI::App& command, OutputOptions& options) {
  command.add_option("--threads", options.threads, "CPU threads; 0: one per CPU that may be used")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
}

void add_force(CLI::App& command, OutputOptions& options) {
  command.add_flag(
      "--force", options.force,
      "replace an existing output, if sunder-prepare made it and it holds nothing else; the old one stays\n"
      "until the new one is complete");
}

OutputRules output_rules(const OutputOptions& options, const std::string& name,
                         const std::vector<std::string>& inputs) {
  return {.replace = options.force,
          .maker = fmt::format("sunder-prepare {} {}", name, version()),
          .inputs = {inputs.begin(), inputs.end()},
          .older = is_older_output};
}

void keep_clear_of(const Corpus& corpus, const OutputFolder& output) {
  std::set<fs::path> folders;
  std::error_code ignored;
  for (const Recording& recording : corpus.recordings) {
    const fs::path file = corpus.root / recording.path;
    folders.insert(file.parent_path());
    if (fs::is_symlink(file, ignored)) folders.insert(fs::canonical(file, ignored));
  }
  output.keep_clear_of({folders.begin(), folders.end()});
}

void finish(OutputFolder& output) {
  output.commit();
  print_result("{}\n", output.final_path().string());
}

void add_counts(CLI::App& command, CorpusOptions& options, double most, const std::array<std::string, 3>& what) {
  for (const Split split : all_splits) {
    const auto i = static_cast<size_t>(split);
    command.add_option(fmt::format("--{}", split_name(split)), options.counts[i], what[i])
        ->check(CLI::Range(0.0, most))
        ->capture_default_str();
  }
}

void add_seed(CLI::App& command, CorpusOptions& options, const std::string& what) {
  command.add_option("--seed", options.seed, what)->check(CLI::Range(0.0, 9e18))->capture_default_str();
}

void add_speaker_split(CLI::App& command, CorpusOptions& options) {
  const auto add = [&](const char* flag, double& share, const char* what) {
    command.add_option(flag, share, what)->check(CLI::Range(0.0, 0.9))->capture_default_str();
  };
  add("--valid-speakers", options.split.valid, "share of the speakers kept for validation, without splits.csv");
  add("--test-speakers", options.split.test, "share of the speakers kept for the test, without splits.csv");
}

void add_recording_flags(CLI::App& command, CorpusOptions& options) {
  command.add_flag("--downmix", options.downmix,
                   "take the mean of a recording's channels; without it, more than one channel is an error");
  command.add_flag("--skip-unusable", options.skip_unusable,
                   "leave out recordings that are broken or silent; without it, the first one is an error");
}

Corpus read_corpus(const CorpusOptions& options) {
  if (fs::exists(fs::path(options.corpus) / "splits.csv")) return read_splits_csv(options.corpus);
  SpeakerSplit split = options.split;
  split.seed = options.seed;
  return read_speaker_folders(options.corpus, split);
}

void set_lengths(ScreeningOptions& screening, const CorpusOptions& options, double shortest, double longest) {
  screening.min_seconds = options.min_seconds > 0 ? options.min_seconds : shortest;
  screening.max_seconds = options.max_seconds > 0 ? options.max_seconds : longest;
  if (screening.min_seconds > screening.max_seconds)
    throw_error<UsageError>("--min-seconds {} is more than --max-seconds {}", screening.min_seconds,
                            screening.max_seconds);
}

ScreeningResult screen_corpus(const Corpus& corpus, const CorpusOptions& options, const ScreeningOptions& screening,
                              int speakers) {
  for (const Split split : all_splits)
    if (options.count(split) > 0) require_speakers(corpus, split, speakers);
  ScreeningResult result = screen(corpus, screening, progress_line("reading recordings"));
  for (const std::string& message : result.unusable) print_message("left out: {}\n", message);
  if (result.too_short > 0)
    print_message("left out: {} recordings with less than {} s of speech\n", result.too_short, screening.min_seconds);
  if (result.too_long > 0)
    print_message("left out: {} recordings with more than {} s of speech\n", result.too_long, screening.max_seconds);
  return result;
}

}  // namespace sunder
