// NumPy's legacy generator, bit for bit: corpora that were drawn with it (SMS-WSJ) are drawn again by it. Whatever
// needs no such past takes tensor/random.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sunder {

// numpy.random.RandomState(seed): the Mersenne Twister MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998) started
// from a 32-bit seed, and NumPy's ways from words to numbers (numpy/random/src/legacy, numpy/random/mtrand.pyx), which
// NumPy promises not to change.
class NumpyRandom {
 public:
  explicit NumpyRandom(uint32_t seed);

  uint32_t bits();
  double uniform();  // random_sample(): [0, 1), 53 bits
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();  // mean 0, variance 1: the polar method, whose second value is kept for the next call
  // randint(low, high): low ... high - 1, by words that are masked and drawn again while too large; of a single choice
  // it draws nothing. Throws Error unless low < high and high - low <= 2^32.
  int64_t integer(int64_t low, int64_t high);
  // shuffle(): Fisher and Yates from the end. permutation(n) is the shuffle of 0 ... n - 1.
  void shuffle(std::span<int64_t> values);
  std::vector<int64_t> permutation(int64_t count);

 private:
  uint32_t at_most(uint32_t limit);

  std::array<uint32_t, 624> state_;
  size_t used_ = 624;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

// Seeds from names: the digest as an integer modulo 2^32.
uint32_t sha256_seed(std::string_view name);
uint32_t md5_seed(std::string_view name);

}  // namespace sunder
