// NumPy's legacy generator, bit for bit, to draw again what corpora (SMS-WSJ) drew with it. Everything else uses
// tensor/random.h. The distributions are our own code: those of the standard library differ from one library to the
// next.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace sunder {

// numpy.random.RandomState(seed): the Mersenne Twister MT19937 seeded with 32 bits, as std::mt19937 is, and NumPy's
// conversions from words to numbers (numpy/random/src/legacy, numpy/random/mtrand.pyx), which NumPy promises not to
// change.
class NumpyRandom {
 public:
  explicit NumpyRandom(uint32_t seed) : engine_(seed) {}

  uint32_t bits() { return engine_(); }
  double uniform();  // random_sample(): [0, 1), 53 bits
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();  // mean 0, variance 1: the polar method, whose second value is kept for the next call
  // randint(low, high): low ... high - 1, by words that are masked and drawn again while too large; a single choice
  // draws nothing. Throws Error unless low < high and high - low <= 2^32.
  int64_t integer(int64_t low, int64_t high);
  // shuffle(): Fisher and Yates from the end. permutation(n) is the shuffle of 0 ... n - 1.
  void shuffle(std::span<int64_t> values);
  std::vector<int64_t> permutation(int64_t count);

 private:
  uint32_t at_most(uint32_t limit);

  // std::mt19937 with words of 32 bits instead of uint_fast32_t, which are drawn three times as fast.
  std::mersenne_twister_engine<uint32_t, 32, 624, 397, 31, 0x9908b0df, 11, 0xffffffff, 7, 0x9d2c5680, 15, 0xefc60000,
                               18, 1812433253>
      engine_;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

// Seeds from names: the digest as an integer modulo 2^32.
uint32_t sha256_seed(std::string_view name);
uint32_t md5_seed(std::string_view name);

}  // namespace sunder
