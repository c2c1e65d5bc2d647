#!/usr/bin/env python3
"""How far `braid quantize` rounds, beside llama.cpp's own encoders.

Usage, with `pip install gguf numpy xllamacpp`:
  compare_quantize.py BRAID [MODEL.gguf ...]
  compare_quantize.py --peer SOURCE.gguf OURS.gguf OUT.gguf

Quantises random models of width 768 and 1536, whose matrices are normal or
have heavy tails (Student's t with 3 degrees of freedom), and each MODEL, to
every file type. Prints a row for each: bytes, seconds, and over the matrices
that became blocks the worst ratio of Braid's root mean square error to that of
ggml_quantize_chunk, with the type and name of the tensor, and whether the bytes
of Q8_0, BF16, Q4_1 and the like are those of the gguf package ("-": there are
none). Of a large MODEL some tensors are compared (see SAMPLED), and
of those the first ROWS rows.

With --peer it writes OURS, which Braid made of SOURCE, once more with the same
keys and types, but all blocks by llama.cpp's encoders: to compare perplexities.
"""

import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import gguf
import numpy as np
import xllamacpp

TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K",
         "Q2_K_S", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S",
         "Q5_K_M", "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0"]
# A layer at the start, one in the middle and one near the end.
SAMPLED = re.compile(r"blk\.(0|14|29)\.|^(?!blk)")
ROWS = 512
# Formats that llama.cpp rounds to as the gguf package does.
BY_PACKAGE = {"F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"}

GGML = ctypes.CDLL(str(next(
    pathlib.Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))))
GGML.ggml_quantize_chunk.restype = ctypes.c_size_t
GGML.ggml_quantize_chunk.argtypes = [
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
    ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]


def of_ggml(kind, values):
    rows, width = values.shape
    block, size = gguf.GGML_QUANT_SIZES[kind]
    out = np.zeros((rows, width // block * size), dtype=np.uint8)
    done = GGML.ggml_quantize_chunk(int(kind), values.ctypes.data,
                                    out.ctypes.data, 0, rows, width, None)
    assert done == out.size, (kind, done, out.size)
    return out


def of_package(kind, values):
    return gguf.quants.quantize(values, kind).view(np.uint8).reshape(
        len(values), -1)


def rmse(kind, stored, values):
    found = gguf.quants.dequantize(stored, kind).reshape(values.shape)
    return float(np.sqrt(np.mean((found.astype(np.float64) - values) ** 2)))


def write_random(path, width):
    random = np.random.default_rng(width)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_head_count(12)
    writer.add_head_count_kv(12)
    draws = [lambda *s: random.standard_normal(s),
             lambda *s: random.standard_t(3, s)]
    def add(name, values):
        writer.add_tensor(name, (0.02 * values).astype(np.float32))
    add("token_embd.weight", draws[0](256, width))
    add("output.weight", draws[1](256, width))
    for layer, draw in enumerate(draws):
        for name in ("attn_q", "attn_v", "attn_output", "ffn_up", "ffn_down"):
            add(f"blk.{layer}.{name}.weight", draw(256, width))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sampled(path):
    """name -> (kind, the first rows as {rows, bytes})."""
    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        if len(tensor.shape) != 2 or not SAMPLED.search(tensor.name):
            continue
        rows = tensor.data.view(np.uint8).reshape(int(tensor.shape[1]), -1)
        found[tensor.name] = (tensor.tensor_type, rows[:ROWS].copy())
    return found


def floats(kind, stored):
    return np.ascontiguousarray(
        gguf.quants.dequantize(stored, kind).reshape(len(stored), -1),
        dtype=np.float32)


def compare(source, target, cache):
    """(worst ratio, its tensor, whether it is what the package writes)."""
    worst, where, packaged = 0.0, "", set()
    for name, (kind, stored) in sampled(target).items():
        values = source.get(name)
        if values is None or kind == gguf.GGMLQuantizationType.F32:
            continue
        if kind.name in BY_PACKAGE:
            packaged.add(np.array_equal(stored, of_package(kind, values)))
        if (name, kind) not in cache:
            cache[name, kind] = rmse(kind, of_ggml(kind, values), values)
        error = cache[name, kind]
        mine = rmse(kind, stored, values)
        ratio = mine / error if error > 0 else float(mine == 0)
        if ratio > worst:
            worst, where = ratio, f"{kind.name} {name}"
    equal = "-" if not packaged else "no" if False in packaged else "yes"
    return worst, where, equal


def measure(braid, path, folder, label):
    source = {name: floats(kind, stored)
              for name, (kind, stored) in sampled(path).items()}
    cache = {}
    for kind in TYPES:
        target = folder / "target.gguf"
        start = time.monotonic()
        subprocess.run([braid, "quantize", path, target, kind], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        worst, where, equal = compare(source, target, cache)
        print(f"| {label} | {kind} | {target.stat().st_size} | {seconds:.2f} "
              f"| {worst:.4f} | {where} | {equal} |", flush=True)


def write_peer(source, ours, out):
    values = {tensor.name: tensor for tensor in gguf.GGUFReader(source).tensors}
    reader = gguf.GGUFReader(ours)
    writer = gguf.GGUFWriter(
        out, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name == "general.architecture" or name.startswith("GGUF."):
            continue
        array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, field.contents(), field.types[0],
                             sub_type=field.types[-1] if array else None)
    for tensor in reader.tensors:
        data, kind = tensor.data, tensor.tensor_type
        if kind.name not in ("F32", "F16"):
            was = values[tensor.name]
            rows = was.data.view(np.uint8).reshape(int(was.shape[1]), -1)
            data = of_ggml(kind, floats(was.tensor_type, rows))
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    if sys.argv[1] == "--peer":
        write_peer(*sys.argv[2:])
        return
    braid, models = sys.argv[1], sys.argv[2:]
    print("| model | type | bytes | s | worst ratio | of "
          "| as gguf |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as holder:
        folder = pathlib.Path(holder)
        for width in (768, 1536):
            path = folder / f"random-{width}.gguf"
            write_random(path, width)
            measure(braid, path, folder, f"random {width}")
        for path in models:
            measure(braid, path, folder, pathlib.Path(path).stem)


if __name__ == "__main__":
    main()
