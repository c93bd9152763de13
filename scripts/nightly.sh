#!/usr/bin/env bash
# Long test campaigns for the night. Fails if one finds something, and names what shows it.
#
#   scripts/nightly.sh [--only NAME,...] [--kills N] [--faults N] [--flips N] [--soak N] [--mutations N]
#                      [--fuzz-minutes N] [TARGET...]
#
#   kills      programs killed or stopped at N random moments (300), most of them trainings that then go on (tests/faults)
#   faults     calls to the system that fail, or kill the program: every call of every kind, or N of each (0: every one)
#   flips      N flipped bits (2000) in each file of a checkpoint
#   soak       N calls (10000) of the C API from each of 4 threads, and a twentieth of them under AddressSanitizer
#   hostile    N mutated files (500) of each kind, given to the programs under AddressSanitizer
#   threads    the tests under ThreadSanitizer, and the soak's calls from 4 threads
#   fuzz       libFuzzer on every file reader and on the C API (tests/fuzz), N minutes (30) for each TARGET, a folder of
#              tests/fuzz/corpus (default: all); the inputs that it keeps lie in build/fuzz/corpus and start the next run
#   bundle     the bundle in a bare Debian that is newer than the one it was made on (as root; debootstrap downloads it once
#              into build/systems), and the same bytes when it is made twice
#
# threads and fuzz need clang, which is installed on Debian and Ubuntu. The counts of kills, faults, flips and hostile are
# also in build/campaign.md.
set -euo pipefail
cd "$(dirname "$0")/.."

all=kills,faults,flips,soak,hostile,threads,fuzz,bundle
minutes=30 only=$all targets=() kills=300 faults=0 flips=2000 soak=10000 mutations=500
while [ $# -gt 0 ]; do
  case "$1" in
    --fuzz-minutes) minutes=${2:?--fuzz-minutes needs a number}; shift 2 ;;
    --only) only=${2:?--only needs some of $all}; shift 2 ;;
    --kills) kills=${2:?--kills needs a number}; shift 2 ;;
    --faults) faults=${2:?--faults needs a number}; shift 2 ;;
    --flips) flips=${2:?--flips needs a number}; shift 2 ;;
    --soak) soak=${2:?--soak needs a number}; shift 2 ;;
    --mutations) mutations=${2:?--mutations needs a number}; shift 2 ;;
    -h | --help) sed -n '2,20s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "nightly.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
for number in "fuzz-minutes $minutes" "kills $kills" "flips $flips" "soak $soak" "mutations $mutations"; do
  [[ $number =~ \ [1-9][0-9]*$ ]] || { echo "nightly.sh: --${number% *} needs a whole number, got ${number#* }" >&2; exit 2; }
done
[[ $faults =~ ^[0-9]+$ ]] || { echo "nightly.sh: --faults needs a whole number, got $faults" >&2; exit 2; }
wants() { [[ ,$only, == *,$1,* ]]; }
for name in ${only//,/ }; do
  [[ ,$all, == *,$name,* ]] || { echo "nightly.sh: --only needs some of $all, got $name" >&2; exit 2; }
done
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/corpus)
for target in "${targets[@]}"; do
  [ -d "tests/fuzz/corpus/$target" ] || { echo "nightly.sh: no target $target in tests/fuzz/corpus" >&2; exit 2; }
done
say() { printf '\n== %s\n' "$*"; }

scripts/setup.sh
works() {  # clang with the run-time libraries of the fuzzer and the sanitizers
  for flags in -fsanitize=fuzzer,address,undefined '-fsanitize=thread -shared'; do
    echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
      clang++ $flags -fPIC -x c++ - -o /dev/null 2>/dev/null || return 1
  done
}
if { wants threads || wants fuzz; } && ! works; then
  echo "installing clang libclang-rt-dev"
  sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends clang libclang-rt-dev >/dev/null
  works || { echo "nightly.sh: clang++ cannot build with -fsanitize=fuzzer or thread" >&2; exit 1; }
fi
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
configure() {
  cmake -S . -B "$1" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
    "${@:2}" >/dev/null
}
findings=() run=''
trap '[ -z "$run" ] || kill "$run" 2>/dev/null || true' EXIT

# Cases of tests/faults in the build of this name; how many, the environment says.
campaign() {  # NAME BUILD FILTER
  say "$1"
  local log=build/$2/campaign-$1.log
  "build/$2/bin/faults_test" --gtest_filter="$3" >"$log" || findings+=("$1: $(grep -c ': Failure$' "$log") failures in $log")
  grep '^tally|' "$log" >>build/tallies || true
}
rm -f build/tallies
# The C API's clients on four threads, in the build of this name.
soak() {  # BUILD CALLS
  say "soak in build/$1"
  "build/$1/bin/soak" 4 "$2" || findings+=("soak in build/$1: see above")
}
if wants kills || wants faults || wants flips || wants soak; then
  say "Building"
  cmake -S . -B build/release -G Ninja >/dev/null
  release=()
  if wants kills || wants faults || wants flips; then release+=(faults_test); fi
  if wants soak; then release+=(soak); fi
  cmake --build build/release --target "${release[@]}"
  if wants soak; then soak release "$soak"; fi
  if wants kills; then KILLS=$kills campaign kills release 'Kills.*'; fi
  if wants faults; then FAULTS_OF_A_KIND=$faults campaign faults release '*Faults.*'; fi
  if wants flips; then FLIPS=$flips FLIPS_OF_RUNS=$(((flips + 99) / 100)) campaign flips release 'Flips.*'; fi
