"""Does llama.cpp agree with reference_mamba.py about a Mamba file? Compares ids, logits and greedy tokens."""

import argparse
from pathlib import Path

import numpy as np

import llama_cpp
import reference_mamba


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("model", type=Path)
    ap.add_argument(
        "--prompt", default="It was a cold evening in November, and the old man sat by the fire with his"
    )
    ap.add_argument("-n", type=int, default=100)
    args = ap.parse_args()
    ours, theirs = reference_mamba.Mamba(args.model), llama_cpp.Model(args.model)
    tok = reference_mamba.tokenizer(ours.fields)
    ids = [ours.fields["tokenizer.ggml.bos_token_id"]] + tok.encode(args.prompt).ids
    print("same ids:", ids == theirs.tokenize(args.prompt))
    after = ours.generate(ids, args.n)
    logits = theirs.forward(ids)
    ours.reset()
    print("largest logit difference:", float(np.abs(logits - ours.forward(ids)).max()))
    got = [int(logits[-1].argmax())]
    while len(got) < args.n:
        got.append(int(theirs.forward(got[-1:])[0].argmax()))
    same = next((i for i, (a, b) in enumerate(zip(after, got)) if a != b), args.n)
    print(f"greedy tokens agree for {same} of {args.n}")


if __name__ == "__main__":
    main()
