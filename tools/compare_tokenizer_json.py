#!/usr/bin/env python3
"""Converts random tokenizer.json, and compares with `tokenizers`.

    compare_tokenizer_json.py CONVERT_AND_TOKENIZE [--count 2000] [--seed 1]
        [--only N] [--texts 200] [--shrink 10] [--keep FOLDER]
        [--least-accepted 80]
    compare_tokenizer_json.py CONVERT_AND_TOKENIZE --file PATH...
        [--texts 10000] [--seed 1]

CONVERT_AND_TOKENIZE is the test program of that name. Every tokenizer, drawn by
tools/random_tokenizer_json.py (tokenizer N of a seed is the same whatever
--count is), is refused by the conversion or gives the ids of `tokenizers` on
every text, with what a template adds and special tokens recognised, and decodes
them to the same text, with special tokens in it and without. Prints how many
were accepted, were refused (by message) and differ, and for the first --shrink
that differ the smallest tokenizer and text that still do. With --file, the
tokenizers are those of the paths: a tokenizer.json (also .xz), or a folder that
has one, whose other small files are read too.

The exit status is 1 if any differs or fewer than --least-accepted percent were
accepted, and 77 without the PyPI package `tokenizers`.
"""

import argparse
import collections
import json
import lzma
import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import tokenizers
except ImportError:
    print("skipped: this Python has no package `tokenizers`")
    sys.exit(77)

import random_tokenizer_json
from random_tokenizer_json import Draw, random_texts, random_tokenizer

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
          "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
          "num_attention_heads": 2, "num_key_value_heads": 1,
          "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
          "rope_theta": 10000.0, "hidden_act": "silu"}


def token_count(whole):
    vocab = whole["model"]["vocab"]
    ids = list(vocab.values()) if isinstance(vocab, dict) else range(len(vocab))
    return 1 + max([*ids, *(token["id"] for token in whole["added_tokens"])],
                   default=0)


