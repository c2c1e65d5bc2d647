"""How far are Braid and llama.cpp from exact arithmetic, in perplexity?

  braid perplexity -m MODEL -f TEXT -c 512 --chunks 20
  python compare_perplexity.py MODEL TEXT --chunk 512 --chunks 20

prints the same figure for transformers, with the file's dequantised weights in float32, and for llama.cpp, which
keeps keys and values in float16: of the second half of every chunk, whose first token is the one that begins texts if
the model has one. MODEL is a Llama or a Gemma-3.
"""

import argparse
from pathlib import Path

import numpy as np

import compare_gemma3
import compare_smollm2
import llama_cpp

SLICE = 128
BUILD = {"llama": compare_smollm2.build, "gemma3": compare_gemma3.build}


def negative_log_likelihood(logits: np.ndarray, targets) -> np.ndarray:
    """logits [T, vocab], each row before its target -> [T] float64"""
    x = logits.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    return np.log(np.exp(x).sum(-1)) - x[np.arange(len(targets)), targets]


def transformers_scores(model):
    """-> function from a chunk's ids to the scores of its second half; makes logits for a slice at a time"""
    import torch

    def score(ids):
        scores = []
        with torch.no_grad():
            hidden = model.model(torch.tensor([ids]), use_cache=False).last_hidden_state[0]
            for begin in range(len(ids) // 2, len(ids) - 1, SLICE):
                targets = ids[begin + 1 : begin + 1 + SLICE]
                logits = model.lm_head(hidden[begin : begin + len(targets)]).numpy()
                scores.append(negative_log_likelihood(logits, targets))
        return np.concatenate(scores)

    return score


def llama_cpp_scores(model: llama_cpp.Model):
    """The same of llama.cpp; feeds it a slice at a time."""

    def score(ids):
        model.go_back(0)
        scores = []
        for begin in range(0, len(ids), SLICE):
            logits = model.forward(ids[begin : begin + SLICE])
            targets = ids[begin + 1 : begin + 1 + SLICE]
            if begin >= len(ids) // 2:
                scores.append(negative_log_likelihood(logits[: len(targets)], targets))
        return np.concatenate(scores)

    return score


def perplexity(name: str, score, chunks) -> float:
    """The targets in a chunk of C tokens are those from number C / 2 + 1 on."""
    scores = np.empty(0)
    for ids in chunks:
        scores = np.concatenate([scores, score(ids)])
    value = float(np.exp(scores.mean()))
    print(f"{name:12} {len(chunks)} chunks, {len(scores)} tokens: PPL = {value:.5f}", flush=True)
    return value


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", type=Path)
    ap.add_argument("text", type=Path)
    ap.add_argument("--chunk", type=int, default=512, help="tokens, a multiple of 256")
    ap.add_argument("--chunks", type=int, default=20)
    ap.add_argument("--threads", type=int, default=1)
    args = ap.parse_args()

    import torch

    torch.set_num_threads(args.threads)
    fields, weights = compare_smollm2.read(args.model)
    other = llama_cpp.Model(args.model, args.threads, args.chunk)
    ids = other.tokenize(args.text.read_text(encoding="utf-8"))
    begins = [i * args.chunk for i in range(args.chunks)]
    chunks = [ids[begin : begin + args.chunk] for begin in begins]
    if fields.get("tokenizer.ggml.add_bos_token", False):
        chunks = [[fields["tokenizer.ggml.bos_token_id"], *chunk[1:]] for chunk in chunks]
    model = BUILD[fields["general.architecture"]](fields, weights)
    exact = perplexity("transformers", transformers_scores(model), chunks)
    theirs = perplexity("llama.cpp", llama_cpp_scores(other), chunks)
    print(f"llama.cpp is {100 * (theirs / exact - 1):+.4f} % away")


if __name__ == "__main__":
    main()
