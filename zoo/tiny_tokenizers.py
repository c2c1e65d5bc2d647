"""Tiny vocabularies that are real in kind: the same files, normalisers, pre-tokenisers and special
tokens that publishers ship, with 384 tokens in place of tens of thousands.

`make(kind, texts)` trains one and returns a `TinyTokenizer`: the files of the model's folder and a
function from text to the ids that the publisher's own code would feed the model.
"""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import sentencepiece
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

VOCABULARY = 384


@dataclass
class TinyTokenizer:
    files: dict[str, bytes]
    encode: Callable[[str], list[int]]  # with the special tokens that the publisher's code adds
    bos: int | None
    eos: int
    pad: int
    mask: int | None = None
    specials: int = 0  # how many ids at the start of an encoded text are special


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


# --- byte-level BPE --------------------------------------------------------------------------------


@dataclass
class _Bpe:
    specials: list[str]  # the control tokens
    first: bool  # whether they are the first ids of the vocabulary or the last
    bos: str | None  # put before every text, if given
    eos: str
    splits: tuple[str, ...]  # regular expressions, applied in turn; empty: GPT-2's own
    nfc: bool = False
    ignore_merges: bool = False
    tokenizer_class: str = "PreTrainedTokenizerFast"


_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_SYMBOLS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

_BPE = {
    "gpt-neox": _Bpe(
        ["<|endoftext|>", "<|padding|>"],
        True,
        None,
        "<|endoftext|>",
        (),
        nfc=True,
        tokenizer_class="GPTNeoXTokenizer",
    ),
    "llama3": _Bpe(
        ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        False,
        "<|begin_of_text|>",
        "<|end_of_text|>",
        (_CONTRACTIONS + "|" + _WORDS + r"|\p{N}{1,3}|" + _SYMBOLS,),
        ignore_merges=True,
    ),
    "qwen2": _Bpe(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        False,
        None,
        "<|endoftext|>",
        (_CONTRACTIONS + "|" + _WORDS + r"|\p{N}|" + _SYMBOLS,),
        nfc=True,
        tokenizer_class="Qwen2Tokenizer",
    ),
    "deepseek-v3": _Bpe(
        ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"],
        True,
        "<｜begin▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        (
            r"\p{N}{1,3}",
            "[一-龥぀-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
            r"|[^" + "\r\n" + r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[" + "\r\n" + r"]*|\s*[" + "\r\n" + r"]+|\s+(?!\S)|\s+",
        ),
        tokenizer_class="LlamaTokenizerFast",
    ),
}


def _byte_level_bpe(kind: _Bpe, texts: list[str]) -> TinyTokenizer:
    tok = Tokenizer(models.BPE(ignore_merges=kind.ignore_merges))
    if kind.nfc:
        tok.normalizer = normalizers.NFC()
    if kind.splits:
        steps = [pre_tokenizers.Split(Regex(s), "isolated") for s in kind.splits]
        tok.pre_tokenizer = pre_tokenizers.Sequence(
            [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    else:
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY - (0 if kind.first else len(kind.specials)),
            special_tokens=kind.specials if kind.first else [],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    if not kind.first:
        tok.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in kind.specials])
    if kind.bos:
        tok.post_processor = processors.TemplateProcessing(
            single=f"{kind.bos} $A",
            pair=f"{kind.bos} $A {kind.bos} $B",
            special_tokens=[(kind.bos, tok.token_to_id(kind.bos))],
        )
    else:
        tok.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=True)
    assert tok.get_vocab_size() == VOCABULARY
    config = {
        "add_bos_token": kind.bos is not None,
        "bos_token": kind.bos or (kind.eos if kind.tokenizer_class == "GPTNeoXTokenizer" else None),
        "eos_token": kind.eos,
        "model_max_length": 1024,
        "pad_token": kind.specials[-1] if kind.first else kind.eos,
        "tokenizer_class": kind.tokenizer_class,
        "added_tokens_decoder": {
            str(tok.token_to_id(s)): {
                "content": s,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for s in kind.specials
        },
    }
    return TinyTokenizer(
        {"tokenizer.json": (tok.to_str(pretty=True) + "\n").encode(), "tokenizer_config.json": _json(config)},
        lambda text: tok.encode(text).ids,
        tok.token_to_id(kind.bos) if kind.bos else None,
        tok.token_to_id(kind.eos),
        tok.token_to_id(config["pad_token"]),
        specials=1 if kind.bos else 0,
    )


# --- SentencePiece ---------------------------------------------------------------------------------

# A character map as T5's, with four rules in place of thousands: code points -> code points.
_T5_RULES = "FB01\t66 69\nFF21\t41\n2019\t27\nA0\t20\n"

_SENTENCEPIECE = {
    # Llama 2, Mistral, Jamba: BPE, bytes for what is unknown, a space before the text.
    "llama2": dict(
        file="tokenizer.model",
        bos="<s>",
        eos="</s>",
        tokenizer_class="LlamaTokenizer",
        train=dict(
            model_type="bpe",
            byte_fallback=True,
            split_digits=True,
            allow_whitespace_only_pieces=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
        ),
    ),
    # Mamba-Codestral: the same with control pieces for instructions, under another file name.
    "codestral": dict(
        file="tokenizer.model.v3",
        bos="<s>",
        eos="</s>",
        tokenizer_class=None,
        train=dict(
            model_type="bpe",
            byte_fallback=True,
            split_digits=True,
            allow_whitespace_only_pieces=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            control_symbols=["[INST]", "[/INST]", "[TOOL_CALLS]"],
        ),
    ),
    # Gemma: no space before the text; the turns are user-defined pieces.
    "gemma": dict(
        file="tokenizer.model",
        bos="<bos>",
        eos="<eos>",
        tokenizer_class="GemmaTokenizer",
        train=dict(
            model_type="bpe",
            byte_fallback=True,
            split_digits=True,
            allow_whitespace_only_pieces=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            pad_id=0,
            eos_id=1,
            bos_id=2,
            unk_id=3,
            pad_piece="<pad>",
            eos_piece="<eos>",
            bos_piece="<bos>",
            user_defined_symbols=["<mask>", "<start_of_turn>", "<end_of_turn>"],
        ),
    ),
    # T5: unigram, a character map, spaces collapsed, </s> after the text.
    "t5": dict(
        file="spiece.model",
        bos=None,
        eos="</s>",
        tokenizer_class="T5Tokenizer",
        train=dict(
            model_type="unigram",
            normalization_rule_tsv=_T5_RULES,
            remove_extra_whitespaces=True,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            character_coverage=0.9999,
        ),
    ),
}


def _sentencepiece(kind: dict, texts: list[str], scratch) -> TinyTokenizer:
    options = dict(kind["train"])
    if "normalization_rule_tsv" in options:
        rules = scratch / "rules.tsv"
        rules.write_text(options["normalization_rule_tsv"])
        options["normalization_rule_tsv"] = str(rules)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for t in texts for line in t.split("\n") if line.strip()),
        model_writer=model,
        vocab_size=VOCABULARY,
        num_threads=1,
        minloglevel=2,
        max_sentence_length=100_000,
        **options,
    )
    sp = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    assert sp.vocab_size() == VOCABULARY
    files = {kind["file"]: model.getvalue()}
    if kind["tokenizer_class"]:
        files["tokenizer_config.json"] = _json(
            {
                "add_bos_token": kind["bos"] is not None,
                "add_eos_token": kind["bos"] is None,
                **({"bos_token": kind["bos"]} if kind["bos"] else {}),
                "eos_token": kind["eos"],
                "model_max_length": 1024,
                "pad_token": "<pad>" if sp.pad_id() >= 0 else None,
                "tokenizer_class": kind["tokenizer_class"],
                "unk_token": "<unk>",
            }
        )
    bos = sp.bos_id() if kind["bos"] else None

    def encode(text: str) -> list[int]:
        ids = sp.encode(text)
        return ids + [sp.eos_id()] if bos is None else [bos] + ids

    pad = sp.pad_id() if sp.pad_id() >= 0 else sp.unk_id()
    return TinyTokenizer(files, encode, bos, sp.eos_id(), pad, specials=0 if bos is None else 1)