class Subject:
    """The test program, with a folder to convert."""

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="tokenizer_json_")
        self.program = program
        self.process = None

    def ask(self, whole, texts):
        """What a refusal says, or None; and per text its ids and the bytes that
        they decode to, with special tokens and without."""
        with open(f"{self.folder}/tokenizer.json", "w", encoding="utf-8") as file:
            json.dump(whole, file)
        with open(f"{self.folder}/config.json", "w", encoding="utf-8") as file:
            json.dump(CONFIG | {"vocab_size": token_count(whole)}, file)
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True)
        lines = [f"{self.folder}\t{len(texts)}",
                 *(text.encode("utf-8").hex() for text in texts)]
        try:
            self.process.stdin.write("\n".join(lines) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().rstrip("\n")
            verdict, _, message = answer.partition("\t")
            if verdict == "refused":
                return message.replace(self.folder, "DIR"), []
            results = []
            for _ in texts:
                ids, special, plain = (
                    self.process.stdout.readline().rstrip("\n").split("\t"))
                results.append(([int(token) for token in ids.split()],
                                bytes.fromhex(special), bytes.fromhex(plain)))
            return None, results
        except (ValueError, BrokenPipeError):
            self.process.wait()
            sys.exit(f"{self.program} ended with {self.process.returncode} on "
                     f"{self.folder}/tokenizer.json")

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
        shutil.rmtree(self.folder)


def same_text(ours, theirs):
    """Bytes that are no UTF-8 stay with us; `tokenizers` writes U+FFFD for them:
    as many as Rust does, which are Python's, or for a run of byte tokens one for
    each byte, also of the whole characters in it."""
    if ours.decode("utf-8", "replace") == theirs:
        return True
    parts = re.split("(\uFFFD+)", theirs)
    for at, part in enumerate(parts):
        count = len(part)
        parts[at] = (re.escape(part.encode("utf-8")) if at % 2 == 0 else
                     b"(.{%d,%d})" % (count, 3 * count))
    match = re.fullmatch(b"".join(parts), ours, re.DOTALL)
    return match is not None and all(map(is_broken, match.groups()))


def is_broken(part):
    return "\uFFFD" in part.decode("utf-8", "replace")


def read_end_texts():
    """Texts that end a turn, which Braid never makes of a user's text nor shows:
    it takes added tokens of these texts for special ones, whatever `special`
    says."""
    source = (Path(__file__).resolve().parent.parent / "src" / "tokenizer"
              / "vocabulary.cc").read_text(encoding="utf-8")
    table = re.search(r"kEndTexts\[\] = \{(.*?)\n\};", source, re.DOTALL)[1]
    return {json.loads(text) for text in re.findall(r'^ *(".*"),$', table,
                                                    re.MULTILINE)}


END_TEXTS = read_end_texts()


def is_special(added, reference):
    """Does Braid take the added token for a special one?"""
    # Gemma's tags of HTML, of which </s> ends nothing.
    is_tag = (added.content == "</s>"
              and reference.token_to_id("</u>") is not None)
    return added.special or (added.content in END_TEXTS and not is_tag)


# Kinds of differences, the gravest first.
KINDS = ["ids", "decoded", "decoded without special tokens"]


def serve_reference(pipe):
    """Answers (tokenizer as JSON or None for the last one, text) with the ids
    and both decoded texts, or None where `tokenizers` itself fails, as it does
    for an unknown word without an unknown token."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    reference = None
    while True:
        text_of_json, text = pipe.recv()
        if text_of_json is not None:
            reference = tokenizers.Tokenizer.from_str(text_of_json)
            special = {token for token, added
                       in reference.get_added_tokens_decoder().items()
                       if is_special(added, reference)}
            reference.no_padding()
            reference.no_truncation()
        try:
            ids = reference.encode(text).ids
            # By id: it looks whether the normalized text of a token is that of
            # a special one, and so shows those that the normalizer changes.
            plain = [token for token in ids if token not in special]
            pipe.send((ids, reference.decode(ids, skip_special_tokens=False),
                       reference.decode(plain, skip_special_tokens=False)))
        except KeyboardInterrupt:
            raise
        except BaseException:  # a panic of its Rust code is no Exception
            pipe.send(None)


class Reference:
    """`tokenizers` in a process of its own: some of what can be drawn keeps it
    busy for ever, or takes all memory."""

    def __init__(self):
        self.process = None
        self.whole = None

    def results(self, whole, text):
        """As serve_reference says; None also where it does not come back."""
        new = self.process is None or self.whole is not whole
        if self.process is None:
            self.pipe, theirs = multiprocessing.Pipe()
            self.process = multiprocessing.Process(
                target=serve_reference, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
        self.whole = whole
        try:
            self.pipe.send((json.dumps(whole) if new else None, text))
            if self.pipe.poll(20):
                return self.pipe.recv()
        except (EOFError, BrokenPipeError):
            pass
        self.close()
        return None

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


REFERENCE = Reference()


def differences(whole, texts, results):
    """{kind: [text, ours, theirs]} of the first text of each kind."""
    found = {}
    for text, ours in zip(texts, results, strict=True):
        theirs = REFERENCE.results(whole, text)
        if theirs is None and REFERENCE.process is None:
            break  # its other texts would take as long
        if theirs is None:
            continue
        if ours[0] != theirs[0]:
            found.setdefault("ids", [text, ours[0], theirs[0]])
            continue
        for index, kind in enumerate(KINDS[1:], 1):
            if not same_text(ours[index], theirs[index]):
                found.setdefault(kind, [text, ours[index], theirs[index]])
    return found


# Making a difference small.

def smaller_steps(whole, part):
    """Copies of `whole` with less in one of its parts."""
    step = whole[part]
    if step is None:
        return
    yield whole | {part: None}
    steps = step.get(random_tokenizer_json.LISTS[part], [])
    for at in range(len(steps)):
        fewer = steps[:at] + steps[at + 1:]
        yield whole | {part: random_tokenizer_json.sequence(part, fewer)}
    for at, inner in enumerate(steps or [step]):
        for option, value in inner.items():
            if value is True:
                less = inner | {option: False}
                yield whole | {part: random_tokenizer_json.sequence(
                    part, [*steps[:at], less, *steps[at + 1:]])}


def smaller_added(whole):
    added = whole["added_tokens"]
    for at, token in enumerate(added):
        yield whole | {"added_tokens": added[:at] + added[at + 1:]}
        for flag in ("single_word", "lstrip", "rstrip", "normalized", "special"):
            if token[flag]:
                yield whole | {"added_tokens": [
                    *added[:at], token | {flag: False}, *added[at + 1:]]}


def smaller_lists(items):
    """`items` without a half, a quarter, ..., single ones."""
    size = len(items) // 2
    while size > 0:
        for at in range(0, len(items), size):
            yield items[:at] + items[at + size:]
        size //= 2


def smaller_models(whole):
    model = whole["model"]
    for option in ("ignore_merges", "byte_fallback", "fuse_unk"):
        if model.get(option):
            yield whole | {"model": model | {option: False}}
    for option in ("continuing_subword_prefix", "end_of_word_suffix"):
        if model["type"] == "BPE" and model.get(option):
            yield whole | {"model": model | {option: None}}
    if model.get("merges"):
        for merges in smaller_lists(model["merges"]):
            yield whole | {"model": model | {"merges": merges}}
    vocab = model["vocab"]
    if isinstance(vocab, dict):
        for items in smaller_lists(list(vocab.items())):
            yield whole | {"model": model | {"vocab": dict(items)}}
    else:
        unknown = vocab[model["unk_id"]]
        for items in smaller_lists(vocab):
            if unknown in items:
                yield whole | {"model": model | {
                    "vocab": items, "unk_id": items.index(unknown)}}


def smaller_cases(whole, text):
    for size in (8, 4, 2, 1):
        for at in range(0, len(text), size):
            yield whole, text[:at] + text[at + size:]
    for part in random_tokenizer_json.LISTS:
        for less in smaller_steps(whole, part):
            yield less, text
    for less in smaller_added(whole):
        yield less, text
    for less in smaller_models(whole):
        yield less, text


def shrink(subject, whole, text, kind, tries=1500):
    """The smallest case found that differs in the same way."""
    def differs(less, shorter):
        try:
            less = random_tokenizer_json.canonical(less)
        except KeyboardInterrupt:
            raise
        except BaseException:  # what is left is no tokenizer
            return None
        message, results = subject.ask(less, [shorter])
        if message is None and kind in differences(less, [shorter], results):
            return less
        return None

    again = True
    while again and tries > 0:
        again = False
        for less, shorter in smaller_cases(whole, text):
            tries -= 1
            found = differs(less, shorter)
            if found is not None:
                whole, text, again = found, shorter, True
                break
            if tries <= 0:
                break
    return whole, text


def print_case(whole, text, kind, subject):
    _, results = subject.ask(whole, [text])
    _, ours, theirs = differences(whole, [text], results)[kind]
    shown = {key: value for key, value in whole.items()
             if value and key != "version"}
    line = json.dumps(shown, ensure_ascii=True)
    print(f"  {kind}: text {text!r}\n    ours   {ours}\n    theirs {theirs}\n"
          f"    {line if len(line) < 1500 else line[:1500] + ' ...'}")


def message_group(message):
    message = re.sub(r'"(?:[^"\\]|\\.)*"', '"..."', message)
    return re.sub(r"-?\d+(\.\d+)?", "N", message)[:160]


def compare_random(arguments, subject):
    verdicts = {"kind": collections.Counter(), "wild": collections.Counter()}
    refusals = collections.Counter()
    first_refused = {}
    different = []
    numbers = ([arguments.only] if arguments.only is not None
               else range(arguments.count))
    for number in numbers:
        draw = Draw(f"{arguments.seed}.{number}")
        sort, whole = random_tokenizer(draw)
        texts = random_texts(draw, whole, arguments.texts)
        if arguments.keep:
            path = f"{arguments.keep}/{arguments.seed}.{number}.json"
            with open(path, "w", encoding="utf-8") as file:
                json.dump(whole, file)
        message, results = subject.ask(whole, texts)
        if message is not None:
            verdicts[sort]["refused"] += 1
            group = message_group(message)
            refusals[group] += 1
            first_refused.setdefault(group, number)
            continue
        verdicts[sort]["accepted"] += 1
        found = differences(whole, texts, results)
        if found:
            verdicts[sort]["different"] += 1
            kind = min(found, key=KINDS.index)
            different.append(kind)
            if len(different) <= arguments.shrink:
                print(f"number {number} ({sort}):")
                small = shrink(subject, whole, found[kind][0], kind)
                print_case(*small, kind, subject)
                sys.stdout.flush()
    return report(verdicts, refusals, first_refused, different, arguments)


def report(verdicts, refusals, first_refused, different, arguments):
    for message, count in refusals.most_common():
        print(f"{count:5} refused (first: number {first_refused[message]}): "
              f"{message}")
    whole = collections.Counter()
    for sort, counts in verdicts.items():
        print(f"{sort}: {counts['accepted']} accepted, {counts['refused']} "
              f"refused, {counts['different']} different")
        whole.update(counts)
    drawn = whole["accepted"] + whole["refused"]
    share = 100 * whole["accepted"] / drawn
    by_kind = collections.Counter(different)
    print(f"{drawn} tokenizers, {arguments.texts} texts each: {whole['accepted']} "
          f"accepted ({share:.1f} %), {whole['refused']} refused, "
          f"{whole['different']} different"
          + "".join(f", {by_kind[kind]} in {kind}" for kind in KINDS
                    if by_kind[kind]))
    return not different and share >= arguments.least_accepted


SMALL_FILES = ["tokenizer_config.json", "special_tokens_map.json",
               "added_tokens.json", "generation_config.json"]


def read_file(path):
    source = f"{path}/tokenizer.json" if os.path.isdir(path) else path
    opener = lzma.open if source.endswith(".xz") else open
    with opener(source, "rt", encoding="utf-8") as file:
        return json.load(file)


def compare_files(arguments, subject):
    good = True
    for path in arguments.file:
        whole = read_file(path)
        for name in SMALL_FILES:
            if os.path.exists(f"{subject.folder}/{name}"):
                os.remove(f"{subject.folder}/{name}")
            if os.path.isdir(path) and os.path.exists(f"{path}/{name}"):
                shutil.copy(f"{path}/{name}", subject.folder)
        texts = random_texts(Draw(arguments.seed), random_tokenizer_json.canonical(
            whole), arguments.texts)
        message, results = subject.ask(whole, texts)
        if message is not None:
            print(f"{path}: refused: {message}")
            good = False
            continue
        found = differences(whole, texts, results)
        print(f"{path}: {len(texts)} texts, "
              + (f"different: {found}" if found else "0 different"))
        sys.stdout.flush()
        good = good and not found
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program", metavar="CONVERT_AND_TOKENIZE")
    parser.add_argument("--file", nargs="+")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--texts", type=int)
    parser.add_argument("--shrink", type=int, default=10)
    parser.add_argument("--keep", help="write every drawn tokenizer there")
    parser.add_argument("--least-accepted", type=float, default=80)
    arguments = parser.parse_args()
    if arguments.texts is None:
        arguments.texts = 10000 if arguments.file else 200
    # The package's own threads would only wait for each other here.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    subject = Subject(os.path.abspath(arguments.program))
    try:
        compare = compare_files if arguments.file else compare_random
        sys.exit(0 if compare(arguments, subject) else 1)
    finally:
        REFERENCE.close()
        subject.close()


if __name__ == "__main__":
    main()
