#!/usr/bin/env python3
"""What `braid fit` tells, against the peak of programs that fill the set-up.

    tools/measure_fit.py --text FILE [--braid build/release/bin/braid]
        [--model text:NAME=FILE.gguf] [--model encoder:NAME=FILE.gguf] [--parts]

The model that ships with braid is always measured; of others a "text" model
generates and an "encoder" makes embeddings. Texts are cut from FILE (English
prose) so that they fill the context. Prints a line per
run: told, measured (the most that was resident), the difference in percent.
Exits with 1 if one is larger than 10 percent.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 10.0  # percent

# What is run, per kind of model: command, flags of the set-up, sequences and
# positions of each.
RUNS = {
    "shipped": [
        ("generate", ["-c", "8192"], 1, 8192),
        ("generate", ["-c", "8192", "-b", "512", "-ub", "64"], 8, 1024),
        ("generate", ["-c", "4096", "--rollback", "8"], 8, 512),
        ("generate", ["-c", "4096", "--checkpoint-every", "256",
                      "--checkpoint-bytes", "16"], 4, 1024),
    ],
    "text": [
        ("generate", ["-c", "512"], 1, 512),
        ("generate", ["-c", "2048", "-ub", "128"], 8, 256),
        ("generate", ["-c", "2048", "-ctk", "f32", "-ctv", "f32"], 2, 1024),
    ],
    "encoder": [
        ("embedding", ["-c", "512", "-ub", "512"], 1, 512),
        ("embedding", ["-c", "2048", "-ub", "2048"], 16, 128),
    ],
}
GENERATED = 8  # tokens of each sequence


def run_peak(command: list[str]) -> int:
    """Runs a command; the most bytes that it had resident.

    Asked again and again: what wait4 tells includes this process, from which
    the command was forked.
    """
    with tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                   stderr=messages)
        peak = 0
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except ProcessLookupError:
                continue
            if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                if Path(command[0]).name in status.split("\n")[0]:
                    peak = max(peak, int(found[1]) * 1024)
            time.sleep(0.001)
        if process.returncode != 0:
            messages.seek(0)
            raise SystemExit(f"{' '.join(command)}: {messages.read()}")
    return peak


def count_tokens(braid: str, model: list[str], path: Path) -> int:
    listed = subprocess.run(
        [braid, "tokenize", *model, "-f", str(path), "--ids"],
        check=True, capture_output=True, text=True).stdout
    return listed.count(",") + 1


def write_prompt(braid: str, model: list[str], text: bytes, tokens: int,
                 path: Path) -> None:
    """The longest start of `text`, in steps, of at most `tokens` tokens."""
    size = tokens * 6
    while True:
        path.write_bytes(text[:size].decode(errors="ignore").encode())
        found = count_tokens(braid, model, path)
        if found <= tokens:
            return
        size = size * tokens // (found + 1)


def measure(args, name: str, model: list[str], run, folder: Path) -> float:
    command, setup, sequences, positions = run
    text = Path(args.text).read_bytes()
    prompts = []
    room = positions - (GENERATED if command == "generate" else 0)
    for i in range(sequences):
        path = folder / f"{i}.txt"
        # Every sequence has another piece of the text.
        start = i * 20000 % max(1, len(text) // 2)
        write_prompt(args.braid, model, text[start:], room, path)
        prompts += ["-p", path.read_text().strip()]
    told = json.loads(subprocess.run(
        [args.braid, "fit", *model, *setup, "-np", str(sequences), "--json"],
        check=True, capture_output=True, text=True).stdout)
    # A text is one text, line breaks and all.
    extra = (["-n", str(GENERATED), "--temp", "0", "--ignore-eos"]
             if command == "generate" else ["--embd-separator", "<between>"])
    found = run_peak([args.braid, command, *model, *setup, *extra, "--no-escape",
                      *prompts])
    off = 100 * (told["total"] - found) / found
    print(f"{name:12} {command:10} {' '.join(setup):52} x {sequences:<3}"
          f" told {told['total'] / 2**20:8.1f} MiB"
          f"  measured {found / 2**20:8.1f} MiB  {off:+5.1f} %", flush=True)
    if args.parts:
        print("   ", {part: round(size / 2**20, 1)
                      for part, size in told["parts"].items() if size})
    return abs(off)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--braid", default=str(ROOT / "build/release/bin/braid"))
    parser.add_argument("--text", required=True)
    parser.add_argument("--model", action="append", default=[],
                        metavar="KIND:NAME=FILE", help="KIND: text, encoder")
    parser.add_argument("--parts", action="store_true",
                        help="print what the sum is made of")
    args = parser.parse_args()
    models = [("shipped", "shipped", [])]
    for model in args.model:
        kind, rest = model.split(":", 1)
        name, path = rest.split("=", 1)
        models.append((kind, name, ["-m", path]))
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for kind, name, flags in models:
            for run in RUNS[kind]:
                worst = max(worst,
                            measure(args, name, flags, run, Path(folder)))
    print(f"largest difference: {worst:.1f} %")
    return 1 if worst > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
