# length: a table of steps, and one drawing function for each
"""Random tokenizer.json of the steps and options that `tokenizers` knows.

A drawn tokenizer is of one of two sorts. "kind": the steps that belong to the
models that are in the field (byte-level BPE, BPE and Unigram with space marks,
WordPiece, WordLevel), each with options, flags and further steps drawn freely.
"wild": any normalizer, pre-tokenizer, model, post-processor and decoder beside
any other. Vocabularies are made from words that the drawn steps cut a random
text into, so that texts reach the tokens.
"""

import base64
import collections
import json
import random
import struct
import unicodedata

import tokenizers

SPACE_MARK = "\u2581"


def is_old(character):
    """Is it the same in Unicode 3.2 and today? Every table in the package is of
    another version; characters that are newer compare versions, not programs."""
    old = unicodedata.ucd_3_2_0
    return (old.category(character) == unicodedata.category(character) != "Cn"
            and old.normalize("NFKD", character)
            == unicodedata.normalize("NFKD", character)
            and old.combining(character) == unicodedata.combining(character))


def between(first, last):
    return [chr(point) for point in range(first, last)
            if is_old(chr(point))
            and unicodedata.category(chr(point)) not in ("Cs", "Co")]


ALPHABETS = [
    list("abcdefghij ABC 0123456789 '''stmdrevl \n\r\t"),
    list("aaabbcde  "),
    [chr(point) for point in range(1, 127)],
    between(0xA0, 0x250),
    between(0x370, 0x600),
    between(0x900, 0xE80),
    between(0x300, 0x346) + list("aeiou "),
    between(0x2000, 0x2070) + list("ab "),
    between(0x3040, 0x3100) + between(0x4E00, 0x4E80) + list(" \u3002"),
    list("\U0001F600\U0001F44D\U0001F468\u200D\U0001F3FD\uFE0F\u2764 a"),
    list("\u0085\u00A0\u1680\u2003\u2028\u2029\u202F\u205F\u3000 \t\n\r\x0b\x0cx1."),
    between(0x1100, 0x1113) + between(0xAC00, 0xAC40),
    between(0xFB00, 0xFB07) + between(0xFF01, 0xFF60) + list("\u2460\u00BD\u00B2"),
    list("\u0000\u0001\u007F\u0080\u009F\u200B\u200E\u202A\uFEFF\uFFFD\uFFFE\uE000 a"),
]
WORDS = ["the", " the", "Hello", "HELLO", "hello", "world", " world", "don't",
         "I'll", "123", "12345", "3.14", "caf\u00e9", "cafe\u0301", "na\u00efve",
         "\u6771\u4eac", "\u3053\u3093\u306b\u3061\u306f", "...", "  ", "\n\n",
         "\u0130stanbul", "stra\u00dfe", "\u01C5", "a", "ab", "abc", "foo_bar",
         "x=1;", "(a)", "\uac00\ub098", "1\u00bd", "\ufb01ne", "na", "nanana"]
# What tokens that are added later look like.
ADDED = ["<s>", "</s>", "<unk>", "<pad>", "[CLS]", "[SEP]", "[UNK]", "[MASK]",
         "<mask>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|a|>",
         "<tool>", "hello", "a", "ab", "Hello", "the", " ", "  ", "\n", "\t",
         " x", "x ", "caf\u00e9", "cafe\u0301", "\u6771", "\u2581", "\u2581\u2581",
         "\u2581the", "123", "don't", "<0x41>", "\u00c9", "\ufb01", "##s", ".",
         "[a-z]", "e\u0301", "<|IM|>"]
EXPRESSIONS = [
    r"\s+", r" ", r" {2,}", r"\d", r"\p{N}", r"\p{N}{1,3}", r"[0-9][0-9][0-9]",
    r"[A-Z]", r"[^\s]+", r"\w+|[^\w\s]+", r"\p{L}+", r"[\r\n]", r"\r?\n",
    r"\s?\p{L}+", r"\s?\p{P}+", r"[^\n]+|[\n]+", r"(?=[A-Z])", r"a|ab",
    r"[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", r"\b", r"a*", r"(?i)the",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
             "Contiguous"]


class Draw(random.Random):
    def chance(self, probability):
        return self.random() < probability

    def flag(self):
        return self.chance(0.5)


