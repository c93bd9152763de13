#include "tensor/ops/room_responses.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

using Point = std::array<double, 3>;
constexpr double pi = std::numbers::pi;

// The images along one axis, in ascending order, with the product of their reflection coefficients.
struct Axis {
  std::vector<double> position, weight;  // samples; beta to the power of reflections
};

Axis images_of(double source, double microphone, double size, double beta, int64_t length) {
  const auto most = static_cast<int64_t>(std::ceil(static_cast<double>(length) / (2 * size)));
  Axis axis;
  // q = 1 comes first: -s lies below s, and both within one period of 2 size.
  for (int64_t m = -most; m <= most; ++m)
    for (const int64_t q : {1, 0}) {
      axis.position.push_back(static_cast<double>(1 - 2 * q) * source - microphone + 2 * static_cast<double>(m) * size);
      axis.weight.push_back(std::pow(beta, static_cast<double>(std::abs(m - q) + std::abs(m))));
    }
  return axis;
}

// Of `count` images at `square` + z^2: the whole delay (or `length` beyond the end), x = 2 fraction - 1 and amplitude.
SUNDER_SIMD void place_images(const double* z, const double* weight, int64_t count, double square, double scale,
                              double length, int32_t* delay, double* x, double* amplitude) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const double distance = std::sqrt(square + z[i] * z[i]), whole = std::floor(distance);
    delay[i] = static_cast<int32_t>(std::min(whole, length));
    x[i] = 2 * (distance - whole) - 1;
    amplitude[i] = scale * weight[i] / distance;
  }
}

typedef double Eight __attribute__((vector_size(64), may_alias));
struct alignas(64) Moments {
  double at[room_moments];
};

// moments[delay][k] += amplitude x^k, one image after the other.
SUNDER_SIMD void add_moments(const int32_t* delay, const double* x, const double* amplitude, int64_t count,
                             Moments* moments) {
  constexpr Eight not1 = {1, 0, 1, 0, 1, 0, 1, 0}, bit1 = {0, 1, 0, 1, 0, 1, 0, 1};
  constexpr Eight not2 = {1, 1, 0, 0, 1, 1, 0, 0}, bit2 = {0, 0, 1, 1, 0, 0, 1, 1};
  constexpr Eight not4 = {1, 1, 1, 1, 0, 0, 0, 0}, bit4 = {0, 0, 0, 0, 1, 1, 1, 1};
  static_assert(room_moments == 16);
  for (int64_t i = 0; i < count; ++i) {
    const double x1 = x[i], x2 = x1 * x1, x4 = x2 * x2, x8 = x4 * x4;
    const Eight low = (not1 + x1 * bit1) * (not2 + x2 * bit2) * (not4 + x4 * bit4) * amplitude[i];
    auto* row = reinterpret_cast<Eight*>(moments[delay[i]].at);
    row[0] += low;
    row[1] += low * x8;
  }
}

SUNDER_SIMD void add_taps(const double* moments, const double* taps, int64_t count, double* samples) {
#pragma omp simd
  for (int64_t n = 0; n < count; ++n) {
    double sum = samples[n];
    for (int k = 0; k < room_moments; ++k) sum += moments[k] * taps[k * count + n];
    samples[n] = sum;
  }
}

// One thread's memory, reused between responses.
struct Scratch {
  std::vector<Moments> moments;  // (length + 1), the last one for images that come too late
  std::vector<double> samples;   // (length + taps)
  std::vector<int32_t> delay;    // of the images of one row along z
  std::vector<double> x, amplitude;
};

