#!/usr/bin/env bash
# A small version of the M2M paper's comparison: puts recorded speech into simulated rooms, trains the same small TF-GridNet
# by PIT, M2M and UNSSOR with six microphones and by PIT and M2M with one, and scores all of them on held-out speakers in
# held-out rooms. 35 minutes a method on one core, as many methods at once as there are cores; 22 GB of rooms.
#
#   scripts/rooms.sh --speech FOLDER [--output DIR] [--epochs N] [--heart]
#
# FOLDER holds splits.csv (path,speaker,split) or a folder for each speaker; all results go to DIR (default runs/rooms), where
# a run that was stopped continues. N is the length of each training (default: the recipes'). --heart trains on four rooms
# for 2,000 epochs and scores the same four. SUNDER_PESQ_PROGRAM=PROGRAM adds PESQ.
set -euo pipefail
cd "$(dirname "$0")/.."

speech='' output=runs/rooms epochs=0 heart=no
while [ $# -gt 0 ]; do
  case "$1" in
    --speech) speech=${2:?--speech needs a folder}; shift 2 ;;
    --output) output=${2:?--output needs a folder}; shift 2 ;;
    --epochs) epochs=${2:?--epochs needs a number}; shift 2 ;;
    --heart) heart=yes; shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "rooms.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
done
[ -n "$speech" ] || { echo "rooms.sh: --speech FOLDER is required (see --help)" >&2; exit 2; }
[[ $epochs =~ ^[0-9]+$ ]] || { echo "rooms.sh: --epochs needs a whole number, got $epochs" >&2; exit 2; }
say() { printf '\n== %s\n' "$*"; }

say "Build"
scripts/setup.sh
cmake -S . -B build/release -G Ninja -DSUNDER_TESTS=OFF >/dev/null
cmake --build build/release --parallel "$(nproc)"
export PATH="$PWD/build/release/bin:$PATH"

say "Rooms"
counts=(--train 1000 --valid 40 --test 60 --min-seconds 4 --max-seconds 16) more=() split=test
if [ "$heart" = yes ]; then
  counts=(--train 4 --valid 4 --test 4 --min-seconds 2 --max-seconds 8) split=train
  more=(--set validation.every_epochs=100 --max-epochs $((epochs > 0 ? epochs : 2000)))
elif [ "$epochs" -gt 0 ]; then
  more=(--max-epochs "$epochs")
fi
[ -e "$output/set/sms_wsj.json" ] ||
  sunder-prepare rooms --speech "$speech" --output "$output/set" "${counts[@]}"

say "Training, $(nproc) at once (logs: $output/*.log)"
methods=(m2m-6ch unssor-6ch pit-6ch m2m-1ch pit-1ch)
declare -A running=()
failed=()
trap '[ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2>/dev/null || true' EXIT
waiting=("${methods[@]}")
for ((second = 1; ; ++second)); do
  for method in "${!running[@]}"; do
    kill -0 "${running[$method]}" 2>/dev/null && continue
    wait "${running[$method]}" || failed+=("$method")
    unset "running[$method]"
    echo "$method: $(tail -n 1 "$output/$method.log")"
  done
  while [ ${#waiting[@]} -gt 0 ] && [ ${#running[@]} -lt "$(nproc)" ]; do
    method=${waiting[0]} waiting=("${waiting[@]:1}")
    [ ! -e "$output/$method/results.md" ] || continue
    sunder-train-"${method%-*}" --config recipes/smswsj-ff-ct/sentences-small-"$method".toml --data "$output/set" \
      --output "$output/$method" --resume auto "${more[@]}" >"$output/$method.log" 2>&1 &
    running[$method]=$!
  done
  [ ${#running[@]} -gt 0 ] || break
  sleep 1
  ((second % 60 == 0)) || continue
  for method in "${!running[@]}"; do  # step, loss and ETA of each
    echo "$method: $(tail -n 1 "$output/$method.log" | cut -d' ' -f 4-)"
  done
done
[ ${#failed[@]} -eq 0 ] || { echo "rooms.sh: failed: ${failed[*]} (see the logs; run again to go on)" >&2; exit 1; }

say "Scoring on the $split rooms"
metrics=si_sdr,sdr,estoi
[ -z "${SUNDER_PESQ_PROGRAM:-}" ] || metrics+=,pesq_nb
for method in "${methods[@]}"; do
  echo "$method: $output/$method.html has the players and pictures"
  sunder-evaluate --model "$output/$method" --data "$output/set" --split "$split" --metrics "$metrics" \
    --oracles mixture --csv "$output/$method.csv" --html "$output/$method.html" >"$output/$method.md"
done
mean() { awk -F'|' -v score="$1" '{ gsub(/^ +| +$/, "", $2) } $2 == score { gsub(/ /, "", $3); print $3 }' "$2"; }
row() {  # NAME FILE SUFFIX of the scores' names
  printf '| %-10s |' "$1"
  for score in "SI-SDR$3 (dB)" "SDR$3 (dB)" "eSTOI$3" "PESQ narrow-band$3 (MOS)"; do
    printf ' %7s |' "$(mean "$score" "$2")"
  done
  echo
}
{
  echo "|            |  SI-SDR |     SDR |   eSTOI |    PESQ |"
  echo "| :--------- | ------: | ------: | ------: | ------: |"
  row mixture "$output/${methods[0]}.md" ", the mixture itself"
  for method in "${methods[@]}"; do row "$method" "$output/$method.md" ""; done
} | tee "$output/results.md"
