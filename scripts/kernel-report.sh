#!/usr/bin/env bash
# Compiles the CUDA kernels for one architecture (sm_90, or the one given, e.g. 80) and prints what ptxas reports of each:
# registers, static shared memory, stack and spilled bytes. Fails on a warning, and where a kernel spills or has a stack
# frame and `reasons` below does not say why. Needs nvcc, no GPU.
set -euo pipefail

# As the compiler launcher of this build: keeps the compiler's messages beside the object.
if [ "${1:-}" = --compile ]; then
  shift
  object=$(sed -n 's/.* -o \([^ ]*\).*/\1/p' <<<"$*")
  "$@" 2>"$object.ptxas" && exit 0
  code=$?
  cat "$object.ptxas" >&2
  exit $code
fi

cd "$(dirname "$0")/.."
architecture=${1:-90}
build=build/kernels-$architecture
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"

# kernel (an awk pattern for its name) = why it may spill or have a stack frame
reasons='
'

cmake -S . -B "$build" -G Ninja -DSUNDER_CUDA=on -DCMAKE_CUDA_ARCHITECTURES="$architecture-real" -DSUNDER_TESTS=OFF \
  -DCMAKE_CUDA_FLAGS="-Xptxas -v" -DCMAKE_CUDA_COMPILER_LAUNCHER="$PWD/scripts/kernel-report.sh;--compile" >/dev/null
# What needs nvcc or CUDA's headers; the rest is as in any build.
ninja -C "$build" -t targets all | sed -n 's/^\(tensor\/.*\(\.cu\|\/cuda\/[a-z]*\.cpp\)\.o\): .*/\1/p' |
  xargs cmake --build "$build" --target

# "void sunder::cuda::(anonymous namespace)::sum_kernel<4, float>(float const*, long)": sum_kernel<4, float>
short_names() {
  c++filt | sed -E 's/^([0-9 ]+)(void )?/\1/; s/sunder::|cuda::|\(anonymous namespace\)::|\((int|bool)\)//g; s/\(.*//'
}

find "$build" -name '*.ptxas' -print0 | sort -z | xargs -0 cat |
  awk '/Function properties for/ { kernel = $NF }
    /bytes stack frame/ { match($0, /[0-9]+ bytes stack/); stack = $1; spills = $5 + $9 }
    /Used [0-9]+ registers/ {
      match($0, /[0-9]+ registers/); registers = substr($0, RSTART) + 0
      shared = match($0, /[0-9]+ bytes smem/) ? substr($0, RSTART) + 0 : 0
      print registers, shared, stack, spills, kernel
    }' | short_names | sort -k5 | uniq |
  awk -v reasons="$reasons" '
    BEGIN {
      count = split(reasons, lines, "\n")
      for (i = 1; i <= count; ++i)
        if ((at = index(lines[i], " = ")) > 0) why[substr(lines[i], 1, at - 1)] = substr(lines[i], at + 3)
      print "registers shared stack spilled kernel"
    }
    {
      name = $5; for (i = 6; i <= NF; ++i) name = name " " $i
      reason = ""
      if ($3 + $4 > 0) {
        for (pattern in why) if (name ~ pattern) { reason = why[pattern]; used[pattern] = 1 }
        if (reason == "") { reason = "NO REASON GIVEN"; ++failed }
      }
      printf "%9d %6d %5d %7d %s%s\n", $1, $2, $3, $4, name, reason == "" ? "" : "  # " reason
      ++kernels; if ($4 > 0) ++spilling; if ($3 > 0) ++framed; if ($1 > most) most = $1
    }
    END {
      for (pattern in why) if (!used[pattern]) { print "kernel-report: no kernel needs the reason for " pattern; ++failed }
      printf "%d kernels, at most %d registers, %d with a stack frame, %d that spill\n", kernels, most, framed, spilling
      exit failed > 0 || kernels == 0
    }'
