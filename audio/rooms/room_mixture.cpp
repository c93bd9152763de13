#include "audio/rooms/room_mixture.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "audio/rooms/convolution.h"
#include "audio/rooms/numpy_random.h"
#include "audio/silence.h"

namespace sunder {
namespace {

using Rows = std::vector<double>;

constexpr int early_per_second = 20;     // 50 ms
constexpr double full_scale_share = 71;  // of SMS-WSJ: keeps all values within +-1

// Population standard deviation.
double deviation(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
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

// Of the sum of the speakers' first `count` values of `block` each, and of the noise.
std::array<double, 2> powers(const Rows& images, int64_t block, int64_t count, const Rows& noise) {
  double speech = 0, disturbance = 0;
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (size_t at = i; at < images.size(); at += block) sum += images[at];
    speech += sum * sum;
    disturbance += noise[i] * noise[i];
  }
  return {speech / static_cast<double>(count), disturbance / static_cast<double>(count)};
}

// The utterances at their offsets in `length` samples: (S, length).
Tensor placed(const std::vector<std::vector<float>>& utterances, const std::vector<int64_t>& offsets, int64_t length) {
  Tensor result = Tensor::zeros({static_cast<int64_t>(utterances.size()), length}, DType::float32);
  float* to = result.mutable_data<float>();
  for (size_t s = 0; s < utterances.size(); ++s, to += length)
    std::copy(utterances[s].begin(), utterances[s].end(), to + offsets[s]);
  return result;
}

struct Observed {
  Tensor noise, sum;  // (channels, L)
};

// gain * noise, and its sum with the speakers' channels [begin, end) of images (S, channels, L).
Observed observe(const Rows& images, int64_t sources, int64_t channels, int64_t begin, int64_t end, double gain,
                 const Rows& noise) {
  const int64_t count = end - begin, length = static_cast<int64_t>(images.size()) / (sources * channels);
  const Observed result{Tensor::empty({count, length}, DType::float32), Tensor::empty({count, length}, DType::float32)};
  float *to_noise = result.noise.mutable_data<float>(), *to_sum = result.sum.mutable_data<float>();
  for (int64_t i = 0; i < count * length; ++i) {
    double sum = noise[i] * gain;
    to_noise[i] = static_cast<float>(sum);
    for (int64_t s = 0; s < sources; ++s) sum += images[(s * channels + begin) * length + i];
    to_sum[i] = static_cast<float>(sum);
  }
  return result;
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
                        const std::string& set, const std::string& example, bool parts, int sample_rate) {
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
  Rows images(sources * block), early(parts ? sources * block : 0), tail(early.size());
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
    if (!parts) continue;
    const int64_t kept = std::min<int64_t>(taps, flight + sample_rate / early_per_second);
    Rows first;
    for (int64_t c = 0; c < channels; ++c) first.insert(first.end(), filters + c * taps, filters + c * taps + kept);
    const std::span<double> part_early(early.data() + s * block, block);
    convolve(utterances[s], first, kept, flight - offset, length, part_early);
    for (int64_t i = 0; i < block; ++i) {
      part_early[i] *= scale;
      tail[s * block + i] = image[i] - part_early[i];
    }
  }

  Rows noise = normals(md5_seed(example) - 1, array * length);
  const auto [speech_power, noise_power] = powers(images, block, array * length, noise);
  const double gain = std::sqrt(speech_power / noise_power) * std::pow(10, -mixture.mixing.snr / 20);
  const Observed far = observe(images, sources, channels, 0, array, gain, noise);
  mixture.observation = far.sum;
  mixture.image = part(images, sources, channels, length, 0, array);
  Observed close;
  if (close_talk > 0) {
    noise = normals(sha256_seed(set + "_" + example + "_close_talk_noise"), close_talk * length);
    close = observe(images, sources, channels, array, channels, gain, noise);
    mixture.ct_observation = close.sum;
    mixture.ct_image = part(images, sources, channels, length, array, channels);
  }
  if (!parts) return mixture;
  mixture.speech_source = placed(utterances, mixture.mixing.offsets, length);
  mixture.noise = far.noise;
  mixture.early = part(early, sources, channels, length, 0, array);
  mixture.tail = part(tail, sources, channels, length, 0, array);
  if (close_talk > 0) {
    mixture.ct_noise = close.noise;
    mixture.ct_early = part(early, sources, channels, length, array, channels);
    mixture.ct_tail = part(tail, sources, channels, length, array, channels);
  }
  return mixture;
}

}  // namespace sunder
