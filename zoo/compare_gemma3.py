"""How far is an engine from exact arithmetic on Gemma-3 270M (Q4_K_M; scripts/get-models gemma3), beyond its window?

The reference has the file's dequantised weights in float32 in transformers' Gemma3ForCausalLM. 640 tokens of a text
go through; the window of 15 of the 18 layers is 512.

  compare_gemma3.py reference  MODEL.gguf   ids.txt, reference.f32 [640, vocab], and what follows a question
  compare_gemma3.py llama.cpp  MODEL.gguf   the same ids through llama.cpp, compared
  compare_gemma3.py file LOGITS             compares an engine's raw float32 logits (tests/golden/dump_logits.cc)
"""

import argparse
from pathlib import Path

import numpy as np

from compare_smollm2 import log_softmax, read

COUNT = 640
QUESTION = "Question: What is the capital of France?\nAnswer:"
NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "post_ffw_norm": "post_feedforward_layernorm",
}


def build(fields, w):
    """-> Gemma3ForCausalLM in float32 with the weights of the file"""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    key = lambda name: fields[f"gemma3.{name}"]
    layers, size = key("block_count"), key("attention.key_length")
    config = Gemma3TextConfig(
        vocab_size=w["token_embd.weight"].shape[0],
        hidden_size=key("embedding_length"),
        intermediate_size=key("feed_forward_length"),
        num_hidden_layers=layers,
        num_attention_heads=key("attention.head_count"),
        num_key_value_heads=key("attention.head_count_kv"),
        head_dim=size,
        query_pre_attn_scalar=size,
        rms_norm_eps=key("attention.layer_norm_rms_epsilon"),
        max_position_embeddings=key("context_length"),
        sliding_window=key("attention.sliding_window"),
        layer_types=["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(layers)],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": key("rope.freq_base")},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
        attn_implementation="eager",
    )

    def value(name: str):
        # Norms scale by one more than transformers' weights, by the file's own.
        return torch.from_numpy(np.ascontiguousarray(w[name] - 1 if name.endswith("norm.weight") else w[name]))

    state = {"model.embed_tokens.weight": value("token_embd.weight"), "model.norm.weight": value("output_norm.weight")}
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    for i in range(layers):
        for ours, theirs in NAMES.items():
            state[f"model.layers.{i}.{theirs}.weight"] = value(f"blk.{i}.{ours}.weight")
    model = Gemma3ForCausalLM(config).float().eval()
    model.load_state_dict(state, strict=True)
    return model


def report(reference: np.ndarray, other: np.ndarray) -> None:
    """Both [COUNT, vocab], read piece by piece."""
    largest, spread, kl, same = 0.0, 0.0, 0.0, 0
    for begin in range(0, COUNT, 64):
        a, b = reference[begin : begin + 64], other[begin : begin + 64]
        largest = max(largest, float(np.abs(a - b).max()))
        spread = max(spread, float((a.max(-1) - a.min(-1)).max()))
        p, q = log_softmax(a), log_softmax(b)
        kl = max(kl, float((np.exp(p) * (p - q)).sum(-1).max()))
        same += int((a.argmax(-1) == b.argmax(-1)).sum())
    print(f"largest |logit difference|  {largest:.6g}   of a spread of {spread:.6g}: {largest / spread:.2g}")
    print(f"largest KL(reference || other)  {kl:.6g} nats")
    print(f"same most likely token      {same} of {COUNT}")


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("mode", choices=["reference", "llama.cpp", "file"])
    ap.add_argument("path", type=Path)
    ap.add_argument("--data", type=Path, default=Path("../shared/data"))
    ap.add_argument("--out", type=Path, required=True, help="folder for ids.txt and the logits, outside the repository")
    ap.add_argument("--threads", type=int, default=1)
    args = ap.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    if args.mode == "file":
        reference = np.memmap(args.out / "reference.f32", np.float32, "r").reshape(COUNT, -1)
        report(reference, np.memmap(args.path, np.float32, "r").reshape(COUNT, -1))
        return

    import llama_cpp

    text = (args.data / "eval" / "wiki.test.raw").read_text(encoding="utf-8")
    tokenizer = llama_cpp.Model(args.path, args.threads, COUNT)
    ids = tokenizer.tokenize(text[: 20 * COUNT])[:COUNT]
    if args.mode == "llama.cpp":
        # Half and half: it computes no more than its own ubatch of 512 at once.
        half = COUNT // 2
        other = np.concatenate([tokenizer.forward(ids[:half]), tokenizer.forward(ids[half:])])
        reference = np.memmap(args.out / "reference.f32", np.float32, "r").reshape(COUNT, -1)
        report(reference, other)
        return

    import torch

    torch.set_num_threads(args.threads)
    (args.out / "ids.txt").write_text("".join(f"{i}\n" for i in ids))
    model = build(*read(args.path))
    with torch.no_grad():
        model(torch.tensor([ids])).logits[0].numpy().tofile(args.out / "reference.f32")
        answer = tokenizer.tokenize(QUESTION)
        print(repr(QUESTION), answer)
        for _ in range(12):
            answer.append(int(model(torch.tensor([answer])).logits[0, -1].argmax()))
        print("transformers goes on with", answer[-12:])


if __name__ == "__main__":
    main()
