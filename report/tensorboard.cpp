#include "report/tensorboard.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "files/crc32c.h"
#include "report/tensorboard.pb.h"
#include "tensor/error.h"

namespace sunder {

namespace {

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);  // little-endian, as every machine that we run on
}

// Records hold checksums of data that may hold checksums itself; TensorFlow's mask (its io/record_writer) tells them
// apart.
uint32_t masked_crc(std::string_view data) {
  const uint32_t crc = crc32c(data);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

events::Event event_at(int64_t step) {
  events::Event event;
  event.set_wall_time(wall_time());
  event.set_step(step);
  return event;
}

constexpr const char* name_begin = "events.out.tfevents.";
constexpr int64_t most_seconds = 9'999'999'999;  // ten digits, which the order of names needs

// The time in an event file's name; 0 for other files.
int64_t time_of(const std::string& name) {
  int64_t seconds = 0;
  if (!name.starts_with(name_begin)) return 0;
  std::from_chars(name.data() + std::strlen(name_begin), name.data() + name.size(), seconds);
  return seconds >= 0 && seconds < most_seconds ? seconds : 0;
}

// TensorBoard reads files whose name holds "tfevents", in the order of their names: the time, but later than those of
// the files that are there, then a count for starts at the same moment.
AppendFile create_event_file(const std::filesystem::path& folder) {
  auto seconds = static_cast<int64_t>(wall_time());
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    seconds = std::max(seconds, time_of(entry->path().filename().string()) + 1);
  if (error) throw_error("{}: cannot be listed: {}", folder.string(), error.message());
  for (int count = 0;; ++count) {
    auto file = AppendFile::create(folder / fmt::format("{}{:010}.{:03}.sunder", name_begin, seconds, count));
    if (file) return std::move(*file);
  }
}

}  // namespace

TensorBoard::TensorBoard(const std::filesystem::path& folder, int64_t first_step) : file_(create_event_file(folder)) {
  events::Event version = event_at(first_step);
  version.set_file_version("brain.Event:2");
  write(version);
  // From this version on, TensorBoard drops the events of steps that come again only where a session starts.
  events::Event session = event_at(first_step);
  session.mutable_session_log()->set_status(events::SessionLog::START);
  write(session);
}

void TensorBoard::scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  events::Event event = event_at(step);
  for (const auto& [tag, number] : values) {
    events::Value* value = event.mutable_summary()->add_value();
    value->set_tag(tag);
    value->set_simple_value(static_cast<float>(number));
  }
  write(event);
}

void TensorBoard::picture(int64_t step, const std::string& tag, const Picture& picture) {
  events::Event event = event_at(step);
  events::Value* value = event.mutable_summary()->add_value();
  value->set_tag(tag);
  value->mutable_image()->set_height(picture.height());
  value->mutable_image()->set_width(picture.width());
  value->mutable_image()->set_colorspace(3);
  value->mutable_image()->set_encoded_image_string(encode_png(picture));
  write(event);
}

void TensorBoard::audio(int64_t step, const std::string& tag, std::span<const float> samples, int sample_rate) {
  events::Event event = event_at(step);
  events::Value* value = event.mutable_summary()->add_value();
  value->set_tag(tag);
  value->mutable_audio()->set_sample_rate(static_cast<float>(sample_rate));
  value->mutable_audio()->set_num_channels(1);
  value->mutable_audio()->set_length_frames(static_cast<int64_t>(samples.size()));
  value->mutable_audio()->set_encoded_audio_string(encode_wav(samples, sample_rate));
  value->mutable_audio()->set_content_type("audio/wav");
  write(event);
}

// A record cut in two would hide all that follow.
void TensorBoard::write(const events::Event& event) { file_.append(tfrecord(event.SerializeAsString())); }

std::string tfrecord(const std::string& data) {
  std::string record;
  append(record, static_cast<uint64_t>(data.size()));
  append(record, masked_crc(record));
  record += data;
  append(record, masked_crc(data));
  return record;
}

std::string encode_wav(std::span<const float> samples, int sample_rate) {
  float peak = 1;
  for (const float sample : samples)
    if (std::isfinite(sample)) peak = std::max(peak, std::abs(sample));
  const auto data_bytes = static_cast<uint32_t>(samples.size() * sizeof(int16_t));
  std::string wav = "RIFF";
  append(wav, 36 + data_bytes);
  wav += "WAVEfmt ";
  append(wav, uint32_t{16});
  append(wav, uint16_t{1});  // PCM
  append(wav, uint16_t{1});  // channels
  append(wav, static_cast<uint32_t>(sample_rate));
  append(wav, static_cast<uint32_t>(sample_rate) * 2);  // bytes a second
  append(wav, uint16_t{2});                             // bytes a frame
  append(wav, uint16_t{16});
  wav += "data";
  append(wav, data_bytes);
  for (const float sample : samples)
    append(wav, static_cast<int16_t>(std::isfinite(sample) ? std::lround(sample / peak * 32767) : 0));
  return wav;
}

}  // namespace sunder
