// Real transforms of power-of-two size, with as many frames side by side as fit a cache line: sample n of all frames is
// one row of lanes, and every step applies the textbook formula to whole rows. A real transform of size N is a complex
// one of size N / 2 over (even samples) + i (odd samples), so rows 2m and 2m + 1 already are the parts of complex
// number m.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/error.h"
#include "tensor/fft.h"
#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace sunder {
namespace {

template <class T>
inline constexpr int64_t lanes = 64 / sizeof(T);

template <class T>
struct FourOf {
  typedef T type __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
};
template <class T>
using Four = typename FourOf<T>::type;

// Transposes.
template <class T>
SUNDER_INLINE void transpose(Four<T>& a, Four<T>& b, Four<T>& c, Four<T>& d) {
  const Four<T> ac_low = __builtin_shufflevector(a, c, 0, 4, 1, 5), ac_high = __builtin_shufflevector(a, c, 2, 6, 3, 7);
  const Four<T> bd_low = __builtin_shufflevector(b, d, 0, 4, 1, 5), bd_high = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ac_low, bd_low, 0, 4, 1, 5);
  b = __builtin_shufflevector(ac_low, bd_low, 2, 6, 3, 7);
  c = __builtin_shufflevector(ac_high, bd_high, 0, 4, 1, 5);
  d = __builtin_shufflevector(ac_high, bd_high, 2, 6, 3, 7);
}

template <class T>
SUNDER_INLINE Four<T> load(const T* from) {
  return *reinterpret_cast<const Four<T>*>(from);
}
template <class T>
SUNDER_INLINE void store(T* to, Four<T> value) {
  *reinterpret_cast<Four<T>*>(to) = value;
}

// rows[n][lane] = window[n] * from[lane][n] for n < size, a multiple of 4; without a window: 1.
template <class T>
SUNDER_SIMD void frames_to_rows(const T* const* from, const T* window, int64_t size, T* rows) {
  constexpr int64_t W = lanes<T>;
  for (int64_t n = 0; n < size; n += 4, rows += 4 * W) {
    const Four<T> w = window ? load(window + n) : Four<T>{1, 1, 1, 1};
    for (int64_t l = 0; l < W; l += 4) {
      Four<T> a = load(from[l] + n) * w, b = load(from[l + 1] + n) * w, c = load(from[l + 2] + n) * w,
              d = load(from[l + 3] + n) * w;
      transpose<T>(a, b, c, d);
      store(rows + l, a);
      store(rows + l + W, b);
      store(rows + l + 2 * W, c);
      store(rows + l + 3 * W, d);
    }
  }
}

// to[lane][2m], to[lane][2m + 1] = complex row position[m], times the window if there is one, for m < half (even).
template <class T>
SUNDER_SIMD void rows_to_frames(const T* rows, const int32_t* position, const T* window, int64_t half, T* const* to) {
  constexpr int64_t W = lanes<T>;
  for (int64_t m = 0; m < half; m += 2) {
    const T* first = rows + 2 * W * position[m];
    const T* second = rows + 2 * W * position[m + 1];
    const Four<T> w = window ? load(window + 2 * m) : Four<T>{1, 1, 1, 1};
    for (int64_t l = 0; l < W; l += 4) {
      Four<T> a = load(first + l), b = load(first + W + l), c = load(second + l), d = load(second + W + l);
      transpose<T>(a, b, c, d);
      store(to[l] + 2 * m, a * w);
      store(to[l + 1] + 2 * m, b * w);
      store(to[l + 2] + 2 * m, c * w);
      store(to[l + 3] + 2 * m, d * w);
    }
  }
}

