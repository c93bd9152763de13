#include <cufft.h>

#include <complex>
#include <cstring>
#include <map>
#include <vector>

#include "tensor/fft.h"
#include "tensor/parallel.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/handles.h"
#include "tests/emulator/stream.h"

namespace sunder::emulator {
namespace {

struct Side {
  bool given = false;  // else contiguous
  int64_t stride = 1, dist = 0;
};

struct Plan {
  cufftType type = CUFFT_R2C;
  int64_t n = 0, batch = 0;
  Side input, output;
  cudaStream_t stream = nullptr;
  bool made = false, automatic = true;
  size_t work_bytes = 0;
  void* work_area = nullptr;

  int64_t bins() const { return n / 2 + 1; }
  bool forward() const { return type == CUFFT_R2C || type == CUFFT_D2Z; }
};

std::map<cufftHandle, Plan>& plans() {
  static auto* all = new std::map<cufftHandle, Plan>;
  return *all;
}

Plan* find(cufftHandle handle) {
  const auto found = plans().find(handle);
  return found == plans().end() ? nullptr : &found->second;
}

// In place, a contiguous real row has room for the complex one.
Side layout(const Side& side, int64_t length, bool real_in_place, int64_t bins) {
  return side.given ? side : Side{true, 1, real_in_place ? 2 * bins : length};
}

template <class T>
void transform_rows(const Plan& plan, const Side& in, const Side& out, const void* input, void* output, int64_t begin,
                    int64_t end) {
  using Complex = std::complex<T>;
  const auto fft = real_fft<T>(plan.n);
  const std::vector<T> ones(plan.n, T(1));
  const int64_t rows = end - begin, bins = plan.bins();
  std::vector<T> real(rows * plan.n);
  std::vector<Complex> complex(rows * bins);
  const auto gather = [&](auto& to, int64_t length) {
    const auto* from = static_cast<const std::remove_reference_t<decltype(to[0])>*>(input) + begin * in.dist;
    for (int64_t i = 0; i < rows * length; ++i) to[i] = from[i / length * in.dist + i % length * in.stride];
  };
  const auto scatter = [&](const auto& from, int64_t length) {
    auto* to = static_cast<std::remove_cvref_t<decltype(from[0])>*>(output) + begin * out.dist;
    for (int64_t i = 0; i < rows * length; ++i) to[i / length * out.dist + i % length * out.stride] = from[i];
  };
  if (plan.forward()) {
    gather(real, plan.n);
    fft->forward(real.data(), plan.n, rows, ones.data(), T(1), complex.data());
    scatter(complex, bins);
  } else {
    gather(complex, bins);
    fft->inverse(complex.data(), rows, ones.data(), T(1), real.data());
    scatter(real, plan.n);
  }
}

template <class T>
cufftResult execute(cufftHandle handle, cufftType type, void* input, void* output) {
  const std::lock_guard guard(lock());
  const Plan* found = find(handle);
  if (!found || !found->made) return CUFFT_INVALID_PLAN;
  const Plan plan = *found;
  if (plan.type != type) return CUFFT_INVALID_TYPE;
  if (!plan.automatic && !plan.work_area) return CUFFT_NO_WORKSPACE;
  const bool in_place = input == output, forward = plan.forward();
  const int64_t in_length = forward ? plan.n : plan.bins(), out_length = forward ? plan.bins() : plan.n;
  const size_t in_size = sizeof(T) * (forward ? 1 : 2), out_size = sizeof(T) * (forward ? 2 : 1);
  const Side in = layout(plan.input, in_length, in_place && forward, plan.bins());
  const Side out = layout(plan.output, out_length, in_place && !forward, plan.bins());
  const auto bytes = [&](const Side& side, int64_t length, size_t size) {
    return ((plan.batch - 1) * side.dist + (length - 1) * side.stride + 1) * size;
  };
  std::vector<Range> ranges{{input, bytes(in, in_length, in_size), "input"},
                            {output, bytes(out, out_length, out_size), "output"}};
  if (plan.work_area) ranges.push_back({plan.work_area, plan.work_bytes, "work area"});
  const auto run = [=] {
    if (plan.work_area) std::memset(plan.work_area, settings().poison, plan.work_bytes);
    // In one piece where rows of input and output lie over each other in different steps.
    parallel_for(plan.batch, in_place ? plan.batch : 64,
                 [&](int64_t begin, int64_t end) { transform_rows<T>(plan, in, out, input, output, begin, end); });
    if (forward || in_place) return;
    for (int64_t row = 0; row < plan.batch; ++row)
      for (int64_t k = 0; k < in_length; ++k)
        std::memset(static_cast<char*>(input) + (row * in.dist + k * in.stride) * in_size, settings().poison, in_size);
  };
  const cudaError_t error = queue_library_call(plan.stream, "cuFFT", ranges, run);
  return remember(error) == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}

}  // namespace
}  // namespace sunder::emulator

