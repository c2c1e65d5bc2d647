"""Trains the small Mamba that ships with the project, against the clock.

The learning rate is a function of elapsed wall time, so that a run always ends annealed at its
deadline, however busy the machine is.  `--eval` prints the held-out table of a checkpoint instead.
"""

import argparse
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import corpus
import optim
from mamba import Config, Mamba

BOS = 0  # <|endoftext|>


class Segments:
    """Endless windows of training text for B lanes that carry their state.

    Every file is cut into segments of `windows` x T tokens at a random offset, anew in each epoch; the
    segments are shuffled and dealt to the lanes. A segment starts from a zero state, in half of the
    cases with BOS before its first token, so that the model can start anywhere.
    """

    def __init__(self, docs: list[np.ndarray], B: int, T: int, windows: int, seed: int):
        self.docs, self.B, self.T, self.windows = docs, B, T, windows
        self.rng = np.random.default_rng(seed)
        self.queue: list[np.ndarray] = []
        self.lanes: list[np.ndarray] = [np.empty(0, np.int64)] * B
        self.epoch = 0

    def _refill(self) -> None:
        n = self.T * self.windows
        for doc in self.docs:
            start = int(self.rng.integers(n))
            cuts = [0] + list(range(start, len(doc), n)) + [len(doc)]
            for a, b in zip(cuts, cuts[1:]):
                first = [BOS] if a == 0 or self.rng.random() < 0.5 else []
                end = [BOS] if b == len(doc) else []
                self.queue.append(
                    np.concatenate([np.array(first, np.int64), doc[a : b + 1], np.array(end, np.int64)])
                )
        self.rng.shuffle(self.queue)
        self.epoch += 1

    def next(self):
        """-> ids [B,T+1], -1 where there is no target; fresh [B]: this lane starts from a zero state."""
        out = np.full((self.B, self.T + 1), -1, np.int64)
        fresh = np.zeros(self.B, bool)
        for i in range(self.B):
            while len(self.lanes[i]) < 2:
                if not self.queue:
                    self._refill()
                self.lanes[i] = self.queue.pop()
                fresh[i] = True
            part = self.lanes[i][: self.T + 1]
            out[i, : len(part)] = part
            self.lanes[i] = self.lanes[i][self.T :]
        return torch.from_numpy(out), torch.from_numpy(fresh)


@torch.no_grad()
def bits(model: Mamba, ids: list[int], before: list[int] = [], window: int = 256) -> float:
    """Bits that the model needs for ids after BOS and `before`: one continuous stream from a zero state."""
    stream = torch.tensor([[BOS] + before + ids])
    state, total = model.zero_state(1), 0.0
    for a in range(0, stream.shape[1] - 1, window):
        part = stream[:, a : a + window + 1]
        logits, state = model(part[:, :-1], state)
        skip = min(max(0, len(before) - a), part.shape[1] - 1)
        total += F.cross_entropy(logits[0, skip:], part[0, 1 + skip :], reduction="sum").item()
    return total / math.log(2)


def held_out(
    model: Mamba, tok: Tokenizer, texts: list[corpus.Text], limit: int | None = None, context: int = 0
):
    """-> {file: {"raw": bpb, "prose": bpb}}, and the pooled figures under "pooled".

    limit: bytes of each tail; context: the model first reads so many tokens of the text before the tail.
    """
    model.eval()
    table, sums = {}, {
        "raw": [0.0, 0],
        "prose": [0.0, 0],
        "raw, public domain": [0.0, 0],
        "prose, public domain": [0.0, 0],
    }
    for t in texts:
        row = {}
        before = (
            tok.encode(t.train[-context * 8 :].decode("utf-8", "ignore")).ids[-context:] if context else []
        )
        for kind, data in (("raw", t.tail), ("prose", t.prose_tail)):
            data = data[:limit]
            if not data:
                continue
            same = kind == "prose" and data == t.tail[:limit]
            b = (
                row["raw"] * len(data)
                if same
                else bits(model, tok.encode(data.decode("utf-8", "ignore")).ids, before)
            )
            row[kind] = b / len(data)
            for k in [kind] + ([kind + ", public domain"] if corpus.FILES[t.name] == "public domain" else []):
                sums[k][0] += b
                sums[k][1] += len(data)
        table[t.name] = row
    table["pooled"] = {k: b / n for k, (b, n) in sums.items()}
    model.train()
    return table


def show(table) -> str:
    return "\n".join(
        f"  {name:28s} " + "  ".join(f"{kind} {v:.4f}" for kind, v in row.items())
        for name, row in table.items()
    )


def save(path: Path, model: Mamba, info: dict) -> None:
    tmp = path.with_suffix(".tmp")
    torch.save({"config": asdict(model.c), "weights": model.state_dict(), "info": info}, tmp)
    tmp.replace(path)


