#include "programs/separate_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "audio/output_activity.h"
#include "audio/sample_rate.h"
#include "command/command_line.h"
#include "command/shipped_models.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr char description[] =
    "Separates recordings of several voices into one file per voice.\n\n"
    "Writes OUTPUT/<name>_s1.wav, <name>_s2.wav, ...: 32-bit float, of the input's sample rate and length, and\n"
    "OUTPUT/<name>.png with the spectrograms; recordings of a folder keep their folders. Files of these names are\n"
    "replaced only with --force. Inputs are WAV, FLAC, OGG, MP3, AIFF, AU, CAF or W64 files or pipes (/dev/stdin,\n"
    "<(program)); they are converted to the model's rate and back: from a model for 8 kHz there is nothing above\n"
    "4 kHz. Results of more than 4 GiB are RF64.\n\n"
    "Without --model it uses {}, a model that comes with Sunder. Models are looked for by name in the folder\n"
    "that {} names, and in share/sunder/models beside the program's bin folder.";

const std::map<std::string, RawCoding> raw_codings = {
    {"f32le", RawCoding::f32le}, {"s16le", RawCoding::s16le}, {"s24le", RawCoding::s24le}, {"s32le", RawCoding::s32le}};

struct StandardInput {
  std::string format = "wav";
  int rate = 0, channels = 0;  // 0: not given
};

void add_input_flags(CLI::App& app, SeparateOptions& options, StandardInput& input) {
  app.add_option("inputs", options.inputs,
                 "recordings to separate, folders of them (with all folders below), patterns (\"takes/*.wav\"), or -:\n"
                 "standard input, which is separated as it comes")
      ->required();
  app.add_option("--format", input.format,
                 "what standard input is: wav (sound with a header; other kinds than WAV are copied to a file first)\n"
                 "or interleaved samples without one: s16le, s24le, s32le, f32le")
      ->check(CLI::IsMember({"wav", "s16le", "s24le", "s32le", "f32le"}))
      ->capture_default_str();
  app.add_option("--rate", input.rate, "of standard input without a header, in Hz")
      ->check(CLI::Range(lowest_sample_rate, highest_sample_rate));
  app.add_option("--channels", input.channels, "of standard input without a header")->check(CLI::Range(1, 1024));
  app.add_option(
         "--channel", options.channel,
         "which channel of a recording to separate: 1, 2, ...; a model of several microphones takes all channels\n"
         "and gives the voices as the first microphone records them")
      ->check(CLI::Range(1, 1024));
}

void add_output_flags(CLI::App& app, SeparateOptions& options) {
  app.add_option("-o,--output", options.output,
                 "folder for the results, created if it is missing; or -: standard output, one channel a voice")
      ->required();
  app.add_option(
         "--output-format", options.output_format,
         "wav (32-bit float, which never clips) or wav16; to standard output also s16le, s24le, s32le or f32le\n"
         "without a header (default there: as --format). Clipped samples are counted and reported")
      ->check(CLI::IsMember({"wav", "wav16", "s16le", "s24le", "s32le", "f32le"}))
      ->capture_default_str();
  app.add_option("--num-sources", options.voices,
                 "all: every output of the model. auto: those within 20 dB of the strongest, the others added to the\n"
                 "one that they are most like. A number: outputs whose levels rise and fall together are added until\n"
                 "so many are left. Both wait for the end of a recording")
      ->capture_default_str();
  app.add_flag("--force", options.force, "replace results that exist; without it none is, and nothing is separated");
  app.add_option("--report", options.report, "JSON file to write: length, speed, seams, levels of every recording");
  app.add_flag("--no-pictures", options.no_pictures, "write WAV files only");
}

