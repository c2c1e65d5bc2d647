#!/usr/bin/env python3
"""braid without a model: help, errors, completion.

usage: usage_test.py BRAID DOCS
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
DOCS = pathlib.Path(sys.argv[2])
COMMANDS = ["generate", "chat", "parallel", "embedding", "perplexity",
            "tokenize", "detokenize", "bench", "batched-bench", "fit", "state",
            "save-load-state", "gguf", "convert", "quantize", "completion",
            "help", "version"]


class Usage(unittest.TestCase):

    def test_help_goes_to_standard_output(self):
        overview = BRAID.output("help")
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", overview)
            text = BRAID.output(command, "--help")
            self.assertTrue(text.startswith(f"Usage: braid {command}"))

    def test_version(self):
        self.assertRegex(BRAID.output("version"), r"^braid \d+\.\d+\.\d+\n$")

    def test_errors_name_the_flag_the_value_and_the_range(self):
        for arguments, message in [
                (["generate", "--promt", "x"], "did you mean --prompt?"),
                (["generate", "-p", "x", "-t", "many"],
                 "-t: 'many' is not an integer; expected 0 to 512"),
                (["generate", "-p", "x", "--top-p=2"],
                 "--top-p: '2' is out of range; expected 0 to 1"),
                (["parallel", "--split", "thin"], "ragged, equal, simple"),
                (["generate", "-p", "x", "-ctk", "f32"], "-ctk and -ctv"),
                (["generate"], "-p TEXT or -f FILE"),
                (["genrate"], "did you mean generate?"),
                (["gguf", "eat"],
                 "'eat' is none of show, check, hash, diff, set, split,"),
                (["completion"], "SHELL is missing"),
                ([], "Usage: braid COMMAND")]:
            with self.subTest(arguments=arguments):
                self.assertIn(message, BRAID.error(*arguments))

    def test_flags_of_llama_cpp(self):
        done = BRAID.run("tokenize", "-m", "/nonexistent", "-p", "x", "-ngl",
                         "99", "--no-mmap", "-fa", "on")
        self.assertEqual(done.returncode, 1)
        for text in [b"note: -ngl", b"note: --mmap, --no-mmap", b"note: -fa",
                     b"/nonexistent"]:
            self.assertIn(text, done.stderr)
        for arguments, reason in [
                (["generate", "-p", "x", "--lora", "a.gguf"],
                 "--lora: adapters are not built"),
                (["generate", "-p", "x", "-cnv"], "braid chat"),
                (["perplexity", "-hf", "a/b"], "nothing is downloaded"),
                (["quantize", "a", "b", "--prune-layers", "1"],
                 "layers are not removed")]:
            with self.subTest(arguments=arguments):
                self.assertIn(reason, BRAID.error(*arguments))

    def test_the_document_of_flags_is_current(self):
        self.assertEqual(BRAID.output("help", "--flags-table"),
                         (DOCS / "flags.md").read_text(encoding="utf-8"),
                         "braid help --flags-table > docs/flags.md")

    def test_files_that_cannot_be_read_are_named(self):
        missing = "/nonexistent/model.gguf"
        for arguments in [
                ["generate", "-m", missing, "-p", "x"],
                ["parallel", "-m", missing],
                ["tokenize", "-m", missing, "-p", "x"],
                ["bench", "-m", missing],
                ["gguf", "show", missing],
                ["gguf", "check", missing],
                ["convert", missing],
                ["generate", "-f", missing]]:
            with self.subTest(arguments=arguments):
                self.assertIn(missing, BRAID.error(*arguments))

    def test_a_file_that_is_no_model_is_refused(self):
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(b"GGUF but not really")
            file.flush()
            for arguments in [["generate", "-m", file.name, "-p", "x"],
                              ["gguf", "check", file.name]]:
                self.assertIn(file.name, BRAID.error(*arguments))

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BRAID.path, "help"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)


class Completion(unittest.TestCase):

    def complete(self, *words):
        """What bash proposes for the last of the words."""
        script = BRAID.output("completion", "bash") + """
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_braid
printf '%s\\n' "${COMPREPLY[@]}"
"""
        done = subprocess.run(["bash", "-c", script, "bash", *words],
                              capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_commands(self):
        self.assertEqual(self.complete("braid", "ge"), ["generate"])
        self.assertEqual(self.complete("braid", ""), COMMANDS)

    def test_flags(self):
        self.assertEqual(self.complete("braid", "generate", "--te"),
                         ["--temp", "--temperature"])
        self.assertIn("--ids", self.complete("braid", "tokenize", "-"))

    def test_values(self):
        self.assertEqual(self.complete("braid", "parallel", "--split", "e"),
                         ["equal"])
        self.assertEqual(self.complete("braid", "gguf", "sh"), ["show"])
        self.assertIn("/etc/passwd",
                      self.complete("braid", "gguf", "--check", "/etc/passw"))
        self.assertIn("/etc/passwd",
                      self.complete("braid", "bench", "-m", "/etc/passw"))
        self.assertEqual(self.complete("braid", "bench", "-r", ""), [])


if __name__ == "__main__":
    run_tests(__name__)
