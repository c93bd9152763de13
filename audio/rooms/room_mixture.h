// Mixtures of speakers in a room, as SMS-WSJ makes them from dry utterances. Source: fgnt/sms_wsj, database/utils.py.
#pragma once

#include <string>
#include <vector>

#include "audio/rooms/room_scene.h"

namespace sunder {

// float32 on the CPU. S speakers, M microphones of the array, C close-talk microphones (S or 0), L samples: those of
// the longest utterance. Images are aligned with the dry source: the time of flight to the array is cut away, for the
// close-talk microphones the same.
struct RoomMixture {
  RoomMixing mixing;
  Tensor speech_source;    // (S, L): the utterances at their offsets, neither scaled nor delayed
  Tensor image, ct_image;  // (S, M, L), (S, C, L): what each speaker makes at each microphone
  // The same by the response's first 50 ms after the time of flight, and by the rest; undefined without `split`.
  Tensor early, ct_early, tail, ct_tail;
  // (M, L), (C, L): white, mixing.snr below the speech of the array; at the close-talk microphones of the same level.
  Tensor noise, ct_noise;
  Tensor observation, ct_observation;  // (M, L), (C, L): the sum of all images and the noise
};

// responses: (S, M + C, N) float64 on the CPU, as scene_responses; the last C are close-talk microphones. Noise,
// weights and offsets follow from the names of set and example (draw_room_mixing). `split`: whether early and tail are
// wanted. Throws InputError, beginning with the example's name, for an utterance that is empty or silent; Error for
// another number of utterances than S or responses of another shape.
RoomMixture mix_in_room(const Tensor& responses, int close_talk, const std::vector<std::vector<float>>& utterances,
                        const std::string& set, const std::string& example, bool split);

// Samples of sound that travels to the nearest microphone: the first that exceeds a tenth of its channel's peak, in the
// channel where that is earliest. channels: (M, N).
int64_t time_of_flight(const double* channels, int64_t count, int64_t length);

}  // namespace sunder
