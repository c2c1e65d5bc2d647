#!/usr/bin/env python3
"""Braid and llama.cpp on the same file, threads and work, in turns, in one run.

    bench/beside_llama_cpp.py MODEL.gguf [--threads 2] [--rounds 5]
        [--prompt 256] [--generate 64] [--sequences 16]
        [--braid build/release/bin/braid]

Needs numpy and the PyPI package xllamacpp (its wheel exports llama.cpp's C
functions; see zoo/llama_cpp.py). Each round runs one after the other as fresh
processes; the best of the rounds counts, so that a busy moment of the machine
hurts neither. Prints tokens per second of a prompt in one call, of decoding
token by token, and of decoding so many sequences together, their ratios, and the
peak memory of each process. bench/peer_models.py makes models to compare on.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def llama_cpp_child(args) -> None:
    """Measures llama.cpp in this process; prints one JSON object."""
    sys.path.insert(0, str(ROOT / "zoo"))
    import ctypes

    from llama_cpp import Model

    # Room for a sequence is a part of the whole, as large as the others'.
    length = max(args.prompt, args.generate, 256)
    model = Model(Path(args.model), args.threads, length * args.sequences, args.sequences)
    lib = model.lib
    lib.llama_get_memory.restype = ctypes.c_void_p
    lib.llama_get_memory.argtypes = [ctypes.c_void_p]
    lib.llama_memory_clear.restype = None
    lib.llama_memory_clear.argtypes = [ctypes.c_void_p, ctypes.c_bool]

    def clear() -> None:
        lib.llama_memory_clear(lib.llama_get_memory(model.context), True)

    def decode(rows: list[tuple[int, int, bool]]) -> None:
        """Decodes a token at each (sequence, position), with logits or without."""
        batch = lib.llama_batch_init(len(rows), 0, 1)
        batch.n_tokens = len(rows)
        for i, (sequence, position, logits) in enumerate(rows):
            batch.token[i] = 5 + i % 100
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = logits
        if lib.llama_decode(model.context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        lib.llama_get_logits_ith(model.context, len(rows) - 1)
        lib.llama_batch_free(batch)

    def seconds(work) -> float:
        clear()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def prompt() -> None:
        decode([(0, position, position + 1 == args.prompt) for position in range(args.prompt)])

    def generate(sequences: int) -> None:
        for position in range(args.generate):
            decode([(sequence, position, True) for sequence in range(sequences)])

    seconds(prompt)  # warm-up
    print(
        json.dumps(
            {
                "prompt": args.prompt / min(seconds(prompt) for _ in range(3)),
                "decode": args.generate / min(seconds(lambda: generate(1)) for _ in range(3)),
                "together": args.generate
                * args.sequences
                / min(seconds(lambda: generate(args.sequences)) for _ in range(3)),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def run_llama_cpp(args) -> dict:
    command = [sys.executable, __file__, args.model, "--child"]
    for flag in ("threads", "prompt", "generate", "sequences"):
        command += [f"--{flag}", str(getattr(args, flag))]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_braid(args) -> dict:
    command = [args.braid, "bench", "-m", args.model, "-t", str(args.threads), "-r", "3", "-o", "json"]
    command += ["-p", str(args.prompt), "-n", str(args.generate), "-np", f"1,{args.sequences}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rows = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    best = {}
    for row in rows:
        if row["n_parallel"] == 1:
            best["decode" if row["n_gen"] else "prompt"] = max(row["samples_ts"])
        elif row["n_gen"]:
            best["together"] = max(row["samples_ts"])
    return {**best, "peak_mib": usage.ru_maxrss / 1024}


def best_of(runs: list[dict]) -> dict:
    pick = {"prompt": max, "decode": max, "together": max, "peak_mib": min}
    return {key: choose(run[key] for run in runs) for key, choose in pick.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--braid", default=str(ROOT / "build/release/bin/braid"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return llama_cpp_child(args)

    braid, peer = [], []
    for _ in range(args.rounds):
        braid.append(run_braid(args))
        peer.append(run_llama_cpp(args))
    ours, theirs = best_of(braid), best_of(peer)
    size = Path(args.model).stat().st_size / 2**20
    print(f"{Path(args.model).name}: {size:.1f} MiB, {args.threads} threads, best of {args.rounds} rounds")
    for key, name, unit in (
        ("prompt", f"prompt {args.prompt}", "tokens/s"),
        ("decode", "decode 1", "tokens/s"),
        ("together", f"decode {args.sequences}", "tokens/s"),
        ("peak_mib", "peak", "MiB"),
    ):
        print(
            f"{name:11s} braid {ours[key]:9.1f}  llama.cpp {theirs[key]:9.1f} {unit:9s}"
            f" ratio {ours[key] / theirs[key]:.2f}"
        )


if __name__ == "__main__":
    main()
