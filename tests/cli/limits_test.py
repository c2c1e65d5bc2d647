"""Resources that run out: a program says a sentence and exits with 1.

usage: limits_test.py BRAID MODEL ZOO
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, MODEL, ZOO = sys.argv[1:4]

MIB = 1 << 20


def run(arguments, address_space=None, **options):
    """A finished run; its memory is limited as by `ulimit -v`."""
    def limit():
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS,
                               (address_space, address_space))
    return subprocess.run([PROGRAM, *arguments], capture_output=True,
                          timeout=250, check=False, preexec_fn=limit,
                          stdin=subprocess.DEVNULL, **options)


class AddressSpace(unittest.TestCase):
    """Every limit from what the loader needs to what the command needs."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.text = os.path.join(self.folder, "text.txt")
        with open(self.text, "w", encoding="utf-8") as file:
            file.write("It was a bright cold day in April. " * 40)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def check(self, *arguments):
        """Returns how many of the limits were too low, and were said so."""
        refused = 0
        for limit in (20, 28, 40, 60, 90, 140, 200, 300, 500, 900):
            done = run(arguments, limit * MIB)
            message = done.stderr.decode()
            if "shared librar" in message:
                continue  # it was the system that could not even start it
            with self.subTest(limit=limit, message=message):
                self.assertIn(done.returncode, (0, 1))
                if done.returncode == 0:
                    continue
                refused += 1
                last = message.strip().splitlines()[-1]
                self.assertTrue(last.startswith("braid"), message)
                self.assertRegex(last, "memory|threads|address space|map")
        self.assertGreater(refused, 0)

    def test_generate(self):
        self.check("generate", "-m", MODEL, "-p", "It was", "-n", "4", "-t",
                   "4")

    def test_perplexity(self):
        self.check("perplexity", "-m", MODEL, "-f", self.text, "-c", "32",
                   "-t", "2")

    def test_embedding(self):
        self.check("embedding", "-m", MODEL, "-p", "It was", "--pooling",
                   "mean", "-t", "2")

    def test_quantize(self):
        self.check("quantize", MODEL, os.path.join(self.folder, "q.gguf"),
                   "Q8_0", "2")

    def test_convert(self):
        self.check("convert", os.path.join(ZOO, "llama"), "-o",
                   os.path.join(self.folder, "c.gguf"))

    def test_tokenize_and_gguf(self):
        self.check("tokenize", "-m", MODEL, "-p", "It was")
        self.check("gguf", "hash", MODEL)


unittest.main(argv=sys.argv[:1])
