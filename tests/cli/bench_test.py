#!/usr/bin/env python3
"""braid bench, batched-bench and detokenize.

usage: bench_test.py BRAID MODELS_FOLDER MODEL_PATTERN

Exits with 77 (skipped) if there is no model.
"""

import csv
import io
import json
import pathlib
import sqlite3
import sys
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

    def test_a_page_that_cannot_be_written_is_found_before_measuring(self):
        for command in ["bench", "batched-bench"]:
            with self.subTest(command=command):
                self.assertIn("there is no folder /no/such/folder", BRAID.error(
                    command, "--report", "/no/such/folder/page.html"))


class Rest(unittest.TestCase):

    def test_tokens_become_their_text_again(self):
        text = "It was a dark and stormy night.\nYes."
        ids = BRAID.output("tokenize", "--ids", "-p", text)
        self.assertEqual(BRAID.output("detokenize", ids.strip()), text)
        self.assertEqual(
            BRAID.output("detokenize", "--stdin", stdin=ids.encode()), text)
        self.assertIn("'x' is not an integer", BRAID.error("detokenize", "x"))
        self.assertIn("out of range", BRAID.error("detokenize", "99999999"))


if __name__ == "__main__":
    if not list(pathlib.Path(FOLDER).glob(PATTERN)):
        sys.exit(77)
    run_tests(__name__)
