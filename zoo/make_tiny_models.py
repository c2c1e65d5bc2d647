"""Makes the tiny models of tiny_models.py with their golden vectors: one Hugging Face folder for each.

golden.safetensors holds what the reference answers to a held-out text, in float32, with eager attention
and PyTorch's own operations only:

    tokens      int32 [n]              a decoder's text; for T5 what the encoder reads
    logits      float32 [n, vocab]     of every position (T5: of the decoder's positions)
    decoder_tokens int32 [m]           T5 only
    embeddings  float32 [n, width]     encoders: the rows of the last layer
    pooled      float32 [width]        encoders with a pooling module: one vector for the text

The text is text.txt beside the folders; `tokens` is how its tokens begin (an encoder's last one is the token
that ends a text).
"""

import argparse
import importlib
import json
import math
import sys
import tempfile
import time
import zlib
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import corpus
import tiny_models
import tiny_tokenizers
from tiny_models import Row

REPOSITORY = Path(__file__).resolve().parents[1]
TRAINING_BYTES = 400_000  # of each of two texts
TEXTS = ("sherlock.txt", "tinystories-sample-944k.txt")
BATCH = 8  # sequences of a training step

PLAIN = {"attn_implementation": "eager", "experts_implementation": "eager", "dtype": torch.float32}


# --- the reference ---------------------------------------------------------------------------------


def hf_class(row: Row):
    if row.kind == "causal":
        return transformers.AutoModelForCausalLM
    if row.kind == "t5":
        return transformers.T5ForConditionalGeneration
    return transformers.T5EncoderModel if row.kind == "t5-encoder" else transformers.AutoModel


def hf_config(row: Row, config: dict) -> transformers.PretrainedConfig:
    shared = ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")
    values = config if row.hf_config is None else row.hf_config | {k: config.get(k) for k in shared}
    values = dict(values, vocab_size=config["vocab_size"])
    return transformers.AutoConfig.for_model(**values)


def build(row: Row, config: dict) -> nn.Module:
    if row.reference != "transformers":
        return importlib.import_module(row.reference).make(config)
    model = hf_class(row)._from_config if hasattr(hf_class(row), "_from_config") else hf_class(row).from_config
    return model(hf_config(row, config), **PLAIN)


def logits_of(row: Row, model: nn.Module, ids: Tensor, decoder_ids: Tensor | None = None) -> Tensor:
    """ids [B, T] -> [B, T, vocabulary], or the last layer's rows of an encoder."""
    if row.reference != "transformers":
        return model(ids)
    if row.kind == "t5":
        return model(input_ids=ids, decoder_input_ids=decoder_ids, use_cache=False).logits
    if row.kind in ("encoder", "t5-encoder"):
        return model(input_ids=ids).last_hidden_state
    return model(input_ids=ids, use_cache=False).logits


# --- weights ---------------------------------------------------------------------------------------


def randomise(model: nn.Module, generator: torch.Generator, embedding: float) -> None:
    """Weights of which no tensor is all zeros or ones.

    Vectors (norms, biases, the parameters of scans) keep the library's initial values with noise. Rows of
    the embedding and of the output layer get the length `embedding`: about 3 for predictions that are not
    flat, less before a training, so that a norm's epsilon is felt, as it is in models that were trained.
    """

    def normal(p: Tensor, deviation: float) -> Tensor:
        return torch.randn(p.shape, generator=generator) * deviation

    with torch.no_grad():
        for name, p in model.state_dict(keep_vars=True).items():
            if "correction_bias" in name:
                p.copy_(normal(p, 0.1))
            elif "relative_attention_bias" in name:
                p.copy_(normal(p, 1.0))
            elif p.numel() == p.shape[-1] or "A_log" in name:
                p.add_(normal(p, 0.1))
            elif any(part in name for part in ("embed", "head.weight", "shared.")):
                p.copy_(normal(p, embedding / math.sqrt(p.shape[-1])))
            else:
                p.copy_(normal(p, 1 / math.sqrt(p.shape[-1])))


