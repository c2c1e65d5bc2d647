#!/usr/bin/env python3
"""Converts SentencePiece models and compares Braid's tokens with the package's.

    compare_sentencepiece.py BRAID TOKENIZE_LINES [MODEL.model ...]
        [--models 500] [--texts 200] [--seed 1] [--corpus FILE] [--keep FOLDER]

BRAID is the program, TOKENIZE_LINES the test program of that name. Without
MODELs, --models random ones are trained: of all options of the trainer that
have an effect on a text, on made-up words or on the lines of --corpus; some
are edited afterwards as no trainer does it (unused pieces, spaces that are not
escaped). Each is converted with `braid convert`, and refused by name or equal
to the package, in ids and decoded text, on --texts strings.

Needs the PyPI packages `sentencepiece` and `protobuf`; without them it ends
with 77, which is neither passed nor failed. Ends with 1 where something
differs or fewer than 80 % of the random models are accepted.
"""

import argparse
import collections
import io
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile

try:
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as messages
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

MARK = "\u2581"
# Stands for the text of the unknown token, which Braid leaves out: a character
# of no corpus.
UNKNOWN = "\U000F0001"
PIECE = messages.ModelProto.SentencePiece

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 600,
    "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu",
}

LETTERS = [
    "abcdefghijklmnopqrstuvwxyz",
    "abcdeABCDE\u00e9\u00fc\u00c9\u00df\u0130",
    "\u0430\u0431\u0432\u0433\u0434\u0435\u0416\u0443",
    "\u4f60\u597d\u4e16\u754c\u6771\u4eac\u5927\u5b66",
    "\u3042\u3044\u3046\u30a2\u30a4\uff71\uff72\uff9e",
    "\u0627\u0644\u0633\u0645\u064e\u0651",
    "\u0915\u093f\u0928\u0947\u092e\u0938\u094d",
    "\uac00\uac01\ub098\ub2e4\u1100\u1161",
    "ab",
]
# What normalizers, squeezing and pieces treat in some way of their own.
ODD = [" ", "  ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u200b",
       "\u2003", MARK, MARK + MARK, MARK + " ", " " + MARK, "\ufb01", "\u2460",
       "\uff21\uff11", "\u00bd", "e\u0301", "\u0301", "\ufeff", "\u0000",
       "\u007f", "\u200d", "\U0001F600", "\U0001F468\u200D\U0001F469", "\ufffd",
       "12345", "3.14", "<unk>", "<s>", "</s>", "<pad>", "<0x0A>", "<0xE2>",
       "...", "\u2047", "\u017f", "\u0130", "\u1e9e", "\u01c6"]


class Corpus:
    """Lines of made-up words of a script or two, or of a file."""

    def __init__(self, generator, file_lines):
        self.words = []
        if file_lines:
            self.lines = generator.sample(file_lines, min(400, len(file_lines)))
            for line in self.lines:
                self.words += line.split()
            return
        for letters in generator.sample(LETTERS, generator.randrange(1, 4)):
            self.words += ["".join(generator.choices(
                letters, k=generator.randrange(1, 9))) for _ in range(40)]
        self.words += [str(generator.randrange(10 ** 5)) for _ in range(5)]
        self.words += ["it's", "e-mail", "x.y", "\uff21b\uff11", "\ufb01n"]
        weights = [1 / (1 + index) for index in range(len(self.words))]
        generator.shuffle(self.words)
        separators = [" ", " ", " ", " ", "  ", ", ", "\t", "\u3000"]
        self.lines = []
        for _ in range(300):
            words = generator.choices(self.words, weights,
                                      k=generator.randrange(1, 15))
            self.lines.append("".join(word + generator.choice(separators)
                                      for word in words))


def random_rules(generator, folder):
    """A file of rewriting rules: code points, a tab, code points."""
    def points(text):
        return " ".join(f"{ord(character):X}" for character in text)

    keys = ["a", "ab", "abc", "\u00e9", "\t", "\u00a0", "\u3000", "x", "  ",
            "b ", " b", "\u4f60\u597d", MARK, "\n", "\u200b", "aaaa", "."]
    values = ["", " ", "  ", "a", "b", "ab", " c", "c ", "\u4e16", MARK, "xyz",
              "\u00e9", "a b"]
    path = os.path.join(folder, "rules.tsv")
    with open(path, "w", encoding="utf-8") as file:
        for key in generator.sample(keys, generator.randrange(1, 9)):
            value = generator.choice([value for value in values
                                      if value != key])
            file.write(f"{points(key)}\t{points(value)}\n")
    return path