// All values in samples, except for `scale`: of an amplitude, 1 / (4 pi metres a sample).
void add_images(const Point& source, const Point& microphone, const Point& size, double beta, double scale,
                int64_t length, Scratch& scratch) {
  std::array<Axis, 3> axes;
  for (int a = 0; a < 3; ++a) axes[a] = images_of(source[a], microphone[a], size[a], beta, length);
  const auto& [ax, ay, az] = axes;
  const size_t most = az.position.size();
  scratch.delay.resize(most), scratch.x.resize(most), scratch.amplitude.resize(most);
  const auto end = static_cast<double>(length);
  for (size_t i = 0; i < ax.position.size(); ++i) {
    for (size_t j = 0; j < ay.position.size(); ++j) {
      const double square = ax.position[i] * ax.position[i] + ay.position[j] * ay.position[j];
      if (square >= end * end) continue;
      const double reach = std::sqrt(end * end - square) + 1e-3;  // an image too many lands in the last row
      const auto first = std::lower_bound(az.position.begin(), az.position.end(), -reach) - az.position.begin();
      const auto last = std::upper_bound(az.position.begin(), az.position.end(), reach) - az.position.begin();
      place_images(&az.position[first], &az.weight[first], last - first, square, scale * ax.weight[i] * ay.weight[j],
                   end, scratch.delay.data(), scratch.x.data(), scratch.amplitude.data());
      add_moments(scratch.delay.data(), scratch.x.data(), scratch.amplitude.data(), last - first,
                  scratch.moments.data());
    }
  }
}

template <class T>
void write_response(const RoomFilters& filters, int64_t length, Scratch& scratch, T* response) {
  const int64_t taps = filters.taps.size(1);
  scratch.samples.assign(length + taps, 0.0);
  for (int64_t j = 0; j < length; ++j)
    if (const double* moments = scratch.moments[j].at; moments[0] != 0)
      add_taps(moments, filters.taps.data<double>(), taps, &scratch.samples[j]);
  double y1 = 0, y2 = 0;
  for (int64_t t = 0; t < length; ++t) {
    const double y = scratch.samples[t + taps / 2 - 1] + filters.feed1 * y1 + filters.feed2 * y2;
    response[t] = static_cast<T>(y + filters.mix1 * y1 + filters.mix2 * y2);
    y2 = y1, y1 = y;
  }
}

std::string text(const Point& point) { return fmt::format("({}, {}, {})", point[0], point[1], point[2]); }

double checked_reflection(const Point& room, double t60, double sound_velocity) {
  if (!(std::min({room[0], room[1], room[2]}) > 0) || !std::isfinite(room[0] + room[1] + room[2]) || !(t60 > 0))
    throw_error("[room_responses] expected a room and a t60 above 0, got {} m and {} s", text(room), t60);
  const double absorption = room_absorption(room[0], room[1], room[2], t60, sound_velocity);
  if (absorption > 1)
    throw_error("[room_responses] expected a t60 of at least {:.3f} s in a room of {} m, got {} s", t60 * absorption,
                text(room), t60);
  return std::sqrt(1 - absorption);
}

void check_inside(const char* what, const Point& point, const Point& room) {
  for (int a = 0; a < 3; ++a)
    if (!(point[a] > 0 && point[a] < room[a]))
      throw_error("[room_responses] expected a {} inside the room of {} m, got {}", what, text(room), text(point));
}

template <class T>
Point point_at(const Tensor& points, int64_t i) {
  const T* from = points.data<T>() + 3 * i;
  return {from[0], from[1], from[2]};
}

// The windowed sinc of the header's comment, RIR-Generator's: tap n of an image that lies `fraction` after a sample.
double windowed_sinc(double fraction, int64_t n, int64_t taps) {
  const double at = static_cast<double>(n + 1) - fraction, width = static_cast<double>(taps), t = pi * (at - width / 2);
  return 0.5 * (1 - std::cos(2 * pi * at / width)) * (std::abs(t) < 1e-9 ? 1 : std::sin(t) / t);
}

// Interpolates tap n at Chebyshev's nodes and writes the polynomial in powers of x.
void fit_taps(int64_t taps, double* table) {
  constexpr int K = room_moments;
  std::array<std::array<double, K>, K> chebyshev{};  // [k][p]: the coefficient of x^p in T_k
  chebyshev[0][0] = chebyshev[1][1] = 1;
  for (int k = 2; k < K; ++k)
    for (int p = 0; p < K; ++p) chebyshev[k][p] = (p > 0 ? 2 * chebyshev[k - 1][p - 1] : 0) - chebyshev[k - 2][p];
  std::fill_n(table, K * taps, 0.0);
  for (int64_t n = 0; n < taps; ++n)
    for (int k = 0; k < K; ++k) {
      double coefficient = 0;
      for (int i = 0; i < K; ++i) {
        const double angle = pi * (i + 0.5) / K;
        coefficient += std::cos(k * angle) * windowed_sinc((std::cos(angle) + 1) / 2, n, taps) * (k == 0 ? 1 : 2) / K;
      }
      for (int p = 0; p < K; ++p) table[p * taps + n] += coefficient * chebyshev[k][p];
    }
}