def train(row: Row, model: nn.Module, tokens: Tensor, mask: int | None) -> float:
    """A brief next-token training (encoders: masked tokens; T5: go on where the encoder's text ends)."""
    torch.manual_seed(zlib.crc32(row.name.encode()))
    steps, length = row.steps, row.length
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
    head = None
    if row.kind in ("encoder", "t5-encoder"):
        head = nn.Linear(model(input_ids=tokens[None, :2]).last_hidden_state.shape[-1], int(tokens.max()) + 1)
        optimizer.add_param_group({"params": head.parameters()})
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, steps)
    model.train()
    loss = torch.zeros(())
    for _ in range(steps):
        starts = torch.randint(len(tokens) - 2 * length - 1, (BATCH,))
        text = torch.stack([tokens[s : s + 2 * length + 1] for s in starts])
        if head is not None:
            ids, wanted = text[:, :length].clone(), text[:, :length]
            hidden = torch.rand(ids.shape) < 0.2
            ids[hidden] = mask if mask is not None else 2
            loss = nn.functional.cross_entropy(head(logits_of(row, model, ids))[hidden], wanted[hidden])
        elif row.kind == "t5":
            scores = logits_of(row, model, text[:, :length], text[:, length : 2 * length])
            loss = nn.functional.cross_entropy(scores.transpose(1, 2), text[:, length + 1 :])
        else:
            scores = logits_of(row, model, text[:, :length])
            loss = nn.functional.cross_entropy(scores.transpose(1, 2), text[:, 1 : length + 1])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()
    return loss.item()


# --- the folder ------------------------------------------------------------------------------------


def codestral_name(name: str) -> str:
    """Mistral ships the names of mamba_ssm under one more prefix."""
    return "model." + name.replace("backbone.embeddings.", "backbone.embedding.")


