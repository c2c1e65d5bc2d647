"""Do Braid and llama.cpp read the converted tiny models alike?

Every folder of the zoo goes through `braid convert` to float32. Of a model that writes, llama.cpp continues
the golden text greedily (an encoder-decoder's encoder reads it); Braid, given the same tokens, must choose the
same one at every step, up to the first whose margin (llama.cpp's best logit less its second) is below
MARGIN. At least LEAST steps are compared. (The logits of T5 with a tied output differ: llama.cpp does not
scale them. It knows DeepSeek-V2-Lite by its 27 layers, so the tiny one is not loaded.) Of a model that only
reads, llama.cpp's embeddings must point where the golden ones do, which are Braid's (zoo_test).

A converted file of the first kind is then written once more by the `gguf` package, and Braid's logits of that
must be the same bits.
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

ROOT = Path(__file__).resolve().parent.parent
PROMPT, STEPS = 24, 48
MARGIN, LEAST = 1e-3, 8
LEAST_COSINE = 0.9999


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

    def logits(self, model: Path, ids: list[int], encoder: list[int]) -> np.ndarray | str:
        def write(name: str, values: list[int]) -> Path:
            (self.scratch / name).write_text("\n".join(map(str, values)))
            return self.scratch / name

        out = self.scratch / "logits"
        more = [write("encoder", encoder)] if encoder else []
        error = self.run("dump_logits", model, write("ids", ids), out, "f32", *more)
        return error or np.fromfile(out, np.float32).reshape(len(ids), -1)


def ask_llama_cpp(model: Path, prompt: list[int], encoder: list[int], pooled: bool, answer) -> None:
    """In a process of its own: llama.cpp may end it when it dislikes a file. Without a prompt: the encoder's
    rows; else the greedy tokens and all logits."""
    try:
        peer = llama_cpp.Model(model)
    except RuntimeError:
        return
    if encoder:
        rows = peer.encode(encoder, pooled)
        if not prompt:
            answer.put(rows)
            return
    rows, ids = [peer.forward(prompt)], []
    for _ in range(STEPS):
        ids.append(int(rows[-1][-1].argmax()))
        rows.append(peer.forward(ids[-1:]))
    answer.put((ids, np.concatenate(rows)))


def in_llama_cpp(*question):
    """ask_llama_cpp's answer, or None if there is none."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=ask_llama_cpp, args=(*question, answer))
    process.start()
    while process.is_alive() and answer.empty():
        process.join(0.05)
    result = None if answer.empty() else answer.get()
    process.join()
    return result


def check_reader(golden: dict[str, np.ndarray], model: Path) -> tuple[bool, str]:
    pooled = "pooled" in golden
    theirs = in_llama_cpp(model, [], golden["tokens"].tolist(), pooled)
    if theirs is None:
        return True, "not run: llama.cpp does not load it"
    ours = golden["pooled" if pooled else "embeddings"]
    lengths = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    cosine = float(((ours * theirs).sum(-1) / lengths).min())
    what = "the embedding" if pooled else f"{len(ours)} rows"
    return cosine >= LEAST_COSINE, f"{what}: cosine at least {cosine:.6f}"


def check_writer(golden: dict[str, np.ndarray], model: Path, braid: Braid) -> tuple[bool, str]:
    tokens = golden["tokens"].tolist()
    two = "decoder_tokens" in golden
    encoder, prompt = (tokens, golden["decoder_tokens"].tolist()) if two else ([], tokens)
    prompt = prompt[:PROMPT]
    theirs = in_llama_cpp(model, prompt, encoder, False)
    if theirs is None:
        return True, "not run: llama.cpp does not load it"
    ids, reference = theirs
    ours = braid.logits(model, prompt + ids, encoder)
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
    bits = braid.logits(again, prompt + ids, encoder)
    written = not isinstance(bits, str) and bool((bits == ours).all())
    return same and written and compared >= LEAST, (
        f"{compared:8d} {'agree' if same else 'DIFFER':>7s} {margins.min():9.1e} {apart:9.1e}"
        f" {'same bits' if written else 'OTHER BITS'}"
    )


def check(folder: Path, braid: Braid) -> tuple[bool, str]:
    """Whether it is as it should be, and the rest of the table's line."""
    golden = load_file(folder / "golden.safetensors")
    model = braid.scratch / "model.gguf"
    if error := braid.run("braid", "convert", folder, "-o", model, "--outtype", "f32"):
        return False, f"not converted: {error}"
    arch = gguf.GGUFReader(model).fields["general.architecture"].contents()
    writes = "logits" in golden
    fine, line = check_writer(golden, model, braid) if writes else check_reader(golden, model)
    return fine, f"{arch:14s} {line}"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", help="default: all folders")
    ap.add_argument("--zoo", type=Path, default=ROOT / "tests/golden/zoo")
    ap.add_argument("--programs", type=Path, default=ROOT / "build/release/bin")
    args = ap.parse_args()
    names = args.names or sorted(p.parent.name for p in args.zoo.glob("*/config.json"))
    if not names:
        sys.exit(f"{args.zoo}: no folder of a model")
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
