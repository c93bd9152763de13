#!/usr/bin/env bash
# Sets up and runs every test: the release build, then the unit tests under AddressSanitizer and
# UndefinedBehaviorSanitizer, then the CUDA tests on the emulator under AddressSanitizer; where nvcc is found, the
# kernels are compiled for sm_90. Reference data is looked for in SUNDER_SHARED (default ../shared); tests that need it
# skip visibly without it, or fail where SUNDER_REQUIRE_SHARED=1.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1  # one cache for every clone
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"

cmake -S . -B build/release -G Ninja -DSUNDER_BENCHMARKS=ON
cmake --build build/release
ctest --test-dir build/release --output-on-failure

# One allocation per tensor, so that the sanitizer sees every overrun. Leak checking stays on.
export SUNDER_POOL=off
cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DSUNDER_SANITIZE=address,undefined
cmake --build build/sanitize
ctest --test-dir build/sanitize --output-on-failure -LE slow

# The .cu files as C++ on a CUDA device in software (tests/emulator). Its tally says how many kernels ran.
cmake -S . -B build/emulated -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DSUNDER_SANITIZE=address -DSUNDER_CUDA=emulated
cmake --build build/emulated --target cuda_tests
results="$PWD/build/emulated/results"
rm -rf "$results"
mkdir "$results"
SUNDER_REQUIRE_CUDA=1 SUNDER_EMULATOR_TALLY="$results/kernels.txt" GTEST_OUTPUT="xml:$results/" \
  ctest --test-dir build/emulated --output-on-failure -L cuda
tests=$(sed -n 's/^<testsuites tests="\([0-9]*\)".*/\1/p' "$results"/*.xml | awk '{ sum += $1 } END { print sum }')
awk -v tests="$tests" '
  { launches += $1; sub(/^[0-9]+ /, ""); instances[$0] = 1; sub(/<.*/, ""); kernels[$0] = 1 }
  END {
    printf "cuda on the emulator: %d kernels (%d with their template arguments) ran %d times in %d tests\n",
           length(kernels), length(instances), launches, tests
  }' "$results/kernels.txt"

nvcc=$(PATH="$PATH:/usr/local/cuda/bin" command -v nvcc || true)
if [ -n "$nvcc" ]; then
  CUDACXX="$nvcc" scripts/kernel-report.sh
else
  echo "no nvcc: the kernels were not compiled for a GPU"
fi
