#include "tensor/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string_view>

#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder::blas {
namespace {

// CBLAS's constants and calling convention (netlib.org/blas/cblas.h).
constexpr int row_major = 101, no_transpose = 111, transposed = 112;
template <class T>
using Gemm = void(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);

// OpenBLAS is loaded, not linked, because it picks its kernels while it is being loaded and Debian 12's release does not
// know processors made after it: on a Zen 5 with AVX-512 it takes the Haswell kernels, at half the speed. The
// environment variable that corrects this has to be set before.
struct Library {
  Gemm<float>* sgemm;
  Gemm<double>* dgemm;
  char* (*core_name)();

  Library() {
    if (std::string_view(simd_level()) == "avx512") setenv("OPENBLAS_CORETYPE", "SkylakeX", /*overwrite=*/0);
    void* handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle) throw_error("OpenBLAS cannot be loaded ({}): install libopenblas0-pthread", dlerror());
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
      if (!function) throw_error("libopenblas.so.0 has no {}", name);
    };
    find(sgemm, "cblas_sgemm");
    find(dgemm, "cblas_dgemm");
    find(core_name, "openblas_get_corename");
    void (*set_num_threads)(int);
    find(set_num_threads, "openblas_set_num_threads");
    set_num_threads(1);
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

template <class T>
void call(Gemm<T>* gemm, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  gemm(row_major, transpose_a ? transposed : no_transpose, transpose_b ? transposed : no_transpose,
       static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), alpha, a, static_cast<int>(lda), b,
       static_cast<int>(ldb), beta, c, static_cast<int>(ldc));
}

}  // namespace

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
          const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  call(library().sgemm, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
          int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  call(library().dgemm, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

const char* core_name() { return library().core_name(); }

}  // namespace sunder::blas
