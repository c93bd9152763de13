#!/usr/bin/env bash
# The M2M paper's comparison with small networks: puts recorded speech into simulated rooms, trains the same small
# TF-GridNet by PIT, M2M, UNSSOR and UNSSOR with virtual microphones on six microphones and by PIT and M2M on one, scores all of them
# and AuxIVA, which needs no training, on held-out speakers in held-out rooms, and separates two held-out recordings into
# WAV files and spectrograms. Half an hour to an hour a training on one core, as many at once as there are cores.
#
#   scripts/rooms.sh --speech FOLDER [--output DIR] [--seeds N] [--epochs N] [--only ROW,...] [--heart]
#
# FOLDER holds splits.csv (path,speaker,split) or a folder for each speaker; all results go to DIR (default runs/rooms), where
# a run that was stopped continues. --seeds trains every six-microphone row N times (default 1). --epochs is the length
# of each training (default: the recipes'). --only trains and scores some rows: unssor-6ch, unssor-virtual-6ch, m2m-6ch,
# pit-6ch, m2m-1ch, pit-1ch. --heart trains on four rooms for 500 epochs and scores the same four.
# SUNDER_PESQ_PROGRAM=PROGRAM adds PESQ.
set -euo pipefail
cd "$(dirname "$0")/.."

speech='' output=runs/rooms seeds=1 epochs=0 heart=no
rows=(unssor-6ch unssor-virtual-6ch m2m-6ch pit-6ch m2m-1ch pit-1ch)
while [ $# -gt 0 ]; do
  case "$1" in
    --speech) speech=${2:?--speech needs a folder}; shift 2 ;;
    --output) output=${2:?--output needs a folder}; shift 2 ;;
    --seeds) seeds=${2:?--seeds needs a number}; shift 2 ;;
    --epochs) epochs=${2:?--epochs needs a number}; shift 2 ;;
    --only) IFS=, read -r -a rows <<<"${2:?--only needs rows}"; shift 2 ;;
    --heart) heart=yes; shift ;;
    -h | --help) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "rooms.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
done
[ -n "$speech" ] || { echo "rooms.sh: --speech FOLDER is required (see --help)" >&2; exit 2; }
for number in "$seeds" "$epochs"; do
  [[ $number =~ ^[0-9]+$ ]] || { echo "rooms.sh: --seeds and --epochs need whole numbers, got $number" >&2; exit 2; }
done
recipe() { echo "recipes/smswsj-ff-ct/sentences-small-$1.toml"; }
for row in "${rows[@]}"; do
  [ -e "$(recipe "$row")" ] || { echo "rooms.sh: --only: there is no row $row (see --help)" >&2; exit 2; }
done
say() { printf '\n== %s\n' "$*"; }

say "Build"
scripts/setup.sh
cmake -S . -B build/release -G Ninja -DSUNDER_TESTS=OFF >/dev/null
cmake --build build/release --parallel "$(nproc)"
export PATH="$PWD/build/release/bin:$PATH"

say "Rooms"
counts=(--train 1000 --valid 40 --test 60) more=() split=test
if [ "$heart" = yes ]; then
  counts=(--train 4 --valid 4 --test 4) split=train
  more=(--set validation.every_epochs=25 --max-epochs $((epochs > 0 ? epochs : 500)))
elif [ "$epochs" -gt 0 ]; then
  more=(--max-epochs "$epochs")
fi
[ -e "$output/set/sms_wsj.json" ] ||
  sunder-prepare rooms --speech "$speech" --output "$output/set" "${counts[@]}" --min-seconds 4 --max-seconds 16

# Every run is ROW-SEED; rows with one microphone are trained once.
runs=()
for ((seed = 0; seed < seeds; ++seed)); do
  for row in "${rows[@]}"; do
    [[ $row == *-1ch && $seed -gt 0 ]] || runs+=("$row-$seed")
  done
done

