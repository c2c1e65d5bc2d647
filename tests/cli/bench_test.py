#!/usr/bin/env python3
"""braid bench, batched-bench, detokenize, progress and Ctrl-C.

usage: bench_test.py BRAID MODELS_FOLDER MODEL_PATTERN

Exits with 77 (skipped) if there is no model.
"""

import csv
import io
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from program import Program, run_tests

PROGRAM, FOLDER, PATTERN = sys.argv[1:]
BRAID = Program(PROGRAM)
SMALL = ["-p", "8", "-n", "4", "-r", "2", "-t", "1"]


class Bench(unittest.TestCase):

    def test_formats_agree_on_the_tests(self):
        flags = [*SMALL, "-pg", "8,2", "-d", "0,16"]
        rows = json.loads(BRAID.output("bench", "-o", "json", *flags))
        found = [(r["n_prompt"], r["n_gen"], r["n_depth"]) for r in rows]
        self.assertEqual(found, [(8, 0, 0), (0, 4, 0), (8, 2, 0),
                                 (8, 0, 16), (0, 4, 16), (8, 2, 16)])
        for row in rows:
            self.assertEqual(len(row["samples_ts"]), 2)
            self.assertGreater(row["avg_ts"], 0)
        lines = BRAID.output("bench", "-o", "jsonl", *SMALL).splitlines()
        self.assertEqual(len([json.loads(line) for line in lines]), 2)
        table = csv.DictReader(io.StringIO(
            BRAID.output("bench", "-o", "csv", *SMALL)))
        self.assertEqual([row["n_gen"] for row in table], ["0", "4"])
        base = sqlite3.connect(":memory:")
        base.executescript(BRAID.output("bench", "-o", "sql", *SMALL))
        self.assertEqual(base.execute(
            "SELECT n_prompt, n_gen FROM llama_bench").fetchall(),
            [(8, 0), (0, 4)])
        text = BRAID.output("bench", *SMALL, "-d", "16")
        self.assertIn("| pp8 @ d16 |", text)

    def test_results_go_to_standard_error_too(self):
        done = BRAID.run("bench", *SMALL, "-oe", "jsonl", "-o", "none")
        self.assertEqual(done.stdout, b"")
        lines = [line for line in done.stderr.splitlines()
                 if line.startswith(b"{")]
        self.assertEqual(len(lines), 2)

    def test_batched_bench_counts_positions(self):
        flags = ["-npp", "8", "-ntg", "4", "-npl", "1-4*2", "-t", "1",
                 "--output-format", "jsonl"]
        for more, positions in [([], [12, 24, 48]), (["-pps"], [12, 16, 24])]:
            lines = BRAID.output("batched-bench", *flags, *more).splitlines()
            rows = [json.loads(line) for line in lines]
            self.assertEqual([row["pl"] for row in rows], [1, 2, 4])
            self.assertEqual([row["n_kv"] for row in rows], positions)
        self.assertTrue(BRAID.output("batched-bench", *flags[:-2]).startswith(
            "|    PP |     TG |    B |   N_KV |"))


class Interrupt(unittest.TestCase):

    def interrupted(self, *arguments, wait_for):
        """Exit code and output of a run that gets Ctrl-C after a line."""
        with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as run:
            seen = b""
            while wait_for not in seen:
                piece = run.stdout.read1()
                self.assertTrue(piece, "ended before it was interrupted")
                seen += piece
            run.send_signal(signal.SIGINT)
            rest, errors = run.communicate(timeout=60)
            self.assertIn(b"interrupted", errors)
            return run.returncode, seen + rest

    def test_bench_prints_what_is_known(self):
        code, output = self.interrupted(
            "bench", "-o", "json", "-p", "8", "-n", "100000", "-r", "1",
            "--no-warmup", wait_for=b'"n_prompt"')
        self.assertEqual(code, 1)
        self.assertEqual(len(json.loads(output)), 1)

    def test_perplexity_prints_an_estimate(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("It was the best of times, it was the worst. " * 5000)
            file.flush()
            code, output = self.interrupted(
                "perplexity", "-f", file.name, "-c", "64", "-b", "64",
                wait_for=b"[2]")
        self.assertEqual(code, 1)
        self.assertIn(b"Final estimate: PPL = ", output)

    def test_a_text_is_ended_where_it_is(self):
        code, output = self.interrupted(
            "generate", "-p", "Yesterday", "-n", "-1", "-c", "1000000",
            "-t", "1", wait_for=b" ")
        self.assertEqual(code, 1)
        self.assertTrue(output.startswith(b"Yesterday"))
        self.assertTrue(output.endswith(b"\n"))

    def test_requests_that_are_done_are_not_lost(self):
        code, output = self.interrupted(
            "parallel", "-np", "2", "-ns", "100000", "-n", "64", "-t", "1",
            wait_for=b"==> 2 of")
        self.assertEqual(code, 1)
        self.assertIn(b"==> 1 of 100000 <==\nUser: ", output)

    def test_texts_that_are_embedded_are_printed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("It was the best of times, and the worst.\n" * 40000)
            file.flush()
            done = subprocess.Popen(
                [PROGRAM, "embedding", "-f", file.name, "--per-line", "-t", "1",
                 "--pooling", "mean", "--embd-output-format", "raw",
                 "--progress", "json"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with done as run:
                while True:
                    line = run.stderr.readline()
                    self.assertTrue(line, "ended before it was interrupted")
                    step = json.loads(line)
                    if step["task"] == "embedding" and step["done"] > 0:
                        break
                run.send_signal(signal.SIGINT)
                output, errors = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"interrupted", errors)
        lines = output.splitlines()
        self.assertGreater(len(lines), 0)
        self.assertLess(len(lines), 40000)
        self.assertEqual(len({line for line in lines}), 1)

    def test_an_answer_is_ended_and_the_conversation_goes_on(self):
        with subprocess.Popen(
                [PROGRAM, "chat", "-c", "100000", "-n", "-1", "-t", "1"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE) as run:
            run.stdin.write(b"Good morning.\n")
            run.stdin.flush()
            self.assertTrue(run.stdout.read1())
            run.send_signal(signal.SIGINT)
            output, errors = run.communicate(b"/undo\n/quit\n", timeout=60)
        self.assertEqual(run.returncode, 0, errors)
        self.assertIn(b"back at position 0", output + errors)


class Rest(unittest.TestCase):

    def test_tokens_become_their_text_again(self):
        text = "It was a dark and stormy night.\nYes."
        ids = BRAID.output("tokenize", "--ids", "-p", text)
        self.assertEqual(BRAID.output("detokenize", ids.strip()), text)
        self.assertEqual(
            BRAID.output("detokenize", "--stdin", stdin=ids.encode()), text)
        self.assertIn("'x' is not an integer", BRAID.error("detokenize", "x"))
        self.assertIn("out of range", BRAID.error("detokenize", "99999999"))

    def test_progress_is_json_lines(self):
        done = BRAID.run("bench", *SMALL, "--progress", "json")
        steps = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual({"task", "done", "seconds", "seconds_left"},
                         set(steps[-1]))


if __name__ == "__main__":
    if not list(pathlib.Path(FOLDER).glob(PATTERN)):
        sys.exit(77)
    run_tests(__name__)