using namespace sunder::emulator;

cufftResult cufftCreate(cufftHandle* handle) {
  const std::lock_guard guard(lock());
  if (remember(state_of_device()) != cudaSuccess) return CUFFT_SETUP_FAILED;
  static int next = 1;
  plans()[*handle = next++] = {};
  handles::add("cuFFT plan", &plans()[*handle]);
  return CUFFT_SUCCESS;
}

cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic) {
  const std::lock_guard guard(lock());
  Plan* plan = find(handle);
  if (!plan || plan->made) return CUFFT_INVALID_PLAN;
  return plan->automatic = automatic != 0, CUFFT_SUCCESS;
}

cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* n, long long* inembed, long long istride,
                                long long idist, long long* onembed, long long ostride, long long odist, cufftType type,
                                long long batch, size_t* work_bytes) {
  const std::lock_guard guard(lock());
  Plan* plan = find(handle);
  if (!plan || plan->made) return CUFFT_INVALID_PLAN;
  if (rank != 1 || !n || n[0] < 1 || batch < 1) return CUFFT_INVALID_SIZE;
  if (plan->automatic) {
    if (refuse_in_capture() != cudaSuccess) return CUFFT_INTERNAL_ERROR;
    ++counters().allocations;
  }
  plan->type = type;
  plan->n = n[0];
  plan->batch = batch;
  if (inembed) plan->input = {true, istride, idist};
  if (onembed) plan->output = {true, ostride, odist};
  plan->made = true;
  *work_bytes = plan->work_bytes =
      plan->bins() * batch * 2 * (type == CUFFT_R2C || type == CUFFT_C2R ? sizeof(float) : sizeof(double));
  return CUFFT_SUCCESS;
}

cufftResult cufftSetWorkArea(cufftHandle handle, void* work_area) {
  const std::lock_guard guard(lock());
  Plan* plan = find(handle);
  if (!plan || !plan->made) return CUFFT_INVALID_PLAN;
  return plan->work_area = work_area, CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream) {
  const std::lock_guard guard(lock());
  Plan* plan = find(handle);
  if (!plan) return CUFFT_INVALID_PLAN;
  stream_of(stream);
  return plan->stream = stream, CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle handle) {
  const std::lock_guard guard(lock());
  Plan* plan = find(handle);
  if (!plan) return CUFFT_INVALID_PLAN;
  handles::remove("cuFFT plan", plan);
  plans().erase(handle);
  return CUFFT_SUCCESS;
}

cufftResult cufftExecR2C(cufftHandle plan, cufftReal* input, cufftComplex* output) {
  return execute<float>(plan, CUFFT_R2C, input, output);
}
cufftResult cufftExecC2R(cufftHandle plan, cufftComplex* input, cufftReal* output) {
  return execute<float>(plan, CUFFT_C2R, input, output);
}
cufftResult cufftExecD2Z(cufftHandle plan, cufftDoubleReal* input, cufftDoubleComplex* output) {
  return execute<double>(plan, CUFFT_D2Z, input, output);
}
cufftResult cufftExecZ2D(cufftHandle plan, cufftDoubleComplex* input, cufftDoubleReal* output) {
  return execute<double>(plan, CUFFT_Z2D, input, output);
}
