#!/usr/bin/env bash
# Makes models like the one that comes with Sunder: mixtures of two voices of all recorded speech that is given, a small network
# trained by PIT with their clean sources and by MixCycle from the mixtures alone, scores of both on speakers that
# neither has heard, and files in half precision. Hours on one core; a run that was stopped continues.
#
#   scripts/models.sh --speech FOLDER [--speech FOLDER ...] [--output DIR] [--epochs N] [--only mixcycle|pit]
#
# A FOLDER holds splits.csv (path,speaker,split; a column speaker_split is used instead of split where there is one) and
# the recordings. All results go to DIR (default runs/models): DIR/speech-8k-METHOD.safetensors are the models,
# DIR/scores-*.md their scores. --epochs: length of the first training of each (default: the recipes').
set -euo pipefail
cd "$(dirname "$0")/.."

speech=() output=runs/models epochs=0 methods=(pit mixcycle)
while [ $# -gt 0 ]; do
  case "$1" in
    --speech) speech+=("$(realpath "${2:?--speech needs a folder}")"); shift 2 ;;
    --output) output=${2:?--output needs a folder}; shift 2 ;;
    --epochs) epochs=${2:?--epochs needs a number}; shift 2 ;;
    --only) methods=("${2:?--only needs mixcycle or pit}"); shift 2 ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
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

# First mixtures of everything, at levels up to 10 dB apart: most of them hold words that hardly overlap, which a network
# learns at once. Then continuous speech alone, which takes long; the words are forgotten meanwhile, so at last both.
# For the scores also ten seconds of continuous speech, longer than any training item.
say "Mixtures"
mixtures() { # mixtures NAME ARGUMENT...: once
  [ -e "$output/$1/train.csv" ] || sunder-prepare voices --corpus "$corpus" --output "$output/$1" --levels 10 --seed 0 "${@:2}"
}
mixtures all --seconds 4 --min-seconds 0.3 --max-seconds 3600 --by-duration --train 20000 --valid 300 --test 300
mixtures speech --kind sentences --seconds 4 --min-seconds 3 --max-seconds 3600 --by-duration --train 20000 --valid 300 --test 300
mixtures long --kind sentences --seconds 10 --min-seconds 10 --train 1 --valid 1 --test 100

# Of both: two lists over one corpus become one.
if [ ! -e "$output/both/train.csv" ]; then
  mkdir -p "$output/both"
  cp "$output/speech/"{set.toml,test.csv} "$output/both"
  join_lists() { # join_lists SPLIT LINES_OF_SPEECH LINES_OF_ALL
    { head -1 "$output/speech/$1.csv"
      sed -n "2,$(($2 + 1))s/^/s/p" "$output/speech/$1.csv"
      sed -n "2,$(($3 + 1))s/^/w/p" "$output/all/$1.csv"; } >"$output/both/$1.csv.new"
  }
  for list in "valid 150 100" "train 12000 8000"; do
    read -r split speech_lines all_lines <<<"$list"
    join_lists "$split" "$speech_lines" "$all_lines"
    mv "$output/both/$split.csv.new" "$output/both/$split.csv"
  done
fi

more=()
[ "$epochs" -eq 0 ] || more=(--max-epochs "$epochs")
train() { # train METHOD SET RUN ARGUMENT...
  sunder-train-"$1" --config "recipes/speech/$1.toml" --data "$output/$2" --output "$output/$3" --resume auto "${@:4}"
}
for method in "${methods[@]}"; do
  first=$method
  [ "$method" = pit ] || first=mixpit
  say "$first on everything, $method on continuous speech, then on both"
  train "$first" all "$first-all" "${more[@]}"
  train "$method" speech "$method-speech" --init "$output/$first-all" --max-epochs 0 --max-minutes 48
  train "$method" both "$method" --init "$output/$method-speech" --max-epochs 0 --max-minutes 9 \
    --set optim.lr=5e-4 --set optim.decay_share=0.9
  model=$output/speech-8k-$method.safetensors
  sunder-import "$output/$method" --from sunder --half -o "$model"
  for data in all speech long; do
    sunder-evaluate --model "$model" --data "$output/$data" --split test --metrics si_sdri,si_sdr,sdr,estoi \
      --oracles irm,mixture --results "$output/scores-$method-$data.md"
  done
done

say "Done: models and scores"
ls -l "$output"/*.safetensors
