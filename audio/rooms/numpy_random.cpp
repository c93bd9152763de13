#include "audio/rooms/numpy_random.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "files/digest.h"
#include "tensor/error.h"

namespace sunder {

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

uint32_t sha256_seed(std::string_view name) { return low_word(sha256(name)); }

uint32_t md5_seed(std::string_view name) { return low_word(md5(name)); }

}  // namespace sunder
