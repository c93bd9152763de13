// sunder-prepare voices: mixtures of different speakers from any recorded speech.
#include <fmt/format.h>

#include <limits>

#include "audio/corpora/debian_voices.h"
#include "programs/prepare_list.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

struct VoicesOptions : ListOptions {
  std::string kind = "words", noise_floor = "-40";
  double trim_db = 35, levels_db = 0;
  bool by_duration = false;
};

std::optional<double> parse_noise_floor(const std::string& text) {
  if (text == "none") return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value <= 0 && value >= -200))
    throw_error<UsageError>("--noise-floor: expected none or -200 to 0 (dB), got \"{}\"", text);
  return value;
}

void prepare(const VoicesOptions& options) {
  set_num_threads(options.threads);
  const bool words = options.kind == "words", debian = options.corpus == "debian";
  const ListRule rule{"voices", options.downmix || debian ? Channels::mean : Channels::one,
                      parse_noise_floor(options.noise_floor), options.levels_db};
  ScreeningOptions screening{.trim = true, .active_db = options.trim_db};
  screening.skip_unusable = debian;  // some of its files have a second stream of another form (docs/datasets.md)
  set_lengths(screening, options, words ? 0.2 : options.seconds, words ? 1.2 : std::numeric_limits<double>::infinity());
  const std::string root = debian ? "/usr/share" : options.corpus;
  OutputFolder output(options.output, output_rules(options, "voices", inputs_of(options, root)));
  const Corpus corpus = debian ? find_debian_voices(root) : read_corpus(options);
  const auto pair = [&](const std::vector<Screened>& recordings, PairingOptions pairing) {
    pairing.by_duration = options.by_duration;
    return pair_voices(recordings, pairing);
  };
  write_list_set(corpus, options, rule, screening, pair, output);
}

}  // namespace

Subcommand add_voices(CLI::App& app) {
  const auto options = std::make_shared<VoicesOptions>();
  options->counts = {15000, 5000, 5000};
  options->seconds = 2;
  CLI::App* command = app.add_subcommand("voices", "mixtures of different speakers from any recorded speech");
  command
      ->add_option("--corpus", options->corpus,
                   "a folder with splits.csv (path,speaker,split), a folder per speaker, or debian: the voices of "
                   "klettres-data, ktuberling-data and tuxpaint-stamps-default")
      ->required();
  command->add_option("--kind", options->kind, "words: one at a random moment; sentences: a random cut of long speech")
      ->check(CLI::IsMember({"words", "sentences"}))
      ->capture_default_str();
  command
      ->add_option("--noise-floor", options->noise_floor,
                   "white noise under each voice, dB relative to its active level, or none")
      ->capture_default_str();
  command
      ->add_option("--levels", options->levels_db,
                   "dB by which the voices of a mixture may differ in level; 0: all are equally loud")
      ->check(CLI::Range(0.0, most_levels_db))
      ->capture_default_str();
  command->add_flag("--by-duration", options->by_duration,
                    "use a recording once for every --seconds of speech in it, not once alone");
  command
      ->add_option("--trim-db", options->trim_db,
                   "trims frames of 20 ms at both ends that are this many dB below the loudest")
      ->check(CLI::Range(1.0, 200.0))
      ->capture_default_str();
  command
      ->add_option("--min-seconds", options->min_seconds,
                   "shortest speech to take after trimming; default: words 0.2, sentences --seconds")
      ->check(CLI::Range(0.0, 3600.0));
  command->add_option("--max-seconds", options->max_seconds, "longest; default: words 1.2, sentences any")
      ->check(CLI::Range(0.0, 36000.0));
  add_speaker_split(*command, *options);
  add_list_options(*command, *options);
  command->footer(
      "Examples:\n"
      "  sunder-prepare voices --corpus debian --output voices --train 20000 --valid 500 --test 500\n"
      "  sunder-prepare voices --corpus my_speech --kind sentences --seconds 3 --output sentences --train 10000");
  return {command, [options] { prepare(*options); }};
}

}  // namespace sunder
