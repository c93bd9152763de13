#include "tensor/cuda/fft.h"

#include <cufft.h>

#include <mutex>

#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/recently_used.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

struct Key {
  int64_t n_fft, batch;
  DType dtype;  // of the spectra
  bool forward;
  Stream stream;
  bool operator==(const Key&) const = default;
};

// The work area is not part of a plan. Every call takes one from the stream's memory pool, so an idle plan holds only
// its tables, and a captured graph has the work area in its own arena.
class Plan {
 public:
  explicit Plan(const Key& key) : key_(key) {
    SUNDER_CUDA_CHECK(cufftCreate(&handle_));
    try {
      make();
    } catch (...) {
      static_cast<void>(cufftDestroy(handle_));
      throw;
    }
  }
  ~Plan() {
    const DeviceScope scope(key_.stream.device, std::nothrow);
    static_cast<void>(cufftDestroy(handle_));
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const Key& key() const { return key_; }

  void run(std::byte* rows) const {
    const Tensor work = Tensor::empty({static_cast<int64_t>(work_bytes_ + 7) / 8}, DType::float64, key_.stream);
    SUNDER_CUDA_CHECK(cufftSetWorkArea(handle_, work.raw()));  // also where none is needed: it must have been set
    const bool single = key_.dtype == DType::complex64;
    if (single && key_.forward) SUNDER_CUDA_CHECK(cufftExecR2C(handle_, as<cufftReal>(rows), as<cufftComplex>(rows)));
    else if (single) SUNDER_CUDA_CHECK(cufftExecC2R(handle_, as<cufftComplex>(rows), as<cufftReal>(rows)));
    else if (key_.forward)
      SUNDER_CUDA_CHECK(cufftExecD2Z(handle_, as<cufftDoubleReal>(rows), as<cufftDoubleComplex>(rows)));
    else SUNDER_CUDA_CHECK(cufftExecZ2D(handle_, as<cufftDoubleComplex>(rows), as<cufftDoubleReal>(rows)));
  }

  Captures captured;

 private:
  template <class T>
  static T* as(std::byte* rows) {
    return reinterpret_cast<T*>(rows);
  }

  void make() {
    SUNDER_CUDA_CHECK(cufftSetAutoAllocation(handle_, 0));
    const bool single = key_.dtype == DType::complex64;
    const cufftType type = key_.forward ? (single ? CUFFT_R2C : CUFFT_D2Z) : (single ? CUFFT_C2R : CUFFT_Z2D);
    long long n = key_.n_fft, bins = n / 2 + 1, reals = 2 * bins;
    const bool forward = key_.forward;
    SUNDER_CUDA_CHECK(cufftMakePlanMany64(handle_, 1, &n, forward ? &reals : &bins, 1, forward ? reals : bins,
                                          forward ? &bins : &reals, 1, forward ? bins : reals, type, key_.batch,
                                          &work_bytes_));
    SUNDER_CUDA_CHECK(cufftSetStream(handle_, native(key_.stream)));
  }

  Key key_;
  cufftHandle handle_ = 0;
  size_t work_bytes_ = 0;
};

RecentlyUsed<Plan>& plans() {
  static auto* const all = new RecentlyUsed<Plan>(fft_plan_limit);  // never destroyed, as the driver may go first
  return *all;
}

void transform(const Tensor& rows, int64_t n_fft, bool forward) {
  if (rows.numel() == 0 || n_fft == 1) return;  // one sample is its own spectrum
  SUNDER_ASSERT(is_complex(rows.dtype()) && rows.size(-1) == n_fft / 2 + 1);
  const Stream stream = rows.stream();
  const DeviceScope scope(stream.device);
  const std::lock_guard lock(plans().mutex());  // a plan's work area is set for one call at a time
  plans().use(Key{n_fft, rows.numel() / rows.size(-1), rows.dtype(), forward, stream}).run(rows.raw());
}

}  // namespace

void fft_forward(const Tensor& rows, int64_t n_fft) { transform(rows, n_fft, true); }
void fft_inverse(const Tensor& rows, int64_t n_fft) { transform(rows, n_fft, false); }

size_t fft_plan_count() {
  const std::lock_guard lock(plans().mutex());
  return plans().size();
}

void clear_fft_plans() {
  const std::lock_guard lock(plans().mutex());
  plans().clear();
}

void forget_fft_plans(Stream stream) {
  const std::lock_guard lock(plans().mutex());
  plans().forget([&](const Key& key) { return key.stream == stream; });
}

}  // namespace sunder::cuda
