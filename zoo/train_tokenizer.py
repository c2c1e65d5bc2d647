"""Trains the byte-level BPE vocabulary on the training part of the corpora and writes tokenizer.json.

The pre-tokeniser is GPT-2's regular expression; token 0 is the control token <|endoftext|>.
"""

import argparse
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import corpus

END_OF_TEXT = "<|endoftext|>"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", type=Path, default=Path("../shared/data"))
    ap.add_argument("--vocab", type=int, default=2048)
    ap.add_argument("--out", type=Path, required=True, help="folder for tokenizer.json")
    args = ap.parse_args()

    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=args.vocab,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = corpus.load(args.data)
    tok.train_from_iterator((t.train.decode("utf-8") for t in texts), trainer)
    args.out.mkdir(parents=True, exist_ok=True)
    tok.save(str(args.out / "tokenizer.json"))
    for t in texts:
        ids = tok.encode(t.train.decode("utf-8")).ids
        print(
            f"{t.name:30s} {len(t.train):9d} bytes {len(ids):8d} tokens {len(t.train) / len(ids):.2f} bytes/token"
        )


if __name__ == "__main__":
    main()
