#!/usr/bin/env python3
"""The Python packages on the signals of `sunder-bench metrics`, with the fields that it prints.

    python3 -m venv VENV && VENV/bin/pip install mir_eval fast_bss_eval pystoi numpy scipy soundfile
    VENV/bin/python bench/metrics_twin.py --threads 1 2 --speech FILE...

Each package computes on one thread; with --threads N, N processes take items side by side, which is the fastest way for
all of them. A package that is not installed is left out with a line on stderr.
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import importlib
import json
import multiprocessing
import statistics
import sys
import time
import warnings

import numpy as np


def noise(n):
    return np.modf(np.sin(12.9898 * n) * 43758.5453)[0]


def make_item(first, second):
    length = min(len(first), len(second))
    references = np.stack([first[:length], second[:length]])
    t = np.arange(length, dtype=np.float64)
    level = 0.2 * np.sqrt((references**2).mean(axis=1))
    estimates = np.stack([
        references[k] + leak * references[1 - k] + level[k] * noise(t + k * length) for k, leak in enumerate((0.3, 0.2))
    ])
    return references, estimates


def items_of(files, rate):
    if files:
        import soundfile

        kept = [f for f in files if soundfile.info(f).samplerate == rate and soundfile.info(f).frames >= rate]
        signals = [soundfile.read(f, dtype="float64")[0] for f in kept]
    else:
        t = np.arange(4 * rate, dtype=np.float64)
        signals = [noise(t + i * 1000003) * (1.1 + np.sin(t * (i + 3) / rate)) for i in range(30)]
    if len(signals) < 2:
        sys.exit(f"metrics_twin.py: expected at least two files of a second or more at {rate} Hz, got {len(signals)}")
    items = [make_item(signals[i], signals[i + 1]) for i in range(0, len(signals) - 1, 2)]
    return [items[i % len(items)] for i in range(max(len(items), 12))]


# Each returns a sum of scores, of each source with its estimate.
def mir_eval_sdr_sir_sar(references, estimates, rate):
    from mir_eval.separation import bss_eval_sources

    return bss_eval_sources(references, estimates)[0].sum()


# fast_bss_eval by its NumPy half, which needs no PyTorch; solving directly, or with its 10 steps of conjugate gradients.
def fast_bss_eval_sdr(references, estimates, rate, steps=None):
    import fast_bss_eval.numpy

    return fast_bss_eval.numpy.sdr(references, estimates, use_cg_iter=steps).sum()


def fast_bss_eval_sdr_sir_sar(references, estimates, rate, steps=None):
    import fast_bss_eval.numpy

    return fast_bss_eval.numpy.bss_eval_sources(references, estimates, use_cg_iter=steps)[0].sum()


def fast_bss_eval_sdr_cg(references, estimates, rate):
    return fast_bss_eval_sdr(references, estimates, rate, steps=10)


def fast_bss_eval_sdr_sir_sar_cg(references, estimates, rate):
    return fast_bss_eval_sdr_sir_sar(references, estimates, rate, steps=10)


def fast_bss_eval_si_sdr(references, estimates, rate):
    import fast_bss_eval.numpy

    return fast_bss_eval.numpy.si_sdr(references, estimates).sum()


def pystoi_stoi(references, estimates, rate, extended=False):
    from pystoi import stoi

    return sum(stoi(reference, estimate, rate, extended) for reference, estimate in zip(references, estimates))


def pystoi_estoi(references, estimates, rate):
    return pystoi_stoi(references, estimates, rate, extended=True)


ROWS = [
    ("fast_bss_eval", "si_sdr", fast_bss_eval_si_sdr),
    ("fast_bss_eval", "sdr", fast_bss_eval_sdr),
    ("fast_bss_eval, 10 steps", "sdr", fast_bss_eval_sdr_cg),
    ("fast_bss_eval", "sdr_sir_sar", fast_bss_eval_sdr_sir_sar),
    ("fast_bss_eval, 10 steps", "sdr_sir_sar", fast_bss_eval_sdr_sir_sar_cg),
    ("mir_eval", "sdr_sir_sar", mir_eval_sdr_sir_sar),
    ("pystoi", "stoi", pystoi_stoi),
    ("pystoi", "estoi", pystoi_estoi),
]

items = []  # of the rate at hand: worker processes inherit them


def score(job):
    row, rate, i = job
    return ROWS[row][2](*items[i], rate)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[8000, 16000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--speech", nargs="*", default=[])
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # mir_eval announces that it will go
    global items
    for rate in arguments.rates:
        items = items_of(arguments.speech, rate)
        audio = sum(references.shape[1] for references, _ in items) / rate
        for row, (package, metric, _) in enumerate(ROWS):
            try:
                importlib.import_module(package.split(",")[0])
            except ImportError:
                print(f"metrics_twin.py: {package} is not installed, no {metric}", file=sys.stderr)
                continue
            for threads in arguments.threads:
                jobs = [(row, rate, i) for i in range(len(items))]
                times = []
                with multiprocessing.get_context("fork").Pool(threads) as pool:
                    for repeat in range(arguments.repeats + 1):
                        start = time.perf_counter()
                        sums = pool.map(score, jobs, chunksize=1)
                        if repeat > 0:
                            times.append((time.perf_counter() - start) / audio * 60)
                print(
                    json.dumps({
                        "package": package,
                        "metric": metric,
                        "sample_rate": rate,
                        "threads": threads,
                        "seconds_per_minute": statistics.median(times),
                        "fastest": min(times),
                        "slowest": max(times),
                        "repeats": arguments.repeats,
                        "signals": "speech" if arguments.speech else "noise",
                        "items": len(items),
                        "audio_seconds": audio,
                        "mean_score": float(sum(sums)) / len(items),
                    }),
                    flush=True)


if __name__ == "__main__":
    main()
