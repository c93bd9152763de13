#include "serve/sound.h"

#include <array>

#include "audio/containers/container.h"
#include "audio/sound_reader.h"
#include "files/file_io.h"
#include "serve/answer.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

constexpr const char* name = "the recording";
constexpr int64_t block_frames = 16384;

void check_kind(const FileDescriptor& file) {
  std::array<char, 16> head{};
  size_t count = head.size();
  if (!read_at(file.number(), 0, head.data(), count)) throw_error("{}: cannot be read", name);
  if (count == 0) throw Refusal(400, "expected an audio file in the body, got nothing");
  if (!begins_as_audio({head.data(), count}))
    throw Refusal(415, "expected a WAV, FLAC, OGG, MP3, AIFF, AU, CAF, W64 or NIST file, got something else");
}

// Of the file's channels, those that the model hears.
std::vector<int> heard(int channels, int microphones, std::optional<int> channel) {
  if (microphones > 1 && channel)
    throw Refusal(400, fmt::format("channel: the model takes all {} channels of a recording", microphones));
  if (channel && (*channel < 1 || *channel > channels))
    throw Refusal(400, fmt::format("channel: expected 1 to {}, got {}", channels, *channel));
  if (channel) return {*channel - 1};
  if (microphones == 1 && channels > 1)
    throw Refusal(400,
                  fmt::format("expected one channel, got {}; choose one with ?channel=1 to {}", channels, channels));
  if (channels != microphones)
    throw Refusal(400, fmt::format("expected {} channels, one for each of the model's microphones, got {}", microphones,
                                   channels));
  std::vector<int> all(channels);
  for (int c = 0; c < channels; ++c) all[c] = c;
  return all;
}

Sound read_all(SoundReader& reader, const std::vector<int>& channels, double most_seconds) {
  const int in_file = reader.channels();
  const double most_frames = most_seconds * reader.sample_rate();
  const auto check_length = [&](int64_t frames) {
    if (static_cast<double>(frames) > most_frames)
      throw Refusal(413, fmt::format("expected a recording of at most {:g} s, got a longer one", most_seconds));
  };
  check_length(reader.frames().value_or(0));
  std::vector<std::vector<float>> rows(channels.size());
  std::vector<float> block(static_cast<size_t>(block_frames) * in_file);
  int64_t frames = 0;
  while (const int64_t got = reader.read(block.data(), block_frames)) {
    check_length(frames += got);
    for (size_t c = 0; c < channels.size(); ++c)
      for (int64_t t = 0; t < got; ++t) rows[c].push_back(block[t * in_file + channels[c]]);
  }
  Sound sound{static_cast<int>(channels.size()), reader.sample_rate(), frames, std::move(rows[0])};
  for (size_t c = 1; c < rows.size(); ++c) sound.samples.insert(sound.samples.end(), rows[c].begin(), rows[c].end());
  return sound;
}

}  // namespace

Sound decode(FileDescriptor file, int microphones, std::optional<int> channel, double most_seconds) try {
  check_kind(file);
  const std::unique_ptr<SoundReader> reader = open_sound_stream(std::move(file), name);
  return read_all(*reader, heard(reader->channels(), microphones, channel), most_seconds);
} catch (const InputError& error) {
  throw Refusal(400, error.what());
}

}  // namespace sunder::serve