say "Training ${#runs[@]} networks, $(nproc) at once (logs: $output/*.log)"
declare -A running=()
failed=()
trap '[ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2>/dev/null || true' EXIT
waiting=("${runs[@]}")
for ((second = 1; ; ++second)); do
  for run in "${!running[@]}"; do
    kill -0 "${running[$run]}" 2>/dev/null && continue
    wait "${running[$run]}" || failed+=("$run")
    unset "running[$run]"
    echo "$run: $(tail -n 1 "$output/$run.log")"
  done
  while [ ${#waiting[@]} -gt 0 ] && [ ${#running[@]} -lt "$(nproc)" ]; do
    run=${waiting[0]} waiting=("${waiting[@]:1}")
    [ ! -e "$output/$run/results.md" ] || continue
    sunder-train-"${run%%-*}" --config "$(recipe "${run%-*}")" --data "$output/set" --seed "${run##*-}" \
      --output "$output/$run" --resume auto "${more[@]}" >"$output/$run.log" 2>&1 &
    running[$run]=$!
  done
  [ ${#running[@]} -gt 0 ] || break
  sleep 1
  ((second % 60 == 0)) || continue
  for run in "${!running[@]}"; do  # step, loss and ETA of each
    echo "$run: $(tail -n 1 "$output/$run.log" | cut -d' ' -f 4-)"
  done
done
[ ${#failed[@]} -eq 0 ] || { echo "rooms.sh: failed: ${failed[*]} (see the logs; run again to go on)" >&2; exit 1; }

say "Scoring on the $split rooms"
metrics=si_sdr,sdr,estoi,bin_order
[ -z "${SUNDER_PESQ_PROGRAM:-}" ] || metrics+=,pesq_nb
for run in "${runs[@]}"; do
  [ ! -e "$output/$run.md" ] || continue
  echo "$run: $output/$run.html has the players and pictures"
  oracles=none
  [ "$run" != "${runs[0]}" ] || oracles=mixture,auxiva
  sunder-evaluate --model "$output/$run" --data "$output/set" --split "$split" --metrics "$metrics" --oracles "$oracles" \
    --csv "$output/$run.csv" --html "$output/$run.html" --results "$output/$run.md" >/dev/null
done

# score LABEL FILE...: the mean of a score over runs, and of several runs the lowest and the highest.
score() {
  awk -F'|' -v score="$1" '{ gsub(/^ +| +$/, "", $2) }
    $2 == score { gsub(/ /, "", $3); sum += $3; if (!n || $3 < low) low = $3; if (!n || $3 > high) high = $3; ++n
                  text = $3 }
    END { if (n > 1) { digits = length(text) - index(text, "."); f = "%." digits "f"
                       text = sprintf(f " (" f " .. " f ")", sum / n, low, high) } print text }' "${@:2}"
}
row() {  # NAME SUFFIX FILE...
  printf '| %-18s |' "$1"
  for name in "SI-SDR$2 (dB)" "SDR$2 (dB)" "eSTOI$2" "PESQ narrow-band$2 (MOS)" "bins in order$2"; do
    printf ' %s |' "$(score "$name" "${@:3}")"
  done
  echo
}
{
  echo "|                    |  SI-SDR |     SDR |   eSTOI |    PESQ | bins in order |"
  echo "| :----------------- | ------: | ------: | ------: | ------: | ------------: |"
  row mixture ", the mixture itself" "$output/${runs[0]}.md"
  row AuxIVA ", AuxIVA, without training" "$output/${runs[0]}.md"
  for row in "${rows[@]}"; do row "$row" "" "$output/$row"-[0-9]*.md; done
} | tee "$output/results.md"

say "Two of the recordings, separated by every row"
mapfile -t recordings < <(find "$output"/set/observation/"$([ $split = test ] && echo test || echo train)"* -name '*.wav' |
  sort -V | head -n 2)
for row in "${rows[@]}"; do
  channel=()
  [[ $row != *-1ch ]] || channel=(--channel 1)
  sunder-separate --model "$output/$row-0" "${channel[@]}" "${recordings[@]}" -o "$output/separated/$row" --force >/dev/null
done
echo "listen to $output/separated/*/*.wav and look at the spectrograms beside them"
