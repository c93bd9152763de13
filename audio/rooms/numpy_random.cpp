#include "audio/rooms/numpy_random.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "files/digest.h"
#include "tensor/error.h"

namespace sunder {

NumpyRandom::NumpyRandom(uint32_t seed) {
  for (uint32_t i = 0; i < state_.size(); ++i) {
    state_[i] = seed;
    seed = 1812433253u * (seed ^ seed >> 30) + i + 1;  // Knuth, TAOCP 2, 3rd edition, page 106
  }
}

uint32_t NumpyRandom::bits() {
  constexpr size_t size = 624, offset = 397;
  if (used_ == size) {
    for (size_t i = 0; i < size; ++i) {
      const uint32_t word = (state_[i] & 0x80000000u) | (state_[(i + 1) % size] & 0x7fffffffu);
      state_[i] = state_[(i + offset) % size] ^ word >> 1 ^ (word & 1 ? 0x9908b0dfu : 0u);
    }
    used_ = 0;
  }
  uint32_t word = state_[used_++];
  word ^= word >> 11;
  word ^= word << 7 & 0x9d2c5680u;
  word ^= word << 15 & 0xefc60000u;
  return word ^ word >> 18;
}

double NumpyRandom::uniform() {
  const uint32_t high = bits() >> 5, low = bits() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double NumpyRandom::normal() {
  if (std::exchange(has_spare_, false)) return spare_normal_;
  double x = 0, y = 0, squares = 0;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    squares = x * x + y * y;
  } while (squares >= 1 || squares == 0);
  const double factor = std::sqrt(-2 * std::log(squares) / squares);
  spare_normal_ = factor * x;
  has_spare_ = true;
  return factor * y;
}

uint32_t NumpyRandom::at_most(uint32_t limit) {
  if (limit == 0) return 0;
  const uint32_t mask = 0xffffffffu >> std::countl_zero(limit);
  for (;;)
    if (const uint32_t word = bits() & mask; word <= limit) return word;
}

int64_t NumpyRandom::integer(int64_t low, int64_t high) {
  const uint64_t choices = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  if (low >= high || choices > uint64_t{1} << 32)
    throw_error("[NumpyRandom] expected low < high, at most 2^32 apart, got {} and {}", low, high);
  return low + at_most(static_cast<uint32_t>(choices - 1));
}

void NumpyRandom::shuffle(std::span<int64_t> values) {
  for (size_t i = values.size(); i-- > 1;) std::swap(values[i], values[at_most(static_cast<uint32_t>(i))]);
}

std::vector<int64_t> NumpyRandom::permutation(int64_t count) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  shuffle(order);
  return order;
}

uint32_t sha256_seed(std::string_view name) { return sha256(name)[7]; }

uint32_t md5_seed(std::string_view name) {
  const uint32_t word = md5(name)[3];  // whose first byte is the lowest; the digest as a number begins with the highest
  return word << 24 | (word << 8 & 0xff0000) | (word >> 8 & 0xff00) | word >> 24;
}

}  // namespace sunder