fi
if wants bundle; then
  say "Bundle"
  if [ "$(id -u)" -eq 0 ] && ! command -v debootstrap >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends debootstrap >/dev/null
  fi
  cmake -S . -B build/release -G Ninja >/dev/null
  cmake --build build/release --target install_test sunder_help sunder sunder_static
  SUNDER_BUNDLE_CHROOT=$PWD/build/systems build/release/bin/install_test --gtest_filter='Bundle.*' |
    tee build/release/bundle.log || findings+=("bundle: see build/release/bundle.log")
  if grep -q '^\[  SKIPPED' build/release/bundle.log; then findings+=("bundle: tests were skipped, see build/release/bundle.log"); fi
  for name in one two; do scripts/bundle.sh --build build/release --output "build/$name.tar.gz"; done
  cmp build/one.tar.gz build/two.tar.gz || findings+=("bundle: build/one.tar.gz and build/two.tar.gz differ")
fi
export SUNDER_POOL=off  # one allocation per tensor
if wants hostile || wants soak; then
  say "Building with sanitizers"
  cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
    -DSUNDER_SANITIZE=address,undefined >/dev/null
  sanitized=()
  if wants hostile; then sanitized+=(faults_test); fi
  if wants soak; then sanitized+=(soak); fi
  cmake --build build/sanitize --target "${sanitized[@]}"
  if wants soak; then soak sanitize $(((soak + 19) / 20)); fi
  if wants hostile; then MUTATIONS=$mutations FINDINGS=$PWD/build/sanitize/findings campaign hostile sanitize 'Hostile.*'; fi
fi
if [ -f build/tallies ]; then
  awk -F'|' '
    BEGIN { print "| what | of | tried | survived |\n| --- | --- | ---: | ---: |" }
    $2 != kind && kind { printf "| **%s** | | **%d** | **%d** |\n", kind, tried, survived; tried = survived = 0 }
    { kind = $2; tried += $4; survived += $5; printf "| %s | %s | %d | %d |\n", $2, $3, $4, $5 }
    END { printf "| **%s** | | **%d** | **%d** |\n", kind, tried, survived }' build/tallies | tee build/campaign.md
fi

if wants threads; then
  say "ThreadSanitizer"
  configure build/threads -DSUNDER_SANITIZE=thread
  cmake --build build/threads
  # OpenBLAS and other libraries are not instrumented. Three tests are left out: the sanitizer delivers signals late and
  # cannot run where no file may grow.
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 allocator_may_return_null=1" \
    ctest --test-dir build/threads --output-on-failure -LE slow \
    -E 'Signals\.TheFirst|SeparateTest\.ResultsAreReplacedWhole|OutputTest\.AFullDisk' ||
    findings+=("ThreadSanitizer: see above")
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 allocator_may_return_null=1" soak threads 500
fi

# The latest state in a log: executions, edges of the control flow, inputs kept.
state() {
  awk '/^#[0-9]+/ { runs = substr($1, 2); for (i = 2; i < NF; ++i) { if ($i == "cov:") edges = $(i + 1)
                    if ($i == "corp:") { split($(i + 1), kept, "/"); corpus = kept[1] } } }
       /^stat::number_of_executed_units:/ { runs = $2 }
       END { printf "%d executions, %d edges, %d inputs kept", runs, edges, corpus }' "$1"
}

if wants fuzz; then
  say "Fuzzing, $minutes minutes for each of: ${targets[*]}"
  configure build/fuzz -DSUNDER_FUZZ=on
  cmake --build build/fuzz --target "${targets[@]/#/fuzz_}"
  for target in "${targets[@]}"; do
    kept=build/fuzz/corpus/$target found=build/fuzz/findings/$target log=build/fuzz/$target.log
    rm -rf "$found"
    mkdir -p "$kept" "$found"
    build/fuzz/bin/fuzz_"$target" -max_total_time=$((60 * minutes)) -timeout=20 -rss_limit_mb=2048 \
      -malloc_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$found/" "$kept" "tests/fuzz/corpus/$target" \
      >"$log" 2>&1 &
    run=$!
    for ((minute = 1; minute <= minutes; ++minute)); do
      for ((second = 0; second < 60; ++second)); do
        kill -0 "$run" 2>/dev/null && sleep 1 || break 2
      done
      echo "$target, minute $minute of $minutes: $(state "$log")"
    done
    wait "$run" || findings+=("fuzz_$target: $(ls "$found"/* 2>/dev/null || echo no input), log $log")
    echo "$target: $(state "$log"), $(find "$found" -type f | wc -l) findings"
    run=''
  done
fi

if [ ${#findings[@]} -gt 0 ]; then
  say "Findings"
  printf '%s\n' "${findings[@]}"
  exit 1
fi
say "Nothing found"
