// sunder-prepare rooms: speech in simulated rooms, as an SMS-WSJ tree.
#include <limits>

#include "audio/rooms/room_files.h"
#include "audio/rooms/room_set.h"
#include "audio/sample_rate.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "files/disk_space.h"
#include "programs/prepare_options.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

struct RoomsOptions : CorpusOptions {
  int num_sources = 2, sample_rate = room_sample_rate;
  std::string with;

  RoomSetOptions set() const {
    return {.counts = counts,
            .seed = seed,
            .channels = downmix ? Channels::mean : Channels::one,
            .sources = num_sources,
            .sample_rate = sample_rate,
            .storage = with == "all"      ? RoomStorage::all
                       : with == "images" ? RoomStorage::images
                                          : RoomStorage::training};
  }
};

// Throws Error where the disk has less left than the sets take.
void require_space(const std::vector<RoomSetPlan>& plans, const std::map<std::string, int64_t>& lengths,
                   const OutputFolder& output) {
  uint64_t bytes = 0;
  int64_t mixtures = 0;
  for (const RoomSetPlan& plan : plans) {
    bytes += room_set_bytes(plan, lengths, output.final_path());
    mixtures += plan.counts.mixtures;
  }
  const uint64_t available = free_bytes(output.path());
  if (bytes > available)
    throw_error("{}: {} mixtures take {}, but only {} are free there", output.final_path().string(), mixtures,
                size_text(bytes), size_text(available));
  print_message("{} mixtures take {} of {} that are free\n", mixtures, size_text(bytes), size_text(available));
}

void prepare(const RoomsOptions& options) {
  set_num_threads(options.threads);
  const RoomSetOptions set = options.set();
  ScreeningOptions screening{
      .sample_rate = set.sample_rate, .channels = set.channels, .skip_unusable = options.skip_unusable};
  set_lengths(screening, options, options.min_seconds, std::numeric_limits<double>::infinity());
  OutputFolder output(options.output, output_rules(options, "rooms", {options.corpus}));
  Corpus corpus = read_corpus(options);
  keep_clear_of(corpus, output);
  const ScreeningResult heard = screen_corpus(corpus, options, screening, set.sources);
  corpus.recordings.clear();
  std::map<std::string, int64_t> lengths;
  for (const Screened& screened : heard.kept) {
    corpus.recordings.push_back(screened.recording);
    lengths[screened.recording.path] = screened.length;
  }
  std::vector<RoomSetPlan> plans;
  for (const Split split : all_splits)
    if (options.count(split) > 0) plans.push_back(plan_room_set(corpus, split, set));
  require_space(plans, lengths, output);

  for (const RoomSetPlan& plan : plans) {
    write_room_set(plan, output.path(), output.final_path(), progress_line("writing " + plan.set()));
    const RoomSetCounts& counts = plan.counts;
    if (counts.surplus > 0)
      print_message("left out: {} recordings in {}, of speakers with more than all others could meet\n", counts.surplus,
                    plan.set());
    print_result("{:11} {:6} mixtures of {:5} recordings by {:4} speakers\n", plan.set(), counts.mixtures,
                 counts.utterances, counts.speakers);
  }
  finish(output);
}

}  // namespace

Subcommand add_rooms(CLI::App& app) {
  const auto options = std::make_shared<RoomsOptions>();
  options->counts = {600, 60, 60};
  options->min_seconds = 1;
  CLI::App* command = app.add_subcommand(
      "rooms", "speakers in simulated rooms with six microphones and one close to each (SMS-WSJ-FF-CT)");
  command
      ->add_option("--speech", options->corpus,
                   "a folder with splits.csv (path,speaker,split), or a folder per speaker")
      ->required();
  command->add_option("--output", options->output, "folder of the new tree, with sms_wsj.json")->required();
  add_counts(*command, *options, 1e6, {"mixtures of train_si284", "mixtures of cv_dev93", "mixtures of test_eval92"});
  add_seed(*command, *options, "same seed, same rooms; 0: those of SMS-WSJ");
  command->add_option("--sources", options->num_sources, "speakers per mixture")
      ->check(CLI::Range(2, room_most_sources))
      ->capture_default_str();
  command->add_option("--sample-rate", options->sample_rate, "Hz; recordings of another rate are converted")
      ->check(CLI::Range(lowest_sample_rate, highest_sample_rate))
      ->capture_default_str();
  command
      ->add_option("--with", options->with,
                   "images: the speakers' images at all microphones, not at the first alone; all: also their early\n"
                   "and late parts, noise, dry signals and responses, as SMS-WSJ has them (five times the disk)")
      ->check(CLI::IsMember({"images", "all"}));
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
      "image method; a microphone 10 to 30 cm from each speaker is added. About 3 MB for a mixture of 8 s at 8 kHz.\n\n"
      "Example:\n  sunder-prepare rooms --speech sentences --output rooms --train 600 --valid 60 --test 60");
  return {command, [options] { prepare(*options); }};
}

}  // namespace sunder
