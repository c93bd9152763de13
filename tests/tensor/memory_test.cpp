#include "tensor/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/error.h"
#include "tensor/tensor.h"

namespace sunder {
namespace {

bool pool_is_off() {
  const char* setting = std::getenv("SUNDER_POOL");
  return setting && std::string_view(setting) == "off";
}

TEST(MemoryTest, CountsWhatIsInUse) {
  const MemoryStats before = memory_stats(cpu_device);
  {
    const auto block = allocate(1000, cpu_device);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.get()) % 64, 0u);
    EXPECT_GE(memory_stats(cpu_device).bytes_in_use, before.bytes_in_use + 1000);
  }
  EXPECT_EQ(memory_stats(cpu_device).bytes_in_use, before.bytes_in_use);
}

TEST(MemoryTest, PeakIsTheMostInUseSinceItsReset) {
  reset_peak_memory(cpu_device);
  const size_t start = memory_stats(cpu_device).bytes_in_use;
  { const Tensor a = Tensor::empty({1 << 16}, DType::float32), b = Tensor::empty({1 << 16}, DType::float32); }
  { const Tensor a = Tensor::empty({1 << 16}, DType::float32); }
  EXPECT_EQ(memory_stats(cpu_device).bytes_peak, start + 2 * (4 << 16));
  reset_peak_memory(cpu_device);
  EXPECT_EQ(memory_stats(cpu_device).bytes_peak, start);
}

TEST(MemoryTest, SteadyStateAsksTheSystemForNothing) {
  if (pool_is_off()) GTEST_SKIP() << "SUNDER_POOL=off: every tensor has an allocation of its own";
  const auto step = [] {
    std::vector<Tensor> tensors;
    for (int64_t size = 1; size < 100000; size *= 3) tensors.push_back(Tensor::empty({size}, DType::float64));
  };
  step();
  const MemoryStats before = memory_stats(cpu_device);
  for (int i = 0; i < 10; ++i) step();
  const MemoryStats after = memory_stats(cpu_device);
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.bytes_reserved, before.bytes_reserved);
}

TEST(MemoryTest, ReleaseGivesCachedBlocksBack) {
  release_cached_memory(cpu_device);
  const MemoryStats before = memory_stats(cpu_device);
  EXPECT_EQ(before.bytes_reserved, before.bytes_in_use);
  allocate(1 << 20, cpu_device).reset();
  EXPECT_EQ(memory_stats(cpu_device).bytes_reserved, before.bytes_reserved + (pool_is_off() ? 0 : 1 << 20));
  EXPECT_EQ(memory_stats(cpu_device).allocations, before.allocations + 1);
  release_cached_memory(cpu_device);
  EXPECT_EQ(memory_stats(cpu_device).bytes_reserved, before.bytes_reserved);
}

TEST(MemoryTest, EverNewSizesKeepABoundedCache) {
  if (pool_is_off()) GTEST_SKIP() << "SUNDER_POOL=off: every tensor has an allocation of its own";
  release_cached_memory(cpu_device);
  const MemoryStats before = memory_stats(cpu_device);
  size_t largest = 0, most_reserved = 0;
  for (int64_t size = 64 << 20; size < 512 << 20; size += size / 8) {  // each a class of its own; nothing is touched
    const Tensor all = Tensor::empty({size}, DType::bfloat16);
    largest = memory_stats(cpu_device).bytes_in_use - before.bytes_in_use;
    most_reserved = std::max(most_reserved, memory_stats(cpu_device).bytes_reserved - before.bytes_in_use);
  }
  EXPECT_GT(most_reserved, 2 * largest) << "some are kept";
  EXPECT_LE(most_reserved, 4 * largest + before.bytes_peak);
}

TEST(MemoryTest, PoisonFillsNewBlocks) {
  set_memory_poison(0xab);
  const auto fresh = allocate(100, cpu_device);
  EXPECT_EQ(fresh.get()[0], std::byte{0xab});
  EXPECT_EQ(fresh.get()[99], std::byte{0xab});
  set_memory_poison(0);
  fresh.get()[0] = std::byte{1};
  EXPECT_EQ(fresh.get()[99], std::byte{0xab});
}

TEST(MemoryTest, OutOfMemoryCarriesTheBytesAskedFor) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends the program itself unless allocator_may_return_null=1";
#endif
  constexpr size_t bytes = size_t{1} << 60;
  try {
    allocate(bytes, cpu_device);
    FAIL() << "nobody has that much memory";
  } catch (const OutOfMemory& error) {
    EXPECT_EQ(error.bytes(), bytes);
    EXPECT_EQ(error.kind(), ErrorKind::memory);
    EXPECT_NE(std::string(error.what()).find("asked for 1152921504606846976 bytes"), std::string::npos) << error.what();
  }
}

