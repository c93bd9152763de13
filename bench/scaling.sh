#!/usr/bin/env bash
# Training over several processes: what the sum over the ranks costs.
#
#   bench/scaling.sh [--build DIR] [--ranks "1 2 4"] [--steps N] [--mpi]
#       measures weak scaling on this machine: one thread and the same number of inputs for every process; prints inputs
#       per second and the efficiency against one process. Over sockets, or with --mpi over MPI. The machine must be idle.
#   bench/scaling.sh --model
#       computes the table of docs/scaling.md.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { echo "scaling.sh: $*" >&2; exit 2; }
build=build/release ranks='1 2' steps=60 mpi='' model=''
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build=${2:?--build needs a folder}; shift 2 ;;
    --ranks) ranks=${2:?--ranks needs numbers}; shift 2 ;;
    --steps) steps=${2:?--steps needs a number}; shift 2 ;;
    --mpi) mpi=1; shift ;;
    --model) model=1; shift ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) usage "unknown argument $1 (see --help)" ;;
  esac
done

# A ring of R: 2 (R - 1) messages of S / R bytes one after the other, each with a latency, at the speed of its slowest link.
# A ring in the machines and one between them: 8 GPUs in a machine sum first, then each R / 8 over the machines.
if [ -n "$model" ]; then
  awk 'function ring(n, bytes, rate, latency) { return n < 2 ? 0 : 2 * (n - 1) / n * bytes / rate + 2 * (n - 1) * latency }
    BEGIN {
      inside = 450e9; inside_latency = 3e-6; latency = 10e-6
      split("Conv-TasNet, 9.8 MB|TF-GridNet, 22.7 MB", names, "|"); split("9.8e6 22.7e6", bytes, " ")
      split("50e9 12.5e9", rates, " ")
      split("1.51 65", steps, " ")  # measured on one H200: bench/results/2026-11-26-h200.md
      print "| network | between machines | 8 | 16 | 32 | 64 | 128 | 256 | 512 |"
      print "| --- | --- | --: | --: | --: | --: | --: | --: | --: |"
      for (n = 1; n <= 2; n++) for (r = 1; r <= 2; r++) {
        line = sprintf("| %s, a step of %s ms | %s GB/s a machine |", names[n], steps[n], rates[r] / 1e9)
        for (gpus = 8; gpus <= 512; gpus *= 2) {
          # Of the eight sums of a part, all go over the one link of their machine.
          s = ring(8, bytes[n], inside, inside_latency) + ring(gpus / 8, bytes[n], rates[r], latency)
          line = line sprintf(" %.2f ms, %.0f %% |", 1000 * s, 100 * steps[n] / (steps[n] + 1000 * s))
        }
        print line
      }
    }'
  exit 0
fi

programs=$(realpath "$build")/bin
[ -x "$programs/sunder-train-pit" ] || usage "--build: expected sunder-train-pit in $programs"
[ -z "$mpi" ] || [ -e "$programs/sunder-mpi.so" ] || usage "--mpi: the build has no MPI (SUNDER_MPI)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
inputs=8 # of each process in a step

# Noise: what a step takes does not depend on what it hears.
mkdir "$folder/speech"
echo path,speaker,split >"$folder/speech/splits.csv"
for split in train valid test; do
  for speaker in 1 2; do
    name=$split$speaker.wav
    { printf 'RIFF\x24\x7d\x02\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x7d\x02\x00'
      head -c 163072 /dev/urandom; } >"$folder/speech/$name"
    echo "$name,$split$speaker,$split" >>"$folder/speech/splits.csv"
  done
done

echo '| processes | inputs a second | efficiency |'
echo '| --: | --: | --: |'
for count in $ranks; do
  batch=$((inputs * count))
  "$programs/sunder-prepare" sc09mix --corpus "$folder/speech" --output "$folder/set$count" --train $((batch * steps)) \
    --valid 2 --test 2 --seconds 1 --threads 1 >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
  command=("$programs/sunder-train-pit" --data "$folder/set$count" --output "$folder/run$count" --threads 1 --batch "$batch"
    --max-epochs 1 --set train.log_seconds=0)
  if [ "$count" -gt 1 ] && [ -n "$mpi" ]; then
    mpirun --allow-run-as-root --oversubscribe -n "$count" "${command[@]}" >"$folder/log" 2>&1
  else
    others=()
    for ((rank = count - 1; rank >= 0; --rank)); do
      env RANK="$rank" WORLD_SIZE="$count" LOCAL_RANK="$rank" MASTER_ADDR=localhost MASTER_PORT=29517 "${command[@]}" \
        >"$folder/log$rank" 2>&1 &
      others+=($!)
    done
    for process in "${others[@]}"; do wait "$process" || { cat "$folder"/log* >&2; exit 1; }; done
    cp "$folder/log0" "$folder/log"
  fi
  # The median of the steps after the first ten.
  speed=$(sed -n 's/.*inputs_per_second=\([0-9.]*\).*/\1/p' "$folder/log" | tail -n +11 | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
  first=${first:-$(echo "$speed $count" | awk '{ print $1 / $2 }')}
  echo "$speed $count $first" | awk '{ printf "| %d | %.1f | %.0f %% |\n", $2, $1, 100 * $1 / ($2 * $3) }'
done
