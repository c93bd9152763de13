#include "audio/rooms/room_mixture.h"

#include <algorithm>
#include <cmath>

#include "audio/rooms/convolution.h"
#include "audio/rooms/numpy_random.h"
#include "audio/silence.h"

namespace sunder {
namespace {

using Rows = std::vector<double>;

constexpr int64_t early_samples = room_sample_rate / 20;
constexpr double full_scale_share = 71;  // of SMS-WSJ: keeps all values within +-1

// Population standard deviation.
double deviation(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double power(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return squares / static_cast<double>(values.size());
}

Rows normals(uint32_t seed, int64_t count) {
  NumpyRandom random(seed);
  Rows values(count);
  for (double& value : values) value = random.normal();
  return values;
}

// Channels [begin, end) of rows (S, channels, L) as a float32 tensor.
Tensor part(const Rows& rows, int64_t sources, int64_t channels, int64_t length, int64_t begin, int64_t end) {
  Tensor result = Tensor::empty({sources, end - begin, length}, DType::float32);
  float* to = result.mutable_data<float>();
  for (int64_t s = 0; s < sources; ++s) {
    const double* from = rows.data() + (s * channels + begin) * length;
    to =
        std::transform(from, from + (end - begin) * length, to, [](double value) { return static_cast<float>(value); });
  }
  return result;
}

// noise *= gain; the sum of the speakers' channels [begin, end) and the noise goes to `observation`.
void observe(const Rows& images, int64_t sources, int64_t channels, int64_t begin, int64_t end, double gain, Rows noise,
             Tensor& noise_image, Tensor& observation) {
  const int64_t count = end - begin, length = static_cast<int64_t>(images.size()) / (sources * channels);
  for (double& value : noise) value *= gain;
  noise_image = part(noise, 1, count, length, 0, count).reshape({count, length});
  for (int64_t s = 0; s < sources; ++s)
    for (int64_t i = 0; i < count * length; ++i) noise[i] += images[(s * channels + begin) * length + i];
  observation = part(noise, 1, count, length, 0, count).reshape({count, length});
}

}  // namespace

int64_t time_of_flight(const double* channels, int64_t count, int64_t length) {
  int64_t earliest = length;
  for (int64_t c = 0; c < count; ++c) {
    const double* response = channels + c * length;
    const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
    const double peak = std::abs(*std::max_element(response, response + length, smaller));
    const double* first = std::find_if(response, response + length, [&](double x) { return std::abs(x) > 0.1 * peak; });
    earliest = std::min<int64_t>(earliest, first - response);
  }
  return earliest;
}

RoomMixture mix_in_room(const Tensor& responses, int close_talk, const std::vector<std::vector<float>>& utterances,
                        const std::string& set, const std::string& example, bool split) {
  const auto sources = static_cast<int64_t>(utterances.size());
  check_shape("mix_in_room", "responses", responses, {sources, -1, -1});
  const int64_t channels = responses.size(1), taps = responses.size(2), array = channels - close_talk;
  if (sources < 1 || array < 1 || close_talk < 0)
    throw_error("[mix_in_room] expected utterances and microphones besides {} close-talk ones, got responses {}",
                close_talk, describe(responses));
  std::vector<int64_t> lengths;
  for (const auto& utterance : utterances) lengths.push_back(static_cast<int64_t>(utterance.size()));
  const int64_t length = *std::max_element(lengths.begin(), lengths.end());
  for (int64_t s = 0; s < sources; ++s)
    if (is_silent(utterances[s]))
      throw_error<InputError>("{}: expected speech, utterance {} is silent ({} samples)", example, s + 1, lengths[s]);

  RoomMixture mixture;
  mixture.mixing = draw_room_mixing(set, example, lengths);
  const int64_t block = channels * length;
  Rows images(sources * block), early(split ? sources * block : 0), tail(early.size());
  mixture.speech_source = Tensor::zeros({sources, length}, DType::float32);
  for (int64_t s = 0; s < sources; ++s) {
    const double* filters = responses.data<double>() + s * channels * taps;
    const int64_t flight = time_of_flight(filters, array, taps), offset = mixture.mixing.offsets[s];
    const std::span<double> image(images.data() + s * block, block);
    convolve(utterances[s], {filters, static_cast<size_t>(channels * taps)}, taps, flight - offset, length, image);
    const double level = deviation(image.first(array * length));
    if (!(level > 0))
      throw_error<InputError>("{}: expected speech, utterance {} has no energy at the array", example, s + 1);
    const double scale = std::pow(10, mixture.mixing.log_weights[s] / 20) / level / full_scale_share;
    for (double& value : image) value *= scale;
    std::copy(utterances[s].begin(), utterances[s].end(),
              mixture.speech_source.mutable_data<float>() + s * length + offset);
    if (!split) continue;
    const int64_t kept = std::min(taps, flight + early_samples);
    Rows first;
    for (int64_t c = 0; c < channels; ++c) first.insert(first.end(), filters + c * taps, filters + c * taps + kept);
    const std::span<double> part_early(early.data() + s * block, block);
    convolve(utterances[s], first, kept, flight - offset, length, part_early);
    for (int64_t i = 0; i < block; ++i) {
      part_early[i] *= scale;
      tail[s * block + i] = image[i] - part_early[i];
    }
  }

  Rows speech(array * length);
  for (int64_t s = 0; s < sources; ++s)
    for (int64_t i = 0; i < array * length; ++i) speech[i] += images[s * block + i];
  Rows noise = normals(md5_seed(example) - 1, array * length);
  const double gain = std::sqrt(power(speech) / power(noise)) * std::pow(10, -mixture.mixing.snr / 20);
  observe(images, sources, channels, 0, array, gain, std::move(noise), mixture.noise, mixture.observation);
  mixture.image = part(images, sources, channels, length, 0, array);
  if (close_talk > 0) {
    noise = normals(sha256_seed(set + "_" + example + "_close_talk_noise"), close_talk * length);
    observe(images, sources, channels, array, channels, gain, std::move(noise), mixture.ct_noise,
            mixture.ct_observation);
    mixture.ct_image = part(images, sources, channels, length, array, channels);
  }
  if (!split) return mixture;
  mixture.early = part(early, sources, channels, length, 0, array);
  mixture.tail = part(tail, sources, channels, length, 0, array);
  if (close_talk > 0) {
    mixture.ct_early = part(early, sources, channels, length, array, channels);
    mixture.ct_tail = part(tail, sources, channels, length, array, channels);
  }
  return mixture;
}

}  // namespace sunder
