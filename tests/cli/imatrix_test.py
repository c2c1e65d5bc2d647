#!/usr/bin/env python3
"""braid imatrix: files that do not depend on how they were computed, merged,
in both formats, of dense models, experts and encoders; what is refused.

usage: imatrix_test.py BRAID ZOO
"""

import json
import pathlib
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
ZOO = pathlib.Path(sys.argv[2])
TEXT = str(ZOO / "text.txt")


class Imatrix(unittest.TestCase):

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def path(self, name):
        return str(self.folder / name)

    def model(self, name):
        path = self.path(name + ".model.gguf")
        BRAID.output("convert", str(ZOO / name), "-o", path, "--outtype", "f32")
        return path

    def measure(self, model, name, *flags):
        path = self.path(name)
        BRAID.output("imatrix", "-m", model, "-f", TEXT, "-c", "16", "-o", path,
                     *flags)
        return path

    def bytes(self, path):
        return pathlib.Path(path).read_bytes()

    def show(self, path):
        document = json.loads(BRAID.output("gguf", "show", path, "--json"))
        return {tensor["name"]: tensor for tensor in document["tensors"]}

    def test_nothing_about_batches_and_threads_shows(self):
        for name in ("llama", "mixtral", "jamba"):
            model = self.model(name)
            whole = self.measure(model, "a.gguf", "--chunks", "3", "-t", "1")
            cut = self.measure(model, "b.gguf", "--chunks", "3", "-t", "2",
                               "-b", "11", "-ub", "5")
            self.assertEqual(self.bytes(whole), self.bytes(cut), name)

    def test_no_chunks_are_no_measurement(self):
        self.assertIn("--chunks: 0 leaves nothing to measure",
                      BRAID.error("imatrix", "-f", "text", "--chunks", "0"))

    def test_experts_have_parts(self):
        tensors = self.show(self.measure(self.model("mixtral"), "a.gguf"))
        experts = tensors["blk.0.ffn_down_exps.weight.counts"]["shape"]
        self.assertEqual(experts[0], 1)
        self.assertGreater(experts[1], 1)
        self.assertEqual(
            tensors["blk.0.ffn_down_exps.weight.in_sum2"]["shape"][1],
            experts[1])
        self.assertNotIn("output.weight.counts", tensors)

    def test_the_output_matrix(self):
        tensors = self.show(self.measure(self.model("mixtral"), "a.gguf",
                                         "--process-output"))
        self.assertIn("output.weight.in_sum2", tensors)

    def test_runs_add_up(self):
        model = self.model("llama")
        first = self.measure(model, "1.gguf", "--chunks", "2")
        both = self.measure(model, "2.gguf", "--chunk", "2", "--chunks", "1",
                            "--in-file", first)
        rest = self.measure(model, "3.gguf", "--chunk", "2", "--chunks", "1")
        merged = self.path("4.gguf")
        BRAID.output("imatrix", "--in-file", first, "--in-file", rest, "-o",
                     merged)
        self.assertEqual(self.bytes(both), self.bytes(merged))

    def test_the_older_format_adds_up(self):
        model = self.model("llama")
        written = []
        for format in ("gguf", "dat"):
            parts = []
            for chunk in ("0", "1"):
                part = self.measure(model, f"{chunk}.{format}", "--chunk",
                                    chunk, "--chunks", "1", "--output-format",
                                    format)
                parts += ["--in-file", part]
            merged = self.path("merged." + format)
            BRAID.output("imatrix", *parts, "--in-chunk-size", "16", "-o",
                         merged)
            written.append(self.bytes(merged))
        self.assertEqual(written[0], written[1])

    def test_quantize_takes_both_formats(self):
        model = self.model("falcon-h1")  # rows of 64: no fallback
        written = []
        for name, flags in [("a.gguf", ()),
                            ("a.dat", ("--output-format", "dat"))]:
            squares = self.measure(model, name, *flags)
            out = self.path("out.gguf")
            BRAID.output("quantize", "--imatrix", squares, model, out, "Q4_0")
            document = json.loads(BRAID.output("gguf", "hash", out, "--json"))
            written.append([t["digest"] for t in document["tensors"]])
        plain = self.path("plain.gguf")
        BRAID.output("quantize", model, plain, "Q4_0")
        document = json.loads(BRAID.output("gguf", "hash", plain, "--json"))
        self.assertEqual(written[0], written[1])
        self.assertNotEqual(written[0],
                            [t["digest"] for t in document["tensors"]])

    def test_encoders(self):
        for name, tensor in [("bert", "blk.0.ffn_up.weight.in_sum2"),
                             ("t5", "enc.blk.0.ffn_up.weight.in_sum2")]:
            self.assertIn(tensor, self.show(
                self.measure(self.model(name), "a.gguf")), name)

    def test_refusals(self):
        model = self.model("llama")
        self.assertIn("no text: give -f FILE", BRAID.error("imatrix", "-m",
                                                           model))
        self.assertIn("chunks of -c 100000; 1 are needed", BRAID.error(
            "imatrix", "-m", model, "-f", TEXT, "-c", "100000"))
        old = self.measure(model, "a.dat", "--output-format", "dat")
        self.assertIn(f"{old}: the older format counts no rows", BRAID.error(
            "imatrix", "--in-file", old, "-o", self.path("b.gguf")))
        small = self.measure(model, "d.gguf")
        error = BRAID.error("imatrix", "--in-file", small, "--in-file", model,
                            "-o", self.path("e.gguf"))
        self.assertIn("no importance matrix", error)
        self.assertFalse((self.folder / "e.gguf").exists())


if __name__ == "__main__":
    run_tests(__name__)
