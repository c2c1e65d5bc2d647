#!/usr/bin/env python3
"""Compares Braid's tokenizer with Hugging Face's `tokenizers` on random texts.

    compare_tokenizer.py TOKENIZE_LINES VOCABULARY [--pre PRE]
        [--reference tokenizer.json[.xz]] [--cases 10000] [--seed 1]

TOKENIZE_LINES is the test program of that name. VOCABULARY is a GGUF file, or
a tokenizer.json, which is then its own reference. For a GGUF file without
--reference the reference is built from the file's tokens and merges; this
needs the PyPI package `gguf`. Needs the PyPI package `tokenizers`.
"""

import argparse
import lzma
import random
import subprocess
import sys
import time
import unicodedata

import tokenizers
from tokenizers import models, pre_tokenizers

# What tokenizer.json files say for these values of tokenizer.ggml.pre.
PRE_TOKENIZERS = {
    "gpt-2": lambda: pre_tokenizers.ByteLevel(add_prefix_space=False),
    "smollm": lambda: pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)]),
}
CONTROL, USER_DEFINED = 3, 4


def reference_from_json(path):
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        return tokenizers.Tokenizer.from_str(file.read())


def reference_from_gguf(path):
    from gguf import GGUFReader
    reader = GGUFReader(path)

    def field(name):
        return reader.fields["tokenizer.ggml." + name].contents()

    tokens, types = field("tokens"), field("token_type")
    merges = [tuple(merge.split(" ", 1)) for merge in field("merges")]
    tokenizer = tokenizers.Tokenizer(models.BPE(
        vocab={text: index for index, text in enumerate(tokens)},
        merges=merges))
    tokenizer.pre_tokenizer = PRE_TOKENIZERS[field("pre")]()
    for text, kind in zip(tokens, types):
        if kind == CONTROL:
            tokenizer.add_special_tokens([text])
        elif kind == USER_DEFINED:
            tokenizer.add_tokens([text])
    return tokenizer


def assigned(first, last):
    return [chr(point) for point in range(first, last)
            if unicodedata.category(chr(point)) not in ("Cn", "Cs", "Co")]


ALPHABETS = [
    [chr(point) for point in range(1, 127)],
    list("abcdefghij ABC 0123456789 '''stmdrevl \n\r\t"),
    assigned(0x20, 0x800),
    assigned(0x900, 0x1100),
    assigned(0x300, 0x370) + list("aeiou "),
    assigned(0x2000, 0x3040),
    assigned(0x3040, 0x3100) + assigned(0x4E00, 0x4F00),
    assigned(0x1F300, 0x1FA00) + ["\u200D", "\uFE0F", " "],
    list("\u0085\u00A0\u1680\u2003\u2028\u2029\u202F\u205F\u3000 \t\n\r\x0b\x0cx1."),
    assigned(0x1100, 0x11FF) + assigned(0xAC00, 0xAD00),
    assigned(0x80, 0x20000),
]
WORDS = ["'s", "'LL", "'\u017F", "<|im_start|>", "<|im_end|>", "<|endoftext|>",
         "</s>", "the", " Hello", "\n\n", "    ", "12345", "caf\u00e9", "...", "\u0130"]


def random_text(generator):
    text = ""
    for _ in range(generator.randrange(1, 8)):
        choice = generator.random()
        if choice < 0.2:
            text += generator.choice(WORDS)
        elif choice < 0.3:
            text += (generator.choice(generator.choice(ALPHABETS))
                     * generator.randrange(1, 60))
        else:
            text += "".join(generator.choices(generator.choice(ALPHABETS),
                                              k=generator.randrange(1, 20)))
    return text


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenize_lines")
    parser.add_argument("vocabulary")
    parser.add_argument("--pre", default="")
    parser.add_argument("--reference")
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time", metavar="TEXT",
                        help="also time the reference on this file")
    arguments = parser.parse_args()

    source = arguments.reference or arguments.vocabulary
    reference = (reference_from_gguf(source) if source.endswith(".gguf")
                 else reference_from_json(source))
    generator = random.Random(arguments.seed)
    texts = [random_text(generator) for _ in range(arguments.cases)]
    lines = "".join(text.encode("utf-8").hex() + "\n" for text in texts)
    output = subprocess.run(
        [arguments.tokenize_lines, arguments.vocabulary, arguments.pre],
        input=lines, capture_output=True, text=True, check=True).stdout

    failures = 0
    for text, line in zip(texts, output.split("\n"), strict=False):
        ours = [int(token) for token in line.split()]
        theirs = reference.encode(text, add_special_tokens=False).ids
        if ours != theirs:
            failures += 1
            if failures <= 5:
                print(f"{text!r}\n  ours   {ours}\n  theirs {theirs}")
    print(f"{len(texts)} cases, {failures} failures")

    if arguments.time:
        with open(arguments.time, encoding="utf-8") as file:
            text = file.read()
        start = time.perf_counter()
        count = len(reference.encode(text, add_special_tokens=False).ids)
        seconds = time.perf_counter() - start
        print(f"reference: {count} tokens, "
              f"{len(text.encode()) / seconds / 1e6:.1f} MB/s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
