// Tests on a CUDA device: a real one, or the emulator.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tensor/cuda/runtime.h"

// Without a device a test skips, visibly; where SUNDER_REQUIRE_CUDA=1 it fails.
#define SUNDER_NEEDS_CUDA()                                       \
  if (std::string why; ::sunder::cuda::device_count(&why) == 0) { \
    const char* required = std::getenv("SUNDER_REQUIRE_CUDA");    \
    if (required && std::string(required) == "1") FAIL() << why;  \
    GTEST_SKIP() << why;                                          \
  }

namespace sunder {

inline constexpr Device first_cuda_device{Device::Kind::cuda, 0};

}  // namespace sunder
