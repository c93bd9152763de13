// sunder-prepare rooms: speech in simulated rooms, as an SMS-WSJ tree.
#include <limits>

#include "audio/rooms/room_set.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "programs/prepare_options.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

void prepare(const CorpusOptions& options) {
  set_num_threads(options.threads);
  const RoomSetOptions set{options.counts, options.seed, options.downmix ? Channels::mean : Channels::one};
  ScreeningOptions screening{.channels = set.channels, .skip_unusable = options.skip_unusable};
  set_lengths(screening, options, options.min_seconds, std::numeric_limits<double>::infinity());
  OutputFolder output(options.output, output_rules(options, "rooms", {options.corpus}));
  Corpus corpus = read_corpus(options);
  keep_clear_of(corpus, output);
  const ScreeningResult heard = screen_corpus(corpus, options, screening);
  corpus.recordings.clear();
  for (const Screened& screened : heard.kept) corpus.recordings.push_back(screened.recording);

  for (const Split split : all_splits) {
    if (options.count(split) == 0) continue;
    const std::string name = sms_wsj_set(split);
    const RoomSetCounts counts =
        write_room_set(corpus, split, set, output.path(), output.final_path(), progress_line("writing " + name));
    if (counts.surplus > 0)
      print_message("left out: {} recordings in {}, of speakers with more than all others could meet\n", counts.surplus,
                    name);
    print_result("{:11} {:6} mixtures of {:5} recordings by {:4} speakers\n", name, counts.mixtures, counts.utterances,
                 counts.speakers);
  }
  finish(output);
}

}  // namespace

Subcommand add_rooms(CLI::App& app) {
  const auto options = std::make_shared<CorpusOptions>();
  options->counts = {600, 60, 60};
  options->min_seconds = 1;
  CLI::App* command =
      app.add_subcommand("rooms", "two speakers in simulated rooms with six and two microphones (SMS-WSJ-FF-CT)");
  command
      ->add_option("--speech", options->corpus,
                   "a folder with splits.csv (path,speaker,split), or a folder per speaker")
      ->required();
  command->add_option("--output", options->output, "folder of the new tree, with sms_wsj.json")->required();
  add_counts(*command, *options, 1e6, {"mixtures of train_si284", "mixtures of cv_dev93", "mixtures of test_eval92"});
  add_seed(*command, *options, "same seed, same rooms; 0: those of SMS-WSJ");
  command->add_option("--min-seconds", options->min_seconds, "shortest utterance to take")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("--max-seconds", options->max_seconds, "longest; default: any")->check(CLI::Range(0.1, 36000.0));
  add_speaker_split(*command, *options);
  add_threads(*command, *options);
  add_recording_flags(*command, *options);
  add_force(*command, *options);
  command->footer(
      "Rooms, positions, weights, offsets and noise are drawn as SMS-WSJ draws them, responses are simulated by the\n"
      "image method; a microphone 10 to 30 cm from each speaker is added. 8 kHz; about 10 MB for a mixture of 8 s.\n\n"
      "Example:\n  sunder-prepare rooms --speech sentences --output rooms --train 600 --valid 60 --test 60");
  return {command, [options] { prepare(*options); }};
}

}  // namespace sunder