constexpr size_t kib = 1024;

std::shared_ptr<std::byte> take(size_t bytes) { return allocate(bytes, cpu_device); }

TEST(Arena, AnAllocationBeyondTheLimitIsRefusedAndNothingElse) {
  const Arena arena(cpu_device, 100 * kib);
  const size_t before = memory_stats(cpu_device).bytes_in_use;
  {
    const Arena::Scope scope(arena);
    const auto kept = take(60 * kib);
    try {
      take(50 * kib);
      FAIL() << "nothing was thrown";
    } catch (const OutOfMemory& error) {
      EXPECT_EQ(std::string(error.what()),
                pool_is_off() ? "out of memory: asked for 51200 bytes with 61440 in use and a limit of 102400"
                              : "out of memory: asked for 53248 bytes with 61440 in use and a limit of 102400");
    }
    EXPECT_TRUE(take(32 * kib));
  }
  EXPECT_TRUE(take(200 * kib));  // outside of the arena
  EXPECT_GT(memory_stats(cpu_device).bytes_in_use, before);
}

// Lengths that change all the time: blocks of old sizes make room.
TEST(Arena, UnusedBlocksCountAgainstTheLimitOnlyAsLongAsThereIsRoom) {
  const Arena arena(cpu_device, 100 * kib);
  const Arena::Scope scope(arena);
  for (size_t size = 10 * kib; size <= 96 * kib; size += kib) {
    EXPECT_TRUE(take(size));
    EXPECT_LE(arena.bytes(), 100 * kib);
  }
}

// Without a limit, unused blocks of ever new sizes go back to the system where they are three times the peak use.
TEST(Arena, UnusedBlocksAreFreedAndWhatIsInUseIsKept) {
  const Arena arena(cpu_device);
  const size_t before = memory_stats(cpu_device).bytes_in_use;
  const Arena::Scope scope(arena);
  const auto kept = take(64 * kib);
  take(32 * kib);
  EXPECT_EQ(arena.bytes(), 96 * kib);
  size_t most = 0;
  for (size_t size = 40 * kib; arena.bytes() != 64 * kib; size += 8 * kib) {
    ASSERT_LE(size, 256 * kib) << "nothing was freed";
    most = std::max(most, arena.bytes());
    take(size);
  }
  EXPECT_GT(most, 3 * 64 * kib);
  EXPECT_EQ(memory_stats(cpu_device).bytes_in_use, before + 64 * kib);
}

TEST(Arena, PartsCountAgainstTheLimitOfTheWhole) {
  const Arena arena(cpu_device, 100 * kib);
  {
    const Arena part = arena.part();
    std::shared_ptr<std::byte> kept;
    {
      const Arena::Scope scope(part);
      kept = take(32 * kib);
      take(20 * kib);
    }
    EXPECT_EQ(part.bytes(), 52 * kib);
    EXPECT_EQ(arena.bytes(), 52 * kib);
    const Arena::Scope scope(arena);
    EXPECT_THROW(take(64 * kib), OutOfMemory) << "a part keeps its unused blocks";
    take(40 * kib);
    EXPECT_EQ(arena.bytes(), 92 * kib);
    const Arena::Scope again(part);
    take(36 * kib);  // for which the whole's unused block goes
    EXPECT_EQ(part.bytes(), 88 * kib);
    EXPECT_EQ(arena.bytes(), 88 * kib);
  }
  EXPECT_EQ(arena.bytes(), 0u) << "with the part its blocks went";
}

TEST(Arena, WhatCanBeSparedIsGivenUpBeforeAnAllocationFails) {
  const Arena arena(cpu_device, 100 * kib);
  const Arena::Scope scope(arena);
  std::shared_ptr<std::byte> spare = take(64 * kib);
  int calls = 0;
  arena.on_shortage([&] {
    ++calls;
    spare.reset();
  });
  EXPECT_TRUE(take(32 * kib));
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(take(80 * kib));
  EXPECT_EQ(calls, 1);
  EXPECT_THROW(take(128 * kib), OutOfMemory);
  EXPECT_EQ(calls, 2);
  take(32 * kib);
  EXPECT_EQ(arena.bytes(), 32 * kib);
  arena.trim();
  EXPECT_EQ(arena.bytes(), 0u);
}

}  // namespace
}  // namespace sunder
