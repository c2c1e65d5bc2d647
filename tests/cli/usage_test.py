#!/usr/bin/env python3
"""braid without a model: help, manual pages, errors, completion.

usage: usage_test.py BRAID DOCS
"""

import fcntl
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
DOCS = pathlib.Path(sys.argv[2])
COMMANDS = ["generate", "chat", "parallel", "embedding", "tokenize",
            "detokenize", "perplexity", "bench", "batched-bench", "fit",
            "state", "save-load-state", "gguf", "convert", "quantize", "imatrix",
            "completion", "help", "version"]


class Usage(unittest.TestCase):

    def test_help_goes_to_standard_output(self):
        overview = BRAID.output("help")
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", overview)
            text = BRAID.output(command, "--help")
            self.assertTrue(text.startswith(f"Usage: braid {command}"))

    def test_the_overview_has_groups(self):
        headings = re.findall(r"^(\w[\w ]*):$", BRAID.output("help"), re.M)
        self.assertEqual(headings, ["Texts", "Measurements", "Saved state",
                                    "Model files", "The program"])

    def test_version(self):
        self.assertRegex(BRAID.output("version"), r"^braid \d+\.\d+\.\d+\n$")

    def test_errors_name_the_flag_the_value_and_the_range(self):
        for arguments, message in [
                (["generate", "--promt", "x"], "did you mean --prompt?"),
                (["generate", "-p", "x", "-t", "many"],
                 "-t: 'many' is not an integer; expected -1 to 512"),
                (["generate", "-p", "x", "--top-p=2"],
                 "--top-p: '2' is out of range; expected 0 to 1"),
                (["parallel", "--split", "thin"], "ragged, equal, simple"),
                (["generate", "-p", "x", "-ctk", "f32"], "-ctk and -ctv"),
                (["generate"], "-p TEXT or -f FILE"),
                (["genrate"], "did you mean generate?"),
                (["llama-completion"], "it is braid generate"),
                (["llama-bench"], "it is braid bench"),
                (["gguf", "eat"],
                 "'eat' is none of show, check, hash, diff, set, split,"),
                (["completion"], "SHELL is missing"),
                ([], "Usage: braid COMMAND")]:
            with self.subTest(arguments=arguments):
                self.assertIn(message, BRAID.error(*arguments))

    def test_a_flag_that_would_be_ignored_is_refused(self):
        for arguments, message in [
                (["generate", "-p", "x", "-n", "1", "-n", "2"],
                 "-n: given twice"),
                (["generate", "-p", "x", "--per-line"], "--per-line is for -f"),
                (["generate", "-p", "x", "--prompt-cache-all"],
                 "--prompt-cache-all has no effect without --prompt-cache"),
                (["state", "restore", "x", "-p", "y"],
                 "-p has no effect with restore"),
                (["state", "save", "x", "-p", "y", "--temp", "1"],
                 "--temp has no effect with save"),
                (["state", "save", "x", "-p", "y", "--n-predict", "4"],
                 "--n-predict has no effect with save"),
                (["state", "show", "x", "-c", "64"],
                 "-c has no effect with show"),
                (["state", "check", "x", "-c", "64"],
                 "-c has no effect with check without -m"),
                (["perplexity", "-f", "x", "--scores"],
                 "--scores has no effect on a text"),
                (["perplexity", "-f", "x", "--hellaswag", "--chunks", "2"],
                 "--chunks has no effect with --hellaswag"),
                (["perplexity", "-f", "x", "--winogrande", "--hellaswag-tasks",
                  "2"], "--hellaswag-tasks has no effect with --winogrande"),
                (["imatrix", "--in-file", "x", "--chunks", "2"],
                 "--chunks has no effect without -f: files are only merged"),
                (["quantize", "a", "b", "copy", "--pure"],
                 "--pure has no effect with COPY"),
                (["imatrix", "-f", "x", "--in-chunk-size", "2"],
                 "--in-chunk-size has no effect without --in-file")]:
            with self.subTest(arguments=arguments):
                self.assertIn(message, BRAID.error(*arguments))
        # What changes no result is only told.
        for arguments, message in [
                (["generate", "-p", "x", "--rollback", "4"], b"--rollback"),
                (["perplexity", "-f", "x", "--hellaswag", "-c", "64"], b"-c"),
                (["tokenize", "-f", "x", "--no-escape"], b"--no-escape"),
                (["generate", "-f", "/dev/null", "-e"], b"-e"),
                (["embedding", "-p", "x", "--checkpoint-every", "4"],
                 b"--checkpoint-every")]:
            with self.subTest(arguments=arguments):
                done = BRAID.run(*arguments, "-m", "/nonexistent")
                self.assertIn(b"note: " + message + b" has no effect ",
                              done.stderr)

    def on_terminal(self, columns, *arguments):
        """What a run on a terminal of so many columns writes."""
        child, terminal = pty.fork()
        if child == 0:
            size = struct.pack("HHHH", 24, columns, 0, 0)
            fcntl.ioctl(1, termios.TIOCSWINSZ, size)
            os.execv(BRAID.path, [BRAID.path, *arguments])
        seen = b""
        try:
            while piece := os.read(terminal, 1 << 16):
                seen += piece
        except OSError:  # the other side is closed
            pass
        os.close(terminal)
        os.waitpid(child, 0)
        return seen.decode()

    def test_help_is_as_wide_as_the_terminal(self):
        for columns in (20, 40, 60, 100):
            for arguments in (["help"], ["generate", "--help"], ["gguf", "-h"],
                              []):
                with self.subTest(columns=columns, arguments=arguments):
                    lines = self.on_terminal(columns, *arguments).splitlines()
                    self.assertGreater(len(lines), 10)
                    for line in lines:
                        if columns > 20 or " " in line[4:].strip():
                            self.assertLessEqual(len(line), columns, line)

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


    def test_places_that_do_not_exist_are_found_before_the_work(self):
        for arguments in [["imatrix", "-f", "x", "-o", "/nonexistent/y"],
                          ["state", "save", "/nonexistent/y", "-p", "x"],
                          ["generate", "-p", "x", "--prompt-cache",
                           "/nonexistent/y"],
                          ["bench", "--report", "/nonexistent/y"],
                          ["perplexity", "-f", "x", "--kl-divergence-base",
                           "/nonexistent/y"]]:
            self.assertIn("/nonexistent/y: there is no folder /nonexistent",
                          BRAID.error(*arguments, "-m", "/missing.gguf"))

    def test_closed_streams_are_no_files(self):
        """A file that is opened gets the lowest free number."""
        with tempfile.TemporaryDirectory() as name:
            text = pathlib.Path(name) / "text"
            text.write_text("not on standard input")
            for command, stream in [
                    (["generate", "-f", "-", "-m", str(text)], "<&-"),
                    (["help"], ">&-"),
                    (["help"], "2>&- >&-")]:
                done = subprocess.run(
                    ["sh", "-c", f'exec "$@" {stream}', "sh", BRAID.path,
                     *command], capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                if "2>" not in stream:
                    self.assertIn(b"Bad file descriptor", done.stderr)


class ManPages(unittest.TestCase):

    def pages(self):
        yield "braid", BRAID.output("help", "--man")
        for command in COMMANDS:
            yield f"braid-{command}", BRAID.output("help", "--man", command)

    def test_every_page_has_its_sections(self):
        for name, page in self.pages():
            with self.subTest(page=name):
                title = name.replace("-", "\\-")
                self.assertTrue(page.startswith(f'.TH "{title}" 1 '))
                sections = re.findall(r"^\.SH (.*)$", page, re.M)
                self.assertEqual(sections[:3],
                                 ["NAME", "SYNOPSIS", "DESCRIPTION"])
                self.assertIn("EXIT STATUS", sections)
                # Every other line that starts with a dot would be a request.
                self.assertEqual(
                    set(re.findall(r"^[.'](\w*)", page, re.M)) -
                    {"TH", "SH", "SS", "TP", "BR"}, set())

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_no_complaint_and_shows_every_flag(self):
        for name, page in self.pages():
            with self.subTest(page=name):
                done = subprocess.run(
                    ["groff", "-man", "-ww", "-Tascii", "-P-cbou"],
                    input=page, capture_output=True, text=True, check=True)
                self.assertEqual(done.stderr, "")
                if name == "braid":
                    continue
                shown = " ".join(done.stdout.split())
                text = BRAID.output(name.removeprefix("braid-"), "--help")
                flags = re.findall(r"^  (-[^ ,]+)", text, re.M)
                self.assertIn("-h", flags)
                for flag in flags:
                    self.assertIn(flag, shown)


class BashCompletion(unittest.TestCase):

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


class ZshCompletion(unittest.TestCase):
    """With stubs of the two functions of zsh that do the work."""

    STUBS = """
compdef() { : }
_describe() { print -rl -- "describe" ${(P)2} }
_arguments() { print -rl -- "arguments $CURRENT $words" "$@" }
"""

    def complete(self, *words):
        script = self.STUBS + BRAID.output("completion", "zsh") + """
words=("$@") CURRENT=$#
_braid
"""
        done = subprocess.run(["zsh", "-f", "-c", script, "zsh", *words],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_commands_flags_and_values(self):
        self.assertIn("generate:continue prompts, all in one batch",
                      self.complete("braid", ""))
        found = self.complete("braid", "gguf", "sh")
        self.assertEqual(found[0], "arguments 2 gguf sh")
        self.assertIn("1:ACTION:(show check hash diff set split merge)", found)
        self.assertIn("2::FILE:_files", found)
        self.assertIn("(-o --output)--output[write a new file]:FILE:_files",
                      found)
        for command in COMMANDS:
            self.assertIn("(-h --help)--help[print help]",
                          self.complete("braid", command, ""))

    def test_every_flag_is_there(self):
        script = BRAID.output("completion", "zsh")
        for flag in ("--embd-normalize", "-npl", "--tensor-type"):
            self.assertIn(f"{flag}[", script)


class FishCompletion(unittest.TestCase):

    def complete(self, line):
        script = BRAID.output("completion", "fish") + 'complete -C "$argv[1]"'
        done = subprocess.run(["fish", "--no-config", "-c", script, line],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_commands_flags_and_values(self):
        self.assertEqual(self.complete("braid ge"), ["generate"])
        self.assertEqual(sorted(self.complete("braid ")), sorted(COMMANDS))
        self.assertEqual(self.complete("braid generate --te"),
                         ["--temp", "--temperature"])
        self.assertEqual(self.complete("braid parallel --split e"), ["equal"])
        self.assertIn("show", self.complete("braid gguf s"))
        self.assertIn("/etc/passwd",
                      self.complete("braid bench -m /etc/passw"))
        self.assertEqual(self.complete("braid bench -r "), [])

    def test_every_flag_is_there(self):
        script = BRAID.output("completion", "fish")
        for flag in ("-l embd-normalize", "-o npl", "-s p -l prompt"):
            self.assertIn(f" {flag} ", script)


if __name__ == "__main__":
    run_tests(__name__)
