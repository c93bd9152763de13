// sunder-bench-ops: every op at the sizes of the papers' networks (tests/cases: each op's case holds its benchmark), in
// GB/s and GFLOP/s. Conv-TasNet's ops get 8 items of 1 s at 8 kHz: 63 frames, 504 rows; 128 channels between blocks,
// 512 inside, 257 bins. Bytes are what has to cross the memory once. Flops are those of the formula, three times as
// many with the backward pass.
// --device=cuda runs them there, where --batch=128 makes tensors larger than the cache (docs/kernels.md); a row's time
// then includes waiting for the device once in a hundred runs.
//     sunder-bench-ops [--device=cpu] [--batch=8] [--threads=N] [--benchmark_filter=REGEX] ...
#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdio>
#include <functional>
#include <memory>

#include "tensor/blas.h"
#include "tensor/cuda/runtime.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tests/cases/all.h"
#include "tests/cases/benchmark.h"

namespace sunder {
namespace {

// Chosen by flags, before the rows are made.
int64_t batch = 8;
Stream device = cpu_device;

// The device works on while the host queues more: it is waited for once in a hundred runs.
void repeat(benchmark::State& state, const std::function<void()>& run) {
  if (device.device.kind == Device::Kind::cpu) {
    for (auto _ : state) run();
    return;
  }
  constexpr int queued = 100;
  run();  // plans and handles of libraries are made by the first call
  cuda::synchronize(device);
  while (state.KeepRunningBatch(queued)) {
    for (int i = 0; i < queued; ++i) run();
    cuda::synchronize(device);
  }
}

void add_row(const std::string& name, double bytes, double flops, const std::function<void()>& run) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    using benchmark::Counter;
    repeat(state, run);
    state.counters["bytes"] = bytes;
    state.counters["flops"] = flops;
    state.counters["GB/s"] = Counter(bytes * 1e-9, Counter::kIsIterationInvariantRate);
    state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsIterationInvariantRate);
  })->UseRealTime();
}

void add_all_rows() {
  for (const cases::Case& op : cases::all())
    for (const cases::Benchmark& row : op.benchmarks(batch)) {
      const std::string name = cases::PreparedBenchmark::row(op, row);
      const auto ready = std::make_shared<cases::PreparedBenchmark>(row, device);
      add_row(name + "/forward", ready->forward_bytes(), row.flops,
              [=] { benchmark::DoNotOptimize(ready->forward()); });
      if (ready->has_gradient())
        add_row(name + "/forward_backward", ready->forward_backward_bytes(), 3 * row.flops,
                [=] { ready->forward_backward(); });
    }
}

int64_t count_of(const std::string& flag, const std::string& value) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc() || *end != '\0' || count < 1)
    throw_error<UsageError>("{}: expected a whole number of at least 1, got {}", flag, value);
  return count;
}

// Takes our own flags out of the arguments; the rest are Google Benchmark's.
void take_flags(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i], flag = argument.substr(0, argument.find('='));
    const std::string value = argument.substr(std::min(argument.size(), flag.size() + 1));
    if (flag == "--threads") set_num_threads(static_cast<int>(count_of(flag, value)));
    else if (flag == "--batch") batch = count_of(flag, value);
    else if (flag == "--device") device = parse_device(value);
    else argv[kept++] = argv[i];
  }
  argc = kept;
  if (device.device.kind == Device::Kind::cpu) return;
  cuda::check_device(device.device);
}

}  // namespace
}  // namespace sunder

int main(int argc, char** argv) {
  try {
    sunder::take_flags(argc, argv);
  } catch (const sunder::Error& error) {
    std::fprintf(stderr, "sunder-bench-ops: %s\n", error.what());
    return dynamic_cast<const sunder::UsageError*>(&error) ? 2 : 6;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("device", sunder::device.device.kind == sunder::Device::Kind::cpu ? "cpu" : "cuda");
  benchmark::AddCustomContext("threads", std::to_string(sunder::num_threads()));
  benchmark::AddCustomContext("simd", sunder::simd_level());
  benchmark::AddCustomContext("blas", sunder::blas::core_name());
  sunder::add_all_rows();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
