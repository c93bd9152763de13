// sunder-prepare sc09mix: one-second words, paired as the MixCycle paper's authors pair them.
#include <algorithm>

#include "programs/prepare_list.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

struct Sc09MixOptions : ListOptions {
  std::vector<std::string> words;
};

Corpus words_of(const Sc09MixOptions& options) {
  const auto& words = options.words;
  if (!std::filesystem::exists(std::filesystem::path(options.corpus) / "splits.csv"))
    return read_speech_commands(options.corpus, words.empty() ? spoken_digits() : words);
  Corpus corpus = read_splits_csv(options.corpus);
  if (!words.empty())
    std::erase_if(corpus.recordings, [&](const Recording& recording) {
      return std::find(words.begin(), words.end(), recording.label) == words.end();
    });
  return corpus;
}

std::vector<ListedMixture> pair_words(const std::vector<Screened>& screened, const PairingOptions& options) {
  std::vector<Recording> recordings;
  for (const Screened& heard : screened) recordings.push_back(heard.recording);
  return pair_cycling(recordings, options);
}

void prepare(const Sc09MixOptions& options) {
  set_num_threads(options.threads);
  OutputFolder output(options.output, output_rules(options, "sc09mix", inputs_of(options, options.corpus)));
  write_list_set(words_of(options), options, {"sc09mix", options.downmix ? Channels::mean : Channels::one}, {},
                 pair_words, output);
}

}  // namespace

Subcommand add_sc09mix(CLI::App& app) {
  const auto options = std::make_shared<Sc09MixOptions>();
  options->counts = {15000, 5000, 5000};
  CLI::App* command = app.add_subcommand("sc09mix", "one-second words, by the rules of SC09Mix");
  command
      ->add_option("--corpus", options->corpus,
                   "a Speech Commands tree (a folder per word), or a folder with splits.csv (path,speaker,split)")
      ->required();
  command->add_option("--words", options->words, "comma-separated; default: zero to nine, or all words of a splits.csv")
      ->delimiter(',');
  add_list_options(*command, *options);
  command->footer(
      "Recordings are converted to 8 kHz, padded to a second with the word in the middle, standardised and summed.\n"
      "The set is a list over the corpus; mixing happens while it is read, the same on every machine.\n\n"
      "Example:\n  sunder-prepare sc09mix --corpus speech_commands_v0.02 --output sc09mix --train 15000 --valid 5000 "
      "--test 5000 --seed 0");
  return {command, [options] { prepare(*options); }};
}

}  // namespace sunder