def random_options(generator, corpus, folder):
    def chance(share):
        return generator.random() < share

    options = {
        "model_type": generator.choice(
            ["unigram", "unigram", "bpe", "bpe", "word", "char"]),
        "vocab_size": generator.choice([60, 90, 150, 300, 800]),
        "character_coverage": generator.choice([0.95, 0.9995, 1.0]),
        "hard_vocab_limit": False,
        "add_dummy_prefix": chance(0.7),
        "remove_extra_whitespaces": chance(0.6),
        "treat_whitespace_as_suffix": chance(0.15),
        "allow_whitespace_only_pieces": chance(0.3),
        "split_by_unicode_script": chance(0.7),
        "split_by_number": chance(0.7),
        "split_by_whitespace": chance(0.7),
        "split_digits": chance(0.3),
        "max_sentencepiece_length": generator.choice([4, 16, 32]),
        "byte_fallback": chance(0.3),
    }
    if options["model_type"] in ("word", "char"):
        options["use_all_vocab"] = chance(0.5)
    if chance(0.25):
        options["normalization_rule_tsv"] = random_rules(generator, folder)
    else:
        options["normalization_rule_name"] = generator.choice(
            ["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"])
    word = corpus.words[0]
    symbols = ["<sep>", "[INST]", MARK * 2, MARK * 3, "a b", "\n", "\t", "ab",
               word, word[:2], MARK + word, "x" + MARK, "\ufb01", "  ", "aab",
               "\u00bd", "<0x0A>"]
    if chance(0.45):
        options["user_defined_symbols"] = generator.sample(
            symbols, generator.randrange(1, 6))
    if chance(0.3):
        options["control_symbols"] = generator.sample(
            ["<tool>", "<cls>", "[MASK]", "q", "\u00e9"],
            generator.randrange(1, 3))
    if chance(0.2):
        options["required_chars"] = "qz\u00e9\u4f60"
    if chance(0.2):
        options.update(unk_id=2, bos_id=0, eos_id=1, pad_id=3)
    elif chance(0.3):
        options.update(bos_id=-1, pad_id=0, eos_id=1, unk_id=2)
    if chance(0.15):
        options.update(unk_piece="[UNK]", bos_piece="[CLS]", eos_piece="[SEP]",
                       pad_piece="[PAD]")
    if chance(0.1):
        options["unk_surface"] = "?"
    if chance(0.05):
        path = os.path.join(folder, "denormalize.tsv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("61\t62\n")
        options["denormalization_rule_tsv"] = path
    return options


def edit(model, generator):
    """What no trainer writes."""
    normal = [piece for piece in model.pieces if piece.type == PIECE.NORMAL]
    if generator.random() < 0.15:
        for piece in generator.sample(normal, len(normal) // 6):
            piece.type = PIECE.UNUSED
    if generator.random() < 0.1:
        for piece in normal:  # ties
            if math.isfinite(piece.score):
                piece.score = float(round(piece.score / 8) * 8)
    if generator.random() < 0.07:
        model.normalizer_spec.escape_whitespaces = False
        for piece in generator.sample(normal, len(normal) // 2):
            text = piece.piece.replace(MARK, " ")
            if all(text != other.piece for other in model.pieces):
                piece.piece = text


def train(generator, folder, file_lines):
    """The bytes of a random model and the corpus that it knows."""
    while True:
        corpus = Corpus(generator, file_lines)
        options = random_options(generator, corpus, folder)
        written = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(corpus.lines), model_writer=written,
                minloglevel=9, num_threads=1, **options)
        except (RuntimeError, OSError, ValueError):
            continue  # options that exclude each other
        model = messages.ModelProto.FromString(written.getvalue())
        edit(model, generator)
        try:
            sentencepiece.SentencePieceProcessor(
                model_proto=model.SerializeToString())
        except (RuntimeError, OSError, ValueError):
            continue
        return model.SerializeToString(), corpus.words, options


def random_text(generator, words, pieces):
    text = ""
    for _ in range(generator.randrange(1, 12)):
        choice = generator.random()
        if choice < 0.35:
            text += generator.choice(words) + generator.choice(["", " ", "  "])
        elif choice < 0.5:
            text += generator.choice(pieces)
        elif choice < 0.6:
            text += generator.choice(pieces).replace(MARK, " ")
        elif choice < 0.8:
            text += generator.choice(ODD)
        elif choice < 0.85:
            text += generator.choice(words)[:1] * generator.randrange(1, 50)
        elif choice < 0.9:
            text += generator.choice(ODD) * generator.randrange(1, 9)
        else:
            text += "".join(generator.choices(generator.choice(LETTERS) + " ",
                                              k=generator.randrange(1, 12)))
    return text


class Reference:
    """The package; `decode` leaves out the unknown token's text."""

    def __init__(self, model_bytes):
        model = messages.ModelProto.FromString(model_bytes)
        model.trainer_spec.unk_surface = UNKNOWN
        self.pieces = [piece.piece for piece in model.pieces]
        self._processor = sentencepiece.SentencePieceProcessor(
            model_proto=model.SerializeToString())

    def encode(self, text):
        return self._processor.encode(text)

    def decode(self, ids):
        return self._processor.decode(ids).replace(UNKNOWN, "")


def convert(braid, model_bytes, folder):
    """The path of the GGUF file, or the message of a refusal."""
    with open(os.path.join(folder, "config.json"), "w",
              encoding="utf-8") as file:
        json.dump(CONFIG, file)
    with open(os.path.join(folder, "tokenizer.model"), "wb") as file:
        file.write(model_bytes)
    path = os.path.join(folder, "model.gguf")
    if os.path.exists(path):
        os.remove(path)
    result = subprocess.run(
        [braid, "convert", folder, "--vocab-only", "-o", path],
        capture_output=True, text=True, errors="replace",
        check=False)
    if result.returncode == 0:
        return path, ""
    if result.returncode != 1 or "SentencePiece model" not in result.stderr:
        sys.exit(f"convert: exit {result.returncode}: {result.stderr}")
    return None, result.stderr.strip().split(": ", 3)[-1]


def compare(tokenize_lines, path, reference, texts):
    """The texts that differ: text, ours, theirs."""
    lines = "".join(text.encode("utf-8").hex() + "\n" for text in texts)
    output = subprocess.run(
        [tokenize_lines, path, "", "--plain", "--decode"], input=lines,
        capture_output=True, text=True, check=True).stdout.split("\n")
    differing = []
    for text, line in zip(texts, output, strict=False):
        ids, decoded = line.split("\t")
        ours = ([int(token) for token in ids.split()],
                bytes.fromhex(decoded).decode("utf-8", errors="replace"))
        expected = reference.encode(text)
        theirs = (expected, reference.decode(expected))
        if ours != theirs:
            differing.append((text, ours, theirs))
    return differing


def report(name, differing, options):
    print(f"{name}: {len(differing)} differ; {options}")
    for text, ours, theirs in differing[:2]:
        print(f"  {text!r}\n    ours   {ours}\n    theirs {theirs}")


def compare_files(arguments, folder):
    failures = 0
    for name in arguments.model:
        with open(name, "rb") as file:
            model_bytes = file.read()
        path, refusal = convert(arguments.braid, model_bytes, folder)
        if path is None:
            print(f"{name}: refused: {refusal}")
            continue
        reference = Reference(model_bytes)
        generator = random.Random(arguments.seed)
        words = arguments.lines_of_corpus or [
            "the", "Hello", "world", "caf\u00e9", "na\u00efve", "\u6771\u4eac"]
        words = [word for line in words for word in line.split()]
        texts = [random_text(generator, words, reference.pieces)
                 for _ in range(arguments.texts)]
        differing = compare(arguments.tokenize_lines, path, reference, texts)
        failures += len(differing)
        report(f"{name}: {len(texts)} texts", differing, "")
    return 1 if failures else 0


def compare_random(arguments, folder):
    generator = random.Random(arguments.seed)
    refusals = collections.Counter()
    accepted = collections.Counter()
    differing_models = 0
    for index in range(arguments.models):
        model_bytes, words, options = train(generator, folder,
                                            arguments.lines_of_corpus)
        reference = Reference(model_bytes)
        texts = [random_text(generator, words, reference.pieces)
                 for _ in range(arguments.texts)]
        path, refusal = convert(arguments.braid, model_bytes, folder)
        if path is None:
            refusals[re.sub(r"piece \d+, .*?: ", "piece N: ", refusal)] += 1
            continue
        accepted[options["model_type"]] += 1
        differing = compare(arguments.tokenize_lines, path, reference, texts)
        if differing:
            differing_models += 1
            report(f"model {index}", differing, options)
            if arguments.keep:
                kept = os.path.join(arguments.keep, f"{index}.model")
                with open(kept, "wb") as file:
                    file.write(model_bytes)
    print(f"{arguments.models} models, {arguments.texts} texts each: "
          f"{accepted.total()} accepted {dict(accepted)}, "
          f"{refusals.total()} refused, {differing_models} differ")
    for refusal, count in refusals.most_common():
        print(f"  {count} refused: {refusal}")
    enough = accepted.total() >= 0.8 * arguments.models
    return 0 if enough and differing_models == 0 else 1


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("braid")
    parser.add_argument("tokenize_lines")
    parser.add_argument("model", nargs="*")
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", metavar="FILE",
                        help="train on lines of this text")
    parser.add_argument("--keep", metavar="FOLDER",
                        help="where models that differ are written")
    arguments = parser.parse_args()
    arguments.lines_of_corpus = []
    if arguments.corpus:
        with open(arguments.corpus, encoding="utf-8") as file:
            arguments.lines_of_corpus = [
                line.rstrip("\n") for line in file if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        run = compare_files if arguments.model else compare_random
        sys.exit(run(arguments, folder))


if __name__ == "__main__":
    main()
