#include "nn/sample_queue.h"

#include <gtest/gtest.h>

#include <deque>

#include "tensor/random.h"

namespace sunder {
namespace {

TEST(SampleQueue, IsFirstInFirstOut) {
  SampleQueue queue;
  std::deque<float> expected;
  Random random(1, RandomUse::test, 0, 0);
  float next = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<float> block(static_cast<size_t>(random.uniform() * 20));
    for (float& sample : block) sample = next++;
    queue.append(block);
    expected.insert(expected.end(), block.begin(), block.end());
    const auto count = static_cast<int64_t>(random.uniform() * static_cast<double>(queue.size() + 1));
    std::vector<float> taken(count);
    if (i % 2) queue.take(taken.data(), count);
    else queue.drop(count);
    for (int64_t t = 0; t < count; ++t) {
      if (i % 2) {
        ASSERT_EQ(taken[t], expected.front());
      }
      expected.pop_front();
    }
    ASSERT_EQ(queue.size(), static_cast<int64_t>(expected.size()));
    for (size_t t = 0; t < expected.size(); ++t) ASSERT_EQ(queue.data()[t], expected[t]);
  }
}

}  // namespace
}  // namespace sunder
