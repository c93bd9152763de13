#include "programs/prepare_rooms.h"

#include <fmt/format.h>

#include "audio/corpora/screening.h"
#include "audio/rooms/room_set.h"
#include "command/progress_line.h"
#include "files/output_folder.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

CLI::App* add_rooms(CLI::App& app, RoomsOptions& options) {
  CLI::App* command =
      app.add_subcommand("rooms", "two speakers in simulated rooms with six and two microphones (SMS-WSJ-FF-CT)");
  const CLI::Range count(0.0, 1e6);
  command
      ->add_option("--speech", options.speech, "a folder with splits.csv (path,speaker,split), or a folder per speaker")
      ->required();
  command->add_option("--output", options.output, "folder of the new tree, with sms_wsj.json")->required();
  command->add_option("--train", options.counts[0], "mixtures of train_si284")->check(count)->capture_default_str();
  command->add_option("--valid", options.counts[1], "mixtures of cv_dev93")->check(count)->capture_default_str();
  command->add_option("--test", options.counts[2], "mixtures of test_eval92")->check(count)->capture_default_str();
  command->add_option("--seed", options.seed, "same seed, same rooms; 0: those of SMS-WSJ")
      ->check(CLI::Range(0.0, 9e18))
      ->capture_default_str();
  command->add_option("--min-seconds", options.min_seconds, "shortest utterance to take")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("--max-seconds", options.max_seconds, "longest; default: any")->check(CLI::Range(0.1, 36000.0));
  command->add_option("--valid-speakers", options.split.valid, "share of the speakers kept for validation, for folders")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command->add_option("--test-speakers", options.split.test, "share of the speakers kept for the test, for folders")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "CPU threads; 0 takes one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_flag("--downmix", options.downmix, "take the mean of a recording's channels; else more than one stops");
  command->add_flag("--skip-unusable", options.skip_unusable,
                    "leave out recordings that are broken or silent; else the first one stops");
  command->add_flag("--force", options.force, "replace an output that is there");
  command->footer(
      "Rooms, positions, weights, offsets and noise are drawn as SMS-WSJ draws them, responses are simulated by the\n"
      "image method; a microphone 10 to 30 cm from each speaker is added. 8 kHz; about 10 MB for a mixture of 8 s.\n\n"
      "Example:\n  sunder-prepare rooms --speech sentences --output rooms --train 600 --valid 60 --test 60");
  return command;
}

void prepare_rooms(RoomsOptions& options) {
  const RoomSetOptions set{options.counts, options.seed, options.downmix ? Channels::mean : Channels::one};
  if (options.max_seconds > 0 && options.max_seconds < options.min_seconds)
    throw_error<UsageError>("--min-seconds {} is more than --max-seconds {}", options.min_seconds, options.max_seconds);
  options.split.seed = options.seed;
  OutputFolder output(options.output, options.force);
  Corpus corpus = fs::exists(fs::path(options.speech) / "splits.csv")
                      ? read_splits_csv(options.speech)
                      : read_speaker_folders(options.speech, options.split);
  for (const Split split : all_splits)
    if (options.counts[static_cast<int>(split)] > 0) require_speakers(corpus, split, true);
  ScreeningOptions screening{.channels = set.channels};
  screening.min_seconds = options.min_seconds;
  if (options.max_seconds > 0) screening.max_seconds = options.max_seconds;
  screening.skip_unusable = options.skip_unusable;
  const ScreeningResult heard = screen(corpus, screening, progress_line("reading recordings"));
  for (const std::string& message : heard.unusable) fmt::print(stderr, "left out: {}\n", message);
  if (heard.too_short + heard.too_long > 0)
    fmt::print(stderr, "left out: {} recordings below {} s and {} above the longest\n", heard.too_short,
               options.min_seconds, heard.too_long);
  corpus.recordings.clear();
  for (const Screened& screened : heard.kept) corpus.recordings.push_back(screened.recording);

  for (const Split split : all_splits) {
    if (options.counts[static_cast<int>(split)] == 0) continue;
    const std::string name = sms_wsj_set(split);
    const RoomSetCounts counts =
        write_room_set(corpus, split, set, output.path(), output.final_path(), progress_line("writing " + name));
    if (counts.surplus > 0)
      fmt::print(stderr, "left out: {} recordings in {}, of speakers with more than all others could meet\n",
                 counts.surplus, name);
    fmt::print("{:11} {:6} mixtures of {:5} recordings by {:4} speakers\n", name, counts.mixtures, counts.utterances,
               counts.speakers);
  }
  output.commit();
  fmt::print("{}\n", output.final_path().string());
}

}  // namespace sunder
