// sunder-prepare: from recordings of speech to a set of mixtures with known sources.
#include <CLI/CLI.hpp>
#include <cmath>
#include <set>

#include "audio/corpora/debian_voices.h"
#include "audio/corpora/screening.h"
#include "audio/sets/librimix.h"
#include "audio/sets/mixture_list.h"
#include "audio/sets/mixture_set.h"
#include "audio/sets/pairing.h"
#include "command/command_line.h"
#include "command/progress_line.h"
#include "files/output_folder.h"
#include "programs/prepare_rooms.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

struct ListOptions {
  std::string corpus, output, rule;
  std::array<int64_t, 3> counts = {15000, 5000, 5000};
  uint64_t seed = 0;
  int sample_rate = 8000, num_sources = 2, threads = 0;
  double seconds = 1;
  Channels channels = Channels::one;
  bool downmix = false, write_audio = false, force = false, skip_unusable = false;

  int64_t window() const { return std::llround(seconds * sample_rate); }
  int64_t count(Split split) const { return counts[static_cast<int>(split)]; }
};

void add_list_options(CLI::App& command, ListOptions& options) {
  const CLI::Range count(0.0, 1e9);
  command.add_option("--output", options.output, "folder of the new mixture set")->required();
  command.add_option("--train", options.counts[0], "mixtures for training")->check(count)->capture_default_str();
  command.add_option("--valid", options.counts[1], "mixtures for validation")->check(count)->capture_default_str();
  command.add_option("--test", options.counts[2], "mixtures for the test")->check(count)->capture_default_str();
  command.add_option("--seed", options.seed, "same seed, same mixtures, on every machine")
      ->check(CLI::Range(0.0, 9e18))
      ->capture_default_str();
  command.add_option("--sources", options.num_sources, "voices per mixture")
      ->check(CLI::Range(2, 6))
      ->capture_default_str();
  command.add_option("--seconds", options.seconds, "length of a mixture")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command.add_option("--sample-rate", options.sample_rate, "Hz; recordings of another rate are converted")
      ->check(CLI::Range(1000, 192000))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads; 0 takes one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command.add_flag("--downmix", options.downmix, "take the mean of a recording's channels; else more than one stops");
  command.add_flag("--skip-unusable", options.skip_unusable,
                   "leave out recordings that are broken or silent; else the first one stops");
  command.add_flag("--write-audio", options.write_audio,
                   "also write OUTPUT/{train,valid,test}/{mix,s1,s2}/*.wav, for other programs");
  command.add_flag("--force", options.force, "replace an output that is there");
}

ScreeningResult screen_corpus(const Corpus& corpus, const ListOptions& options, ScreeningOptions screening) {
  for (const Split split : all_splits)
    if (options.count(split) > 0) require_speakers(corpus, split, true);
  screening.sample_rate = options.sample_rate;
  screening.channels = options.channels;
  screening.skip_unusable = options.skip_unusable;
  ScreeningResult result = screen(corpus, screening, progress_line("reading recordings"));
  for (const std::string& message : result.unusable) fmt::print(stderr, "left out: {}\n", message);
  if (result.too_short + result.too_long > 0)
    fmt::print(stderr, "left out: {} recordings with less and {} with more than {} to {} s of speech\n",
               result.too_short, result.too_long, screening.min_seconds, screening.max_seconds);
  return result;
}

