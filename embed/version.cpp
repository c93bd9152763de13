#include <string>

#include "embed/status.h"
#include "tensor/blas.h"
#include "tensor/cuda/runtime.h"
#include "tensor/simd.h"

using namespace sunder;

int sunder_abi_version() { return SUNDER_ABI_VERSION; }
const char* sunder_version() { return SUNDER_VERSION; }

const char* sunder_build_info() {
  static const std::string info = [] {
    std::string why;
    const int devices = cuda::device_count(&why);
    return fmt::format("sunder {}, {}, {}, CUDA: {}", SUNDER_VERSION,
#if defined(__clang__)
                       "Clang " __clang_version__,
#else
                       "GCC " __VERSION__,
#endif
                       simd_level(), devices > 0 ? fmt::format("{} devices", devices) : why);
  }();
  return info.c_str();
}

const char* sunder_status_name(sunder_status status) {
  switch (status) {
    case SUNDER_OK:
      return "ok";
    case SUNDER_FAILED:
      return "failed";
    case SUNDER_BAD_ARGUMENT:
      return "bad argument";
    case SUNDER_BAD_AUDIO:
      return "bad audio";
    case SUNDER_BAD_MODEL:
      return "bad model";
    case SUNDER_NO_DEVICE:
      return "no such device";
    case SUNDER_DEVICE_LOST:
      return "device lost";
    case SUNDER_OUT_OF_MEMORY:
      return "out of memory";
    case SUNDER_BUSY:
      return "session is in use by another thread";
    case SUNDER_CANCELLED:
      return "cancelled";
  }
  return "unknown status";
}

const char* sunder_last_error() { return embed::thread_message(); }
