#include "tensor/ops/room_responses.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The formulas as they stand, image by image and tap by tap.
void add_response(const double* room, const double* source, const double* microphone, double t60,
                  const RoomOptions& options, double* response) {
  const double metres = options.sound_velocity / options.sample_rate;
  const double volume = room[0] * room[1] * room[2];
  const double surface = 2 * (room[0] * room[1] + room[1] * room[2] + room[2] * room[0]);
  const double beta = std::sqrt(1 - 24 * volume * std::log(10.0) / (options.sound_velocity * surface * t60));
  const auto length = static_cast<double>(options.length);
  const int taps = 2 * static_cast<int>(std::round(0.004 * options.sample_rate));
  const auto most = [&](int axis) { return static_cast<int>(std::ceil(length / (2 * room[axis] / metres))); };
  const auto image = [&](int axis, int q, int m) {
    return ((1 - 2 * q) * source[axis] - microphone[axis] + 2 * m * room[axis]) / metres;
  };
  const auto reflections = [](int q, int m) { return std::abs(m - q) + std::abs(m); };
  for (int mx = -most(0); mx <= most(0); ++mx)
    for (int my = -most(1); my <= most(1); ++my)
      for (int mz = -most(2); mz <= most(2); ++mz)
        for (int q = 0; q < 8; ++q) {
          const int qx = q & 1, qy = q >> 1 & 1, qz = q >> 2;
          const double distance = std::hypot(image(0, qx, mx), image(1, qy, my), image(2, qz, mz));
          if (std::floor(distance) >= length) continue;
          const double amplitude = std::pow(beta, reflections(qx, mx) + reflections(qy, my) + reflections(qz, mz)) /
                                   (4 * M_PI * distance * metres);
          const double fraction = distance - std::floor(distance);
          const auto start = static_cast<int64_t>(std::floor(distance)) - taps / 2 + 1;
          for (int n = 0; n < taps; ++n) {
            const double at = n + 1 - fraction, t = M_PI * (at - taps / 2);
            if (start + n >= 0 && start + n < options.length)
              response[start + n] +=
                  amplitude * 0.5 * (1 - std::cos(2 * M_PI * at / taps)) * (t == 0 ? 1 : std::sin(t) / t);
          }
        }
  if (!options.high_pass) return;
  const double w = 2 * M_PI * 100 / options.sample_rate, r = std::exp(-w);
  double y1 = 0, y2 = 0;
  for (int64_t t = 0; t < options.length; ++t) {
    const double y = response[t] + 2 * r * std::cos(w) * y1 - r * r * y2;
    response[t] = y - (1 + r) * y1 + r * y2;
    y2 = y1, y1 = y;
  }
}

struct Geometry {
  std::vector<double> rooms, sources, microphones, t60;
  int64_t sources_each = 1, microphones_each = 1;

  std::vector<Tensor> tensors() const {
    const auto count = static_cast<int64_t>(t60.size());
    return {Tensor::from(rooms, {count, 3}), Tensor::from(sources, {count, sources_each, 3}),
            Tensor::from(microphones, {count, microphones_each, 3}), Tensor::from(t60, {count})};
  }
};

Tensor reference(const std::vector<Tensor>& in, const RoomOptions& options) {
  Tensor responses = Tensor::zeros({in[0].size(0), in[1].size(1), in[2].size(1), options.length}, DType::float64);
  const int64_t per_room_s = in[1].size(1), per_room_m = in[2].size(1);
  for (int64_t i = 0; i < in[0].size(0) * per_room_s * per_room_m; ++i) {
    const int64_t n = i / (per_room_s * per_room_m);
    add_response(in[0].data<double>() + 3 * n, in[1].data<double>() + 3 * (i / per_room_m),
                 in[2].data<double>() + 3 * (n * per_room_m + i % per_room_m), in[3].data<double>()[n], options,
                 responses.mutable_data<double>() + i * options.length);
  }
  return responses;
}

