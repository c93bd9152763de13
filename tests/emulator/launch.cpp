// Kernel launches: limits, arguments, blocks over host threads. Library calls: their operands.
#include "emulated/launch.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>

#include "tensor/parallel.h"
#include "tests/emulator/block.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/memory.h"
#include "tests/emulator/stream.h"

namespace sunder::emulator {
namespace {

std::map<const void*, int>& dynamic_shared_limits() {
  static auto* all = new std::map<const void*, int>;
  return *all;
}

size_t dynamic_shared_limit(const void* function) {
  const auto found = dynamic_shared_limits().find(function);
  return found == dynamic_shared_limits().end() ? max_static_shared : found->second;
}

cudaError_t check_limits(const Launch& launch) {
  const auto [grid, block] = std::pair(launch.grid, launch.block);
  const bool block_fits = block.x >= 1 && block.y >= 1 && block.z >= 1 && block.x <= 1024 && block.y <= 1024 &&
                          block.z <= 64 && block.x * block.y * block.z <= max_threads;
  const bool grid_fits =
      grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && grid.x <= 2147483647u && grid.y <= 65535 && grid.z <= 65535;
  if (!block_fits || !grid_fits) return cudaErrorInvalidConfiguration;
  return launch.dynamic_shared <= dynamic_shared_limit(launch.function) ? cudaSuccess : cudaErrorInvalidValue;
}

bool has_code() { return settings().capability >= settings().code; }

bool is_mapped(uintptr_t address) {
  unsigned char resident;
  return mincore(reinterpret_cast<void*>(address & ~uintptr_t{4095}), 1, &resident) == 0;
}

// Checks what the arguments point to, and opens it if `access` is given. A word of a plain struct counts as a host
// pointer if it is one to mapped memory where Linux keeps programs, heaps and stacks.
void check_arguments(const Launch& launch, memory::Access* access) {
  const std::string& name = name_of(launch.function);
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const Argument& argument = launch.arguments[i];
    for (size_t at = 0; at + sizeof(void*) <= argument.bytes.size(); at += sizeof(void*)) {
      uintptr_t word;
      std::memcpy(&word, argument.bytes.data() + at, sizeof word);
      const auto* pointer = reinterpret_cast<const void*>(word);
      if (word == 0) continue;
      const memory::Place place = memory::find(pointer);
      const bool suspect =
          argument.is_pointer || (word >= 0x5500'0000'0000 && word < 0x8000'0000'0000 && is_mapped(word));
      const auto what = [&] { return fmt::format("kernel {}, argument {}", name, i + 1); };
      if (place.kind == memory::Kind::freed)
        throw Failure(fmt::format("{}: {} lies in freed device memory (use after free)", what(), pointer));
      if (place.kind == memory::Kind::host && suspect)
        throw Failure(fmt::format("{}: {} is host memory, expected device memory", what(), pointer));
      if (place.kind == memory::Kind::device && access) access->open(pointer, 0, what().c_str());
    }
  }
}

int64_t block_at(int64_t i, int64_t count) {
  if (settings().order == Order::forward) return i;
  if (settings().order == Order::backward) return count - 1 - i;
  int64_t step = std::max<int64_t>(1, count * 5 / 8);
  while (std::gcd(step, count) != 1) ++step;
  return (i * step + count / 2) % count;
}

std::map<std::string, uint64_t>& ran() {
  static auto* all = new std::map<std::string, uint64_t>;
  return *all;
}

void run_blocks(const Launch& launch, const std::string& name) {
  const unsigned x = launch.grid.x, y = launch.grid.y;
  const int64_t blocks = int64_t{x} * y * launch.grid.z;
  const int64_t threads = launch.block.x * launch.block.y * launch.block.z;
  const int64_t grain = std::max<int64_t>(4096 / threads, blocks / (8 * num_threads()));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    BlockRunner& runner = BlockRunner::of_this_thread();
    runner.begin(launch, name);
    const std::unique_ptr<BlockRunner, void (*)(BlockRunner*)> ending(&runner, [](BlockRunner* r) { r->end(); });
    for (int64_t i = begin; i < end; ++i) {
      const int64_t block = block_at(i, blocks);
      runner.run({static_cast<unsigned>(block % x), static_cast<unsigned>(block / x % y),
                  static_cast<unsigned>(block / (int64_t{x} * y))});
    }
  });
  ++counters().kernels;
  counters().threads += blocks * threads;
  ++ran()[name];
}

}  // namespace

const std::map<std::string, uint64_t>& kernels_run() { return ran(); }

cudaError_t submit(Launch launch, cudaStream_t stream) {
  return call([&] {
    if (!has_code()) return cudaErrorNoKernelImageForDevice;
    if (const cudaError_t error = next_launch_error(); error != cudaSuccess) return error;
    if (const cudaError_t error = check_limits(launch); error != cudaSuccess) return error;
    if (stream_of(stream)->device != current_device()) return cudaErrorInvalidResourceHandle;
    check_arguments(launch, nullptr);
    if (!stream_of(stream)->capture) ++counters().launches;
    const int device = current_device();
    const auto shared = std::make_shared<const Launch>(std::move(launch));
    return queue(stream, {cudaGraphNodeTypeKernel, [shared, device] {
                            const std::string& name = name_of(shared->function);
                            memory::Access access(device);
                            check_arguments(*shared, &access);
                            run_blocks(*shared, name);
                            access.close("kernel " + name);
                          }});
  });
}

cudaError_t queue_library_call(cudaStream_t stream, const char* name, std::vector<Range> ranges,
                               std::function<void()> run) {
  const int device = current_device();
  if (stream_of(stream)->device != device) return cudaErrorInvalidResourceHandle;
  const auto open = [=](memory::Access& access) {
    for (const Range& range : ranges) {
      const std::string what = fmt::format("{}, {}", name, range.name);
      const memory::Place place = memory::find(range.begin);
      if (range.bytes > 0 && place.kind == memory::Kind::host)
        throw Failure(fmt::format("{}: {} is not device memory", what, range.begin));
      access.open(range.begin, range.bytes, what.c_str());
    }
  };
  {
    memory::Access check(device);
    open(check);
  }
  if (!stream_of(stream)->capture) ++counters().launches;
  return queue(stream, {cudaGraphNodeTypeKernel, [=] {
                          memory::Access access(device);
                          open(access);
                          run();
                          access.close(name);
                          ++counters().library_calls;
                        }});
}

}  // namespace sunder::emulator

using namespace sunder::emulator;

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute, int value) {
  return call([&] {
    if (value < 0 || value > static_cast<int>(max_shared)) return cudaErrorInvalidValue;
    dynamic_shared_limits()[function] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  return call([&] {
    if (!has_code()) return cudaErrorNoKernelImageForDevice;
    *attributes = {};
    attributes->maxThreadsPerBlock = max_threads;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(dynamic_shared_limit(function));
    attributes->ptxVersion = attributes->binaryVersion = settings().capability;
    return cudaSuccess;
  });
}
