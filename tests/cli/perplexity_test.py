#!/usr/bin/env python3
"""braid perplexity: the batches decide about speed and about nothing else.

usage: perplexity_test.py BRAID ZOO MODEL...

MODELs are GGUF files, used if they exist; further ones are made from folders
of ZOO.
"""

import os
import pathlib
import re
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
ZOO = pathlib.Path(sys.argv[2])
MODELS = [path for path in sys.argv[3:] if os.path.exists(path)]
KINDS = ["jamba", "rwkv7", "gemma3"]

MEAN = re.compile(rb"mean negative log-likelihood of \d+ tokens: (\S+)\n")
CHUNK = 64
CHUNKS = 4
WAYS = {
    "four chunks a batch": ["-b", 4 * CHUNK, "-ub", 4 * CHUNK],
    "four batches a chunk": ["-b", CHUNK // 4, "-ub", CHUNK // 4],
    "four ubatches a batch": ["-b", CHUNK, "-ub", CHUNK // 4],
    "ragged ubatches": ["-b", 4 * CHUNK, "-ub", 23, "-t", 1],
    "of any company": ["-b", 4 * CHUNK, "-ub", 23, "--split", "simple"],
}


class PerplexityTest(unittest.TestCase):

    def test_the_batches_change_no_bit(self):
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            self.text = self.folder / "text"
            self.text.write_text("".join(
                f"On day {day} the river stood still again.\n"
                for day in range(60)))
            for path in MODELS:
                self.judge(path)
            for kind in KINDS:
                path = self.folder / f"{kind}.gguf"
                BRAID.output("convert", ZOO / kind, "-o", path)
                self.judge(path)

    def test_a_base_is_written_and_the_estimate_printed(self):
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            self.text = self.folder / "text"
            self.text.write_text("The river stood still again.\n" * 200)
            base = self.folder / "base"
            flags = ["--kl-divergence-base", base]
            for path in MODELS:
                with self.subTest(model=path):
                    output, mean = self.perplexity(path)
                    said, its_mean = self.perplexity(path, *flags)
                    self.assertIn("Final estimate: PPL = ", said)
                    self.assertEqual(said, output)
                    self.assertAlmostEqual(mean, its_mean, 9)
                    whole = base.read_bytes()
                    base.unlink()
                    self.assertEqual(0, BRAID.run_unread(
                        *self.arguments(path, *flags)).returncode)
                    self.assertEqual(base.read_bytes(), whole)
                    base.unlink()

    def test_flags_that_do_not_go_together(self):
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            self.text = self.folder / "text"
            self.text.write_text("The river stood still again.\n" * 200)
            out = self.folder / "out"
            for flags, message in [
                    (["--kl-divergence-base", out, "--ppl-stride", 16],
                     "a base has the second half of every chunk"),
                    (["--kl-divergence-base", out, "--hellaswag"],
                     "--kl-divergence-base is for texts, not for tasks"),
                    (["--kl-divergence", "--hellaswag"], "at a time"),
                    (["--winogrande", "--report", out],
                     "--report is for texts, not for tasks"),
                    (["--kl-divergence", "--report", out],
                     "--report is for texts, not for tasks"),
                    (["--report", self.folder / "none" / "page.html"],
                     "page.html: there is no folder"),
                    (["--kl-divergence-base", out, "--chunks", 0],
                     "--chunks: 0 leaves nothing to measure")]:
                with self.subTest(flags=flags):
                    self.assertIn(message, BRAID.error(
                        "perplexity", "-f", self.text, *map(str, flags)))
            self.assertEqual(list(self.folder.iterdir()), [self.text])

    def judge(self, path):
        one = self.perplexity(path, "-b", CHUNK, "-ub", CHUNK)
        self.assertEqual(one[0].count("]"), CHUNKS)
        for name, flags in WAYS.items():
            with self.subTest(model=path, way=name):
                self.assertEqual(one, self.perplexity(path, *flags))

    def perplexity(self, path, *flags):
        """What it prints, and every digit of the mean."""
        done = BRAID.run(*self.arguments(path, *flags))
        self.assertEqual(done.returncode, 0, done.stderr)
        mean = MEAN.search(done.stderr)
        self.assertIsNotNone(mean, done.stderr)
        return done.stdout.decode(), float(mean[1])

    def arguments(self, path, *flags):
        return ["perplexity", "-m", path, "-f", self.text, "-c", str(CHUNK),
                "--chunks", str(CHUNKS), *map(str, flags)]


if __name__ == "__main__":
    run_tests(__name__)