def small_charsmap():
    """A Precompiled map as SentencePiece writes it: its double array, then the
    replacements. It maps three characters and the pair of them; the rest of a
    real one is more of the same."""
    entries = {b"\xef\xbc\xa1": b"A", b"\xe3\x80\x80": b" ", b"\t": b" ",
               b"\xef\xac\x81": b"fi", b"\n": b" ", b"\xc2\xad": b""}
    replacements = b""
    offsets = {}
    for key, text in entries.items():
        offsets[key] = len(replacements)
        replacements += text + b"\0"
    # A trie of (children by byte, offset), laid out as darts: a unit's children
    # are at its base XOR the byte, its value at the base itself.
    root = {}
    for key, offset in offsets.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = offset
    units = {0: 0}
    used = {0}

    def place(node, at, label):
        labels = [0 if byte is None else byte for byte in node]
        base = 1
        while any((base ^ byte) in used or (at ^ base) >= 1 << 21
                  for byte in labels) or base % 256 != 0:
            base += 1
        used.update(base ^ byte for byte in labels)
        leaf = 1 << 8 if None in node else 0
        units[at] = ((at ^ base) << 10) | leaf | label
        for byte, child in node.items():
            if byte is None:
                units[base] = child | 1 << 31
            else:
                place(child, base ^ byte, byte)

    place(root, 0, 0)
    size = (max(units) // 256 + 1) * 256
    array = b"".join(struct.pack("<I", units.get(at, 0)) for at in range(size))
    blob = struct.pack("<I", len(array)) + array + replacements
    return base64.b64encode(blob).decode()


CHARSMAP = small_charsmap()


def random_expression(draw):
    if draw.chance(0.7):
        return draw.choice(EXPRESSIONS)
    atoms = ["a", "b", r"\s", r"\d", r"\p{L}", r"\p{P}", "[a-f]", "[^ab]", r"\w",
             r"\S", r"\p{Lu}", " ", "é", r"[\p{N}x]", "."]
    branches = []
    for _ in range(draw.randrange(1, 4)):
        branches.append("".join(
            draw.choice(atoms) + draw.choice(["", "", "+", "?", "{1,2}", "*"])
            for _ in range(draw.randrange(1, 4))))
    return "|".join(branches)


def random_pattern(draw):
    if draw.chance(0.4):
        return {"String": draw.choice(["a", " ", "ab", ".", "''", "``", "\u00e9",
                                       "\n", "\u2581", "aa", "\u6771", "-"])}
    return {"Regex": random_expression(draw)}


# A step is drawn by a function of its own; the names are `tokenizers`'.

def plain(name):
    return lambda draw: {"type": name}


def bert_normalizer(draw):
    return {"type": "BertNormalizer", "clean_text": draw.flag(),
            "handle_chinese_chars": draw.flag(),
            "strip_accents": draw.choice([None, None, True, False]),
            "lowercase": draw.flag()}


def replace(draw):
    return {"type": "Replace", "pattern": random_pattern(draw),
            "content": draw.choice(["", " ", "\u2581", "b", "xx", "\"", "\u00e9"])}


NORMALIZERS = {
    "BertNormalizer": bert_normalizer,
    "NFC": plain("NFC"), "NFD": plain("NFD"),
    "NFKC": plain("NFKC"), "NFKD": plain("NFKD"),
    "Lowercase": plain("Lowercase"),
    "StripAccents": plain("StripAccents"),
    "Nmt": plain("Nmt"),
    "ByteLevel": plain("ByteLevel"),
    "Strip": lambda draw: {"type": "Strip", "strip_left": draw.flag(),
                           "strip_right": draw.flag()},
    "Replace": replace,
    "Prepend": lambda draw: {"type": "Prepend", "prepend": draw.choice(
        ["\u2581", " ", "x"])},
    "Precompiled": lambda draw: {"type": "Precompiled",
                                 "precompiled_charsmap": CHARSMAP},
}


def byte_level(draw):
    return {"type": "ByteLevel", "add_prefix_space": draw.chance(0.3),
            "trim_offsets": draw.flag(), "use_regex": draw.chance(0.7)}


def metaspace(draw):
    return {"type": "Metaspace",
            "replacement": SPACE_MARK if draw.chance(0.9) else "_",
            "prepend_scheme": draw.choice(["always", "first", "never"]),
            "split": draw.chance(0.7)}


def split(draw):
    return {"type": "Split", "pattern": random_pattern(draw),
            "behavior": draw.choice(BEHAVIORS), "invert": draw.chance(0.25)}


PRE_TOKENIZERS = {
    "ByteLevel": byte_level,
    "Metaspace": metaspace,
    "Split": split,
    "Whitespace": plain("Whitespace"),
    "WhitespaceSplit": plain("WhitespaceSplit"),
    "BertPreTokenizer": plain("BertPreTokenizer"),
    "CharDelimiterSplit": lambda draw: {"type": "CharDelimiterSplit",
                                        "delimiter": draw.choice("a _-")},
    "Punctuation": lambda draw: {"type": "Punctuation",
                                 "behavior": draw.choice(BEHAVIORS)},
    "Digits": lambda draw: {"type": "Digits", "individual_digits": draw.flag()},
    "UnicodeScripts": plain("UnicodeScripts"),
    "FixedLength": lambda draw: {"type": "FixedLength",
                                 "length": draw.randrange(1, 6)},
}
DECODERS = {
    "ByteLevel": lambda draw: {"type": "ByteLevel", "add_prefix_space": True,
                               "trim_offsets": True, "use_regex": True},
    "WordPiece": lambda draw: {"type": "WordPiece",
                               "prefix": draw.choice(["##", "##", "@@"]),
                               "cleanup": draw.flag()},
    "Metaspace": metaspace,
    "BPEDecoder": lambda draw: {"type": "BPEDecoder",
                                "suffix": draw.choice(["</w>", "_"])},
    "CTC": lambda draw: {"type": "CTC", "pad_token": "<pad>",
                         "word_delimiter_token": "|", "cleanup": draw.flag()},
    "ByteFallback": plain("ByteFallback"),
    "Fuse": plain("Fuse"),
    "Strip": lambda draw: {"type": "Strip", "content": draw.choice(" a"),
                           "start": draw.randrange(3), "stop": draw.randrange(3)},
    "Replace": lambda draw: {"type": "Replace",
                             "pattern": {"String": draw.choice("\u2581_a")},
                             "content": draw.choice([" ", "", "b"])},
}
LISTS = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers",
         "decoder": "decoders", "post_processor": "processors"}


