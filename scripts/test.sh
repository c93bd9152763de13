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
export CTEST_PARALLEL_LEVEL="${CTEST_PARALLEL_LEVEL:-$(nproc)}"

summaries=()
run_tests() {  # of build/NAME, with ctest's arguments
  ctest --test-dir "build/$1" --output-on-failure "${@:2}" | tee "build/$1/tests.log"
  summaries+=("$1: $(grep 'tests passed' "build/$1/tests.log")" "$(grep '^Total Test time' "build/$1/tests.log")")
}

cmake -S . -B build/release -G Ninja -DSUNDER_BENCHMARKS=ON
cmake --build build/release
run_tests release

# One allocation per tensor, so that the sanitizer sees every overrun. Leak checking stays on.
export SUNDER_POOL=off
cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DSUNDER_SANITIZE=address,undefined
cmake --build build/sanitize
run_tests sanitize -LE slow

# The .cu files as C++ on a CUDA device in software (tests/emulator). Its tally says how many kernels ran.
cmake -S . -B build/emulated -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DSUNDER_SANITIZE=address -DSUNDER_CUDA=emulated
cmake --build build/emulated --target cuda_tests
tally="$PWD/build/emulated/kernels.txt"
rm -f "$tally"
SUNDER_REQUIRE_CUDA=1 SUNDER_EMULATOR_TALLY="$tally" run_tests emulated -L cuda
# ctest's own log holds what every process said; each says how many cases it ran.
cases=$(sed -n 's/^\[==========\] \([0-9]*\) tests\? from .* ran\..*/\1/p' build/emulated/Testing/Temporary/LastTest.log |
  awk '{ sum += $1 } END { print sum }')
awk -v cases="$cases" '
  { launches += $1; sub(/^[0-9]+ /, ""); instances[$0] = 1; sub(/<.*/, ""); kernels[$0] = 1 }
  END {
    printf "cuda on the emulator: %d kernels (%d with their template arguments) ran %d times in %d cases\n",
           length(kernels), length(instances), launches, cases
  }' "$tally"

nvcc=$(PATH="$PATH:/usr/local/cuda/bin" command -v nvcc || true)
if [ -n "$nvcc" ]; then
  CUDACXX="$nvcc" scripts/kernel-report.sh
else
  echo "no nvcc: the kernels were not compiled for a GPU"
fi

printf '%s\n' "${summaries[@]}"
