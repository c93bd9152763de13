// sunder-separate: separates recordings of several voices into one file per voice.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "audio/file.h"
#include "audio/listing.h"
#include "audio/resample.h"
#include "audio/silence.h"
#include "command/cleanup.h"
#include "command/command_line.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "files/output_folder.h"
#include "files/output_target.h"
#include "files/plain_message.h"
#include "nn/separation_stream.h"
#include "programs/model_options.h"
#include "report/separation_picture.h"
#include "tensor/error.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

struct Options {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string output;
  int channel = 0;  // 1, 2, ...; 0: not given
  double chunk_seconds = 30, overlap_seconds = 4;
  bool no_pictures = false;
};

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Separates recordings of several voices into one file per voice.\n\n"
      "Writes OUTPUT/<name>_s1.wav, <name>_s2.wav, ...: 32-bit float, of the input's sample rate and length, and\n"
      "OUTPUT/<name>.png with the spectrograms. Files of these names are replaced. Inputs are WAV, FLAC, OGG, MP3, "
      "AIFF,\n"
      "AU, CAF or W64 files or pipes (/dev/stdin, <(program)); they are converted to the model's rate and back: from "
      "a\n"
      "model for 8 kHz there is nothing above 4 kHz. Results of more than 4 GiB are RF64.",
      "sunder-separate");
  add_model_options(app, options.model);
  app.add_option("inputs", options.inputs, "recordings to separate")->required();
  app.add_option("-o,--output", options.output, "folder for the results; created if it is missing")->required();
  app.add_option(
         "--channel", options.channel,
         "which channel of a recording to separate: 1, 2, ...; a model of several microphones takes all channels\n"
         "and gives the voices as the first microphone records them")
      ->check(CLI::Range(1, 1024));
  app.add_option(
         "--chunk-seconds", options.chunk_seconds,
         "longer recordings are separated in chunks of this length, which bounds the network's memory; outputs keep\n"
         "their order from chunk to chunk. The recording and its estimates take at most 4 bytes a sample (at the "
         "higher\n"
         "rate) for each voice, each channel that is separated and one more, or twice each channel of the file")
      ->check(CLI::Range(1.0, 36000.0))
      ->capture_default_str();
  app.add_option("--overlap-seconds", options.overlap_seconds,
                 "shortest overlap of neighbouring chunks, by which their outputs are matched; at most half a chunk")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_flag("--no-pictures", options.no_pictures, "write WAV files only");
  parse_command_line(
      app, argc, argv,
      "  sunder-separate --model RUN/checkpoints/best mixture.wav -o separated\n"
      "  sunder-separate --model weights.safetensors --architecture stft-conv-tasnet *.wav -o separated");
  return options;
}

void complain(const std::string& message) { print_message("sunder-separate: {}\n", message); }

// What the results of an input are called. /dev/fd/63 and takes/3.1 have no ending to be taken off.
std::string result_name(const fs::path& input) {
  return (has_audio_name(input) ? input.stem() : input.filename()).string();
}

fs::path estimate_path(const fs::path& folder, const fs::path& input, int64_t source) {
  return folder / fmt::format("{}_s{}.wav", result_name(input), source + 1);
}

// Before the first recording is read: no output may replace another or an input, and the folder must be writable.
void check_outputs(const Options& options, int64_t sources) {
  std::map<std::string, std::string> input_of;  // by name of the results
  for (const std::string& input : options.inputs) {
    const auto [other, added] = input_of.emplace(result_name(input), input);
    if (!added)
      throw_error<UsageError>("{} and {} would both be written to {}; give one of them another name or folder",
                              other->second, input, estimate_path(options.output, input, 0).string());
  }
  create_folders(options.output);
  if (::access(options.output.c_str(), W_OK | X_OK) != 0)
    throw_error("{}: cannot write to the folder: {}", options.output, std::strerror(errno));
  std::set<fs::path> inputs;
  std::error_code ignored;
  for (const std::string& input : options.inputs) inputs.insert(fs::weakly_canonical(input, ignored));
  for (const std::string& input : options.inputs)
    for (int64_t s = 0; s < sources; ++s)
      if (const fs::path result = estimate_path(options.output, input, s);
          inputs.contains(fs::weakly_canonical(result, ignored)))
        throw_error<UsageError>("{}: is an input, but a result of {} would replace it; choose another --output",
                                result.string(), input);
}

struct Input {
  std::vector<std::vector<float>> channels;  // one for each microphone of the model
  int sample_rate = 0;
  int64_t frames = 0;
};

// `channel`: 1, 2, ... for a model of one microphone; 0: not given.
Input read_input(const std::string& path, int64_t microphones, int channel) {
  Audio audio = read_audio(path);
  if (microphones > 1 && audio.channels != microphones)
    throw_error<InputError>("{}: expected {} channels, one for each of the model's microphones, got {}", path,
                            microphones, audio.channels);
  if (microphones == 1 && audio.channels > 1 && channel == 0)
    throw_error<InputError>("{}: expected one channel, got {}; choose one with --channel 1 to {}", path, audio.channels,
                            audio.channels);
  if (channel > audio.channels)
    throw_error<InputError>("{}: expected a channel {} as --channel asks for, got {} {}", path, channel, audio.channels,
                            audio.channels == 1 ? "channel" : "channels");
  Input input{{}, audio.sample_rate, audio.frames};
  if (audio.channels == 1) {
    input.channels.push_back(std::move(audio.samples));
    return input;
  }
  for (int c = 0; c < audio.channels; ++c)
    if (channel == 0 || c == channel - 1) input.channels.push_back(channel_of(audio, c));
  return input;
}