def sequence(part, steps):
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]
    return {"type": "Sequence", LISTS[part]: steps}


def random_steps(draw, part, table, longest):
    return sequence(part, [draw.choice(list(table.values()))(draw)
                           for _ in range(draw.randrange(0, longest + 1))])


# Vocabularies.

def corpus(draw):
    text = []
    for _ in range(60):
        if draw.chance(0.5):
            text.append(draw.choice(WORDS) + draw.choice(["", " ", " "]))
        else:
            alphabet = draw.choice(ALPHABETS)
            text.append("".join(draw.choices(alphabet, k=draw.randrange(1, 9))))
    return "".join(text).replace("\0", "")


def cut(whole, text):
    """The words that normalizer and pre-tokenizer make of a text."""
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(whole))
    if tokenizer.normalizer is not None:
        text = tokenizer.normalizer.normalize_str(text)
    if tokenizer.pre_tokenizer is None:
        return [text]
    return [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]


def numbered(draw, texts):
    """{text: id}, mostly in order."""
    texts = list(dict.fromkeys(texts))
    if draw.chance(0.3):
        draw.shuffle(texts)
    return {text: index for index, text in enumerate(texts)}


BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]


def byte_characters():
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) for byte in kept] + [chr(256 + at)
                                           for at in range(len(moved))]


