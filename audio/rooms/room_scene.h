// Speakers and microphones in rooms as SMS-WSJ draws them, to the last digit. Source: fgnt/sms_wsj,
// database/create_rirs.py, reverb/scenario.py, create_intermediate_json.py; Drude et al., arXiv 1910.13934. The
// close-talk microphones are those of SMS-WSJ-FF-CT (Wang, arXiv 2402.09313), drawn from a generator of their own.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

using Position = std::array<double, 3>;  // m, from a corner of the room

inline constexpr int room_sample_rate = 8000;  // Hz, of SMS-WSJ
inline constexpr int room_microphones = 6;     // of the array
inline constexpr int room_most_sources = 4;    // that SMS-WSJ draws in a room

// Samples of a response: 8192 at 8 kHz, as many seconds at other rates.
int64_t room_response_length(int sample_rate = room_sample_rate);

struct RoomScene {
  std::string name;  // for messages
  Position room{};
  double t60 = 0;                     // s
  std::vector<Position> sources;      // in the order of the speakers
  std::vector<Position> microphones;  // the array; microphone 0 is the reference
  std::vector<Position> close_talk;   // one for each source, or none
};

// Scene `index` of a set ("train_si284", "cv_dev93" and "test_eval92" give the rooms of SMS-WSJ, other names other
// rooms). A room of about 8 x 6 x 3 m with a t60 of 0.2 to 0.5 s, a circle of six microphones of 0.1 m radius near the
// middle, sources at 1 to 2 m from it; all rounded to 1 mm and 1 ms. SMS-WSJ draws four sources and uses the first two;
// the first `sources` are kept. The close-talk microphones are 0.1 to 0.3 m from their source, in any direction.
RoomScene draw_room_scene(const std::string& set, int64_t index, int sources = 2);

// Throws InputError that begins with the scene's name for a room too small for its t60, a source or microphone outside
// the room, a source and a microphone less than 5 mm apart, no source, no microphone, or close-talk microphones for
// only some sources.
void check_room_scene(const RoomScene& scene);

struct ResponseOptions {
  int sample_rate = room_sample_rate;
  // The responses end where sound has decayed by this many dB, at the rate of the scene's t60; infinity: after
  // room_response_length. Their cost grows with the third power of their length.
  double decay_db = std::numeric_limits<double>::infinity();
};

// (S, M + C, N) float64: from each source to each microphone, the close-talk ones last. On the CPU or `stream`. Throws
// as check_room_scene.
Tensor scene_responses(const RoomScene& scene, const ResponseOptions& options = {}, Stream stream = cpu_device);

// What an example adds to its scene, drawn from the names of set and example.
struct RoomMixing {
  std::vector<double> log_weights;  // dB, mean 0: level of each speaker, at most 5 dB apart
  std::vector<int64_t> offsets;     // samples: start of each utterance within the longest one
  double snr = 0;                   // dB, 20 to 30
};

// lengths: of the utterances, in samples.
RoomMixing draw_room_mixing(const std::string& set, const std::string& example, const std::vector<int64_t>& lengths);

// Which utterances are mixed: one row of `sources` indices for each utterance, with every utterance once in every
// column, different speakers in a row and no pair twice. `speakers`: of each utterance; SMS-WSJ sorts the utterances by
// name. Throws InputError if 500 tries find no such rows (one speaker has too many utterances, or there are too few).
std::vector<std::vector<int64_t>> compose_examples(const std::string& set, const std::vector<std::string>& speakers,
                                                   int sources = 2);

}  // namespace sunder