void add_work_flags(CLI::App& app, SeparateOptions& options) {
  app.add_option(
         "--chunk-seconds", options.chunk_seconds,
         "longer recordings are separated in chunks of this length, which bounds memory and delay; outputs keep their\n"
         "order from chunk to chunk. A recording of any length takes the memory of a chunk")
      ->check(CLI::Range(1.0, 36000.0))
      ->capture_default_str();
  app.add_option("--overlap-seconds", options.overlap_seconds,
                 "shortest overlap of neighbouring chunks, by which their outputs are matched; at most half a chunk")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--jobs", options.jobs, "recordings that are separated at a time, on the CPU; --threads is for all")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

void check_input(const CLI::App& app, SeparateOptions& options, const StandardInput& input) {
  const auto standard = std::ranges::count(options.inputs, standard_stream);
  if (standard > 1) throw UsageError("-: standard input can be read only once");
  for (const char* flag : {"--format", "--rate", "--channels"})
    if (app.count(flag) > 0 && standard == 0)
      throw_error<UsageError>("{} is for standard input: give - as an input", flag);
  const std::optional<RawCoding> coding = raw_coding(input.format);
  for (const auto& [flag, value] : {std::pair{"--rate", input.rate}, {"--channels", input.channels}}) {
    if (coding && value == 0)
      throw_error<UsageError>("--format {} says nothing of {}: give it too", input.format, flag);
    if (!coding && value != 0)
      throw_error<UsageError>("{}: the header of standard input says it; needed only with --format s16le and the like",
                              flag);
  }
  if (coding) options.raw = RawForm{*coding, input.rate, input.channels};
  if (coding && options.inputs.size() == 1 && options.channel > input.channels)
    throw_error<UsageError>("--channel {}: standard input has {} by --channels", options.channel, input.channels);
}

void check_output_flags(const CLI::App& app, SeparateOptions& options, const StandardInput& input) {
  const std::string& format = options.output_format;
  if (options.report == standard_stream)
    throw UsageError("--report: expected a file; standard output is for the voices and their names");
  if (!options.to_standard_output()) {
    if (raw_coding(format))
      throw_error<UsageError>("--output-format {}: files are WAV; samples without a header need -o -", format);
    return;
  }
  if (options.inputs.size() != 1) throw UsageError("-o -: standard output takes the voices of one recording");
  if (options.voices != "all") throw UsageError("--num-sources waits for the end of a recording: give -o a folder");
  if (::isatty(STDOUT_FILENO) == 1) throw UsageError("-o -: standard output is a terminal: give it a pipe or a file");
  if (app.count("--output-format") == 0 && options.raw) options.output_format = input.format;
}

void check_voices(const std::string& voices) {
  if (voices != "all" && voices != "auto" && !voice_count(voices))
    throw_error<UsageError>("--num-sources: expected all, auto or a number from 1 on, got '{}'", voices);
}

}  // namespace

std::optional<RawCoding> raw_coding(const std::string& name) {
  const auto found = raw_codings.find(name);
  return found == raw_codings.end() ? std::nullopt : std::optional(found->second);
}

SeparateOptions parse_separate(int argc, char** argv) {
  SeparateOptions options;
  StandardInput input;
  CLI::App app(fmt::format(description, default_model, models_variable), "sunder-separate");
  add_model_options(app, options.model);
  add_input_flags(app, options, input);
  add_output_flags(app, options);
  add_work_flags(app, options);
  parse_command_line(
      app, argc, argv,
      "  sunder-separate mixture.wav -o separated\n"
      "  sunder-separate --model RUN/checkpoints/best mixture.wav -o separated\n"
      "  sunder-separate --model weights.safetensors --architecture stft-conv-tasnet *.wav -o separated\n"
      "  arecord -f S16_LE -r 16000 | sunder-separate --model RUN - --chunk-seconds 4 --overlap-seconds 1 -o - | ...");
  check_input(app, options, input);
  check_output_flags(app, options, input);
  check_voices(options.voices);
  options.model.path = find_model(options.model.path);
  return options;
}

}  // namespace sunder