def bpe(draw, words, alphabet=(), *, byte_fallback=False):
    prefix = draw.choice(["##", "@@"]) if draw.chance(0.08) else None
    suffix = draw.choice(["</w>", "_"]) if draw.chance(0.08) else None
    unknown = "<unk>" if draw.chance(0.5) else None
    counts = collections.Counter()
    for word in words:
        symbols = [character if at == 0 else (prefix or "") + character
                   for at, character in enumerate(word[:60])]
        if symbols and suffix:
            symbols[-1] += suffix
        if symbols:
            counts[tuple(symbols)] += 1
    texts = [unknown] if unknown else []
    if byte_fallback:
        texts += BYTE_TOKENS if draw.chance(0.8) else BYTE_TOKENS[:draw.randrange(256)]
    seen = collections.Counter(symbol for word in counts for symbol in word)
    texts += list(alphabet) + [symbol for symbol, _ in seen.most_common(250)
                               if draw.chance(0.9)]
    known = set(texts)
    merges = []
    for _ in range(draw.randrange(20, 120)):
        pairs = collections.Counter()
        for word, count in counts.items():
            for pair in zip(word, word[1:], strict=False):
                if pair[0] in known and pair[1] in known:
                    pairs[pair] += count
        if not pairs:
            break
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        if draw.chance(0.1):
            left, right = draw.choice(sorted(pairs))
        made = left + right[len(prefix or ""):]
        merges.append([left, right])
        texts.append(made)
        known.add(made)
        merged = collections.Counter()
        for word, count in counts.items():
            symbols = []
            for symbol in word:
                if symbols and symbols[-1] == left and symbol == right:
                    symbols[-1] = made
                else:
                    symbols.append(symbol)
            merged[tuple(symbols)] += count
        counts = merged
    if draw.chance(0.15):
        draw.shuffle(merges)
    return {"type": "BPE", "dropout": None, "unk_token": unknown,
            "continuing_subword_prefix": prefix, "end_of_word_suffix": suffix,
            "fuse_unk": draw.flag(), "byte_fallback": byte_fallback,
            "ignore_merges": draw.chance(0.25), "vocab": numbered(draw, texts),
            "merges": merges}


def pieces_of(draw, words, count):
    """Pairs of a random part of a word and whether the word begins with it."""
    pieces = []
    for _ in range(count):
        word = draw.choice(words)[:40]
        if not word:
            continue
        begin = 0 if draw.flag() else draw.randrange(len(word))
        length = draw.randrange(1, 7)
        pieces.append((word[begin:begin + length], begin == 0))
    return pieces


def word_piece(draw, words):
    prefix = "##" if draw.chance(0.8) else draw.choice(["@@", ""])
    unknown = draw.choice(["[UNK]", "[UNK]", "<unk>"])
    texts = ["[PAD]", unknown, "[CLS]", "[SEP]", "[MASK]"]
    for character in dict.fromkeys("".join(words)[:400]):
        if draw.chance(0.8):
            texts.append(character)
        if draw.chance(0.8):
            texts.append(prefix + character)
    texts += [text if first else prefix + text
              for text, first in pieces_of(draw, words, 120)]
    return {"type": "WordPiece", "unk_token": unknown,
            "continuing_subword_prefix": prefix,
            "max_input_chars_per_word": draw.choice([100, 100, 10, 4]),
            "vocab": numbered(draw, texts)}


def word_level(draw, words):
    unknown = draw.choice(["[UNK]", "<unk>"])
    texts = [unknown, *(word for word in words if word and draw.chance(0.9))]
    return {"type": "WordLevel", "vocab": numbered(draw, texts),
            "unk_token": unknown}


def unigram(draw, words):
    byte_fallback = draw.chance(0.3)
    texts = ["<s>", "</s>"]
    if byte_fallback:
        texts += BYTE_TOKENS
    texts += [character for character in dict.fromkeys("".join(words)[:500])
              if draw.chance(0.9)]
    texts += [text for text, _ in pieces_of(draw, words, 150)]
    texts = [text for text in dict.fromkeys(texts) if text != "<unk>"]
    at = draw.choice([0, 0, 2, draw.randrange(len(texts))])
    texts.insert(at, "<unk>")
    return {"type": "Unigram", "unk_id": at, "byte_fallback": byte_fallback,
            "vocab": [[text, 0.0 if text == "<unk>" else -draw.uniform(1, 15)]
                      for text in texts]}


# Whole tokenizers.

def empty_tokenizer():
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
            "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}


def byte_level_kind(draw, whole):
    steps = []
    if draw.chance(0.5):
        steps = [step(draw) for step in draw.choice([
            [lambda d: {"type": "Digits", "individual_digits": True}], [split],
            [PRE_TOKENIZERS["Punctuation"]], [split, split],
            [PRE_TOKENIZERS["Digits"], split]])]
        for step in steps:
            if step["type"] == "Split" and draw.chance(0.7):
                step.update(behavior="Isolated", invert=False)
    whole["normalizer"] = random_steps(draw, "normalizer", {
        name: NORMALIZERS[name] for name in (
            "NFC", "NFC", "NFKC", "NFD", "Lowercase", "Strip", "Replace",
            "StripAccents")}, 2) if draw.chance(0.5) else None
    whole["pre_tokenizer"] = sequence("pre_tokenizer", [*steps, byte_level(draw)])
    whole["decoder"] = DECODERS["ByteLevel"](draw)
    alphabet = byte_characters()
    if draw.chance(0.1):
        alphabet = draw.sample(alphabet, 200)
    whole["model"] = bpe(draw, cut(whole, corpus(draw)), alphabet)