Example example(const std::string& name, const Geometry& geometry, const RoomOptions& options) {
  Example result{name,
                 geometry.tensors(),
                 [options](const auto& in) {
                   return std::vector{
                       Variable(room_responses(in[0].value(), in[1].value(), in[2].value(), in[3].value(), options))};
                 },
                 [options](const std::vector<Tensor>& in) { return std::vector{reference(in, options)}; },
                 {},
                 /*check_grad=*/false,
                 /*tolerance64=*/1e-14,
                 /*tolerance32=*/1e-5};
  return result;
}

// SMS-WSJ's first room for validation: two of its sources and two of its microphones.
Geometry room() {
  return {{8.169, 5.905, 3.073},
          {3.312, 1.921, 1.557, 3.0, 2.379, 1.557},
          {4.015, 3.265, 1.55, 4.115, 3.274, 1.551},
          {0.387},
          2,
          2};
}

std::function<void()> call(const Geometry& geometry, const RoomOptions& options = {.length = 64}) {
  return [=] {
    const auto in = geometry.tensors();
    room_responses(in[0], in[1], in[2], in[3], options);
  };
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  // An example of SMS-WSJ-FF-CT: two speakers, six microphones and one close to each speaker. As many images as rooms
  // fill a ball of 1.024 s, 20 operations each and four for each of 64 taps.
  Geometry geometry = room();
  const std::vector<double> offsets = random_tensor({8, 3}, 1, DType::float64, 0.1, 1).to_vector<double>();
  geometry.microphones_each = 8;
  geometry.microphones.clear();
  for (int i = 0; i < 24; ++i) geometry.microphones.push_back(0.2 * offsets[i] + (i % 3 == 2 ? 1.5 : 4));
  const double images = 4.18879 * std::pow(1.024 * 343, 3) / (8.169 * 5.905 * 3.073);
  return {{example("", geometry, {}), 16 * images * (20 + 4 * 64), /*float32=*/false}};
}

}  // namespace

Case room_responses_case() {
  const Geometry two = {{3, 2.5, 2.4, 2.2, 1.9, 6.1},
                        {1, 1, 1, 2.9, 0.1, 2.3, 0.4, 1.8, 5.9, 1.1, 0.95, 3},
                        {2, 1.5, 1.25, 1.1, 0.95, 3.1},
                        {0.2, 0.31},
                        2,
                        1};
  Geometry behind_wall = room(), outside = room(), on_microphone = room(), short_t60 = room(), nothing{{}, {}, {}, {}};
  behind_wall.sources[3] = 8.17, outside.microphones[2] = -0.1, short_t60.t60[0] = 0.1;
  for (int a = 0; a < 3; ++a) on_microphone.sources[3 + a] = on_microphone.microphones[a];
  return {"room_responses",
          benchmarks,
          {example("sms_wsj", room(), {.length = 800}), example("two_rooms_odd_length", two, {.length = 333}),
           example("no_high_pass", two, {.length = 200, .high_pass = false}),
           example("16_khz", two, {.sample_rate = 16000, .length = 500, .sound_velocity = 340}),
           example("1_khz", two, {.sample_rate = 1000, .length = 100}),
           // A source straight above a microphone, all on one axis: lattice points with x = y = 0.
           example("on_one_axis", {{4, 3, 2.5}, {2, 1.5, 1}, {2, 1.5, 2}, {0.4}}, {.length = 301}),
           example("one_sample", room(), {.length = 1}), example("no_samples", room(), {.length = 0}),
           example("no_rooms", nothing, {.length = 64})},
          {{"[room_responses] expected a t60 of at least 0.131 s in a room of (8.169, 5.905, 3.073) m, got 0.1 s",
            call(short_t60)},
           {"[room_responses] expected a source inside the room", call(behind_wall)},
           {"[room_responses] expected a microphone inside the room", call(outside)},
           {"[room_responses] expected a source 0.001 m away from every microphone", call(on_microphone)},
           {"[room_responses] expected at least 1000 Hz", call(room(), {.sample_rate = 900})},
           {"[room_responses] expected sources of shape (1, -1, 3)", [] {
              const auto in = room().tensors();
              room_responses(in[0], in[1].reshape({2, 1, 3}), in[2], in[3]);
            }}}};
}

}  // namespace sunder::cases
