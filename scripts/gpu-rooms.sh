#!/usr/bin/env bash
# Ten minutes of one GPU for the M2M paper's table at the paper's size: makes rooms of recorded speech, trains the paper's network by
# PIT, M2M and UNSSOR on six microphones for two and a half minutes each, and scores the three on held-out speakers in held-out rooms,
# all on the device. It builds nothing: the programs are those of a CUDA build, or of an archive that was carried along.
#
#   scripts/gpu-rooms.sh --speech FOLDER [--programs DIR] [--output DIR] [--minutes N] [--device D] [--variant V]
#                        [-- MORE FLAGS OF sunder-train-*]
#
# FOLDER holds splits.csv (path,speaker,split) or a folder for each speaker. DIR of the programs: default build/cuda/bin. V is "paper"
# (default) or "relative": inputs relative to the first microphone and masks (docs/rooms.md). A rehearsal without a GPU:
#
#   scripts/gpu-rooms.sh --speech FOLDER --programs build/release/bin --device cpu --minutes 0.2 --rooms 6,2,2 --precision fp32 \
#                        -- --set model.emb_dim=8 --set model.num_blocks=1 --set model.lstm_hidden=8
set -euo pipefail
cd "$(dirname "$0")/.."

speech='' programs=build/cuda/bin output=runs/gpu-rooms minutes=2.5 device=cuda variant=paper rooms=1000,40,60 precision=bf16
while [ $# -gt 0 ]; do
  case "$1" in
    --speech) speech=${2:?--speech needs a folder}; shift 2 ;;
    --programs) programs=${2:?--programs needs a folder}; shift 2 ;;
    --output) output=${2:?--output needs a folder}; shift 2 ;;
    --minutes) minutes=${2:?--minutes needs a number}; shift 2 ;;
    --device) device=${2:?--device needs a device}; shift 2 ;;
    --variant) variant=${2:?--variant needs paper or relative}; shift 2 ;;
    --rooms) rooms=${2:?--rooms needs TRAIN,VALID,TEST}; shift 2 ;;
    --precision) precision=${2:?--precision needs a precision}; shift 2 ;;
    --) shift; break ;;
    -h | --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "gpu-rooms.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
done
[ -n "$speech" ] || { echo "gpu-rooms.sh: --speech FOLDER is required (see --help)" >&2; exit 2; }
[ -x "$programs/sunder-train-pit" ] || { echo "gpu-rooms.sh: no sunder-train-pit in $programs" >&2; exit 2; }
case "$variant" in
  paper) suffix=6ch ;;
  relative) suffix=6ch-relative ;;
  *) echo "gpu-rooms.sh: --variant: expected paper or relative, got $variant" >&2; exit 2 ;;
esac
export PATH="$PWD/$programs:$PATH"
say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

IFS=, read -r train valid test <<<"$rooms"
say "Rooms"
[ -e "$output/set/sms_wsj.json" ] ||
  sunder-prepare rooms --speech "$speech" --output "$output/set" --train "$train" --valid "$valid" --test "$test" \
    --min-seconds 4 --max-seconds 16

for method in pit m2m unssor; do
  say "Training $method for $minutes minutes"
  sunder-train-$method --config "recipes/smswsj-ff-ct/$method-$suffix.toml" --data "$output/set" \
    --output "$output/$method-$variant" --device "$device" --precision "$precision" --max-minutes "$minutes" --resume auto \
    --set validation.every_minutes=1 --set validation.every_epochs=0 --set data.loader_threads=8 "$@"
done

say "Scores"
oracles=mixture,auxiva
for method in pit m2m unssor; do
  sunder-evaluate --model "$output/$method-$variant" --data "$output/set" --split test --device "$device" \
    --metrics si_sdr,sdr,estoi,bin_order --oracles "$oracles" --csv "$output/$method-$variant.csv" \
    --results "$output/$method-$variant.md" >/dev/null
  oracles=none
  echo "$method: steps and minutes, then scores"
  cat "$output/$method-$variant/results.md" "$output/$method-$variant.md"
done
say "Done"
