#include "tensor/ops/copy_all.h"

#include "tensor/cuda/kernel.cuh"

// Floor: every element read and written once. Slices of the flat buffer may begin anywhere, so accesses are one element
// per lane, whole cache lines per warp. The table of addresses is passed in the kernel's arguments, of which every
// device takes 4 KiB.
namespace sunder::cuda {
namespace {

constexpr int max_copies = 160, elements_per_block = 16 * block_size;

template <class T>
struct Copy {
  const T* from;
  T* to;
  int length, first_block;
};

template <class T>
struct Copies {
  Copy<T> at[max_copies];
  int64_t count = 0;  // as wide as a pointer: GCC 12's __builtin_clear_padding, which the emulator uses, errs where an
                      // array is followed by padding
};
static_assert(sizeof(Copies<float>) <= 4096);

template <class T>
__global__ void copy_all_kernel(Copies<T> copies) {
  const int block = static_cast<int>(blockIdx.x);
  int low = 0, high = static_cast<int>(copies.count);  // the copy whose blocks this one is among
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (copies.at[middle].first_block <= block) low = middle;
    else high = middle;
  }
  const Copy<T>& copy = copies.at[low];
  const int64_t begin = static_cast<int64_t>(block - copy.first_block) * elements_per_block;
#pragma unroll 4
  for (int i = threadIdx.x; i < elements_per_block; i += block_size)
    if (begin + i < copy.length) copy.to[begin + i] = copy.from[begin + i];
}

template <class T>
void copy_range(const std::vector<Tensor>& sources, const std::vector<Tensor>& targets, size_t begin, size_t end) {
  Copies<T> copies{};
  int64_t blocks = 0;
  for (size_t i = begin; i < end; ++i) {
    const int64_t reals = sources[i].numel() * (is_complex(sources[i].dtype()) ? 2 : 1);
    if (reals > std::numeric_limits<int>::max()) {
      targets[i].copy_from(sources[i]);
      continue;
    }
    if (reals == 0) continue;
    copies.at[copies.count++] = {reinterpret_cast<const T*>(sources[i].raw()), reinterpret_cast<T*>(targets[i].raw()),
                                 static_cast<int>(reals), static_cast<int>(blocks)};
    blocks += ceil_div(reals, elements_per_block);
  }
  launch(copy_all_kernel<T>, dim3(static_cast<unsigned>(blocks)), dim3(block_size), 0, sources[begin].stream(), copies);
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::copy_all(const std::vector<Tensor>& sources, const std::vector<Tensor>& targets) {
  visit_real("copy_all", real_of(sources[0].dtype()), [&]<class T>() {
    for (size_t begin = 0; begin < sources.size(); begin += max_copies)
      copy_range<T>(sources, targets, begin, std::min(begin + max_copies, sources.size()));
  });
}

}  // namespace sunder
