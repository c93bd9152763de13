#include "programs/prepare_list.h"

#include <cmath>
#include <set>

#include "audio/sample_rate.h"
#include "audio/sets/mixture_list.h"
#include "audio/sets/mixture_set.h"
#include "audio/sets/noise_list.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "tensor/error.h"

namespace sunder {

void add_list_options(CLI::App& command, ListOptions& options) {
  command.add_option("--output", options.output, "folder of the new mixture set")->required();
  add_counts(command, options, 1e9, {"mixtures for training", "mixtures for validation", "mixtures for the test"});
  add_seed(command, options, "same seed, same mixtures, on every machine");
  command.add_option("--sources", options.num_sources, "voices per mixture")
      ->check(CLI::Range(2, 6))
      ->capture_default_str();
  command.add_option("--seconds", options.seconds, "length of a mixture")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command.add_option("--sample-rate", options.sample_rate, "Hz; recordings of another rate are converted")
      ->check(CLI::Range(lowest_sample_rate, highest_sample_rate))
      ->capture_default_str();
  command.add_option(
      "--noise", options.noise,
      "noise in the mixtures, which is none of their sources: white, or a folder of recordings, divided\n"
      "by its splits.csv (path,split) or by the hash of their names; default: none");
  command.add_option("--snr", options.snr, "lowest and highest level of a mixture's voices above its noise in dB")
      ->expected(2)
      ->check(CLI::Range(-most_snr_db, most_snr_db))
      ->capture_default_str();
  add_threads(command, options);
  add_recording_flags(command, options);
  command.add_flag("--write-audio", options.write_audio,
                   "also write OUTPUT/{train,valid,test}/{mix,s1,s2}/*.wav, for other programs");
  add_force(command, options);
}

namespace {

NoiseConfig noise_config(const ListOptions& options, const OutputFolder& output) {
  if (options.noise.empty()) return {};
  if (options.snr[0] > options.snr[1])
    throw_error<UsageError>("--snr: expected the lowest level first, got {} and {}", options.snr[0], options.snr[1]);
  const bool white = options.noise == "white";
  return {white ? "white" : "recordings",
          white ? std::filesystem::path() : corpus_reference(options.noise, output.final_path()), options.snr[0],
          options.snr[1]};
}

}  // namespace

std::vector<std::string> inputs_of(const ListOptions& options, const std::string& corpus) {
  if (options.noise.empty() || options.noise == "white") return {corpus};
  return {corpus, options.noise};
}

void write_list_set(const Corpus& corpus, const ListOptions& options, const ListRule& rule, ScreeningOptions screening,
                    const Pairing& pair, OutputFolder& output) {
  keep_clear_of(corpus, output);
  screening.sample_rate = options.sample_rate;
  screening.channels = rule.channels;
  screening.skip_unusable = screening.skip_unusable || options.skip_unusable;
  const NoiseConfig noise = noise_config(options, output);
  const int64_t window = std::llround(options.seconds * options.sample_rate);
  write_set_config(output.path() / "set.toml",
                   {rule.name, corpus_reference(corpus.root, output.final_path()), options.sample_rate, window,
                    options.num_sources, options.seed, rule.channels, rule.noise_floor_db, rule.levels_db, noise});
  const std::vector<Screened> recordings = screen_corpus(corpus, options, screening).kept;
  for (const Split split : all_splits) {
    std::vector<Screened> chosen;
    std::set<std::string> speakers;
    for (const Screened& heard : recordings)
      if (heard.recording.split == split) chosen.push_back(heard), speakers.insert(heard.recording.speaker);
    const std::string name = split_name(split);
    std::vector<ListedMixture> mixtures;
    if (options.count(split) > 0)
      mixtures =
          pair(chosen, {split, options.count(split), options.num_sources, options.seed, window, options.sample_rate});
    if (noise.kind == "recordings")
      draw_noise(mixtures, options.noise, noise_recordings(options.noise, split), options.sample_rate, window,
                 options.seed, split);
    write_mixture_list(output.path() / (name + ".csv"), mixtures, options.num_sources);
    print_result("{:5} {:6} mixtures of {:5} recordings by {:4} speakers\n", name, mixtures.size(), chosen.size(),
                 speakers.size());
    if (mixtures.empty() || !options.write_audio) continue;
    const MixtureSet set = MixtureSet::open(
        output.path(), name, {.corpus = corpus.root, .noise = noise.folder.empty() ? "" : options.noise});
    write_audio(set, output.path() / name, set.size(), progress_line("writing " + name));
  }
  finish(output);
}

}  // namespace sunder