# --- WordPiece -------------------------------------------------------------------------------------


def _wordpiece(texts: list[str]) -> TinyTokenizer:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece(prefix="##")
    tok.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=VOCABULARY,
            special_tokens=specials,
            limit_alphabet=70,
            continuing_subword_prefix="##",
            show_progress=False,
        ),
    )
    cls, sep = tok.token_to_id("[CLS]"), tok.token_to_id("[SEP]")
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    assert tok.get_vocab_size() == VOCABULARY
    by_id = sorted(tok.get_vocab(), key=tok.token_to_id)
    config = {
        "cls_token": "[CLS]",
        "do_lower_case": True,
        "mask_token": "[MASK]",
        "model_max_length": 512,
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
        "unk_token": "[UNK]",
    }
    return TinyTokenizer(
        {
            "tokenizer.json": (tok.to_str(pretty=True) + "\n").encode(),
            "tokenizer_config.json": _json(config),
            "vocab.txt": "".join(t + "\n" for t in by_id).encode(),
        },
        lambda text: tok.encode(text).ids,
        cls,
        sep,
        tok.token_to_id("[PAD]"),
        mask=tok.token_to_id("[MASK]"),
        specials=1,
    )


# --- RWKV World ------------------------------------------------------------------------------------


def _rwkv_world(texts: list[str]) -> TinyTokenizer:
    """The World vocabulary's format: id, Python literal, length in bytes; ids 1 to 256 are the single bytes."""
    counts = Counter()
    for text in texts:
        for length in (2, 3, 4, 5):
            counts.update(text[i : i + length] for i in range(0, len(text) - length, 3))
    worth = sorted(counts, key=lambda s: (-counts[s] * (len(s) - 1), s))
    pieces: list[bytes] = [bytes([b]) for b in range(256)]
    pieces += [s.encode() for s in worth if s.isascii()][: VOCABULARY - 1 - len(pieces)]
    lines = []
    for i, piece in enumerate(pieces, 1):
        literal = repr(piece) if len(piece) == 1 and piece[0] >= 0x80 else repr(piece.decode())
        lines.append(f"{i} {literal} {len(piece)}\n")
    ids = {piece: i for i, piece in enumerate(pieces, 1)}

    def encode(text: str) -> list[int]:
        raw, out = text.encode(), []
        while raw:
            length = next(n for n in range(min(5, len(raw)), 0, -1) if raw[:n] in ids)
            out.append(ids[raw[:length]])
            raw = raw[length:]
        return out

    return TinyTokenizer({"rwkv_vocab_v20230424.txt": "".join(lines).encode()}, encode, None, 0, 0)


def make(kind: str, texts: list[str], scratch) -> TinyTokenizer:
    """`scratch`: an existing folder for a file that SentencePiece's trainer wants to read."""
    if kind in _BPE:
        return _byte_level_bpe(_BPE[kind], texts)
    if kind in _SENTENCEPIECE:
        return _sentencepiece(_SENTENCEPIECE[kind], texts, scratch)
    return {"wordpiece": _wordpiece, "rwkv": _rwkv_world}[kind](texts)


KINDS = [*_BPE, *_SENTENCEPIECE, "wordpiece", "rwkv"]
