#!/usr/bin/env python3
"""Compares Braid's tokenizer with its reference on random texts.

    compare_tokenizer.py TOKENIZE_LINES VOCABULARY [--pre PRE]
        [--reference FILE] [--cases 10000] [--seed 1] [--broken] [--bert]
        [--nfc] [--time TEXT]

TOKENIZE_LINES is the test program of that name. VOCABULARY is a GGUF file or
one of those below, which is then its own reference. References, by FILE:
  tokenizer.json[.xz]  Hugging Face's `tokenizers`
  *.model              `sentencepiece`; unigram:*.model: the same model in
                       `tokenizers`
  *.txt                RWKV's list, with a trie written out below
  *.gguf               `tokenizers`, built from the file's tokens and merges
Needs the PyPI packages of that name (`gguf` for the last).
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


def reference_from_unigram(path):
    """What Transformers makes of a T5 model."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Regex, decoders, normalizers
    model = SentencePieceProcessor(model_file=path)
    pieces = [(model.id_to_piece(index), model.get_score(index))
              for index in range(model.get_piece_size())]
    tokenizer = tokenizers.Tokenizer(models.Unigram(
        pieces, unk_id=model.unk_id(), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(charsmap_of(path)),
        normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement="\u2581", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def charsmap_of(path):
    """normalizer_spec.precompiled_charsmap of a sentencepiece model."""
    with open(path, "rb") as file:
        model = file.read()

    def fields(data):
        at = 0

        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    return value

        while at < len(data):
            key = varint()
            if key % 8 == 0:
                yield key // 8, varint()
            else:
                size = {1: 8, 5: 4}.get(key % 8) or varint()
                yield key // 8, data[at:at + size]
                at += size

    spec = dict(fields(dict(fields(model))[3]))
    return spec[2]


def rwkv_encoder(path):
    """The reference: greedy longest match, byte by byte through a trie."""
    import ast
    root = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            index, rest = line.split(" ", 1)
            literal, length = rest.rsplit(" ", 1)
            token = ast.literal_eval(literal)
            token = token.encode("utf-8") if isinstance(token, str) else token
            assert len(token) == int(length)
            node = root
            for byte in token:
                node = node.setdefault(byte, {})
            node["token"] = int(index)

    def encode(text):
        tokens, at = [], 0
        while at < len(text):
            node, end, best, best_end = root, at, None, at
            while end < len(text) and text[end] in node:
                node = node[text[end]]
                end += 1
                if "token" in node:
                    best, best_end = node["token"], end
            tokens.append(best)
            at = best_end
        return tokens
    return encode


def make_reference(source):
    """A function from bytes to token ids."""
    if source.endswith(".txt"):
        return rwkv_encoder(source)
    if source.startswith("unigram:"):
        reference = reference_from_unigram(source.removeprefix("unigram:"))
    elif source.endswith(".model"):
        from sentencepiece import SentencePieceProcessor
        return SentencePieceProcessor(model_file=source).encode
    elif source.endswith(".gguf"):
        reference = reference_from_gguf(source)
    else:
        reference = reference_from_json(source)
        reference.no_padding()
        reference.no_truncation()
    return lambda text: reference.encode(text.decode("utf-8"),
                                         add_special_tokens=False).ids


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


def broken_text(generator):
    """Bytes of which some are no UTF-8."""
    text = bytearray(random_text(generator).encode("utf-8"))
    for _ in range(generator.randrange(1, 4)):
        at = generator.randrange(len(text) + 1)
        if generator.random() < 0.5:
            text.insert(at, generator.randrange(256))
        else:
            del text[at:at + 1]
    return bytes(text)


def known_difference(character):
    """Characters that Hugging Face's BertNormalizer and BertPreTokenizer take
    for something else than Unicode 14 does: their tables are of Unicode 8."""
    normalizer = tokenizers.normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=True,
        lowercase=False)
    category = unicodedata.category(character)
    kept = normalizer.normalize_str("a" + character + "b") != "ab"
    if category in ("Mn", "Cf"):
        return kept
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(
        "a" + character + "b")
    if category == "Mc":  # two that Unicode 8 calls Mn
        return not kept
    return (category[0] == "P") != (len(pieces) == 3) and category[0] in "PS"


def newer_mark(character):
    """Marks that Unicode 14 orders and composes, and the NFC of `tokenizers`
    does not: its tables are of Unicode 9, in which they are unassigned. (For
    characters that both know, all versions' NFC is the same: Unicode's
    stability policy.)"""
    normalizer = tokenizers.normalizers.NFC()
    return any(
        normalizer.normalize_str(text) != unicodedata.normalize("NFC", text)
        for text in (pattern.format(character) for pattern in (
            "a\u0300{}", "a\u0316{}", "a{}\u0301", "a{}\u0316", "{}")))


def leave_out(is_left_out, reason):
    left_out = set()
    for index, alphabet in enumerate(ALPHABETS):
        kept = [character for character in alphabet
                if not is_left_out(character)]
        left_out.update(set(alphabet) - set(kept))
        ALPHABETS[index] = kept
    print(f"{len(left_out)} characters left out: {reason}")


def encode_with(reference, texts):
    return [reference(text) for text in texts]


def compare(arguments, reference, texts):
    lines = "".join(text.hex() + "\n" for text in texts)
    options = [] if arguments.parse_special else ["--plain"]
    output = subprocess.run(
        [arguments.tokenize_lines, arguments.vocabulary, arguments.pre,
         *options],
        input=lines, capture_output=True, text=True, check=True).stdout
    failures = 0
    for text, line in zip(texts, output.split("\n"), strict=False):
        ours = [int(token) for token in line.split()]
        theirs = reference(text)
        if ours != theirs:
            failures += 1
            if failures <= 5:
                print(f"{text!r}\n  ours   {ours}\n  theirs {theirs}")
    print(f"{arguments.vocabulary}: {len(texts)} cases, {failures} failures")
    return failures


def measure(arguments, reference):
    """Processor time of both, whole text and line by line, best of three."""
    with open(arguments.time, "rb") as file:
        text = file.read()
    subprocess.run([arguments.tokenize_lines, arguments.vocabulary,
                    arguments.pre, "--time", arguments.time], check=True)
    for name, parts in (("whole", [text]),
                        ("lines", text.splitlines(keepends=True))):
        seconds = []
        for _ in range(3):
            start = time.process_time()
            tokens = sum(len(ids) for ids in encode_with(reference, parts))
            seconds.append(time.process_time() - start)
        print(f"reference, {name}: {tokens} tokens, "
              f"{len(text) / min(seconds) / 1e6:.2f} MB/s")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenize_lines")
    parser.add_argument("vocabulary")
    parser.add_argument("--pre", default="")
    parser.add_argument("--reference")
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", action="store_true",
                        help="texts with bytes that are no UTF-8")
    parser.add_argument("--bert", action="store_true",
                        help="leave out characters newer than Unicode 8")
    parser.add_argument("--nfc", action="store_true",
                        help="leave out marks newer than Unicode 9")
    parser.add_argument("--time", metavar="TEXT",
                        help="measure both on this file instead")
    arguments = parser.parse_args()
    source = arguments.reference or arguments.vocabulary
    arguments.parse_special = not source.endswith((".model", ".txt"))
    reference = make_reference(source)
    if arguments.time:
        measure(arguments, reference)
        return

    if arguments.bert:
        leave_out(known_difference, "BERT's tables are of Unicode 8")
    if arguments.nfc:
        leave_out(newer_mark, "NFC's tables are of Unicode 9")
    generator = random.Random(arguments.seed)
    texts = [broken_text(generator) if arguments.broken
             else random_text(generator).encode("utf-8")
             for _ in range(arguments.cases)]
    sys.exit(1 if compare(arguments, reference, texts) else 0)


if __name__ == "__main__":
    main()
