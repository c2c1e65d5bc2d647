#!/usr/bin/env python3
"""Writes tests/data/formats/: known answers of the weight formats.

The answers are those of the PyPI package `gguf` (pip install gguf), which does
its arithmetic in float32. Two kinds of file, read by src/tensor/codec_test.cc:

  NAME.decode   N stored blocks, then N * elements little-endian float32:
                what the blocks decode to
  NAME.encode   the same arrangement: what the floats encode to

N follows from the size of the file.
"""

import pathlib

import gguf
import numpy as np

FOLDER = pathlib.Path(__file__).parent.parent / "tests" / "data" / "formats"

# Byte offsets of the half-precision fields of a block.
HALF_FIELDS = {
    "F16": [0], "BF16": [], "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2],
    "Q4_K": [0, 2], "Q6_K": [208], "Q5_0": [0], "Q5_1": [0, 2],
    "Q2_K": [80, 82], "Q3_K": [108], "Q5_K": [0, 2], "IQ4_NL": [0],
    "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64], "MXFP4": [],
}
# What the package can also encode.
ENCODED = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "TQ1_0",
           "TQ2_0", "MXFP4"]

# Zero, subnormal, largest, infinite and quiet NaN scales, of both signs.
SPECIAL_HALVES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF,
                  0x7C00, 0xFC00, 0x7E00, 0xFE12]


def generator(name, kind):
    """Of its own for each file: a new format changes no other file."""
    return np.random.default_rng([1, kind, gguf.GGMLQuantizationType[name]])


def random_blocks(name, rng):
    """Sane blocks first, then one for every special half in every field."""
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    sane = 4 if elements > 1 else 256
    fields = HALF_FIELDS[name]
    if name == "MXFP4":  # one block for every exponent
        sane = 256
    count = sane + len(fields) * len(SPECIAL_HALVES)
    blocks = rng.integers(0, 256, size=(count, size), dtype=np.uint8)
    for field in fields:
        scales = rng.uniform(-0.01, 0.01, count).astype("<f2")
        blocks[:, field:field + 2] = scales.view(np.uint8).reshape(-1, 2)
    row = sane
    for field in fields:
        for half in SPECIAL_HALVES:
            blocks[row, field:field + 2] = [half & 255, half >> 8]
            row += 1
    if name == "MXFP4":
        blocks[:, 0] = range(256)
    return blocks


def decode(name, blocks):
    if name == "F16":
        return blocks.reshape(-1).view("<f2").astype("<f4")
    kind = gguf.GGMLQuantizationType[name]
    with np.errstate(all="ignore"):
        return gguf.quants.dequantize(blocks.reshape(1, -1), kind).reshape(-1)


def random_floats(name, rng):
    """Blocks of every magnitude, one of zeros and one of a single value."""
    elements = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][0]
    blocks = 12 if elements > 1 else 256
    scale = 10.0 ** rng.uniform(-9, 4, size=(blocks, 1))
    values = rng.standard_normal((blocks, elements)) * scale
    values[0] = 0
    values[1] = 0.75
    return values.astype("<f4").reshape(-1)


def encode(name, values):
    if name == "F16":
        return values.astype("<f2").view(np.uint8)
    kind = gguf.GGMLQuantizationType[name]
    with np.errstate(all="ignore"):
        return gguf.quants.quantize(values.reshape(1, -1), kind)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in HALF_FIELDS:
        rng = generator(name, 0)
        blocks = random_blocks(name, rng)
        answer = blocks.tobytes() + decode(name, blocks).astype("<f4").tobytes()
        (FOLDER / f"{name}.decode").write_bytes(answer)
    for name in ENCODED:
        rng = generator(name, 1)
        values = random_floats(name, rng)
        answer = encode(name, values).tobytes() + values.tobytes()
        (FOLDER / f"{name}.encode").write_bytes(answer)


if __name__ == "__main__":
    main()
