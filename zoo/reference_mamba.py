"""Mamba-1 from a GGUF file in NumPy, written to be read: one function per formula, float32, token by token.

The reference for the engine's tests. Run it to print the next tokens of a prompt, or with --golden to
write the logits of a fixed text.

Letters in shapes: T tokens, d model width, di inner width, N states, K convolution taps, r rank of dt,
V vocabulary. GGUF lists the fastest dimension first, so ssm_in {d, 2di} arrives here as [2di, d].
"""

import argparse
import json
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


def silu(x):
    return x / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(x, np.float32(0))


class Mamba:
    def __init__(self, path: Path):
        reader = GGUFReader(path)
        self.fields = {k: f.contents() for k, f in reader.fields.items()}
        if self.fields["general.architecture"] != "mamba":
            raise ValueError("not a mamba file")
        self.w = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
        key = lambda name: self.fields[f"mamba.{name}"]
        self.layers = key("block_count")
        self.di, self.N = key("ssm.inner_size"), key("ssm.state_size")
        self.K, self.r = key("ssm.conv_kernel"), key("ssm.time_step_rank")
        self.eps = np.float32(key("attention.layer_norm_rms_epsilon"))
        self.reset()

    def reset(self) -> None:
        """Forgets everything: a new sequence."""
        self.conv_state = np.zeros((self.layers, self.K - 1, self.di), np.float32)  # the last K-1 inputs
        self.h = np.zeros((self.layers, self.di, self.N), np.float32)

    def rms_norm(self, x, weight):  # [T,d], [d] -> [T,d]
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * weight

    def mixer(self, i, u):
        """Algorithm 2 of the paper (with the convolution and the gate of figure 3). u [T,d] -> [T,d]"""
        w = lambda name: self.w[f"blk.{i}.{name}"]
        xz = u @ w("ssm_in.weight").T  # [T,2di]
        x, z = xz[:, : self.di], xz[:, self.di :]  # [T,di] each

        # causal convolution, one filter for each channel; the last tap meets the current token
        taps = w("ssm_conv1d.weight")  # [di,K]
        x = np.concatenate([self.conv_state[i], x])  # [K-1+T,di]
        self.conv_state[i] = x[len(x) - (self.K - 1) :]
        T = len(u)
        x = sum(taps[:, k] * x[k : k + T] for k in range(self.K)) + w("ssm_conv1d.bias")
        x = silu(x)  # [T,di]

        # what the token selects: step, input vector and output vector
        xd = x @ w("ssm_x.weight").T  # [T,r+2N]
        dt, B, C = np.split(xd, [self.r, self.r + self.N], axis=-1)  # [T,r], [T,N], [T,N]
        dt = softplus(dt @ w("ssm_dt.weight").T + w("ssm_dt.bias"))  # [T,di]

        # the recurrence h = exp(dt A) h + dt B x, y = C h + D x
        A = w("ssm_a")  # [di,N], all negative
        D = w("ssm_d")  # [di]
        y = np.empty_like(x)  # [T,di]
        for t in range(T):
            decay = np.exp(dt[t][:, None] * A)  # [di,N]
            self.h[i] = decay * self.h[i] + (dt[t] * x[t])[:, None] * B[t]
            y[t] = self.h[i] @ C[t] + D * x[t]

        return (y * silu(z)) @ w("ssm_out.weight").T  # [T,d]

    def forward(self, ids):
        """ids [T], continuing the current sequence -> logits [T,V]"""
        x = self.w["token_embd.weight"][ids]  # [T,d]
        for i in range(self.layers):
            x = x + self.mixer(i, self.rms_norm(x, self.w[f"blk.{i}.attn_norm.weight"]))
        x = self.rms_norm(x, self.w["output_norm.weight"])
        return x @ self.w.get("output.weight", self.w["token_embd.weight"]).T

    def generate(self, ids, count, temperature=0.0, seed=0):
        """-> `count` next tokens after ids, from a fresh state; temperature 0 takes the most likely ones"""
        rng = np.random.default_rng(seed)
        self.reset()
        out = []
        while len(out) < count:
            logits = self.forward(out[-1:] or ids)[-1].astype(np.float64)  # [V]
            if temperature > 0:
                logits = logits / temperature + rng.gumbel(size=logits.shape)
            out.append(int(logits.argmax()))
        return out


def tokenizer(fields):
    """The file's byte-level BPE as a `tokenizers` object."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"]]
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    types = fields["tokenizer.ggml.token_type"]
    tok.add_special_tokens([t for t, k in zip(tokens, types) if k == 3])
    return tok


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("model", type=Path)
    ap.add_argument(
        "--prompt", default="It was a cold evening in November, and the old man sat by the fire with his"
    )
    ap.add_argument("-n", type=int, default=40)
    ap.add_argument("--temperature", type=float, default=0.0)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument(
        "--golden", type=Path, help="write ids, argmax, some rows of logits and a greedy continuation (JSON)"
    )
    args = ap.parse_args()

    model = Mamba(args.model)
    tok = tokenizer(model.fields)
    bos = (
        [model.fields["tokenizer.ggml.bos_token_id"]] if model.fields["tokenizer.ggml.add_bos_token"] else []
    )
    ids = bos + tok.encode(args.prompt).ids
    after = model.generate(ids, args.n, args.temperature, args.seed)
    print(args.prompt + tok.decode(after))
    if args.golden:
        model.reset()
        logits = model.forward(ids)
        rows = sorted({0, 1, len(ids) // 2, len(ids) - 1})
        logp = logits - np.logaddexp.reduce(logits.astype(np.float64), axis=-1, keepdims=True)
        nll = -logp[np.arange(len(ids) - 1), ids[1:]]
        golden = {
            "model": args.model.name,
            "text": args.prompt,
            "ids": ids,
            "argmax": logits.argmax(-1).tolist(),
            "logits": {str(r): [float(f"{v:.7g}") for v in logits[r]] for r in rows},
            "greedy": model.generate(ids, args.n),
            "mean_nll_nats": float(nll.mean()),
        }
        args.golden.write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
