#!/usr/bin/env python3
"""Models of about 130M parameters with random weights, to compare speed on.

    bench/peer_models.py FOLDER

Needs numpy and the PyPI package gguf. Writes mamba-130m-f16.gguf,
mamba2-130m-f16.gguf and llama-130m-f16.gguf in the shapes of the published
models; `braid quantize` makes smaller formats of them. What they say is noise;
how long they take is not.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np

VOCABULARY = 32000
WIDTH = 768


class Writer:
    """One file of architecture `arch`; weights in F16, the rest in F32."""

    def __init__(self, path: Path, arch: str, layers: int) -> None:
        self.file = gguf.GGUFWriter(path, arch)
        self.arch, self.random = arch, np.random.default_rng(7)
        self.file.add_name(path.stem)
        self.file.add_block_count(layers)
        self.file.add_context_length(4096)
        self.file.add_embedding_length(WIDTH)
        self.file.add_layer_norm_rms_eps(1e-5)
        self.vocabulary()

    def vocabulary(self) -> None:
        """Bytes and names, as SentencePiece would have them."""
        kind = gguf.TokenType
        tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
        types = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL] + [kind.BYTE] * 256
        words = [f"w{i}" for i in range(VOCABULARY - len(tokens))]
        self.file.add_tokenizer_model("llama")
        self.file.add_token_list(tokens + words)
        self.file.add_token_scores([-float(i) for i in range(VOCABULARY)])
        self.file.add_token_types(types + [kind.NORMAL] * len(words))

    def matrix(self, name: str, inputs: int, outputs: int) -> None:
        values = self.random.standard_normal((outputs, inputs), dtype=np.float32)
        self.file.add_tensor(name, (values / np.sqrt(inputs)).astype(np.float16))

    def vector(self, name: str, shape: tuple[int, ...], low: float, high: float) -> None:
        self.file.add_tensor(name, self.random.uniform(low, high, shape).astype(np.float32))

    def ends(self) -> None:
        self.matrix("token_embd.weight", WIDTH, VOCABULARY)
        self.vector("output_norm.weight", (WIDTH,), 0.9, 1.1)

    def finish(self) -> None:
        self.file.write_header_to_file()
        self.file.write_kv_data_to_file()
        self.file.write_tensors_to_file()
        self.file.close()


def mamba(path: Path) -> None:
    """state-spaces/mamba-130m, with a smaller vocabulary."""
    layers, inner, state, taps, rank = 24, 2 * WIDTH, 16, 4, 48
    w = Writer(path, "mamba", layers)
    w.file.add_ssm_inner_size(inner)
    w.file.add_ssm_state_size(state)
    w.file.add_ssm_conv_kernel(taps)
    w.file.add_ssm_time_step_rank(rank)
    w.ends()
    for i in range(layers):
        blk = f"blk.{i}."
        w.vector(blk + "attn_norm.weight", (WIDTH,), 0.9, 1.1)
        w.matrix(blk + "ssm_in.weight", WIDTH, 2 * inner)
        w.vector(blk + "ssm_conv1d.weight", (inner, taps), -0.5, 0.5)
        w.vector(blk + "ssm_conv1d.bias", (inner,), -0.1, 0.1)
        w.matrix(blk + "ssm_x.weight", inner, rank + 2 * state)
        w.matrix(blk + "ssm_dt.weight", rank, inner)
        w.vector(blk + "ssm_dt.bias", (inner,), -5, -2)
        w.vector(blk + "ssm_a", (inner, state), -16, -1)
        w.vector(blk + "ssm_d", (inner,), 0.9, 1.1)
        w.matrix(blk + "ssm_out.weight", inner, WIDTH)
    w.finish()


def mamba2(path: Path) -> None:
    """state-spaces/mamba2-130m, with a smaller vocabulary."""
    layers, inner, state, taps, heads, groups = 24, 2 * WIDTH, 128, 4, 24, 1
    channels = inner + 2 * groups * state
    w = Writer(path, "mamba2", layers)
    w.file.add_ssm_inner_size(inner)
    w.file.add_ssm_state_size(state)
    w.file.add_ssm_conv_kernel(taps)
    w.file.add_ssm_time_step_rank(heads)
    w.file.add_ssm_group_count(groups)
    w.ends()
    for i in range(layers):
        blk = f"blk.{i}."
        w.vector(blk + "attn_norm.weight", (WIDTH,), 0.9, 1.1)
        w.matrix(blk + "ssm_in.weight", WIDTH, inner + channels + heads)
        w.vector(blk + "ssm_conv1d.weight", (channels, taps), -0.5, 0.5)
        w.vector(blk + "ssm_conv1d.bias", (channels,), -0.1, 0.1)
        w.vector(blk + "ssm_dt.bias", (heads,), -5, -2)
        w.vector(blk + "ssm_a", (heads, 1), -16, -1)
        w.vector(blk + "ssm_d", (heads, 1), 0.9, 1.1)
        w.vector(blk + "ssm_norm.weight", (groups, inner // groups), 0.9, 1.1)
        w.matrix(blk + "ssm_out.weight", inner, WIDTH)
    w.finish()


def llama(path: Path) -> None:
    """12 layers of Llama's kind in the width of the others."""
    layers, heads, hidden = 12, 12, 2048
    w = Writer(path, "llama", layers)
    w.file.add_head_count(heads)
    w.file.add_head_count_kv(heads)
    w.file.add_feed_forward_length(hidden)
    w.file.add_rope_dimension_count(WIDTH // heads)
    w.ends()
    w.matrix("output.weight", WIDTH, VOCABULARY)
    for i in range(layers):
        blk = f"blk.{i}."
        w.vector(blk + "attn_norm.weight", (WIDTH,), 0.9, 1.1)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            w.matrix(blk + name + ".weight", WIDTH, WIDTH)
        w.vector(blk + "ffn_norm.weight", (WIDTH,), 0.9, 1.1)
        w.matrix(blk + "ffn_gate.weight", WIDTH, hidden)
        w.matrix(blk + "ffn_up.weight", WIDTH, hidden)
        w.matrix(blk + "ffn_down.weight", hidden, WIDTH)
    w.finish()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for make in (mamba, mamba2, llama):
        make(folder / f"{make.__name__}-130m-f16.gguf")


if __name__ == "__main__":
    main()
