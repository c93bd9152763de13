// Mixtures of speakers in a room, as SMS-WSJ makes them from dry utterances. Source: fgnt/sms_wsj, database/utils.py.
#pragma once

#include <string>
#include <vector>

#include "audio/rooms/room_scene.h"

namespace sunder {

// float32 on the CPU. S speakers, M microphones of the array, C close-talk microphones (S or 0), L samples: those of
// the longest utterance. Images are aligned with the dry source: the time of flight to the array is removed, the same
// for the close-talk microphones.
struct RoomMixture {
  RoomMixing mixing;
  Tensor image, ct_image;              // (S, M, L), (S, C, L): each speaker alone at each microphone
  Tensor observation, ct_observation;  // (M, L), (C, L): the sum of all images and the noise
  // Undefined without `parts`. (S, L): the utterances at their offsets, neither scaled nor delayed.
  Tensor speech_source;
  // The images by the first 50 ms of the response after the time of flight, and by the rest.
  Tensor early, ct_early, tail, ct_tail;
  // (M, L), (C, L): white noise, mixing.snr dB below the speech at the array, and of the same level at the close-talk
  // microphones.
  Tensor noise, ct_noise;
};

// responses: (S, M + C, N) float64 on the CPU at `sample_rate`, as scene_responses; the last C are close-talk
// microphones. Noise, weights and offsets are drawn from the names of set and example (draw_room_mixing). `parts`: make
// what is undefined without them. Throws InputError that begins with the example's name for an empty or silent
// utterance; Error if there are not S utterances or the responses have another shape.
RoomMixture mix_in_room(const Tensor& responses, int close_talk, const std::vector<std::vector<float>>& utterances,
                        const std::string& set, const std::string& example, bool parts,
                        int sample_rate = room_sample_rate);

// Time of flight to the nearest microphone, in samples: the first sample that exceeds a tenth of its channel's peak,
// the earliest of all channels. channels: (M, N).
int64_t time_of_flight(const double* channels, int64_t count, int64_t length);

}  // namespace sunder
