#!/usr/bin/env bash
# From nothing to a trained separator on a fresh Debian or Ubuntu machine, in about 20 minutes on two cores: installs the
# packages (three of them, 250 MB, hold the recorded speech), builds, makes mixtures, trains MixPIT and MixCycle on the
# mixtures alone, scores both on held-out recordings and voices, and separates two held-out mixtures.
#
#   scripts/demo.sh [--minutes N] [--output DIR]
#
# N (default 6) is the training time of each of the two networks in minutes; all results go to DIR (default runs/demo).
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=6
output=runs/demo
while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) minutes=${2:?--minutes needs a number}; shift 2 ;;
    --output) output=${2:?--output needs a folder}; shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "demo.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
done
say() { printf '\n== %s\n' "$*"; }

say "Packages"
scripts/setup.sh
voices=(klettres-data ktuberling-data tuxpaint-stamps-default)
missing=()
for package in "${voices[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing recorded speech: ${missing[*]} (about 250 MB)"
  sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
fi

# A GPU is used where there is one and a toolkit to compile for it.
device=cpu cuda=(-DSUNDER_CUDA=off)
if nvidia-smi -L >/dev/null 2>&1 && nvcc=$(PATH="$PATH:/usr/local/cuda/bin" command -v nvcc); then
  device=cuda cuda=(-DSUNDER_CUDA=on -DSUNDER_CUDA_ARCHITECTURES=native -DCMAKE_CUDA_COMPILER="$nvcc")
fi

say "Build for $device"
cmake -S . -B build/release -G Ninja -DSUNDER_TESTS=OFF "${cuda[@]}" >/dev/null
cmake --build build/release --parallel "$(nproc)"
export PATH="$PWD/build/release/bin:$PATH"

say "Mixtures of two voices, each with some words at a random moment of two seconds"
set=$output/set
[ -e "$set/set.toml" ] ||
  sunder-prepare voices --corpus debian --output "$set" --train 6000 --valid 200 --test 300 --seed 0

for method in mixpit mixcycle; do
  say "Training $method for $minutes min, from mixtures alone"
  if [ -e "$output/$method/results.md" ]; then
    echo "$output/$method exists: remove it to train again"
    continue
  fi
  sunder-train-$method --config recipes/demo/$method.toml --data "$set" --output "$output/$method" \
    --max-minutes "$minutes" --device "$device" --resume auto
done

say "Two held-out mixtures, separated by the network of $output/mixcycle"
sunder-prepare audio --set "$set" --split test --items 2 --output "$output/mixtures" --force
sunder-separate --model "$output/mixcycle/checkpoints/best" "$output"/mixtures/mix/*.wav -o "$output/separated" --force
ls "$output"/separated

say "Held-out recordings and voices (SI-SNR improvement in dB, best checkpoint by validation SI-SNRi as in the paper)"
for method in mixpit mixcycle; do
  sunder-evaluate --model "$output/$method/checkpoints/best" --data "$set" --split test \
    --csv "$output/$method.csv" --json "$output/$method.json" --html "$output/$method.html" >"$output/$method.md"
done
scripts/demo-table.sh "$output" | tee "$output/results.md"
echo "listen to $output/separated, compare with $output/mixtures; curves in $output/mixcycle/curves.png;
the best, median and worst items with players and pictures: $output/mixcycle.html"
