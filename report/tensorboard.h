// Event files for TensorBoard: scalars, pictures and audio of a run. Protobuf encodes the events; the record framing
// around them is ours, since TFRecord has no library outside TensorFlow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "files/atomic_file.h"
#include "report/picture.h"

namespace sunder {

namespace events {
class Event;
}

class TensorBoard {
 public:
  // Begins a new event file in the folder; a resumed run has one file per start, and TensorBoard joins them in the
  // order of their names, which rise even if the clock is set back. Events of earlier files from `first_step` on are
  // hidden: they come again. Throws Error.
  explicit TensorBoard(const std::filesystem::path& folder, int64_t first_step = 0);

  // Each call appends one record and hands it to the system. Throws Error where it cannot be written.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);
  void picture(int64_t step, const std::string& tag, const Picture& picture);
  // Samples in -1 ... 1 at `sample_rate` Hz; louder signals are scaled down to fit.
  void audio(int64_t step, const std::string& tag, std::span<const float> samples, int sample_rate);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write(const events::Event& event);

  AppendFile file_;
};

// One TFRecord: the length, its masked CRC-32C, the data, its masked CRC-32C.
std::string tfrecord(const std::string& data);

// A mono WAV file of 16-bit samples. libsndfile writes to memory only through callbacks, which take more lines than
// this header of 44 bytes.
std::string encode_wav(std::span<const float> samples, int sample_rate);

}  // namespace sunder
