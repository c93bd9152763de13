#!/usr/bin/env bash
# Sets up and runs every test: the release build, then the unit tests under AddressSanitizer and
# UndefinedBehaviorSanitizer. Reference data is looked for in SUNDER_SHARED (default ../shared); tests that need it skip
# visibly without it, or fail where SUNDER_REQUIRE_SHARED=1.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1  # one cache for every clone
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"

cmake -S . -B build/release -G Ninja -DSUNDER_BENCHMARKS=ON
cmake --build build/release
ctest --test-dir build/release --output-on-failure

# One allocation per tensor, so that the sanitizer sees every overrun. Leak checking stays on.
cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DSUNDER_SANITIZE=address,undefined
cmake --build build/sanitize
SUNDER_POOL=off ctest --test-dir build/sanitize --output-on-failure -LE slow
