#!/usr/bin/env bash
# The table of scripts/demo.sh, from what its runs and scores say of themselves.
#
#   scripts/demo-table.sh DIR
set -euo pipefail
output=${1:?the folder of the demo}

# "mixcycle, 812 steps in 6.0 min", from the run's results.md: what was trained, not what was asked for.
run() {
  awk -F'|' 'NR == 3 {
    for (i = 2; i <= 5; ++i) gsub(/^ +| +$/, "", $i)
    printf "%s, %s %s in %s min", $2, $4, $4 == 1 ? "step" : "steps", $5
  }' "$output/$1/results.md"
}
row() {
  awk -F'|' -v label="$1" -v score="$2" '$2 ~ score {
    gsub(/ /, "", $3); gsub(/ /, "", $5)
    printf "| %-48s | %8s | %8s |\n", label, $3, $5
    exit
  }' "$3"
}
echo "| held-out test set                                |     mean |   median |"
echo "| ------------------------------------------------ | -------: | -------: |"
row "mixture (SI-SNR)" "SI-SNR, the mixture itself" "$output/mixcycle.md"
row "$(run mixpit)" "SI-SNRi .dB" "$output/mixpit.md"
row "$(run mixcycle)" "SI-SNRi .dB" "$output/mixcycle.md"
row "ideal ratio masks" "SI-SNRi, ideal ratio masks" "$output/mixcycle.md"
