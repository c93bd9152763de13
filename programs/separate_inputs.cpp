#include "programs/separate_inputs.h"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "audio/listing.h"
#include "files/output_folder.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// /dev/fd/63 and takes/3.1 have no ending to be taken off.
fs::path without_ending(const fs::path& input) {
  return has_audio_name(input) ? input.parent_path() / input.stem() : input;
}

SeparateInput file_input(const fs::path& path) {
  return {path.string(), path.string(), without_ending(path.filename())};
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

void add_folder(const fs::path& folder, const fs::path& output, std::vector<SeparateInput>& inputs) {
  const size_t before = inputs.size();
  std::error_code ignored;
  const fs::path results = fs::weakly_canonical(output, ignored), place = fs::weakly_canonical(folder, ignored);
  if (results == place)
    throw_error<UsageError>(
        "{}: results in the folder of the recordings would be taken for recordings; choose another "
        "--output",
        output.string());
  const bool holds_results = lies_in(results, place);
  for (const fs::path& entry : list_audio(folder, /*recursive=*/true)) {
    const fs::path path = folder / entry;
    if (!holds_results || !lies_in(fs::weakly_canonical(path, ignored), results))
      inputs.push_back({path.string(), path.string(), without_ending(entry)});
  }
  if (inputs.size() == before)
    throw_error<InputError>("{}: expected recordings ({}) in the folder or below, found none", folder.string(),
                            audio_names());
}

// A shell leaves a pattern as it is where no file matches it, or where it stands in quotes.
void add_pattern(const std::string& pattern, std::vector<SeparateInput>& inputs) {
  glob_t found{};
  const int result = ::glob(pattern.c_str(), 0, nullptr, &found);
  const std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + (result == 0 ? found.gl_pathc : 0));
  ::globfree(&found);
  if (paths.empty()) throw_error<InputError>("{}: no such file, and as a pattern it matches none", pattern);
  for (const std::string& path : paths)
    if (std::error_code ignored; !fs::is_directory(path, ignored)) inputs.push_back(file_input(path));
}

void check_existing(const SeparateOptions& options, const fs::path& result) {
  std::error_code ignored;
  // What is no regular file is written through.
  if (options.force || !fs::is_regular_file(result, ignored)) return;
  throw_error<UsageError>("{}: exists already; --force replaces it", result.string());
}

}  // namespace

fs::path SeparateInput::estimate(const SeparateOptions& options, int64_t source) const {
  return options.output / stem.parent_path() / fmt::format("{}_s{}.wav", stem.filename().string(), source + 1);
}

fs::path SeparateInput::picture(const SeparateOptions& options) const {
  return options.output / stem.parent_path() / (stem.filename().string() + ".png");
}

std::vector<SeparateInput> list_inputs(const SeparateOptions& options) {
  std::vector<SeparateInput> inputs;
  std::error_code ignored;
  for (const std::string& input : options.inputs) {
    const bool exists = fs::exists(fs::symlink_status(input, ignored));
    if (input == standard_stream) inputs.push_back({input, "standard input", "stdin"});
    else if (fs::is_directory(input, ignored)) add_folder(input, options.output, inputs);
    else if (!exists && input.find_first_of("*?[") != std::string::npos) add_pattern(input, inputs);
    else inputs.push_back(file_input(input));
  }
  if (options.to_standard_output() && inputs.size() != 1)
    throw UsageError("-o -: standard output takes the voices of one recording");
  return inputs;
}

void check_outputs(const SeparateOptions& options, const std::vector<SeparateInput>& inputs, int64_t sources) {
  std::error_code ignored;
  std::set<fs::path> input_paths, results;
  for (const SeparateInput& input : inputs)
    if (input.path != standard_stream) input_paths.insert(fs::weakly_canonical(input.path, ignored));
  if (!options.report.empty() && input_paths.contains(fs::weakly_canonical(options.report, ignored)))
    throw_error<UsageError>("--report {}: is an input, which it would replace", options.report);
  if (!options.report.empty()) check_existing(options, options.report);
  if (options.to_standard_output()) return;

  std::map<fs::path, std::string> input_of;  // by stem
  for (const SeparateInput& input : inputs) {
    const auto [other, added] = input_of.emplace(input.stem, input.name);
    if (!added)
      throw_error<UsageError>("{} and {} would both be written to {}; give one of them another name or folder",
                              other->second, input.name, input.estimate(options, 0).string());
  }
  for (const SeparateInput& input : inputs) {
    std::vector<fs::path> own;
    for (int64_t s = 0; s < sources; ++s) own.push_back(input.estimate(options, s));
    if (!options.no_pictures) own.push_back(input.picture(options));
    for (const fs::path& result : own) {
      const fs::path canonical = fs::weakly_canonical(result, ignored);
      if (input_paths.contains(canonical))
        throw_error<UsageError>("{}: is an input, but a result of {} would replace it; choose another --output",
                                result.string(), input.name);
      if (!options.report.empty() && canonical == fs::weakly_canonical(options.report, ignored))
        throw_error<UsageError>("--report {}: is the name of a result of {}", options.report, input.name);
      check_existing(options, result);
    }
  }
  create_folders(options.output);
  if (::access(options.output.c_str(), W_OK | X_OK) != 0)
    throw_error("{}: cannot write to the folder: {}", options.output, std::strerror(errno));
}

std::unique_ptr<SoundReader> open_input(const SeparateOptions& options, const SeparateInput& input) {
  if (input.path != standard_stream) return open_sound(input.path);
  FileDescriptor file(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!file.is_open()) throw_error("{}: cannot be read: {}", input.name, std::strerror(errno));
  return options.raw ? open_raw_stream(std::move(file), input.name, *options.raw)
                     : open_sound_stream(std::move(file), input.name);
}

std::vector<int> chosen_channels(const SoundReader& reader, int64_t microphones, int channel) {
  const int channels = reader.channels();
  if (microphones > 1 && channels != microphones)
    throw_error<InputError>("{}: expected {} channels, one for each of the model's microphones, got {}", reader.name(),
                            microphones, channels);
  if (microphones == 1 && channels > 1 && channel == 0)
    throw_error<InputError>("{}: expected one channel, got {}; choose one with --channel 1 to {}", reader.name(),
                            channels, channels);
  if (channel > channels)
    throw_error<InputError>("{}: expected a channel {} as --channel asks for, got {} {}", reader.name(), channel,
                            channels, channels == 1 ? "channel" : "channels");
  std::vector<int> chosen;
  for (int c = 0; c < channels; ++c)
    if (channel == 0 || c == channel - 1) chosen.push_back(c);
  return chosen;
}

}  // namespace sunder
