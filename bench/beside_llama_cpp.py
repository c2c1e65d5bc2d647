#!/usr/bin/env python3
"""Braid and llama.cpp on the same file, threads and work, in turns, in one run.

    bench/beside_llama_cpp.py MODEL.gguf [--threads 2] [--rounds 5]
        [--prompt 256] [--generate 64] [--braid build/release/bin/braid]

Needs numpy and the PyPI package xllamacpp (its wheel exports llama.cpp's C
functions; see zoo/llama_cpp.py). Each round runs one after the other as fresh
processes; the best of the rounds counts, so that a busy moment of the machine
hurts neither. Prints tokens per second of a prompt in one call and of decoding
token by token, their ratios, and the peak memory of each process.
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

    model = Model(Path(args.model), args.threads)
    lib = model.lib
    lib.llama_get_memory.restype = ctypes.c_void_p
    lib.llama_get_memory.argtypes = [ctypes.c_void_p]
    lib.llama_memory_clear.restype = None
    lib.llama_memory_clear.argtypes = [ctypes.c_void_p, ctypes.c_bool]

    def clear() -> None:
        lib.llama_memory_clear(lib.llama_get_memory(model.context), True)

    def decode(count: int, position: int) -> None:
        """Decodes `count` tokens from `position` on; logits of the last one."""
        batch = lib.llama_batch_init(count, 0, 1)
        batch.n_tokens = count
        for i in range(count):
            batch.token[i] = 5 + i % 100
            batch.pos[i] = position + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i + 1 == count
        if lib.llama_decode(model.context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        lib.llama_get_logits_ith(model.context, count - 1)
        lib.llama_batch_free(batch)

    def seconds(work) -> float:
        clear()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def generate() -> None:
        for position in range(args.generate):
            decode(1, position)

    seconds(lambda: decode(args.prompt, 0))  # warm-up
    prompt = min(seconds(lambda: decode(args.prompt, 0)) for _ in range(3))
    decoding = min(seconds(generate) for _ in range(3))
    print(
        json.dumps(
            {
                "prompt": args.prompt / prompt,
                "decode": args.generate / decoding,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def run_llama_cpp(args) -> dict:
    command = [sys.executable, __file__, args.model, "--child"]
    for flag in ("threads", "prompt", "generate"):
        command += [f"--{flag}", str(getattr(args, flag))]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_braid(args) -> dict:
    command = [args.braid, "bench", "-m", args.model, "-t", str(args.threads)]
    command += ["-p", str(args.prompt), "-n", str(args.generate), "-r", "3", "-o", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rows = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    best = {("decode" if row["n_gen"] else "prompt"): max(row["samples_ts"]) for row in rows}
    return {**best, "peak_mib": usage.ru_maxrss / 1024}


def best_of(runs: list[dict]) -> dict:
    pick = {"prompt": max, "decode": max, "peak_mib": min}
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
    for key, unit in (("prompt", "tokens/s"), ("decode", "tokens/s"), ("peak_mib", "MiB")):
        print(
            f"{key:9s} braid {ours[key]:9.1f}  llama.cpp {theirs[key]:9.1f} {unit:9s}"
            f" ratio {ours[key] / theirs[key]:.2f}"
        )


if __name__ == "__main__":
    main()