void warn_of_silence(const std::string& input, const Input& recording) {
  for (size_t c = 0; c < recording.channels.size(); ++c) {
    if (!is_silent(recording.channels[c])) continue;
    complain(c == 0 ? fmt::format("{}: is silent from beginning to end, and so are its estimates", input)
                    : fmt::format("{}: channel {} is silent from beginning to end", input, c + 1));
  }
}

void write_results(const Options& options, const LoadedModel& model, const std::string& input, const Input& recording,
                   const std::vector<std::vector<float>>& estimates) {
  std::vector<std::span<const float>> shown = {recording.channels[0]};
  for (size_t s = 0; s < estimates.size(); ++s) {
    const fs::path path = estimate_path(options.output, input, static_cast<int64_t>(s));
    std::vector<float> converted;
    if (model.sample_rate != recording.sample_rate) {
      converted = resample(estimates[s], model.sample_rate, recording.sample_rate);
      converted.resize(recording.frames);
    }
    write_wav(path, converted.empty() ? estimates[s] : converted, recording.sample_rate);
    print_result("{}\n", path.string());
    shown.emplace_back(estimates[s]);
  }
  if (options.no_pictures) return;
  const std::string name = result_name(input);
  const fs::path path = fs::path(options.output) / (name + ".png");
  write_png(path, draw_separation(name, shown, model.sample_rate));
  print_result("{}\n", path.string());
}

void separate(const Options& options, const LoadedModel& model, const std::string& input, const Progress& progress) {
  // Fails before the work, not after it, where a result cannot be written.
  for (int64_t s = 0; s < model.separator->sources(); ++s) check_output(estimate_path(options.output, input, s));
  if (!options.no_pictures) check_output(fs::path(options.output) / (result_name(input) + ".png"));
  Input recording = read_input(input, model.separator->microphones(), options.channel);
  warn_of_silence(input, recording);
  // In place: a long recording is not kept twice.
  for (std::vector<float>& channel : recording.channels)
    if (model.sample_rate != recording.sample_rate)
      channel = resample(channel, recording.sample_rate, model.sample_rate);
  const auto samples = [&](double seconds) { return std::llround(seconds * model.sample_rate); };
  const Chunks chunks{samples(options.chunk_seconds),
                      samples(std::min(options.overlap_seconds, options.chunk_seconds / 2))};
  write_results(options, model, input, recording,
                separate_signal(*model.separator, recording.channels, chunks, progress));
}

// The same; whatever it throws names the input.
void separate_named(const Options& options, const LoadedModel& model, const std::string& input,
                    const Progress& progress) {
  try {
    separate(options, model, input, progress);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.starts_with(input + ": ")) throw;
    throw Error(fmt::format("{}: {}", input, message), error.kind());
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(fmt::format("{}: out of memory: the recording is too long for this machine", input), 0);
  } catch (const std::exception& error) {
    throw_error("{}: {}", input, plain_message(error));
  }
}

// Seconds of a recording; nothing for a pipe, which can be read only once, and for what cannot be read, which is an
// error later.
std::optional<double> duration(const std::string& input) {
  std::error_code ignored;
  if (!fs::is_regular_file(input, ignored)) return std::nullopt;
  try {
    const AudioInfo info = audio_info(input);
    return static_cast<double>(info.frames) / info.sample_rate;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const LoadedModel model = open_model(options.model);
  if (model.separator->microphones() > 1 && options.channel > 0)
    throw_error<UsageError>("--channel: the model takes all {} channels of a recording, one for each microphone",
                            model.separator->microphones());
  check_outputs(options, model.separator->sources());
  std::vector<std::optional<double>> durations;
  double total = 0, before = 0;
  for (const std::string& input : options.inputs) total += durations.emplace_back(duration(input)).value_or(0);

  const Progress line = progress_line("separating", " s");
  int64_t failed = 0;
  for (size_t i = 0; i < options.inputs.size(); ++i) {
    const Progress in_seconds = [&](int64_t done, int64_t samples) {
      if (!durations[i]) total += durations[i].emplace(static_cast<double>(samples) / model.sample_rate);
      const double share = static_cast<double>(done) / static_cast<double>(samples);
      line(std::llround(before + *durations[i] * share), std::llround(total));
    };
    try {
      separate_named(options, model, options.inputs[i], in_seconds);
    } catch (const Error& error) {
      if (options.inputs.size() == 1) throw;
      complain(error.what());
      ++failed;
    }
    before += durations[i].value_or(0);
  }
  if (failed == 0) return exit_done;
  complain(fmt::format("{} of {} files failed", failed, options.inputs.size()));
  return exit_some_failed;
}

}  // namespace

int main(int argc, char** argv) {
  remove_temporaries_at_signals();
  const auto advice = [](const Error& error) -> std::string {
    return error.kind() == ErrorKind::memory ? "lower --chunk-seconds, or split the recording" : model_advice(error);
  };
  return run_main(
      "sunder-separate", [&] { return run(argc, argv); }, advice);
}