// One radix-4 step of decimation in frequency on the complex rows 0, 1, 2, 3 times `step`, in place:
// y_q = w^q * sum over p of (-i)^(pq) x_p; `w` holds the parts of w, w^2, w^3.
template <class T, bool twiddle>
SUNDER_INLINE void butterfly4(T* re, T* im, int64_t step, const T* w) {
  const T w1r = w[0], w1i = w[1], w2r = w[2], w2i = w[3], w3r = w[4], w3i = w[5];
#pragma omp simd simdlen(lanes <T>)
  for (int64_t l = 0; l < lanes<T>; ++l) {
    const T ar = re[l], ai = im[l], br = re[l + step], bi = im[l + step];
    const T cr = re[l + 2 * step], ci = im[l + 2 * step], dr = re[l + 3 * step], di = im[l + 3 * step];
    const T s0r = ar + cr, s0i = ai + ci, s1r = ar - cr, s1i = ai - ci;
    const T s2r = br + dr, s2i = bi + di, s3r = bi - di, s3i = dr - br;  // s3 = -i (b - d)
    const T y1r = s1r + s3r, y1i = s1i + s3i, y2r = s0r - s2r, y2i = s0i - s2i, y3r = s1r - s3r, y3i = s1i - s3i;
    re[l] = s0r + s2r;
    im[l] = s0i + s2i;
    re[l + step] = twiddle ? y1r * w1r - y1i * w1i : y1r;
    im[l + step] = twiddle ? y1r * w1i + y1i * w1r : y1i;
    re[l + 2 * step] = twiddle ? y2r * w2r - y2i * w2i : y2r;
    im[l + 2 * step] = twiddle ? y2r * w2i + y2i * w2r : y2i;
    re[l + 3 * step] = twiddle ? y3r * w3r - y3i * w3i : y3r;
    im[l + 3 * step] = twiddle ? y3r * w3i + y3i * w3r : y3i;
  }
}

// Complex transform of `half` complex rows in place: input in natural order, output in digit-reversed order. With real
// and imaginary parts exchanged it is the inverse.
template <class T>
SUNDER_SIMD void transform(T* re, T* im, int64_t half, const T* twiddles) {
  constexpr int64_t row = 2 * lanes<T>;
  int64_t length = half;
  for (; length >= 4; length /= 4) {
    const int64_t quarter = length / 4;
    for (int64_t base = 0; base < half; base += length)
      butterfly4<T, false>(re + row * base, im + row * base, row * quarter, twiddles);
    for (int64_t j = 1; j < quarter; ++j)
      for (int64_t base = j; base < half; base += length)
        butterfly4<T, true>(re + row * base, im + row * base, row * quarter, twiddles + 6 * j);
    twiddles += 6 * quarter;
  }
  if (length == 1) return;
  for (int64_t base = 0; base < half; base += 2) {
    T *a = re + row * base, *b = im + row * base;
#pragma omp simd simdlen(lanes <T>)
    for (int64_t l = 0; l < lanes<T>; ++l) {
      const T xr = a[l], xi = b[l], yr = a[l + row], yi = b[l + row];
      a[l] = xr + yr;
      b[l] = xi + yi;
      a[l + row] = xr - yr;
      b[l + row] = xi - yi;
    }
  }
}

// Between the complex transform Z of half size and the real one X, for the pairs k, j = half - k at position[k] and
// position[j], in place: with P = scale (z_k + conj z_j), Q = scale (z_k - conj z_j) and R = u_k Q,
// z_k becomes P + R and z_j becomes conj(P - R). From Z to X, scale is 1/2 and u_k = -i e^(-2 pi i k / N); from X to
// Z (twice of it), scale is 1 and u_k is the conjugate of that: `sign` is -1.
template <class T>
SUNDER_SIMD void combine_pairs(T* rows, const int32_t* position, const T* turns, int64_t half, T scale, T sign) {
  constexpr int64_t W = lanes<T>;
  for (int64_t k = 1; k <= half / 2; ++k) {
    T *a = rows + 2 * W * position[k], *b = rows + 2 * W * position[half - k];
    const T ur = scale * turns[2 * k], ui = sign * scale * turns[2 * k + 1];
#pragma omp simd simdlen(lanes <T>)
    for (int64_t l = 0; l < W; ++l) {
      const T sum_r = a[l] + b[l], sum_i = a[l + W] - b[l + W], qr = a[l] - b[l], qi = a[l + W] + b[l + W];
      const T rr = ur * qr - ui * qi, ri = ur * qi + ui * qr;
      a[l] = scale * sum_r + rr;
      a[l + W] = scale * sum_i + ri;
      b[l] = scale * sum_r - rr;
      b[l + W] = ri - scale * sum_i;
    }
  }
}

