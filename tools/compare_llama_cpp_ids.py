#!/usr/bin/env python3
"""Converted tokenizers in Braid and in llama.cpp: the same ids?

    compare_llama_cpp_ids.py BRAID CONVERT_AND_TOKENIZE PATH... [--texts 2000]
        [--seed 1]

BRAID is the program, CONVERT_AND_TOKENIZE the test program of that name. A PATH
is a tokenizer.json (also .xz), or a folder that has one. Each is converted
beside the weights of a model of one tiny layer, all zeros; llama.cpp loads that
file. A file with keys that only Braid reads (braid.tokenizer.*) is not
compared: llama.cpp cannot know what they say. The texts are those of
tools/random_tokenizer_json.py, with what belongs around a text added and special
tokens recognised. Prints for each how many texts differ, and the first.

Needs the PyPI packages numpy, tokenizers and xllamacpp (see zoo/llama_cpp.py);
without them the exit status is 77.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "zoo"))

try:
    import compare_tokenizer_json
    import xllamacpp  # noqa: F401
    from llama_cpp import Model
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

from random_tokenizer_json import Draw, canonical, random_texts

WIDTH, INNER = 32, 32


def write_weights(path, tokens):
    layer = "model.layers.0."
    shapes = {"model.embed_tokens.weight": [tokens, WIDTH],
              "lm_head.weight": [tokens, WIDTH],
              "model.norm.weight": [WIDTH],
              f"{layer}input_layernorm.weight": [WIDTH],
              f"{layer}post_attention_layernorm.weight": [WIDTH],
              f"{layer}mlp.gate_proj.weight": [INNER, WIDTH],
              f"{layer}mlp.up_proj.weight": [INNER, WIDTH],
              f"{layer}mlp.down_proj.weight": [WIDTH, INNER]}
    shapes |= {f"{layer}self_attn.{name}_proj.weight": [WIDTH, WIDTH]
               for name in "qkvo"}
    header, size = {}, 0
    for name, shape in shapes.items():
        count = 2
        for side in shape:
            count *= side
        header[name] = {"dtype": "F16", "shape": shape,
                        "data_offsets": [size, size + count]}
        size += count
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)


def convert(braid, whole, folder, output):
    """The keys that only Braid reads, or what a refusal says."""
    tokens = compare_tokenizer_json.token_count(whole)
    config = compare_tokenizer_json.CONFIG | {
        "hidden_size": WIDTH, "intermediate_size": INNER, "vocab_size": tokens,
        "num_attention_heads": 2, "num_key_value_heads": 2}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    write_weights(folder / "model.safetensors", tokens)
    ran = subprocess.run([braid, "convert", str(folder), "-o", str(output)],
                         capture_output=True, text=True)
    if ran.returncode != 0:
        return None, ran.stderr.strip().split("\n")[-1]
    shown = subprocess.run([braid, "gguf", "show", str(output)],
                           capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in shown.split("\n")
            if line.strip().startswith("braid.tokenizer.")], None


def compare(arguments, path, subject):
    whole = compare_tokenizer_json.read_file(path)
    with tempfile.TemporaryDirectory() as name:
        folder, output = Path(name) / "model", Path(name) / "model.gguf"
        folder.mkdir()
        own, refusal = convert(arguments.braid, whole, folder, output)
        if refusal is not None:
            return f"refused: {refusal}"
        if own:
            return f"not compared: {', '.join(own)}"
        try:
            peer = Model(output)
        except RuntimeError as error:
            return str(error)
        texts = random_texts(Draw(arguments.seed), canonical(whole),
                             arguments.texts)
        # llama.cpp takes the end of a C string for the end of a text.
        texts = [text for text in texts if "\0" not in text]
        _, results = subject.ask(whole, texts)
        different = []
        for text, ours in zip(texts, results, strict=True):
            theirs = peer.tokenize(text, parse_special=True)
            if ours[0] != theirs:
                different.append((text, ours[0], theirs))
    first = f", first: {different[0]}" if different else ""
    return f"{len(texts)} texts, {len(different)} different{first}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("braid")
    parser.add_argument("program", metavar="CONVERT_AND_TOKENIZE")
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    subject = compare_tokenizer_json.Subject(arguments.program)
    try:
        for path in arguments.paths:
            print(f"{path}: {compare(arguments, path, subject)}", flush=True)
    finally:
        subject.close()


if __name__ == "__main__":
    main()