// Pairs the recordings of each split and writes the set.
template <class Pair>
void write_set(const Corpus& corpus, const ListOptions& options, const std::vector<Screened>& recordings,
               std::optional<double> noise_floor_db, OutputFolder& output, const Pair& pair) {
  write_set_config(output.path() / "set.toml",
                   {options.rule, corpus_reference(corpus.root, output.final_path()), options.sample_rate,
                    options.window(), options.num_sources, options.seed, options.channels, noise_floor_db});
  for (const Split split : all_splits) {
    std::vector<Screened> chosen;
    std::set<std::string> speakers;
    for (const Screened& heard : recordings)
      if (heard.recording.split == split) chosen.push_back(heard), speakers.insert(heard.recording.speaker);
    const std::string name = split_name(split);
    std::vector<ListedMixture> mixtures;
    if (options.count(split) > 0)
      mixtures = pair(chosen, PairingOptions{split, options.count(split), options.num_sources, options.seed,
                                             options.window(), options.sample_rate});
    write_mixture_list(output.path() / (name + ".csv"), mixtures, options.num_sources);
    fmt::print("{:5} {:6} mixtures of {:5} recordings by {:4} speakers\n", name, mixtures.size(), chosen.size(),
               speakers.size());
    if (mixtures.empty() || !options.write_audio) continue;
    const MixtureSet set = MixtureSet::open(output.path(), name, {.corpus = corpus.root});
    write_audio(set, output.path() / name, set.size(), progress_line("writing " + name));
  }
  output.commit();
  fmt::print("{}\n", output.final_path().string());
}

void prepare_sc09mix(ListOptions& options, const std::vector<std::string>& words) {
  options.channels = options.downmix ? Channels::mean : Channels::one;
  OutputFolder output(options.output, options.force);
  Corpus corpus;
  if (fs::exists(fs::path(options.corpus) / "splits.csv")) {
    corpus = read_splits_csv(options.corpus);
    if (!words.empty())
      std::erase_if(corpus.recordings, [&](const Recording& recording) {
        return std::find(words.begin(), words.end(), recording.label) == words.end();
      });
  } else {
    corpus = read_speech_commands(options.corpus, words.empty() ? spoken_digits() : words);
  }
  const ScreeningResult screened = screen_corpus(corpus, options, {});
  write_set(corpus, options, screened.kept, std::nullopt, output,
            [](const std::vector<Screened>& chosen, const PairingOptions& pairing) {
              std::vector<Recording> recordings;
              for (const Screened& heard : chosen) recordings.push_back(heard.recording);
              return pair_cycling(recordings, pairing);
            });
}

struct VoicesOptions : ListOptions {
  std::string kind = "words", noise_floor = "-40";
  double trim_db = 35, min_seconds = 0, max_seconds = 0;
  SpeakerSplit split;
};

std::optional<double> parse_noise_floor(const std::string& text) {
  if (text == "none") return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value <= 0 && value >= -200))
    throw_error<UsageError>("--noise-floor: expected none or -200 to 0 (dB), got \"{}\"", text);
  return value;
}

void prepare_voices(VoicesOptions& options) {
  const std::optional<double> noise_floor = parse_noise_floor(options.noise_floor);
  const bool words = options.kind == "words", debian = options.corpus == "debian";
  options.channels = options.downmix || debian ? Channels::mean : Channels::one;
  options.split.seed = options.seed;
  OutputFolder output(options.output, options.force);
  const Corpus corpus = debian ? find_debian_voices("/usr/share")
                        : fs::exists(fs::path(options.corpus) / "splits.csv")
                            ? read_splits_csv(options.corpus)
                            : read_speaker_folders(options.corpus, options.split);
  ScreeningOptions screening{.trim = true, .active_db = options.trim_db};
  screening.min_seconds = options.min_seconds > 0 ? options.min_seconds : words ? 0.2 : options.seconds;
  if (options.max_seconds > 0 || words) screening.max_seconds = options.max_seconds > 0 ? options.max_seconds : 1.2;
  if (screening.min_seconds > screening.max_seconds)
    throw_error<UsageError>("--min-seconds {} is more than --max-seconds {}", screening.min_seconds,
                            screening.max_seconds);
  write_set(corpus, options, screen_corpus(corpus, options, screening).kept, noise_floor, output, pair_voices);
}

