#!/usr/bin/env python3
"""Saved states as a user has them: braid state, save-load-state, and
generate --prompt-cache, with models of every kind.

usage: state_test.py BRAID ZOO MODEL...

MODELs are GGUF files, used if they exist; further ones are made from folders
of ZOO.
"""

import os
import pathlib
import re
import stat
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
ZOO = pathlib.Path(sys.argv[2])
MODELS = [path for path in sys.argv[3:] if os.path.exists(path)]
KINDS = ["mamba2", "jamba", "gemma3", "rwkv7", "t5"]

PROMPT = "It was a dark and stormy night"
MORE = PROMPT + " and the king"
FLAGS = ["-n", "12", "-s", "7"]
EVALUATED = re.compile(rb"^(\d+) of (\d+) prompt tokens evaluated$",
                       re.MULTILINE)


class StateTest:
    """A base of the tests; on_every_model() makes test cases of it."""
    braid = None  # a Program
    path = ""     # of its model
    other = ""    # of another one

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.folder.name) / "state"

    def tearDown(self):
        self.folder.cleanup()

    def test_a_saved_state_goes_on_as_if_nothing_had_happened(self):
        said = self.braid.output("save-load-state", "-s", "1")
        self.assertTrue(said.endswith("\nAll tests passed.\n"), said)
        for run in ("first run", "whole state restored",
                    "one sequence moved to another id",
                    "beside another sequence, in another engine"):
            self.assertIn(f"{run}: ", said)

    def test_save_show_check_restore(self):
        self.braid.output("state", "save", self.file, "-p", PROMPT)
        mode = stat.S_IMODE(self.file.stat().st_mode)
        self.assertEqual(mode, 0o600)
        shown = self.braid.output("state", "show", self.file)
        self.assertRegex(shown, r"(?m)^sequence 0 \d+ tokens?")
        self.assertRegex(shown, r"(?m)^section    pages")
        for program in (BRAID, self.braid):
            program.output("state", "check", self.file)
        text = self.braid.output("generate", "-p", PROMPT, *FLAGS)
        restored = self.braid.output("state", "restore", self.file, *FLAGS)
        self.assertTrue(restored.endswith(text.removeprefix(PROMPT)),
                        (restored, text))

    def test_damaged_and_foreign_states_are_refused(self):
        self.braid.output("state", "save", self.file, "-p", PROMPT)
        self.assertIn("the state was saved with", BRAID.error(
            "state", "check", str(self.file), "-m", self.other))
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:-1])
        self.assertIn(str(self.file),
                      BRAID.error("state", "check", str(self.file)))
        self.assertIn("cut off", BRAID.error(
            "state", "restore", str(self.file), *self.braid.model_flags))
        self.file.unlink()
        self.assertIn("cannot open",
                      BRAID.error("state", "show", str(self.file)))

    def continues(self):
        """Do the tokens of MORE begin with those of PROMPT? Never for an
        encoder, which reads another text."""
        one, two = (self.braid.output("tokenize", "-p", text, "--ids").strip()
                    for text in (PROMPT, MORE))
        encoder = self.path.endswith("t5.gguf")
        return not encoder and two.startswith(one.removesuffix("]"))

    def cached(self, prompt, *more):
        """The text, and how many tokens of the prompt were evaluated."""
        done = self.braid.run("generate", *self.braid.model_flags, "-p", prompt,
                         "--prompt-cache", self.file, *FLAGS, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = EVALUATED.search(done.stderr)
        return done.stdout.decode(errors="surrogateescape"), *map(
            int, found.groups())

    def test_the_prompt_cache_evaluates_only_what_is_new(self):
        plain = self.braid.output("generate", "-p", PROMPT, *FLAGS)
        text, evaluated, count = self.cached(PROMPT)
        self.assertEqual((text, evaluated), (plain, count))
        text, evaluated, _ = self.cached(PROMPT)
        self.assertEqual((text, evaluated), (plain, 0))

        longer = self.braid.output("generate", "-p", MORE, *FLAGS)
        before = self.file.read_bytes()
        text, evaluated, more = self.cached(MORE, "--prompt-cache-ro")
        self.assertEqual(text, longer)
        self.assertEqual(self.file.read_bytes(), before)
        if self.continues():
            self.assertEqual(evaluated, more - count)
        text, _, _ = self.cached(MORE)
        self.assertEqual(text, longer)
        # What no longer agrees is evaluated again.
        text, _, _ = self.cached(PROMPT)
        self.assertEqual(text, plain)

    def test_the_prompt_cache_keeps_what_was_generated(self):
        plain, _, count = self.cached(PROMPT, "--prompt-cache-all")
        text, evaluated, _ = self.cached(PROMPT, "--prompt-cache-all")
        self.assertEqual(text, plain)
        self.assertLessEqual(evaluated, min(count, 2))

    def test_one_prompt_only(self):
        self.assertIn("--prompt-cache is for one prompt, 2 given", BRAID.error(
            "generate", "-m", self.path, "-p", "a", "-p", "b",
            "--prompt-cache", str(self.file)))


def on_every_model(folder):
    """A test case for each model, by name."""
    models = list(MODELS)
    for kind in KINDS:
        models.append(os.path.join(folder, f"{kind}.gguf"))
        BRAID.output("convert", ZOO / kind, "-o", models[-1])
    cases = {}
    for number, path in enumerate(models):
        name = f"StateTest_{os.path.basename(path)}"
        cases[name] = type(name, (StateTest, unittest.TestCase), {
            "braid": Program(BRAID.path, ["-m", path]),
            "path": path,
            "other": models[number - 1],
        })
    return cases


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as converted:
        globals().update(on_every_model(converted))
        run_tests(__name__)
