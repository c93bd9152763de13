#!/usr/bin/env bash
# Makes the models that are to come with Sunder: mixtures of two voices of all recorded speech that is given, a small
# network trained by MixCycle from these mixtures alone and by PIT with their clean sources, scores of both on speakers
# that neither has heard, and files in half precision. Hours on one core; a run that was stopped continues.
#
#   scripts/models.sh --speech FOLDER [--speech FOLDER ...] [--output DIR] [--epochs N] [--only mixcycle|pit]
#
# A FOLDER holds splits.csv (path,speaker,split; a column speaker_split is used instead of split where there is one) and
# the recordings. All results go to DIR (default runs/models): DIR/speech-8k-METHOD.safetensors are the models,
# DIR/scores-*.md their scores. --epochs: length of each training (default: the recipes').
set -euo pipefail
cd "$(dirname "$0")/.."

speech=() output=runs/models epochs=0 methods=(mixcycle pit)
while [ $# -gt 0 ]; do
  case "$1" in
    --speech) speech+=("$(realpath "${2:?--speech needs a folder}")"); shift 2 ;;
    --output) output=${2:?--output needs a folder}; shift 2 ;;
    --epochs) epochs=${2:?--epochs needs a number}; shift 2 ;;
    --only) methods=("${2:?--only needs mixcycle or pit}"); shift 2 ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "models.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
done
[ ${#speech[@]} -gt 0 ] || { echo "models.sh: --speech FOLDER is required (see --help)" >&2; exit 2; }
[[ $epochs =~ ^[0-9]+$ ]] || { echo "models.sh: --epochs needs a whole number, got $epochs" >&2; exit 2; }
for method in "${methods[@]}"; do
  [ -e "recipes/speech/$method.toml" ] || { echo "models.sh: --only: expected mixcycle or pit, got $method" >&2; exit 2; }
done
for folder in "${speech[@]}"; do
  [ -e "$folder/splits.csv" ] || { echo "models.sh: $folder: expected a file splits.csv in it, found none" >&2; exit 3; }
done
say() { printf '\n== %s\n' "$*"; }

say "Build"
scripts/setup.sh
cmake -S . -B build/release -G Ninja -DSUNDER_TESTS=OFF >/dev/null
cmake --build build/release --parallel "$(nproc)"
export PATH="$PWD/build/release/bin:$PATH"

say "Speech of ${#speech[@]} folders as one corpus"
corpus=$output/corpus
mkdir -p "$corpus"
echo path,speaker,split >"$corpus/splits.csv.new"
for folder in "${speech[@]}"; do
  name=$(basename "$folder")
  ln -sfn "$folder" "$corpus/$name"
  awk -F, -v OFS=, -v name="$name" '
    NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; split_by = column[("speaker_split" in column) ? "speaker_split" : "split"]; next }
    { print name "/" $column["path"], name "-" $column["speaker"], $split_by }' "$folder/splits.csv" >>"$corpus/splits.csv.new"
done
mv "$corpus/splits.csv.new" "$corpus/splits.csv"

# Cuts of long speech and short words alike, at levels up to 10 dB apart. For the scores also ten seconds of continuous
# speech, which no training item is like.
say "Mixtures"
[ -e "$output/set/train.csv" ] ||
  sunder-prepare voices --corpus "$corpus" --output "$output/set" --seconds 4 --min-seconds 0.3 --max-seconds 3600 \
    --by-duration --levels 10 --train 20000 --valid 300 --test 300 --seed 0
[ -e "$output/long/test.csv" ] ||
  sunder-prepare voices --corpus "$corpus" --kind sentences --output "$output/long" --seconds 10 --min-seconds 10 \
    --levels 10 --train 1 --valid 1 --test 100 --seed 0

more=()
[ "$epochs" -eq 0 ] || more=(--max-epochs "$epochs")
for method in "${methods[@]}"; do
  say "$method"
  sunder-train-"$method" --config "recipes/speech/$method.toml" --data "$output/set" --output "$output/$method" \
    --resume auto "${more[@]}"
  model=$output/speech-8k-$method.safetensors
  sunder-import "$output/$method" --from sunder --half -o "$model"
  for data in set long; do
    sunder-evaluate --model "$model" --data "$output/$data" --split test --metrics si_sdri,si_sdr,sdr,estoi \
      --results "$output/scores-$method-$data.md"
  done
done

say "Done: models and scores"
ls -l "$output"/*.safetensors