def write_weights(row: Row, model: nn.Module, folder: Path) -> None:
    """model.safetensors, under the names that the publisher uses."""
    if row.reference == "transformers":
        with tempfile.TemporaryDirectory() as scratch:
            model.save_pretrained(scratch)
            tensors = load_file(Path(scratch) / "model.safetensors")
    else:
        tensors = dict(model.state_dict())
    if row.name == "mamba2-codestral":
        tensors = {codestral_name(k): v for k, v in tensors.items()}
    tensors = {k: v.to(getattr(torch, row.dtype)).contiguous() for k, v in tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def reload(row: Row, model: nn.Module, config: dict, folder: Path) -> nn.Module:
    """The model as a user of the folder gets it: what cannot be read back is not published."""
    if row.reference != "transformers":
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model
    if row.hf_config is not None:
        return model
    return hf_class(row).from_pretrained(folder, **PLAIN)


def golden(row: Row, model: nn.Module, tokens: list[int]) -> dict[str, Tensor]:
    ids = torch.tensor(tokens)[None]
    model.eval()
    for module in model.modules():
        # transformers also takes Nemotron-H's time_step_min, which is for the initialisation, as a floor at run
        # time. time_step_limit, which is for run time, has none in all configs here, and GGUF has no key for one.
        if hasattr(module, "time_step_limit"):
            module.time_step_limit = (0.0, math.inf)
    with torch.no_grad():
        if row.kind == "t5":
            # The decoder begins with the pad token and then repeats the text's other half.
            half = len(tokens) // 2 + 1
            decoder = torch.cat([torch.zeros(1, dtype=torch.long), ids[0, half:-1]])
            out = {"logits": logits_of(row, model, ids, decoder[None])[0], "decoder_tokens": decoder.int()}
        elif row.kind == "causal":
            out = {"logits": logits_of(row, model, ids)[0]}
        else:
            rows = logits_of(row, model, ids)[0]
            out = {"embeddings": rows}
            if "1_Pooling/config.json" in row.files:
                mean = row.files["1_Pooling/config.json"]["pooling_mode_mean_tokens"]
                out["pooled"] = rows.mean(0) if mean else rows[0]
    return {"tokens": ids[0].int(), **{k: v.clone() for k, v in out.items()}}


def make(row: Row, tok: tiny_tokenizers.TinyTokenizer, tokens: Tensor, text: str, out: Path, trained: bool) -> str:
    config = dict(row.config)
    config["vocab_size"] = tiny_tokenizers.VOCABULARY + row.spare_rows
    if row.name != "mamba2-codestral":
        config |= {"bos_token_id": tok.bos, "eos_token_id": tok.eos, "pad_token_id": tok.pad}
    torch.manual_seed(zlib.crc32(row.name.encode()))
    model = build(row, config)
    if row.name == "t5-gated":  # transformers ties the output unless it is told twice
        model.config.tie_word_embeddings = False
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    randomise(model, torch.Generator().manual_seed(zlib.crc32(row.name.encode())), 0.4 if trained else 3.0)
    loss = train(row, model, tokens, tok.mask) if trained else math.nan
    if row.dtype != "float32":
        model.to(getattr(torch, row.dtype)).float()

    folder = out / row.name
    folder.mkdir(parents=True, exist_ok=True)
    files = {"config.json": config, **row.files}
    for name, value in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value, indent=2) + "\n")
    for name, data in tok.files.items():
        (folder / name).write_bytes(data)
    write_weights(row, model, folder)
    model = reload(row, model, config, folder)
    ids = tok.encode(text)[: row.positions]
    if row.tokenizer in ("wordpiece", "t5"):
        ids[-1] = tok.eos
    expected = golden(row, model, ids)
    save_file(expected, folder / "golden.safetensors")
    if row.wrong_activation:
        wrong = hf_class(row).from_pretrained(folder, hidden_act=row.wrong_activation, **PLAIN)
        save_file(golden(row, wrong, ids), folder / f"golden_{row.wrong_activation}.safetensors")

    values = expected.get("logits", expected.get("embeddings"))
    spread = float(values.max() - values.min())
    exact = golden(row, model.double(), ids)
    error = float((exact.get("logits", exact.get("embeddings")) - values).abs().max()) / spread
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return f"{len(values):5d} {spread:8.2f} {error:9.1e} {loss:6.2f} {size / 1e6:6.2f}"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", help="rows of tiny_models.py; default: all")
    ap.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared/data")
    ap.add_argument("--out", type=Path, default=REPOSITORY / "tests/golden/zoo")
    ap.add_argument("--random", action="store_true", help="random weights: no training")
    args = ap.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    read = {t.name: t for t in corpus.load(args.data)}
    texts = [read[n].train[:TRAINING_BYTES].decode(errors="ignore").replace("\r\n", "\n") for n in TEXTS]
    held_out = " ".join(read["sherlock.txt"].prose_tail.decode().split())
    held_out = held_out[held_out.index(". ") + 2 :]

    text = held_out[:600]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "text.txt").write_text(text)

    made: dict[str, tuple[tiny_tokenizers.TinyTokenizer, Tensor]] = {}
    print(f"{'model':18s} {'rows':>5s} {'spread':>8s} {'f32-f64':>9s} {'loss':>6s} {'MB':>6s} {'s':>5s}")
    for row in tiny_models.ROWS:
        if args.names and row.name not in args.names:
            continue
        begin = time.time()
        if row.tokenizer not in made:
            with tempfile.TemporaryDirectory() as scratch:
                tok = tiny_tokenizers.make(row.tokenizer, texts, Path(scratch))
            made[row.tokenizer] = tok, torch.tensor(tok.encode("\n".join(texts)))
        report = make(row, *made[row.tokenizer], text, args.out, not args.random)
        print(f"{row.name:18s} {report} {time.time() - begin:5.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