template <class T>
class LaneFft : public RealFft<T> {
 public:
  explicit LaneFft(int64_t size) : RealFft<T>(size), half_(size / 2) {
    const auto push_turn = [](std::vector<T>& into, double turns, double phase) {
      const double angle = -2 * std::numbers::pi * turns + phase;
      into.push_back(static_cast<T>(std::cos(angle)));
      into.push_back(static_cast<T>(std::sin(angle)));
    };
    for (int64_t length = half_; length >= 4; length /= 4)
      for (int64_t j = 0; j < length / 4; ++j)
        for (int q = 1; q <= 3; ++q) push_turn(twiddles_, static_cast<double>(j * q) / length, 0);
    for (int64_t k = 0; k <= half_ / 2; ++k) push_turn(turns_, static_cast<double>(k) / size, -std::numbers::pi / 2);
    for (int64_t k = 0; k < half_; ++k) {
      natural_.push_back(static_cast<int32_t>(k));
      int64_t index = k, place = 0, length = half_;
      for (; length >= 4; length /= 4, index /= 4) place += index % 4 * (length / 4);
      reversed_.push_back(static_cast<int32_t>(place + index));
    }
  }

  void forward(const T* frames, int64_t stride, int64_t count, const T* window, T middle,
               std::complex<T>* spectra) const override {
    const Scratch scratch(half_);
    T *rows = scratch.rows, *last = rows + 2 * W * half_;
    for (int64_t first = 0; first < count; first += W) {
      const int64_t used = std::min(W, count - first);
      const T* from[W];
      T* to[W];
      for (int64_t l = 0; l < W; ++l) {  // lanes without a frame repeat the last one and go nowhere
        from[l] = frames + (first + std::min(l, used - 1)) * stride;
        to[l] = l < used ? reinterpret_cast<T*>(spectra + (first + l) * this->bins()) : scratch.nowhere;
      }
      frames_to_rows(from, window, this->size(), rows);
      transform(rows, rows + W, half_, twiddles_.data());
      combine_pairs(rows, reversed_.data(), turns_.data(), half_, middle / 2, T(1));
      for (int64_t l = 0; l < W; ++l) {  // bin 0 is the sum of both parts, the last one their difference
        last[l] = rows[l] - rows[l + W];
        rows[l] += rows[l + W];
        rows[l + W] = 0;
      }
      rows_to_frames(rows, reversed_.data(), static_cast<const T*>(nullptr), half_, to);
      for (int64_t l = 0; l < used; ++l) {
        to[l][2 * half_] = last[l];
        to[l][2 * half_ + 1] = 0;
      }
    }
  }

  void inverse(const std::complex<T>* spectra, int64_t count, const T* window, T middle, T* frames) const override {
    const Scratch scratch(half_);
    T* rows = scratch.rows;
    for (int64_t first = 0; first < count; first += W) {
      const int64_t used = std::min(W, count - first);
      const T* from[W];
      T* to[W];
      for (int64_t l = 0; l < W; ++l) {
        from[l] = reinterpret_cast<const T*>(spectra + (first + std::min(l, used - 1)) * this->bins());
        to[l] = l < used ? frames + (first + l) * this->size() : scratch.nowhere;
      }
      frames_to_rows(from, static_cast<const T*>(nullptr), 2 * half_, rows);
      for (int64_t l = 0; l < W; ++l) {
        const T last = from[l][2 * half_];
        rows[l + W] = rows[l] - last;
        rows[l] += last;
      }
      combine_pairs(rows, natural_.data(), turns_.data(), half_, middle, T(-1));
      transform(rows + W, rows, half_, twiddles_.data());
      rows_to_frames(rows, reversed_.data(), window, half_, to);
    }
  }

 private:
  static constexpr int64_t W = lanes<T>;

  struct Scratch {
    explicit Scratch(int64_t half)
        : memory(Tensor::empty({(2 * half + 1) * W + 2 * half}, dtype_of<T>)),
          rows(memory.mutable_data<T>()),
          nowhere(rows + (2 * half + 1) * W) {}
    Tensor memory;
    T *rows, *nowhere;
  };

  int64_t half_;
  std::vector<T> twiddles_;                  // w, w^2, w^3 of every radix-4 step, by stage
  std::vector<T> turns_;                     // -i e^(-2 pi i k / N) for k <= N / 4
  std::vector<int32_t> natural_, reversed_;  // where complex number k lies, before and after the transform
};

}  // namespace

template <class T>
std::unique_ptr<RealFft<T>> make_lane_fft(int64_t size) {
  return std::make_unique<LaneFft<T>>(size);
}

template std::unique_ptr<RealFft<float>> make_lane_fft(int64_t);
template std::unique_ptr<RealFft<double>> make_lane_fft(int64_t);

}  // namespace sunder
