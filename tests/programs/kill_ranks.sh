#!/usr/bin/env bash
# Kills random ranks of a training at random moments, again and again; every time it must end by itself, and after all of
# it the run must have the bits of an undisturbed one.
#
#   tests/programs/kill_ranks.sh [--build DIR] [--kills N] [--ranks N] [--seed N] [--mpi]
set -euo pipefail
cd "$(dirname "$0")/../.."

build=build/release kills=20 ranks=3 seed=1 mpi=''
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build=${2:?}; shift 2 ;;
    --kills) kills=${2:?}; shift 2 ;;
    --ranks) ranks=${2:?}; shift 2 ;;
    --seed) seed=${2:?}; shift 2 ;;
    --mpi) mpi=1; shift ;;
    *) echo "kill_ranks.sh: unknown argument $1" >&2; exit 2 ;;
  esac
done
RANDOM=$seed
programs=$(realpath "$build")/bin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/speech"
echo path,speaker,split >"$folder/speech/splits.csv"
for split in train valid test; do
  for speaker in 1 2 3; do
    name=$split$speaker.wav
    { printf 'RIFF\x24\x7d\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x7d\x00\x00'
      awk -v n="$split$speaker" 'BEGIN { srand(length(n) * 100 + substr(n, length(n))); for (i = 0; i < 32000; ++i) printf "%c", 32 + int(rand() * 90) }' | head -c 32000; } >"$folder/speech/$name"
    echo "$name,$split$speaker,$split" >>"$folder/speech/splits.csv"
  done
done
"$programs/sunder-prepare" sc09mix --corpus "$folder/speech" --output "$folder/set" --train 2400 --valid 7 --test 2 --seconds 0.25 \
  --threads 1 >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }

start() {  # RUN: sets `processes`, the last of which is the launcher or rank 0
  local command=("$programs/sunder-train-mixcycle" --data "$folder/set" --output "$folder/$1" --resume auto --threads 1 --batch
    $((2 * ranks)) --max-epochs 6 --set mixcycle.init_epochs=2 --set train.checkpoint_minutes=0.005 --set train.log_seconds=0
    --set train.rank_timeout=20)
  for key in n_fft=128 hop_length=32 num_feats=8 num_hidden=16 num_layers=2 num_stacks=1; do command+=(--set "model.$key"); done
  processes=()
  if [ -n "$mpi" ]; then
    mpirun --allow-run-as-root --oversubscribe -n "$ranks" "${command[@]}" >"$folder/said0" 2>&1 &
    processes=($!)
  else
    local port=$((20000 + RANDOM % 10000))
    for ((rank = ranks - 1; rank >= 0; --rank)); do
      RANK=$rank WORLD_SIZE=$ranks LOCAL_RANK=$rank MASTER_ADDR=localhost MASTER_PORT=$port "${command[@]}" >"$folder/said$rank" 2>&1 &
      processes+=($!)
    done
  fi
}
finish() {  # sets `codes`; none may still run after a minute
  codes=()
  local process deadline=$((SECONDS + 60))
  for process in "${processes[@]}"; do
    while kill -0 "$process" 2>/dev/null; do
      [ $SECONDS -lt $deadline ] || { echo "kill_ranks.sh: rank hangs: process $process" >&2; tail -5 "$folder"/said* >&2; exit 1; }
      sleep 0.05
    done
    local code=0
    wait "$process" 2>/dev/null || code=$?
    codes+=($code)
  done
}

start whole
finish
[ "${codes[*]}" = "$(printf '0 %.0s' "${processes[@]}" | sed 's/ $//')" ] || { tail -5 "$folder"/said* >&2; exit 1; }

sums() { (cd "$folder/$1/checkpoints/last" && sha256sum model.safetensors optimizer.safetensors); }
expected=$(sums whole)
compare() { [ "$(sums killed)" = "$expected" ] || { echo "kill_ranks.sh: other bits than those of an undisturbed run" >&2; exit 1; }; }

killed=0 round=0
while [ $killed -lt "$kills" ]; do
  round=$((round + 1))
  start killed
  sleep "$((RANDOM % 2)).$(printf '%03d' $((RANDOM % 1000)))"
  victims=("${processes[@]}")
  [ -z "$mpi" ] || mapfile -t victims < <(pgrep -P "${processes[0]}")
  if [ ${#victims[@]} -gt 0 ]; then kill -KILL "${victims[$((RANDOM % ${#victims[@]}))]}" 2>/dev/null || true; fi
  finish
  step=$(readlink "$folder/killed/checkpoints/last" 2>/dev/null || echo none)
  echo "round $round: exit codes ${codes[*]}, last checkpoint ${step#step-}"
  if [ -n "$(printf '%s' "${codes[@]}" | tr -d 0)" ]; then
    killed=$((killed + 1))
  else  # it was done: another one
    compare
    rm -r "$folder/killed"
  fi
done
start killed
finish
compare
echo "$killed kills ended the run, each time by itself, and the run that was resumed has the bits of an undisturbed one"
