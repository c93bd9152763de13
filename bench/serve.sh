#!/usr/bin/env bash
# sunder-serve beside its twin in PyTorch and FastAPI (bench/serve_twin.py): throughput, latency and memory with 1, 4 and
# 16 clients, in turns on one machine that should do nothing else.
#
#   bench/serve.sh --model MODEL.safetensors --python VENV/bin/python [--build DIR] [--rounds N] [--seconds N] FILE...
#
# FILEs are recordings of one channel at the model's rate; every client sends them in turn. Prints a table of medians
# over the rounds with the ratios' spread, and what starting takes: from the command to the first voices of FILE.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

model='' python='' build=$here/../build/release rounds=3 seconds=10 files=()
while [ $# -gt 0 ]; do
  case "$1" in
    --model) model=${2:?--model needs a file}; shift 2 ;;
    --python) python=${2:?--python needs a program}; shift 2 ;;
    --build) build=${2:?--build needs a folder}; shift 2 ;;
    --rounds) rounds=${2:?--rounds needs a number}; shift 2 ;;
    --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "serve.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
    *) files+=("$1"); shift ;;
  esac
done
[ -n "$model" ] && [ -n "$python" ] && [ ${#files[@]} -gt 0 ] ||
  { echo "serve.sh: --model, --python and a FILE are required (see --help)" >&2; exit 2; }

work=$(mktemp -d)
servers=()
stop() { for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done; servers=(); wait 2>/dev/null || true; }
trap 'stop; rm -rf "$work"' EXIT

start() { # NAME
  case "$1" in
    sunder) "$build/bin/sunder-serve" --model "$model" --port 8080 >"$work/$1.log" 2>&1 & ;;
    twin) "$python" "$here/serve_twin.py" --model "$model" --port 8081 --workers 1 --threads 2 >"$work/$1.log" 2>&1 & ;;
    twin2) "$python" "$here/serve_twin.py" --model "$model" --port 8082 --workers 2 --threads 1 >"$work/$1.log" 2>&1 & ;;
  esac
  servers+=($!)
}
port() { case "$1" in sunder) echo 8080 ;; twin) echo 8081 ;; twin2) echo 8082 ;; esac; }
first_answer() { # NAME: seconds from the command to the first voices
  local begin=$EPOCHREALTIME tries=0
  start "$1"
  until curl -sf -o "$work/answer" --data-binary "@${files[0]}" -H 'Content-Type: audio/wav' \
    "http://127.0.0.1:$(port "$1")/v1/separate"; do
    kill -0 "${servers[-1]}" 2>/dev/null || { cat "$work/$1.log" >&2; exit 1; }
    [ $((++tries)) -lt 3000 ] || { echo "serve.sh: $1 does not answer" >&2; exit 1; }
    sleep 0.01
  done
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'
}

names=(sunder twin twin2)
for name in "${names[@]}"; do
  first_answer "$name" >"$work/$name.start"
  eval "pid_$name=${servers[-1]}"
done
for clients in 1 4 16; do
  for ((round = 0; round < rounds; ++round)); do
    for name in "${names[@]}"; do
      pid=pid_$name
      "$build/bin/sunder-bench-serve" --url "http://127.0.0.1:$(port "$name")" --clients "$clients" --seconds "$seconds" \
        --pid "${!pid}" "${files[@]}" | sed "s/^{/{\"server\":\"$name\",/" >>"$work/lines"
    done
  done
done
stop

"$python" - "$work" <<'PYTHON'
import json, pathlib, statistics, sys
work = pathlib.Path(sys.argv[1])
lines = [json.loads(line) for line in open(work / "lines")]
names = {"sunder": "sunder-serve", "twin": "PyTorch + FastAPI, 1 worker of 2 threads", "twin2": "PyTorch + FastAPI, 2 workers of 1"}
print("| clients | server | s of audio per s | p50 ms | p99 ms | MiB | throughput of Sunder / it (range) |")
print("| --: | --- | --: | --: | --: | --: | --: |")
for clients in sorted({line["clients"] for line in lines}):
    rounds = {name: [l for l in lines if l["server"] == name and l["clients"] == clients] for name in names}
    for name, label in names.items():
        mid = lambda key: statistics.median(l[key] for l in rounds[name])
        ratios = [a["audio_seconds_per_second"] / b["audio_seconds_per_second"] for a, b in zip(rounds["sunder"], rounds[name])]
        ratio = "" if name == "sunder" else f"{statistics.median(ratios):.1f} ({min(ratios):.1f} .. {max(ratios):.1f})"
        failed = sum(l["failed"] for l in rounds[name])
        print(f"| {clients} | {label} | {mid('audio_seconds_per_second'):.0f} | {mid('p50_ms'):.0f} | {mid('p99_ms'):.0f} | "
              f"{mid('memory_mib'):.0f} | {ratio}{f'; {failed} failed' if failed else ''} |")
print()
for name, label in names.items():
    print(f"{label}: {open(work / (name + '.start')).read()} s from the command to the first voices")
PYTHON
