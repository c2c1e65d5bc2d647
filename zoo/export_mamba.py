"""Writes a checkpoint of train.py and its tokenizer as one GGUF file."""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch

END_OF_TEXT = 0  # token 0, BOS and EOS

# checkpoint -> GGUF, and the type of matrices; everything else is F32
LAYER = {
    "norm": "attn_norm.weight",
    "w_in": "ssm_in.weight",
    "conv_w": "ssm_conv1d.weight",
    "conv_b": "ssm_conv1d.bias",
    "w_x": "ssm_x.weight",
    "w_dt": "ssm_dt.weight",
    "b_dt": "ssm_dt.bias",
    "A_log": "ssm_a",
    "D": "ssm_d",
    "w_out": "ssm_out.weight",
}
MATRICES = {"w_in", "w_x", "w_dt", "w_out", "embed"}
TYPES = {
    "f32": gguf.GGMLQuantizationType.F32,
    "f16": gguf.GGMLQuantizationType.F16,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
}
FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}


def add_tokenizer(w: gguf.GGUFWriter, path: Path) -> None:
    spec = json.loads(path.read_text())
    vocab = spec["model"]["vocab"]
    tokens = sorted(vocab, key=vocab.get)
    merges = [m if isinstance(m, str) else " ".join(m) for m in spec["model"]["merges"]]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types(
        [gguf.TokenType.CONTROL if i == END_OF_TEXT else gguf.TokenType.NORMAL for i in range(len(tokens))]
    )
    w.add_token_merges(merges)
    w.add_bos_token_id(END_OF_TEXT)
    w.add_eos_token_id(END_OF_TEXT)
    w.add_add_bos_token(True)
    w.add_add_space_prefix(False)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("checkpoint", type=Path)
    ap.add_argument("tokenizer", type=Path, help="tokenizer.json")
    ap.add_argument("out", type=Path)
    ap.add_argument("--type", choices=TYPES, default="f16", help="of the matrices")
    ap.add_argument("--name", default="Braid Prose")
    args = ap.parse_args()

    ck = torch.load(args.checkpoint)
    c, weights = ck["config"], {k: v.float().numpy() for k, v in ck["weights"].items()}
    d, di = c["d"], 2 * c["d"]
    count = sum(v.size for v in weights.values())

    w = gguf.GGUFWriter(args.out, "mamba")
    w.add_type(gguf.GGUFType.MODEL)
    w.add_name(args.name)
    w.add_size_label(f"{count / 1e6:.1f}M")
    w.add_license("apache-2.0")
    w.add_file_type(FILE_TYPES[args.type])
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    w.add_vocab_size(c["vocab"])
    w.add_context_length(1 << 20)
    w.add_embedding_length(d)
    w.add_block_count(c["layers"])
    w.add_feed_forward_length(0)
    w.add_head_count(0)
    w.add_layer_norm_rms_eps(c["eps"])
    w.add_ssm_conv_kernel(c["conv"])
    w.add_ssm_inner_size(di)
    w.add_ssm_state_size(c["N"])
    w.add_ssm_time_step_rank(weights["layers.0.w_dt"].shape[1])
    w.add_ssm_dt_b_c_rms(False)
    add_tokenizer(w, args.tokenizer)

    def add(name: str, key: str, value: np.ndarray) -> None:
        kind = TYPES[args.type] if key in MATRICES else gguf.GGMLQuantizationType.F32
        if kind == gguf.GGMLQuantizationType.Q8_0 and value.shape[-1] % 32:
            kind = gguf.GGMLQuantizationType.F16
        w.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(value), kind), raw_dtype=kind)

    add("token_embd.weight", "embed", weights["embed"])  # [V,d], also the output matrix
    add("output_norm.weight", "norm", weights["norm"])
    for i in range(c["layers"]):
        for key, name in LAYER.items():
            value = weights[f"layers.{i}.{key}"]
            if key == "conv_w":
                value = value.T  # [K,di] -> [di,K], in GGUF {K,di}
            elif key == "A_log":
                value = -np.exp(value).T  # [N,di] -> [di,N], in GGUF {N,di}
            add(f"blk.{i}.{name}", key, value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    print(f"{args.out}: {count} parameters, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
