"""Does llama.cpp choose the answers that Braid chooses? Does exact arithmetic?

  braid perplexity -m MODEL --hellaswag -f FILE --scores 2> SCORES
  python compare_choices.py MODEL hellaswag FILE SCORES
  braid perplexity -m MODEL --winogrande -f FILE --scores 2> SCORES
  python compare_choices.py MODEL winogrande FILE SCORES

FILE has the tasks that are compared and no others: from a longer one braid takes a sample. llama.cpp
reads what a task's answers have in common once, goes back there, and reads each answer; so the model
must be one that can go back. Winogrande's file has a JSON object a line.

With --exact, the other side is transformers, with the file's dequantised weights in float32. MODEL is then
a Llama or a Gemma-3; llama.cpp still makes the tokens.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import compare_gemma3
import compare_smollm2
import llama_cpp

FEW_TOKENS = 3  # Winogrande: answers with fewer different tokens are scored from where they differ


def hellaswag(path: Path, tokenize) -> list:
    """[tasks] of (number of the right answer, [(tokens, scored from, to) of each answer])"""
    lines = path.read_text().splitlines()
    tasks = []
    for context, gold, *endings in zip(*[iter(lines)] * 6):
        answers = [tokenize(f"{context} {ending}") for ending in endings]
        begin = common_tokens(answers)
        tasks.append((int(gold), [(a, begin, len(a)) for a in answers]))
    return tasks


def winogrande(path: Path, tokenize) -> list:
    tasks = []
    for task in map(json.loads, path.read_text().splitlines()):
        starts = task["context_options"]
        answers = [tokenize(f"{start} {task['continuation']}") for start in starts]
        common = common_tokens(answers)
        long = all(len(a) - common > FEW_TOKENS for a in answers)
        scored = []
        for start, answer in zip(starts, answers):
            begin = len(tokenize(start)) if long else common
            scored.append((answer, begin, len(answer) - (len(answer) - begin > 1)))
        tasks.append((task["gold"], scored))
    return tasks


def common_tokens(answers: list) -> int:
    return next(i for i, tokens in enumerate(zip(*answers)) if len(set(tokens)) > 1)


def scores(model: llama_cpp.Model, answers: list) -> list:
    """The mean log-probability of every answer's scored tokens."""
    common = common_tokens([tokens for tokens, _, _ in answers])
    model.go_back(0)
    shared = model.forward(answers[0][0][:common])
    result = []
    for tokens, begin, end in answers:
        model.go_back(common)
        rows = [*shared, *model.forward(tokens[common:])]
        result.append(np.mean([log_probability(rows[i - 1], tokens[i]) for i in range(begin, end)]))
    return result


def exact_scores(model, answers: list) -> list:
    """The same of a causal model of transformers."""
    import torch

    length = max(len(tokens) for tokens, _, _ in answers)
    padded = [[*tokens, *[0] * (length - len(tokens))] for tokens, _, _ in answers]  # behind the text: nobody looks
    with torch.no_grad():
        hidden = model.model(torch.tensor(padded), use_cache=False).last_hidden_state
        result = []
        for row, (tokens, begin, end) in zip(hidden, answers):
            logits = model.lm_head(row[begin - 1 : end - 1]).numpy()
            result.append(np.mean([log_probability(x, tokens[begin + i]) for i, x in enumerate(logits)]))
    return result


def exact_model(path: Path, threads: int):
    import torch

    torch.set_num_threads(threads)
    fields, weights = compare_smollm2.read(path)
    build = {"llama": compare_smollm2.build, "gemma3": compare_gemma3.build}
    return build[fields["general.architecture"]](fields, weights)


def log_probability(logits: np.ndarray, token: int) -> float:
    logits = logits.astype(np.float64) - logits.max()
    return logits[token] - np.log(np.exp(logits).sum())


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", type=Path)
    ap.add_argument("kind", choices=["hellaswag", "winogrande"])
    ap.add_argument("file", type=Path)
    ap.add_argument("scores", type=Path)
    ap.add_argument("--exact", action="store_true", help="beside transformers instead of llama.cpp")
    ap.add_argument("--threads", type=int, default=1)
    args = ap.parse_args()

    model = llama_cpp.Model(args.model, args.threads)
    tasks = {"hellaswag": hellaswag, "winogrande": winogrande}[args.kind](args.file, model.tokenize)
    lines = [line.split()[2:] for line in args.scores.read_text().splitlines() if line.startswith("scores ")]
    if len(lines) != len(tasks):
        raise SystemExit(f"{args.scores} has scores of {len(lines)} tasks, {args.file} has {len(tasks)}")
    name, engine, score = "llama.cpp", model, scores
    if args.exact:
        name, engine, score = "transformers", exact_model(args.model, args.threads), exact_scores
    right = np.zeros(2, int)
    margins = []
    differences = []
    for (gold, answers), line in zip(tasks, lines):
        ours, theirs = np.array(line, float), np.array(score(engine, answers))
        right += [ours.argmax() == gold, theirs.argmax() == gold]
        differences.append(np.abs(ours - theirs).max())
        if ours.argmax() != theirs.argmax():
            # How far apart either of the two finds the answers that it and the other chose.
            margins.append(max(np.ptp(s[[ours.argmax(), theirs.argmax()]]) for s in (ours, theirs)))
    count = len(tasks)
    print(f"{count} tasks: braid {right[0]} right, {name} {right[1]}")
    print(f"the same choice in {count - len(margins)} ({100 * (1 - len(margins) / count):.2f} %)")
    print("margins where they differ:", " ".join(f"{m:.4f}" for m in sorted(margins)))
    print(f"scores differ by {np.mean(differences):.6f} in the mean of the tasks, {max(differences):.6f} at most")


if __name__ == "__main__":
    main()