def space_mark_steps(draw, whole):
    extra = [NORMALIZERS[draw.choice(["NFC", "NFKC", "Lowercase", "Replace",
                                      "Strip", "Nmt", "Precompiled"])](draw)
             for _ in range(draw.choice([0, 0, 1, 2]))]
    if draw.chance(0.5):
        if draw.chance(0.7):
            extra.append({"type": "Prepend", "prepend": SPACE_MARK})
        extra.append({"type": "Replace", "pattern": {"String": " "},
                      "content": SPACE_MARK})
    else:
        step = metaspace(draw)
        step["replacement"] = SPACE_MARK
        steps = [step]
        if draw.chance(0.2):
            steps.insert(0, PRE_TOKENIZERS[draw.choice(
                ["WhitespaceSplit", "Digits", "Punctuation", "Split"])](draw))
        whole["pre_tokenizer"] = sequence("pre_tokenizer", steps)
    whole["normalizer"] = sequence("normalizer", extra)
    whole["decoder"] = draw.choice([
        metaspace(draw) | {"replacement": SPACE_MARK},
        sequence("decoder", [
            {"type": "Replace", "pattern": {"String": SPACE_MARK}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]),
        sequence("decoder", [
            {"type": "Replace", "pattern": {"String": SPACE_MARK}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}])])


def space_mark_kind(draw, whole):
    space_mark_steps(draw, whole)
    whole["model"] = bpe(draw, cut(whole, corpus(draw)),
                         byte_fallback=draw.chance(0.6))


def unigram_kind(draw, whole):
    space_mark_steps(draw, whole)
    whole["model"] = unigram(draw, cut(whole, corpus(draw)))


def word_piece_kind(draw, whole):
    whole["normalizer"] = (bert_normalizer(draw) if draw.chance(0.7) else
                           random_steps(draw, "normalizer", NORMALIZERS, 3))
    whole["pre_tokenizer"] = PRE_TOKENIZERS[draw.choice(
        ["BertPreTokenizer"] * 3 + ["Whitespace", "WhitespaceSplit"])](draw)
    whole["decoder"] = DECODERS["WordPiece"](draw)
    whole["model"] = word_piece(draw, cut(whole, corpus(draw)))


def word_level_kind(draw, whole):
    whole["normalizer"] = random_steps(draw, "normalizer", NORMALIZERS, 2)
    whole["pre_tokenizer"] = PRE_TOKENIZERS[draw.choice(
        ["Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Split"])](draw)
    whole["model"] = word_level(draw, cut(whole, corpus(draw)))


def wild(draw, whole):
    whole["normalizer"] = random_steps(draw, "normalizer", NORMALIZERS, 3)
    whole["pre_tokenizer"] = random_steps(draw, "pre_tokenizer",
                                          PRE_TOKENIZERS, 3)
    whole["decoder"] = random_steps(draw, "decoder", DECODERS, 3)
    words = cut(whole, corpus(draw))
    make = draw.choice([bpe, bpe, word_piece, word_level, unigram])
    if make is bpe:
        alphabet = byte_characters() if "ByteLevel" in json.dumps(whole) else ()
        whole["model"] = bpe(draw, words, alphabet,
                             byte_fallback=draw.chance(0.3))
    else:
        whole["model"] = make(draw, words)


KINDS = [byte_level_kind, byte_level_kind, space_mark_kind, unigram_kind,
         word_piece_kind, word_level_kind]


def add_tokens(draw, whole):
    texts = draw.sample(ADDED, draw.choice([0, 1, 2, 3, 5, 8]))
    often = draw.choice([0.0, 0.2, 0.5])
    return [{"id": 0, "content": text, "single_word": draw.chance(often),
             "lstrip": draw.chance(often), "rstrip": draw.chance(often),
             "normalized": draw.flag(),
             "special": text[0] in "<[" if draw.chance(0.8) else draw.flag()}
            for text in texts]


def random_post_processor(draw, tokens):
    """`tokens`: pairs of a text and its id."""
    kind = draw.choice(["none", "none", "template", "template", "template",
                        "bert", "roberta", "byte_level", "sequence"])
    if kind == "none" or not tokens:
        return None
    first, second = draw.choice(tokens), draw.choice(tokens)
    if kind == "bert":
        return {"type": "BertProcessing", "sep": second, "cls": first}
    if kind == "roberta":
        return {"type": "RobertaProcessing", "sep": second, "cls": first,
                "trim_offsets": draw.flag(), "add_prefix_space": draw.flag()}
    if kind == "byte_level":
        return byte_level(draw)
    if kind == "sequence":
        return {"type": "Sequence", "processors": [
            byte_level(draw), template(draw, tokens)]}
    return template(draw, tokens)


def template(draw, tokens):
    before = draw.sample(tokens, min(len(tokens), draw.choice([0, 1, 1, 2])))
    after = draw.sample(tokens, min(len(tokens), draw.choice([0, 0, 1, 2])))

    def special(token):
        return {"SpecialToken": {"id": token[0], "type_id": 0}}

    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {"type": "TemplateProcessing",
            "single": [*map(special, before), text, *map(special, after)],
            "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                name: {"id": name, "ids": [number], "tokens": [name]}
                for name, number in before + after}}