def load(path: Path) -> tuple[Mamba, dict]:
    ck = torch.load(path)
    model = Mamba(Config(**ck["config"]))
    model.load_state_dict(ck["weights"])
    return model, ck["info"]


def rate(f: float, warmup: float, decay: float) -> float:
    """Learning-rate factor at fraction f of the time: up, flat, and straight down to zero."""
    return max(0.0, min(1.0, f / warmup, (1 - f) / decay))


def train(args, tok: Tokenizer, texts: list[corpus.Text]) -> None:
    torch.manual_seed(args.seed)
    model = Mamba(Config(vocab=tok.get_vocab_size(), d=args.width, layers=args.layers, dropout=args.dropout))
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {asdict(model.c)}", flush=True)
    docs = [np.array(tok.encode(t.train.decode("utf-8")).ids, np.int64) for t in texts]
    data = Segments(docs, args.batch, args.window, args.windows, args.seed)
    opts = optim.make(model, args.muon_lr, args.adam_lr, args.muon_decay, args.adam_decay)
    base = [[g["lr"] for g in o.param_groups] for o in opts]
    state = model.zero_state(args.batch)
    start, step, tokens, mean = time.time(), 0, 0, None
    budget, next_eval = args.minutes * 60, args.eval_minutes * 60
    while (elapsed := time.time() - start) < budget:
        f = rate(elapsed / budget, args.warmup, args.decay)
        for o, lrs in zip(opts, base):
            for g, lr in zip(o.param_groups, lrs):
                g["lr"] = lr * f
        ids, fresh = data.next()
        for s in state:
            for part in s:
                part[fresh] = 0
        loss, state = model.loss(ids[:, :-1].clamp(min=0), ids[:, 1:], state)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
            o.zero_grad()
        step += 1
        tokens += ids.shape[0] * (ids.shape[1] - 1)
        mean = loss.item() if mean is None else mean + 0.02 * (loss.item() - mean)
        if step % 50 == 0:
            print(
                f"{elapsed:6.0f} s  step {step}  epoch {data.epoch}  loss {mean:.4f}  rate {f:.3f}",
                f" {tokens / (time.time() - start):.0f} tok/s",
                flush=True,
            )
        if elapsed > next_eval:
            next_eval += args.eval_minutes * 60
            save(
                args.out / "checkpoint.pt",
                model,
                dict(steps=step, tokens=tokens, epochs=data.epoch, seconds=elapsed),
            )
            print(
                f"held out, first 12 kB of each tail:\n{show(held_out(model, tok, texts, 12000))}", flush=True
            )
    info = dict(
        steps=step,
        tokens=tokens,
        epochs=tokens / sum(map(len, docs)),
        seconds=time.time() - start,
        args=vars(args) | {"data": None, "out": None, "tokenizer": None},
    )
    save(args.out / "final.pt", model, info)
    table = held_out(model, tok, texts)
    print(f"done: {info}\nheld out, whole tails:\n{show(table)}", flush=True)
    (args.out / "held_out.json").write_text(json.dumps({"info": info, "bits_per_byte": table}, indent=1))


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", type=Path, default=Path("../shared/data"))
    ap.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json")
    ap.add_argument("--out", type=Path, help="folder for checkpoints")
    ap.add_argument("--eval", type=Path, metavar="CHECKPOINT", help="print the held-out table and stop")
    ap.add_argument("--context", type=int, default=0, help="with --eval: tokens read before each tail")
    ap.add_argument("--minutes", type=float, default=80)
    ap.add_argument("--eval-minutes", type=float, default=5)
    ap.add_argument("--width", type=int, default=256)
    ap.add_argument("--layers", type=int, default=7)
    ap.add_argument("--batch", type=int, default=16)
    ap.add_argument("--window", type=int, default=256)
    ap.add_argument("--windows", type=int, default=12, help="windows a segment")
    ap.add_argument("--dropout", type=float, default=0.05)
    ap.add_argument("--muon-lr", type=float, default=0.02)
    ap.add_argument("--adam-lr", type=float, default=3e-3)
    ap.add_argument("--muon-decay", type=float, default=0.03)
    ap.add_argument("--adam-decay", type=float, default=0.05)
    ap.add_argument("--warmup", type=float, default=0.01, help="fraction of the time")
    ap.add_argument("--decay", type=float, default=0.6, help="fraction of the time")
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    torch.set_num_threads(1)
    tok, texts = Tokenizer.from_file(str(args.tokenizer)), corpus.load(args.data)
    if args.eval:
        model, info = load(args.eval)
        print(f"{info}\n{show(held_out(model, tok, texts, context=args.context))}")
    else:
        args.out.mkdir(parents=True, exist_ok=True)
        train(args, tok, texts)


if __name__ == "__main__":
    main()
