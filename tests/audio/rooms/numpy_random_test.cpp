// Constants: NumPy 2.4.6, numpy.random.RandomState, the call named beside each.
#include "audio/rooms/numpy_random.h"

#include <gtest/gtest.h>

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using Values = std::vector<int64_t>;

Values integers(NumpyRandom& random, int count, int64_t low, int64_t high) {
  Values values;
  for (int i = 0; i < count; ++i) values.push_back(random.integer(low, high));
  return values;
}

TEST(NumpyRandomTest, WordsAreThoseOfMt19937) {
  NumpyRandom random(1600742797);  // RandomState(1600742797).randint(0, 2**32, 4, dtype=uint32)
  for (const uint32_t word : {3965532585u, 844633371u, 1123388358u, 2288564084u}) EXPECT_EQ(random.bits(), word);
  // The 10000th word from the default seed: the C++ standard's own check, [rand.predef].
  NumpyRandom standard(5489);
  for (int i = 1; i < 10000; ++i) standard.bits();
  EXPECT_EQ(standard.bits(), 4123659995u);
}

TEST(NumpyRandomTest, UniformHas53Bits) {
  NumpyRandom random(0);  // RandomState(0).random_sample(3)
  for (const double value : {0.5488135039273248, 0.7151893663724195, 0.6027633760716439})
    EXPECT_EQ(random.uniform(), value);
}

TEST(NumpyRandomTest, NormalIsThePolarMethodAndKeepsItsSecondValue) {
  NumpyRandom random(42);  // r.normal(size=5), then r.uniform(-2, 3): the sixth normal stays behind
  for (const double value :
       {0.4967141530112327, -0.13826430117118466, 0.6476885381006925, 1.5230298564080254, -0.23415337472333597})
    EXPECT_DOUBLE_EQ(random.normal(), value);
  EXPECT_EQ(random.uniform(-2, 3), -1.7095819391590026);
  NumpyRandom many(123);  // RandomState(123).normal(size=10001): the last and the sum
  double last = 0, sum = 0;
  for (int i = 0; i < 10001; ++i) sum += last = many.normal();
  EXPECT_DOUBLE_EQ(last, -1.2409696722099497);
  EXPECT_NEAR(sum, 95.8779532437496, 1e-9);
}

TEST(NumpyRandomTest, IntegersAreMaskedAndDrawnAgain) {
  NumpyRandom random(1600742797);
  EXPECT_EQ(integers(random, 4, 0, 61757), (Values{14761, 5403, 35782, 46964}));
  EXPECT_EQ(integers(random, 2, 5, 6), (Values{5, 5}));  // nothing is drawn
  EXPECT_EQ(integers(random, 6, -3, 4), (Values{2, -3, -3, 3, -1, -1}));
  EXPECT_EQ(random.integer(0, int64_t{1} << 32), 590843637);
  expect_error<Error>([&] { random.integer(3, 3); }, {"low < high", "3 and 3"});
  expect_error<Error>([&] { random.integer(0, (int64_t{1} << 32) + 1); }, {"2^32"});
}

TEST(NumpyRandomTest, PermutationsShuffleFromTheEnd) {
  NumpyRandom random(606142595);  // r.permutation(11), r.permutation([7, 8, 9]), r.permutation(1), r.random_sample()
  EXPECT_EQ(random.permutation(11), (Values{6, 0, 5, 1, 10, 9, 3, 4, 2, 8, 7}));
  Values three = {7, 8, 9};
  random.shuffle(three);
  EXPECT_EQ(three, (Values{8, 7, 9}));
  EXPECT_EQ(random.permutation(1), Values{0});
  EXPECT_EQ(random.uniform(), 0.2985694179831466);
  const Values thousand = NumpyRandom(123).permutation(1000);  // sum of i * p[i], the first and the last
  int64_t sum = 0;
  for (int64_t i = 0; i < 1000; ++i) sum += i * thousand[i];
  EXPECT_EQ(sum, 247982031);
  EXPECT_EQ(thousand.front(), 131);
  EXPECT_EQ(thousand.back(), 510);
}

// int(hashlib.sha256(name).hexdigest(), 16) % 2**32 and the same of md5. The first is also the seed that SMS-WSJ's own
// test names for this scenario, the last minus one the seed of its noise.
TEST(NumpyRandomTest, SeedsAreDigestsModulo32Bits) {
  EXPECT_EQ(sha256_seed("cv_dev93_0"), 1600742797u);
  EXPECT_EQ(sha256_seed("cv_dev93_example_compositions"), 1372673431u);
  EXPECT_EQ(md5_seed("0_4k6c0303_4k4c0319") - 1, 606142595u);
}

}  // namespace
}  // namespace sunder