def canonical(whole):
    """As `tokenizers` writes it: ids of added tokens are its own."""
    return json.loads(tokenizers.Tokenizer.from_str(json.dumps(whole)).to_str())


def as_older_files(draw, whole):
    """Merges as texts, and options left out that older files do not have."""
    older = json.loads(json.dumps(whole))
    merges = older["model"].get("merges")
    if merges and not any(" " in half for pair in merges for half in pair):
        older["model"]["merges"] = [" ".join(pair) for pair in merges]
    for option in ("ignore_merges", "byte_fallback", "fuse_unk"):
        if older["model"].get(option) is False and draw.flag():
            del older["model"][option]
    steps = [older["pre_tokenizer"] or {}]
    steps += steps[0].get("pretokenizers", [])
    for step in steps:
        if step.get("use_regex") is True:
            del step["use_regex"]
    return older if canonical(older) == whole else whole


def random_tokenizer(draw):
    """The sort ("kind" or "wild"), and the file as a dictionary. Draws again
    where `tokenizers` refuses what was drawn."""
    while True:
        try:
            whole = empty_tokenizer()
            sort = "wild" if draw.chance(0.3) else "kind"
            make = wild if sort == "wild" else draw.choice(KINDS)
            make(draw, whole)
            whole["added_tokens"] = add_tokens(draw, whole)
            whole = canonical(whole)
            tokens = [(token["content"], token["id"])
                      for token in whole["added_tokens"]]
            whole["post_processor"] = random_post_processor(draw, tokens)
            whole = canonical(whole)
            return sort, as_older_files(draw, whole) if draw.chance(0.2) else whole
        except KeyboardInterrupt:
            raise
        except BaseException:  # a panic of its Rust code is no Exception
            continue


def texts_of(whole):
    vocab = whole["model"]["vocab"]
    texts = list(vocab) if isinstance(vocab, dict) else [text for text, _ in vocab]
    return [text.replace(SPACE_MARK, " ").replace("##", "") for text in texts]


def random_text(draw, tokens, added):
    parts = []
    for _ in range(draw.randrange(1, 9)):
        choice = draw.random()
        if choice < 0.2 and added:
            parts.append(draw.choice(["", "", " ", "  ", "\n", "a", "."])
                         + draw.choice(added)
                         + draw.choice(["", "", " ", "  ", "\t", "a", "."]))
        elif choice < 0.45 and tokens:
            parts.append(draw.choice(tokens))
        elif choice < 0.65:
            parts.append(draw.choice(WORDS) + draw.choice(["", " "]))
        elif choice < 0.72:
            parts.append(draw.choice(draw.choice(ALPHABETS))
                         * draw.randrange(1, 20))
        else:
            parts.append("".join(draw.choices(draw.choice(ALPHABETS),
                                              k=draw.randrange(1, 12))))
    return "".join(parts)


def random_texts(draw, whole, count):
    tokens = texts_of(whole)
    added = [token["content"] for token in whole["added_tokens"]]
    texts = ["", " ", "  ", "\n", "a", " a ", *added]
    while len(texts) < count:
        texts.append(random_text(draw, tokens, added))
    return texts[:count]
