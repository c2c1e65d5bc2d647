#!/usr/bin/env python3
"""Do tiny models of the zoo work when they are quantised, in llama.cpp too?

Usage: check_quantized_zoo.py BRAID [NAME ...]

Each model, as wide as the zoo has it (where few rows fit a block) and then with
random weights and rows of 256 (see WIDE), goes through `braid convert` to
float32, `braid quantize` to Q4_K_M and Q8_0, and answers in Braid: a text from a model that writes, an
embedding from one that reads. llama.cpp loads the same file and evaluates a few
tokens. Prints a row for each: tensors in blocks, tensors that fell back, what
Braid answered, and whether llama.cpp's numbers are finite ("not loaded": also
of the float32 file, if that is said).
"""

import collections
import contextlib
import dataclasses
import io
import multiprocessing
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

import llama_cpp
import make_tiny_models
import tiny_models

ZOO = Path(__file__).resolve().parent.parent / "tests/golden/zoo"
WIDE = {
    "mamba": {"hidden_size": 256, "intermediate_size": 512,
              "time_step_rank": 32},
    "jamba": {"hidden_size": 256, "intermediate_size": 256,
              "mamba_dt_rank": 32, "num_attention_heads": 4},
    "t5": {"d_model": 256, "d_ff": 512, "d_kv": 64, "num_heads": 4},
    "openelm": {"model_dim": 256, "head_dim": 64, "ffn_dim_divisor": 256,
                "ffn_multipliers": [1.0, 2.0, 3.0], "num_gqa_groups": 4,
                "num_query_heads": [4, 4, 8]},
    "deepseek2": {"hidden_size": 256, "intermediate_size": 512,
                  "kv_lora_rank": 256, "q_lora_rank": 256,
                  "moe_intermediate_size": 256, "num_attention_heads": 4,
                  "num_key_value_heads": 4, "qk_nope_head_dim": 64,
                  "qk_rope_head_dim": 32, "v_head_dim": 64},
    "bert": {"hidden_size": 256, "intermediate_size": 512,
             "num_attention_heads": 4},
}
READERS = {"bert", "nomic-bert", "t5-encoder"}
TOKENS = [5, 6, 7, 8, 9, 10, 11, 12]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr.decode()}")
    return done.stdout.decode(errors="replace")


def evaluate(path, name, answer):
    try:
        peer = llama_cpp.Model(path)
        if name in READERS:
            rows = peer.encode(TOKENS, True)
        else:
            if name.startswith("t5"):
                peer.encode(TOKENS, False)
            rows = peer.forward(TOKENS)
        answer.put("finite" if np.isfinite(rows).all() else "not finite")
    except RuntimeError:
        pass


def in_llama_cpp(path, name):
    """In a process of its own, which llama.cpp may end."""
    answer = multiprocessing.Queue()
    process = multiprocessing.Process(target=evaluate,
                                      args=(path, name, answer))
    process.start()
    process.join(60)
    return answer.get() if not answer.empty() else "not loaded"


def answer_of(braid, path, name):
    if name in READERS:
        text = run(braid, "embedding", "-m", path, "-p", "The sea",
                   "--embd-output-format", "array")
        values = [float(n) for n in re.findall(r"-?\d+\.\d+", text)]
        finite = values and np.isfinite(values).all()
        return f"{len(values)} values" if finite else "NOT FINITE"
    text = run(braid, "generate", "-m", path, "-p", "The sea", "-n", "8",
               "--temp", "0")
    return f"{len(text)} characters" if text else "NOTHING"


def make_wide(names, folder):
    tiny_models.ROWS = [
        dataclasses.replace(row, config=row.config | WIDE[row.name])
        for row in tiny_models.ROWS if row.name in names]
    sys.argv = ["make_tiny_models.py", "--random", "--out", str(folder)]
    with contextlib.redirect_stdout(io.StringIO()):
        make_tiny_models.main()


def check(braid, folder, label, scratch):
    name = folder.name
    source, target = scratch / "f32.gguf", scratch / "small.gguf"
    run(braid, "convert", folder, "-o", source, "--outtype", "f32")
    whole = in_llama_cpp(source, name)
    for kind in ("Q4_K_M", "Q8_0"):
        lines = run(braid, "quantize", source, target, kind)
        types = collections.Counter(
            tensor.tensor_type.name
            for tensor in gguf.GGUFReader(target).tensors)
        peer = in_llama_cpp(target, name)
        if peer != whole:
            peer += f", float32 {whole}"
        elif peer == "not loaded":
            peer += ", nor is float32"
        blocks = ", ".join(f"{n} {t}" for t, n in sorted(types.items())
                           if t not in ("F32", "F16"))
        print(f"| {label} | {kind} | {blocks or 'none'} "
              f"| {lines.count('fallback')} | {answer_of(braid, target, name)} "
              f"| {peer} |", flush=True)


def main():
    braid, names = Path(sys.argv[1]), sys.argv[2:] or list(WIDE)
    print("| model | type | blocks | fallbacks | Braid | llama.cpp |\n"
          "|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as holder:
        scratch = Path(holder)
        for name in names:
            check(braid, ZOO / name, name, scratch)
        make_wide(names, scratch)
        for name in names:
            check(braid, scratch / name, f"{name}, wide", scratch)


if __name__ == "__main__":
    main()
