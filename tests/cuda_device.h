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

// The same for tests of programs that run on the device SUNDER_DEVICE names.
#define SUNDER_NEEDS_DEVICE_OF_ENVIRONMENT() \
  if (const char* device = std::getenv("SUNDER_DEVICE"); device && device != std::string("cpu")) SUNDER_NEEDS_CUDA()

namespace sunder {

inline constexpr Device first_cuda_device{Device::Kind::cuda, 0};

}  // namespace sunder
