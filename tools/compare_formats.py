#!/usr/bin/env python3
"""Decodes random blocks of every weight format beside the `gguf` package.

Usage, with `pip install gguf numpy`:  compare_formats.py [BLOCKS]

Compiles src/tensor/ into a library of its own, decodes BLOCKS (1,000,000)
random blocks of each format with it and with the package, and prints how many
elements differ in their bits; two NaNs count as equal. Scales are drawn from
all bit patterns, subnormal and infinite ones included.
"""

import ctypes
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
TYPES = gguf.GGMLQuantizationType
FORMATS = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K",
           "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0",
           "TQ2_0", "MXFP4"]
CHUNK = 50_000  # blocks

SHIM = """
#include "tensor/codec.h"
extern "C" void Decode(unsigned type, const void* stored, long elements,
                       float* values) {
  braid::DecodeRow(static_cast<braid::DType>(type),
                   static_cast<const std::byte*>(stored), elements, values);
}
"""


def build(folder):
    shim = pathlib.Path(folder) / "shim.cc"
    library = pathlib.Path(folder) / "codec.so"
    shim.write_text(SHIM)
    sources = [ROOT / "src" / name for name in
               ("tensor/codec.cc", "tensor/dtype.cc", "tensor/k_quants.cc",
                "base/check.cc", "base/format.cc")]
    subprocess.run(["g++", "-std=c++20", "-O2", "-ffp-contract=off", "-fPIC",
                    "-shared", f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}",
                    shim, *sources, "-o", library],
                   check=True)
    decode = ctypes.CDLL(str(library)).Decode
    decode.argtypes = [ctypes.c_uint, ctypes.c_void_p, ctypes.c_long,
                       ctypes.c_void_p]
    return decode


def expected(name, blocks):
    if name == "F16":
        return blocks.reshape(-1).view("<f2").astype("<f4")
    with np.errstate(all="ignore"):
        return gguf.quants.dequantize(blocks.reshape(1, -1),
                                      TYPES[name]).reshape(-1)


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(2)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        decode = build(folder)
        for name in FORMATS:
            elements, size = gguf.GGML_QUANT_SIZES[TYPES[name]]
            differing = infinite = 0
            for first in range(0, total, CHUNK):
                count = min(CHUNK, total - first)
                blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
                ours = np.empty(count * elements, dtype="<f4")
                decode(TYPES[name], blocks.ctypes.data, ours.size,
                       ours.ctypes.data)
                theirs = expected(name, blocks)
                same = (ours.view("<u4") == theirs.view("<u4")) | (
                    np.isnan(ours) & np.isnan(theirs))
                differing += int(np.count_nonzero(~same))
                infinite += int(np.count_nonzero(np.isinf(ours)))
            print(f"{name}: {total} blocks, {differing} elements differ "
                  f"({infinite} infinite)", flush=True)
            failures += differing
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