CLI::App* add_sc09mix(CLI::App& app, ListOptions& options, std::vector<std::string>& words) {
  CLI::App* command = app.add_subcommand("sc09mix", "one-second words, by the rules of SC09Mix");
  options.rule = "sc09mix";
  command
      ->add_option("--corpus", options.corpus,
                   "a Speech Commands tree (a folder per word), or a folder with splits.csv (path,speaker,split)")
      ->required();
  command->add_option("--words", words, "comma-separated; default: zero to nine, or all words of a splits.csv")
      ->delimiter(',');
  add_list_options(*command, options);
  command->footer(
      "Recordings are converted to 8 kHz, padded to a second with the word in the middle, standardised and summed.\n"
      "The set is a list over the corpus; mixing happens while it is read, the same on every machine.\n\n"
      "Example:\n  sunder-prepare sc09mix --corpus speech_commands_v0.02 --output sc09mix --train 15000 --valid 5000 "
      "--test 5000 --seed 0");
  return command;
}

CLI::App* add_voices(CLI::App& app, VoicesOptions& options) {
  CLI::App* command = app.add_subcommand("voices", "mixtures of different speakers from any recorded speech");
  options.rule = "voices";
  options.seconds = 2;
  command
      ->add_option("--corpus", options.corpus,
                   "a folder with splits.csv (path,speaker,split), a folder per speaker, or debian: the voices of "
                   "klettres-data, ktuberling-data and tuxpaint-stamps-default")
      ->required();
  command->add_option("--kind", options.kind, "words: one at a random moment; sentences: a random cut of long speech")
      ->check(CLI::IsMember({"words", "sentences"}))
      ->capture_default_str();
  command
      ->add_option("--noise-floor", options.noise_floor,
                   "white noise under each voice, dB relative to its active level, or none")
      ->capture_default_str();
  command
      ->add_option("--trim-db", options.trim_db, "quiet around the speech: 20 ms frames this many dB below the loudest")
      ->check(CLI::Range(1.0, 200.0))
      ->capture_default_str();
  command
      ->add_option("--min-seconds", options.min_seconds,
                   "shortest speech to take after trimming; default: words 0.2, sentences --seconds")
      ->check(CLI::Range(0.0, 3600.0));
  command->add_option("--max-seconds", options.max_seconds, "longest; default: words 1.2, sentences any")
      ->check(CLI::Range(0.0, 36000.0));
  command->add_option("--valid-speakers", options.split.valid, "share of the speakers kept for validation, for folders")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command->add_option("--test-speakers", options.split.test, "share of the speakers kept for the test, for folders")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  add_list_options(*command, options);
  command->footer(
      "Examples:\n"
      "  sunder-prepare voices --corpus debian --output voices --train 20000 --valid 500 --test 500\n"
      "  sunder-prepare voices --corpus my_speech --kind sentences --seconds 3 --output sentences --train 10000");
  return command;
}

struct LibriMixOptions {
  std::string metadata, librispeech, output, mode = "min";
  int threads = 0;
  bool force = false;
};

CLI::App* add_librimix(CLI::App& app, LibriMixOptions& options) {
  CLI::App* command = app.add_subcommand("librimix", "LibriMix at 8 kHz (mix_clean) from its metadata and LibriSpeech");
  command
      ->add_option("--metadata", options.metadata,
                   "folder of libri2mix_train-clean-360.csv and the like (LibriMix/metadata/Libri2Mix), or one file")
      ->required();
  command->add_option("--librispeech", options.librispeech, "folder that holds train-clean-360 and the like")
      ->required();
  command->add_option("--output", options.output, "folder to write, usually called Libri2Mix")->required();
  command->add_option("--mode", options.mode, "min: cut to the shorter source; max: pad to the longer")
      ->check(CLI::IsMember({"min", "max"}))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "CPU threads; 0 takes one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_flag("--force", options.force, "replace an output that is there");
  command->footer(
      "Writes OUTPUT/wav8k/min/{train-360,train-100,dev,test}/{mix_clean,s1,s2}/*.wav, 16-bit, as LibriMix's scripts.\n"
      "No noise is read: a clean mixture does not depend on it.\n\n"
      "Example:\n  sunder-prepare librimix --metadata LibriMix/metadata/Libri2Mix --librispeech LibriSpeech "
      "--output Libri2Mix");
  return command;
}

