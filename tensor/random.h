// Random numbers as a pure function of a key and a counter (Philox 4x32-10: Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011), so that the numbers of a step depend on the step alone and are the same on every device.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sunder {

// What the numbers are used for. Seed and use are the key, so two uses never share numbers.
enum class RandomUse : uint32_t {
  initialisation = 1,
  shuffle = 2,
  segment = 3,
  swap = 4,
  mixing = 5,
  noise = 6,
  placement = 7,
  partition = 8,
  bootstrap = 9,
  test = 99
};

// One block of the generator: four independent 32-bit words.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// The sequence of numbers for (seed, use, epoch, sample). Construction costs nothing.
class Random {
 public:
  Random(uint64_t seed, RandomUse use, uint32_t epoch = 0, uint64_t sample = 0);

  uint32_t bits();
  double uniform();  // [0, 1), 53 bits
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();                 // mean 0, variance 1 (Box-Muller)
  uint64_t below(uint64_t limit);  // 0 ... limit - 1, unbiased (rejection)
  bool flip() { return bits() >> 31; }
  // A random order of 0 ... count - 1 (Fisher-Yates from the end).
  std::vector<int64_t> permutation(int64_t count);

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int left_ = 0;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

}  // namespace sunder
