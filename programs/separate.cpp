// sunder-separate: separates recordings of several voices into one file per voice.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <set>

#include "audio/file.h"
#include "audio/resample.h"
#include "audio/silence.h"
#include "command/command_line.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "files/output_folder.h"
#include "nn/separation.h"
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
      "OUTPUT/<name>.png with the spectrograms. Files of these names are replaced. Inputs are WAV, FLAC or OGG; they "
      "are\n"
      "converted to the model's rate and back: from a model for 8 kHz there is nothing above 4 kHz.",
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
         "longer recordings are separated in chunks of this length, which bounds memory; outputs keep their order\n"
         "from chunk to chunk")
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

fs::path estimate_path(const fs::path& folder, const fs::path& input, int64_t source) {
  return folder / fmt::format("{}_s{}.wav", input.stem().string(), source + 1);
}

// Before the first recording is read: no output may replace another or an input, and the folder must be writable.
void check_outputs(const Options& options, int64_t sources) {
  std::map<std::string, std::string> input_of;  // by stem
  for (const std::string& input : options.inputs) {
    const auto [other, added] = input_of.emplace(fs::path(input).stem().string(), input);
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
};

// `channel`: 1, 2, ... for a model of one microphone; 0: not given.
Input read_input(const std::string& path, int64_t microphones, int channel) {
  const Audio audio = read_audio(path);
  if (microphones > 1 && audio.channels != microphones)
    throw_error<InputError>("{}: expected {} channels, one for each of the model's microphones, got {}", path,
                            microphones, audio.channels);
  if (microphones == 1 && audio.channels > 1 && channel == 0)
    throw_error<InputError>("{}: expected one channel, got {}; choose one with --channel 1 to {}", path, audio.channels,
                            audio.channels);
  if (channel > audio.channels)
    throw_error<InputError>("{}: expected a channel {} as --channel asks for, got {} {}", path, channel, audio.channels,
                            audio.channels == 1 ? "channel" : "channels");
  const Tensor signals = deinterleaved(audio);
  Input input{{}, audio.sample_rate};
  for (int64_t c = 0; c < signals.size(0); ++c)
    if (channel == 0 || c == channel - 1) input.channels.push_back(signals.slice(c, c + 1).to_vector<float>());
  return input;
}

void warn_of_silence(const std::string& input, const Input& recording) {
  for (size_t c = 0; c < recording.channels.size(); ++c) {
    if (!is_silent(recording.channels[c])) continue;
    complain(c == 0 ? fmt::format("{}: is silent from beginning to end, and so are its estimates", input)
                    : fmt::format("{}: channel {} is silent from beginning to end", input, c + 1));
  }
}

void separate(const Options& options, const LoadedModel& model, const std::string& input, const Progress& progress) {
  const Input recording = read_input(input, model.separator->microphones(), options.channel);
  warn_of_silence(input, recording);
  std::vector<std::vector<float>> heard;
  for (const std::vector<float>& channel : recording.channels)
    heard.push_back(resample(channel, recording.sample_rate, model.sample_rate));
  const auto samples = [&](double seconds) { return std::llround(seconds * model.sample_rate); };
  const Chunks chunks{samples(options.chunk_seconds),
                      samples(std::min(options.overlap_seconds, options.chunk_seconds / 2))};
  const auto estimates = separate_signal(*model.separator, heard, chunks, progress);

  std::vector<std::span<const float>> shown = {heard[0]};
  for (size_t s = 0; s < estimates.size(); ++s) {
    std::vector<float> result = resample(estimates[s], model.sample_rate, recording.sample_rate);
    result.resize(recording.channels[0].size());
    const fs::path path = estimate_path(options.output, input, static_cast<int64_t>(s));
    write_wav(path, result, recording.sample_rate);
    print_result("{}\n", path.string());
    shown.emplace_back(estimates[s]);
  }
  if (options.no_pictures) return;
  const std::string name = fs::path(input).stem().string();
  const fs::path path = fs::path(options.output) / (name + ".png");
  write_png(path, draw_separation(name, shown, model.sample_rate));
  print_result("{}\n", path.string());
}

// Milliseconds of a recording; 0 if it cannot be read, which is an error later.
int64_t duration_ms(const std::string& input) {
  try {
    const AudioInfo info = audio_info(input);
    return info.frames * 1000 / std::max(info.sample_rate, 1);
  } catch (const InputError&) {
    return 0;
  }
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const LoadedModel model = open_model(options.model);
  if (model.separator->microphones() > 1 && options.channel > 0)
    throw_error<UsageError>("--channel: the model takes all {} channels of a recording, one for each microphone",
                            model.separator->microphones());
  check_outputs(options, model.separator->sources());
  std::vector<int64_t> durations;
  for (const std::string& input : options.inputs) durations.push_back(duration_ms(input));
  int64_t total = 0, before = 0;
  for (const int64_t duration : durations) total += duration;

  const Progress line = progress_line("separating", " s");
  int64_t failed = 0;
  for (size_t i = 0; i < options.inputs.size(); ++i) {
    try {
      separate(options, model, options.inputs[i], [&](int64_t done, int64_t samples) {
        line((before + durations[i] * done / samples) / 1000, total / 1000);
      });
    } catch (const Error& error) {
      if (options.inputs.size() == 1) throw;
      complain(error.what());
      ++failed;
    }
    before += durations[i];
  }
  if (failed == 0) return exit_done;
  complain(fmt::format("{} of {} files failed", failed, options.inputs.size()));
  return exit_some_failed;
}

}  // namespace

int main(int argc, char** argv) {
  const auto advice = [](const Error& error) -> std::string {
    return error.kind() == ErrorKind::memory ? "lower --chunk-seconds" : model_advice(error);
  };
  return run_main(
      "sunder-separate", [&] { return run(argc, argv); }, advice);
}