void prepare_librimix(const LibriMixOptions& options) {
  std::vector<fs::path> lists;
  if (fs::is_directory(options.metadata)) {
    for (const auto& entry : fs::directory_iterator(options.metadata)) lists.push_back(entry.path());
    std::sort(lists.begin(), lists.end());
  } else {
    lists.emplace_back(options.metadata);
  }
  std::erase_if(lists, [](const fs::path& list) { return librimix_subset(list).empty(); });
  if (lists.empty())
    throw_error<InputError>(
        "{}: expected LibriMix's metadata: libri2mix_{{train-clean-360,train-clean-100,dev-clean,"
        "test-clean}}.csv",
        options.metadata);
  OutputFolder output(options.output, options.force);
  for (const fs::path& list : lists) {
    const std::string subset = librimix_subset(list);
    const MixLength length = options.mode == "min" ? MixLength::min : MixLength::max;
    const int64_t count =
        write_librimix(list, options.librispeech, output.path(), length, progress_line("writing " + subset));
    fmt::print("{:9} {:6} mixtures\n", subset, count);
  }
  output.commit();
  fmt::print("{}\n", output.final_path().string());
}

struct AudioOptions {
  std::string set, output, split = "test";
  int64_t items = 0;
  int threads = 0;
  bool force = false;
};

CLI::App* add_audio(CLI::App& app, AudioOptions& options) {
  CLI::App* command = app.add_subcommand("audio", "a set's mixtures and sources as WAV files");
  command->add_option("--set", options.set, "mixture set")->required();
  command->add_option("--output", options.output, "folder for mix/, s1/, s2/, ...")->required();
  command->add_option("--split", options.split, "which part")
      ->check(CLI::IsMember({"train", "valid", "test"}))
      ->capture_default_str();
  command->add_option("--items", options.items, "only the first so many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--threads", options.threads, "CPU threads; 0 takes one per core")->capture_default_str();
  command->add_flag("--force", options.force, "replace an output that is there");
  command->footer("Example:\n  sunder-prepare audio --set voices --split test --items 10 --output listen");
  return command;
}

void prepare_audio(const AudioOptions& options) {
  const MixtureSet set = MixtureSet::open(options.set, options.split);
  OutputFolder output(options.output, options.force);
  const int64_t count = options.items > 0 ? std::min(options.items, set.size()) : set.size();
  write_audio(set, output.path(), count, progress_line("writing " + options.split));
  output.commit();
  fmt::print("{:9} {:6} mixtures\n{}\n", options.split, count, output.final_path().string());
}

int run(int argc, char** argv) {
  CLI::App app("Makes sets of speech mixtures for training and testing separators.", "sunder-prepare");
  app.require_subcommand(1);
  ListOptions sc09mix;
  std::vector<std::string> words;
  VoicesOptions voices;
  LibriMixOptions librimix;
  const CLI::App* sc09mix_command = add_sc09mix(app, sc09mix, words);
  const CLI::App* voices_command = add_voices(app, voices);
  const CLI::App* librimix_command = add_librimix(app, librimix);
  RoomsOptions rooms;
  const CLI::App* rooms_command = add_rooms(app, rooms);
  AudioOptions audio;
  add_audio(app, audio);
  parse_command_line(app, argc, argv,
                     "  sunder-prepare voices --corpus debian --output voices --train 20000 --valid 500 --test 500\n"
                     "  sunder-prepare COMMAND --help");
  if (sc09mix_command->parsed()) {
    set_num_threads(sc09mix.threads);
    prepare_sc09mix(sc09mix, words);
  } else if (voices_command->parsed()) {
    set_num_threads(voices.threads);
    prepare_voices(voices);
  } else if (librimix_command->parsed()) {
    set_num_threads(librimix.threads);
    prepare_librimix(librimix);
  } else if (rooms_command->parsed()) {
    set_num_threads(rooms.threads);
    prepare_rooms(rooms);
  } else {
    set_num_threads(audio.threads);
    prepare_audio(audio);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto advice = [](const Error& error) -> std::string {
    return dynamic_cast<const FolderInUse*>(&error) ? "choose another --output, or replace it with --force" : "";
  };
  return run_main(
      "sunder-prepare", [&] { return run(argc, argv); }, advice);
}