RoomFilters make_filters(const RoomOptions& options, Stream stream) {
  const auto taps = 2 * std::llround(0.004 * options.sample_rate);
  const Tensor table = Tensor::empty({room_moments, taps}, DType::float64);
  fit_taps(taps, table.mutable_data<double>());
  RoomFilters filters{table.to(stream)};
  if (!options.high_pass) return filters;
  const double omega = 2 * pi * 100 / options.sample_rate, radius = std::exp(-omega);
  filters.feed1 = 2 * radius * std::cos(omega), filters.feed2 = -radius * radius;
  filters.mix1 = -(1 + radius), filters.mix2 = radius;
  return filters;
}

}  // namespace

void cpu::room_responses(const Tensor& rooms, const Tensor& sources, const Tensor& microphones, const Tensor& t60,
                         const RoomOptions& options, const RoomFilters& filters, Tensor& responses) {
  const int64_t per_room_s = sources.size(1), per_room_m = microphones.size(1), length = options.length;
  const double metres = options.sound_velocity / options.sample_rate;  // a sample
  visit_real("room_responses", rooms.dtype(), [&]<class T>() {
    std::vector<double> beta(rooms.size(0));
    for (int64_t n = 0; n < rooms.size(0); ++n) {
      const Point room = point_at<T>(rooms, n);
      beta[n] = checked_reflection(room, t60.data<T>()[n], options.sound_velocity);
      for (int64_t s = 0; s < per_room_s; ++s) check_inside("source", point_at<T>(sources, n * per_room_s + s), room);
      for (int64_t m = 0; m < per_room_m; ++m)
        check_inside("microphone", point_at<T>(microphones, n * per_room_m + m), room);
    }
    parallel_for(sources.size(0) * per_room_s * per_room_m, 1, [&](int64_t i, int64_t) {
      const int64_t n = i / (per_room_s * per_room_m);
      Point source = point_at<T>(sources, i / per_room_m), room = point_at<T>(rooms, n);
      Point microphone = point_at<T>(microphones, n * per_room_m + i % per_room_m);
      const double apart = std::hypot(source[0] - microphone[0], source[1] - microphone[1], source[2] - microphone[2]);
      if (apart < room_min_distance)
        throw_error("[room_responses] expected a source {} m away from every microphone, got both at {}",
                    room_min_distance, text(source));
      for (Point* point : {&source, &microphone, &room})
        for (double& coordinate : *point) coordinate /= metres;
      thread_local Scratch scratch;
      scratch.moments.assign(length + 1, Moments{});
      add_images(source, microphone, room, beta[n], 1 / (4 * pi * metres), length, scratch);
      write_response(filters, length, scratch, responses.mutable_data<T>() + i * length);
    });
  });
}

Tensor room_responses(const Tensor& rooms, const Tensor& sources, const Tensor& microphones, const Tensor& t60,
                      const RoomOptions& options) {
  check_shape("room_responses", "rooms", rooms, {-1, 3});
  check_shape("room_responses", "sources", sources, {rooms.size(0), -1, 3});
  check_shape("room_responses", "microphones", microphones, {rooms.size(0), -1, 3});
  check_shape("room_responses", "t60", t60, {rooms.size(0)});
  check_alike("room_responses", {&rooms, &sources, &microphones, &t60});
  // At 2^20 samples the moments of a response take 128 MiB; longer responses have no use.
  if (!(options.sample_rate >= 1000) || !(options.sound_velocity > 0) || options.length < 0 || options.length > 1 << 20)
    throw_error(
        "[room_responses] expected at least 1000 Hz, a velocity above 0 and 0 to 2^20 samples, got {} Hz, {} m/s "
        "and {}",
        options.sample_rate, options.sound_velocity, options.length);
  Tensor responses = Tensor::empty({rooms.size(0), sources.size(1), microphones.size(1), options.length}, rooms.dtype(),
                                   rooms.stream());
  SUNDER_DISPATCH(room_responses, rooms.device())
  (rooms, sources, microphones, t60, options, make_filters(options, rooms.stream()), responses);
  return responses;
}

}  // namespace sunder
