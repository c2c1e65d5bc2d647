"""The training texts and the rule for what is held out.

The last 5 % of the bytes of every file are held out: neither the tokenizer nor the model sees them.
"""

from dataclasses import dataclass
from pathlib import Path

HELD_OUT = 0.05

# file name -> licence of the text
FILES = {
    "botchan-en.txt": "public domain",
    "frankenstein.txt": "public domain",
    "pride-and-prejudice.txt": "public domain",
    "sherlock.txt": "public domain",
    "tinyshakespeare.txt": "public domain",
    "war-and-peace.txt": "public domain",
    "tinystories-sample-944k.txt": "CDLA-Sharing-1.0",
}

# Where Project Gutenberg's licence begins, if the file ends with it.
_LICENCE_MARKS = (b"End of Project Gutenberg's", b"*** END OF THE PROJECT GUTENBERG EBOOK")


@dataclass
class Text:
    name: str
    train: bytes  # the first 95 %
    tail: bytes  # the last 5 %, held out
    prose_tail: bytes  # the tail without Project Gutenberg's licence; empty if it is all licence


def split_point(data: bytes) -> int:
    """First held-out byte: 95 % of the bytes, moved forward off the middle of a UTF-8 character."""
    k = int(len(data) * (1 - HELD_OUT))
    while k < len(data) and data[k] & 0xC0 == 0x80:
        k += 1
    return k


def load(data_dir: Path) -> list[Text]:
    """Reads every file of FILES from data_dir/corpora, byte for byte (CRLF and byte-order marks stay)."""
    texts = []
    for name in FILES:
        data = (data_dir / "corpora" / name).read_bytes()
        k = split_point(data)
        starts = [p for p in (data.find(m) for m in _LICENCE_MARKS) if p >= 0]
        end = min(starts, default=len(data))
        texts.append(Text(name, data[:k], data[k:], data[k:end] if end > k else b""))
    return texts
