#!/usr/bin/env python3
"""braid convert: a folder of the zoo to GGUF files, as a user runs it.

usage: convert_test.py BRAID ZOO
"""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
FOLDER = pathlib.Path(sys.argv[2]) / "llama"


class ConvertTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def convert(self, *flags, source=FOLDER):
        """The file that a conversion writes."""
        target = self.path / "out.gguf"
        said = BRAID.output("convert", source, "-o", target, *flags)
        self.assertIn(str(target), said)
        return target

    def test_every_type(self):
        sizes = {}
        for kind in ("f32", "f16", "bf16", "q8_0"):
            file = self.convert("--outtype", kind)
            BRAID.output("gguf", "check", file)
            sizes[kind] = file.stat().st_size
        self.assertGreater(sizes["f32"], 1.5 * sizes["f16"])
        self.assertEqual(sizes["f16"], sizes["bf16"])
        # What is on disk is float32.
        auto = self.convert()
        self.assertEqual(auto.stat().st_size, sizes["f32"])

    def test_the_bytes_do_not_depend_on_threads(self):
        one = self.convert("--outtype", "f16", "-t", "1").read_bytes()
        three = self.convert("--outtype", "f16", "-t", "3").read_bytes()
        self.assertEqual(one, three)

    def test_vocabulary_only(self):
        file = self.convert("--vocab-only")
        tokens = BRAID.output("tokenize", "-m", file, "-p", "It was", "--ids")
        self.assertRegex(tokens, r"^\[\d+(, \d+)+\]\n$")

    def test_dry_run_writes_nothing(self):
        target = self.path / "none.gguf"
        plan = BRAID.output("convert", FOLDER, "-o", target, "--dry-run",
                            "--outtype", "f16")
        self.assertIn('general.architecture = "llama"', plan)
        self.assertIn("token_embd.weight F16 {80, 384}", plan)
        self.assertEqual(list(self.path.iterdir()), [])

    def test_a_doubled_bos_is_told_once(self):
        file = self.convert()
        texts = ["-p", "<|begin_of_text|>It was"]
        for command in (["tokenize", *texts],
                        ["generate", *texts, *texts, "-n", "1", "--temp", "0"]):
            done = BRAID.run(command[0], "-m", file, *command[1:])
            said = done.stderr.decode()
            self.assertEqual(done.returncode, 0, said)
            self.assertEqual(said.count("the model sees it twice"), 1, said)
        said = BRAID.run("tokenize", "-m", file, "-p", "It was").stderr
        self.assertEqual(said, b"")

    def test_notices_go_to_standard_error(self):
        source = self.path / "source"
        shutil.copytree(FOLDER, source)
        (source / "tekken.json").write_text("{}")
        done = BRAID.run("convert", source, "-o", self.path / "out.gguf",
                         "--vocab-only")
        self.assertEqual(done.returncode, 0)
        self.assertIn("tekken.json: not read", done.stderr.decode())
        self.assertNotIn("tekken", done.stdout.decode())

    def test_errors_leave_no_file(self):
        source = self.path / "source"
        shutil.copytree(FOLDER, source)
        target = self.path / "none.gguf"
        (source / "config.json").write_text(
            '{"architectures": ["UnheardOfModel"]}')
        said = BRAID.error("convert", source, "-o", target)
        self.assertIn("UnheardOfModel is not supported", said)
        self.assertIn("LlamaForCausalLM", said)
        (source / "config.json").unlink()
        self.assertIn("config.json", BRAID.error("convert", source))
        self.assertFalse(target.exists())
        self.assertIn("f64", BRAID.error("convert", FOLDER, "--outtype", "f64"))
        self.assertIn("DIR", BRAID.error("convert"))

    def changed(self, **keys):
        """A copy of the folder whose config says something else."""
        source = self.path / "changed"
        shutil.copytree(FOLDER, source, dirs_exist_ok=True)
        config = json.loads((FOLDER / "config.json").read_text())
        (source / "config.json").write_text(json.dumps(config | keys))
        return source

    def test_keys_that_nobody_knows(self):
        source = self.changed(residual_gate=0.5)
        said = BRAID.error("convert", source, "--dry-run")
        self.assertIn("residual_gate: 0.5", said)
        plan = BRAID.output("convert", source, "--dry-run", "--ignore-key",
                            "residual_gate")
        self.assertIn("token_embd.weight", plan)

    def test_the_plan_is_asked_of_the_loader(self):
        layers = json.loads(
            (FOLDER / "config.json").read_text())["num_hidden_layers"]
        source = self.changed(num_hidden_layers=layers + 1)
        for flags in ((), ("--dry-run",)):
            said = BRAID.error("convert", source, "-o", self.path / "x", *flags)
            self.assertIn(f"blk.{layers}.", said)
        self.assertFalse((self.path / "x").exists())


if __name__ == "__main__":
    run_tests(__name__)
