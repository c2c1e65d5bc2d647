"""Do Braid and llama.cpp read the converted tiny models alike?

For every folder of the zoo that writes text: `braid convert` to float32; llama.cpp loads the file and continues the
golden text greedily; Braid, given the same tokens, must choose the same one at every step, up to the first
whose margin (llama.cpp's best logit less its second) is below MARGIN. At least LEAST steps are compared.
The file is then written once more by the `gguf` package, and Braid's logits of that must be the same bits.
"""

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

import llama_cpp

PROMPT, STEPS = 24, 48
MARGIN, LEAST = 1e-3, 8


def rewrite(source: Path, target: Path) -> None:
    """The same keys and tensors, written by the gguf package."""
    reader = gguf.GGUFReader(source)
    arch = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, arch)
    for name, field in reader.fields.items():
        if name == "general.architecture" or name.startswith("GGUF."):
            continue
        sub_type = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=sub_type)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Braid:
    def __init__(self, programs: Path, scratch: Path):
        self.programs, self.scratch = programs, scratch

    def run(self, program: str, *args: object) -> str | None:
        """None, or the last line of what it complained about."""
        done = subprocess.run([self.programs / program, *map(str, args)], capture_output=True, text=True)
        return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]

    def logits(self, model: Path, ids: list[int]) -> np.ndarray | str:
        (self.scratch / "ids").write_text("\n".join(map(str, ids)))
        out = self.scratch / "logits"
        error = self.run("dump_logits", model, self.scratch / "ids", out, "f32")
        return error or np.fromfile(out, np.float32).reshape(len(ids), -1)


def continue_greedily(model: Path, prompt: list[int], answer) -> None:
    """In a process of its own: llama.cpp may end it when it dislikes a file."""
    try:
        peer = llama_cpp.Model(model)
    except RuntimeError:
        return
    rows, ids = [peer.forward(prompt)], []
    for _ in range(STEPS):
        ids.append(int(rows[-1][-1].argmax()))
        rows.append(peer.forward(ids[-1:]))
    answer.put((ids, np.concatenate(rows)))


def in_llama_cpp(model: Path, prompt: list[int]) -> tuple[list[int], np.ndarray] | None:
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=continue_greedily, args=(model, prompt, answer))
    process.start()
    while process.is_alive() and answer.empty():
        process.join(0.05)
    result = None if answer.empty() else answer.get()
    process.join()
    return result


def check(folder: Path, braid: Braid) -> tuple[bool, str]:
    """Whether it is as it should be, and the rest of the table's line."""
    golden = load_file(folder / "golden.safetensors")
    if "logits" not in golden or "decoder_tokens" in golden:
        return True, "not run: no decoder-only model"
    model = braid.scratch / "model.gguf"
    if error := braid.run("braid", "convert", folder, "-o", model, "--outtype", "f32"):
        return False, f"not converted: {error}"
    prompt = [int(t) for t in golden["tokens"][:PROMPT]]
    theirs = in_llama_cpp(model, prompt)
    if theirs is None:
        return True, "not run: llama.cpp does not load it"
    ids, reference = theirs
    ours = braid.logits(model, prompt + ids)
    if isinstance(ours, str):
        return False, ours

    rows = slice(len(prompt) - 1, len(prompt) - 1 + STEPS)
    best = np.sort(reference[rows], axis=1)[:, -2:]
    margins = best[:, 1] - best[:, 0]
    close = np.flatnonzero(margins < MARGIN)
    compared = int(close[0]) if len(close) else STEPS
    same = bool((ours[rows].argmax(1)[:compared] == ids[:compared]).all())
    apart = float(np.abs(ours - reference).max())

    again = braid.scratch / "again.gguf"
    rewrite(model, again)
    bits = braid.logits(again, prompt + ids)
    written = not isinstance(bits, str) and bool((bits == ours).all())
    arch = gguf.GGUFReader(model).fields["general.architecture"].contents()
    verdict = "agree" if same else "DIFFER"
    return same and written and compared >= LEAST, (
        f"{arch:14s} {compared:8d} {verdict:>7s} {margins.min():9.1e} {apart:9.1e}"
        f" {'same bits' if written else 'OTHER BITS'}"
    )


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", help="default: all folders")
    ap.add_argument("--zoo", type=Path, default=Path("../tests/golden/zoo"))
    ap.add_argument("--programs", type=Path, default=Path("../build/release/bin"))
    args = ap.parse_args()
    names = args.names or sorted(p.parent.name for p in args.zoo.glob("*/config.json"))
    print(
        f"{'model':18s} {'architecture':14s} {'compared':>8s} {'tokens':>7s} {'margin':>9s} {'logits':>9s}"
        " by the gguf package"
    )
    right = True
    with tempfile.TemporaryDirectory() as scratch:
        braid = Braid(args.programs.resolve(), Path(scratch))
        for name in names:
            fine, line = check(args.zoo / name, braid)
            right &= fine
            print(f"{name:18s} {line}{'' if fine else '  <- wrong'}", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
