#!/usr/bin/env python3
"""Ctrl-C, and how far a command is: what a terminal and a pipe see.

usage: interrupt_test.py BRAID MODELS_FOLDER MODEL_PATTERN ZOO

Exits with 77 (skipped) if there is no model.
"""

import array
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from program import Program, run_tests

PROGRAM, FOLDER, PATTERN, ZOO = sys.argv[1:]
BRAID = Program(PROGRAM)
SENTENCE = "It was the best of times, and the worst.\n"
BAR = re.compile(rb"([a-z]+) \[[# ]{30}\] (\d+) %(, \d+ s left)?")


def sparse_model(path):
    """A set of one part with a tensor of 2 GiB of zeros: copying them takes a
    while, keeping them no room."""
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    size = 2 << 30
    keys = {"split.no": (2, "<H", 0), "split.count": (2, "<H", 1),
            "split.tensors.count": (5, "<i", 1)}
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys))
    for name, (kind, form, value) in keys.items():
        header += text(name) + struct.pack("<I", kind) + struct.pack(form, value)
    header += text("t") + struct.pack("<IQIQ", 1, size, 24, 0)
    header += bytes(-len(header) % 32)
    path.write_bytes(header)
    os.truncate(path, len(header) + size)
    return path


def screen(written):
    """The lines that a terminal shows after it got these bytes."""
    lines, row, column, saved = [[]], 0, 0, (0, 0)

    def down():
        if row + 1 == len(lines):
            lines.append([])
        return row + 1

    pieces = re.findall(r"\x1b(?:\[[0-9]*[A-Z]|[D78])|[^\x1b]",
                        written.decode())
    for piece in pieces:
        if piece in ("\n", "\x1b\x44", "\x1b[B"):
            row = down()
        elif piece == "\r":
            column = 0
        elif piece == "\x1b[A":
            row -= 1
        elif piece == "\x1b7":
            saved = row, column
        elif piece == "\x1b8":
            row, column = saved
        elif piece == "\x1b[K":
            del lines[row][column:]
        else:
            line = lines[row]
            line.extend(" " * (column + 1 - len(line)))
            line[column] = piece
            column += 1
    return ["".join(line).rstrip() for line in lines]


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

    def cut_while_writing(self, *arguments, stream):
        """Exit code and messages of a run that gets Ctrl-C while it waits for
        room in its standard output or error, where a line or two fit."""
        reader, writer = os.pipe()
        size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        full = size - 200
        os.write(writer, b"." * full)
        held = array.array("i", [0])
        with subprocess.Popen([PROGRAM, *map(str, arguments)], **{
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                stream: writer}) as run:
            while held[0] <= full:
                self.assertIsNone(run.poll(), "ended before its first line")
                time.sleep(0.005)
                fcntl.ioctl(reader, termios.FIONREAD, held)
            os.close(writer)
            run.send_signal(signal.SIGINT)
            seen = b""
            while piece := os.read(reader, 1 << 16):
                seen += piece
            os.close(reader)
            output, errors = run.communicate(timeout=60)
        return run.returncode, seen + (output or b"") + (errors or b"")

    def test_a_file_is_written_whole_or_not_at_all(self):
        model = next(pathlib.Path(FOLDER).glob(PATTERN))
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for stream, arguments in [
                    ("stdout", ["quantize", model, folder / "q.gguf", "q3_k_m"]),
                    ("stderr", ["convert", pathlib.Path(ZOO) / "llama", "-o",
                                folder / "c.gguf", "--progress", "json"])]:
                code, said = self.cut_while_writing(*arguments, stream=stream)
                self.assertEqual(code, 130, said)
                self.assertIn(b"cancelled, nothing was written there", said)
                self.assertEqual(list(folder.iterdir()), [])

    def test_a_copy_of_a_file_is_whole_or_not_at_all(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            model = sparse_model(folder / "m-00001-of-00001.gguf")
            for arguments in [
                    ["split", model, folder / "p", "--split-max-tensors", "1"],
                    ["merge", model, folder / "out.gguf"],
                    ["set", model, "k", "v", "--type", "string", "-o",
                     folder / "out.gguf"]]:
                with self.subTest(action=arguments[0]), subprocess.Popen(
                        [PROGRAM, "gguf", *map(str, arguments)],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
                    while list(folder.iterdir()) == [model]:
                        self.assertIsNone(run.poll(), "ended too early")
                        time.sleep(0.002)
                    run.send_signal(signal.SIGINT)
                    output, errors = run.communicate(timeout=60)
                    left = set(folder.iterdir()) - {model}
                    for path in left:
                        path.unlink()
                    self.assertEqual((run.returncode, output, left),
                                     (130, b"", set()))
                    self.assertIn(b"cancelled, nothing was written there",
                                  errors)

    def test_the_second_ends_the_program(self):
        with subprocess.Popen(
                [PROGRAM, "bench", "-p", "8", "-n", "0", "-r", "1", "-t", "1",
                 "--delay", "60", "--no-warmup", "--progress", "json"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            while json.loads(run.stderr.readline())["task"] != "bench":
                pass
            # It sleeps: the first leaves a mark, the second kills.
            deadline = time.monotonic() + 60
            while run.poll() is None and time.monotonic() < deadline:
                run.send_signal(signal.SIGINT)
                time.sleep(0.05)
        self.assertEqual(run.returncode, -signal.SIGINT)

    def test_tasks_that_are_done_count(self):
        with tempfile.TemporaryDirectory() as name:
            tasks = pathlib.Path(name) / "tasks.txt"
            tasks.write_text("A man walks.\n2\nHe\nShe runs.\nIt\nThey\n" *
                             20000)
            code, output = self.interrupted(
                "perplexity", "-f", str(tasks), "--hellaswag",
                "--hellaswag-tasks", "20000", "-t", "1", wait_for=b"\n2\t")
        self.assertEqual(code, 130)
        self.assertEqual(output[-1:], b"\n")

    def test_half_a_base_is_none(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            text, base = folder / "text.txt", folder / "base"
            text.write_text(SENTENCE * 20000)
            with subprocess.Popen(
                    [PROGRAM, "perplexity", "-f", str(text), "-c", "64",
                     "--kl-divergence-base", str(base), "--chunks", "4000",
                     "-t", "1", "--progress", "json"],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
                while json.loads(run.stderr.readline())["task"] != "logits":
                    pass
                run.send_signal(signal.SIGINT)
                run.communicate(timeout=60)
            self.assertEqual(run.returncode, 130)
            self.assertEqual(list(folder.iterdir()), [text])

    def test_importance_is_of_the_chunks_that_it_counts(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            text, cut, whole = (folder / n for n in ["text.txt", "cut", "whole"])
            text.write_text(SENTENCE * 20000)
            flags = ["imatrix", "-f", text, "-c", "64", "-t", "1", "-ofreq", "0"]
            with subprocess.Popen(
                    [PROGRAM, *map(str, flags), "-o", cut, "--progress",
                     "json"], stderr=subprocess.PIPE) as run:
                while True:
                    step = json.loads(run.stderr.readline())
                    if step["task"] == "imatrix" and step["done"] > 0:
                        break
                run.send_signal(signal.SIGINT)
                errors = run.communicate(timeout=60)[1]
            self.assertEqual(run.returncode, 130)
            self.assertIn(b"interrupted", errors)
            # Under the name that was asked for is only what is complete.
            self.assertFalse(cut.exists())
            partial = pathlib.Path(f"{cut}.partial")
            count, total, chunk = re.search(
                rb"partial has (\d+) of (\d+) chunks.* --chunk (\d+)\n",
                errors).groups()
            self.assertEqual(count, chunk)
            self.assertLess(int(count), int(total))
            BRAID.output(*map(str, flags), "-o", str(whole), "--chunks",
                         count.decode())
            self.assertEqual(partial.read_bytes(), whole.read_bytes())

    def test_unfinished_importance_goes_on(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            text, whole, two = (folder / n for n in ["text.txt", "whole", "two"])
            text.write_text(SENTENCE * 40)
            flags = ["imatrix", "-f", text, "-c", "64", "-t", "1", "-ofreq", "1"]
            BRAID.output(*map(str, flags), "-o", str(whole), "--chunks", "4")
            # Nothing is left over of what -ofreq wrote.
            self.assertEqual(set(folder.iterdir()), {text, whole})
            partial = f"{whole}.partial"
            BRAID.output(*map(str, flags), "-o", partial, "--chunks", "3")
            BRAID.output(*map(str, flags), "-o", str(two), "--in-file", partial,
                         "--chunk", "3", "--chunks", "1")
            for path in (whole, two):
                self.assertRegex(BRAID.output("gguf", "show", str(path)),
                                 r"imatrix\.chunk_count\s.*\b4\n")

    def test_bench_prints_what_is_known(self):
        code, output = self.interrupted(
            "bench", "-o", "json", "-p", "8", "-n", "100000", "-r", "1",
            "--no-warmup", wait_for=b'"n_prompt"')
        self.assertEqual(code, 130)
        self.assertEqual(len(json.loads(output)), 1)

    def test_perplexity_prints_an_estimate(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("It was the best of times, it was the worst. " * 5000)
            file.flush()
            code, output = self.interrupted(
                "perplexity", "-f", file.name, "-c", "64", "-b", "64",
                wait_for=b"[2]")
        self.assertEqual(code, 130)
        self.assertIn(b"Final estimate: PPL = ", output)

    def test_a_text_is_ended_where_it_is(self):
        code, output = self.interrupted(
            "generate", "-p", "Yesterday", "-n", "-1", "-c", "1000000",
            "-t", "1", wait_for=b" ")
        self.assertEqual(code, 130)
        self.assertTrue(output.startswith(b"Yesterday"))
        self.assertTrue(output.endswith(b"\n"))

    def test_a_cached_text_is_ended_where_it_is(self):
        with tempfile.TemporaryDirectory() as name:
            cache = pathlib.Path(name) / "cache"
            code, output = self.interrupted(
                "generate", "-p", "Yesterday", "-n", "-1", "-c", "1000000",
                "-t", "1", "--prompt-cache", str(cache), wait_for=b" ")
            self.assertEqual(code, 130)
            self.assertTrue(output.startswith(b"Yesterday"))
            self.assertTrue(output.endswith(b"\n"))
            self.assertTrue(cache.exists())

    def test_a_restored_text_is_ended_where_it_is(self):
        with tempfile.TemporaryDirectory() as name:
            state = str(pathlib.Path(name) / "state")
            BRAID.output("state", "save", state, "-p", "Yesterday")
            with subprocess.Popen(
                    [PROGRAM, "state", "restore", state, "-n", "100000000",
                     "--ignore-eos", "-t", "1"], stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE) as run:
                # The seed is said when the model is loaded and restored.
                self.assertIn(b"seed", run.stderr.readline())
                time.sleep(0.3)
                run.send_signal(signal.SIGINT)
                output, errors = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 130, errors)
            self.assertTrue(output.startswith(b"Yesterday"))

    def test_requests_that_are_done_are_not_lost(self):
        code, output = self.interrupted(
            "parallel", "-np", "2", "-ns", "100000", "-n", "64", "-t", "1",
            wait_for=b"==> 2 of")
        self.assertEqual(code, 130)
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
        self.assertEqual(run.returncode, 130)
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


class HowFar(unittest.TestCase):

    def on_terminal(self, *arguments, interrupt=False, columns=80):
        """Exit code and all bytes of a run on a terminal, which types Ctrl-C
        when the first bar of the command itself is there."""
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ,
                        struct.pack("HHHH", 24, columns, 0, 0))
            os.execv(PROGRAM, [PROGRAM, *map(str, arguments)])
        seen, typed = b"", False
        while True:
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:  # the other side is closed
                break
            if interrupt and not typed and arguments[0].encode() + b" [" in seen:
                os.write(terminal, b"\x03")
                typed = True
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen

    def test_a_bar_leaves_the_results_as_they_are(self):
        with tempfile.TemporaryDirectory() as name:
            text = pathlib.Path(name) / "text.txt"
            text.write_text(SENTENCE * 200)
            flags = ["perplexity", "-f", text, "-c", "64", "-b", "64", "-t",
                     "1", "--chunks", "12"]
            code, seen = self.on_terminal(*flags)
            results = BRAID.output(*map(str, flags))
        self.assertEqual(code, 0)
        shown = screen(seen)
        self.assertIn(b"perplexity", [m[1] for m in BAR.finditer(seen)])
        for line in filter(None, results.splitlines()):
            self.assertIn(line, shown)
        self.assertFalse([line for line in shown if "[#" in line], shown)

    def test_a_bar_never_wraps(self):
        for columns in (20, 40, 80):
            code, seen = self.on_terminal("bench", "-p", "8", "-n", "4", "-r",
                                          "4", "-t", "1", "--delay", "3",
                                          columns=columns)
            self.assertEqual(code, 0)
            bars = [bar for bar in re.findall(rb"\r([^\r\n]*)\x1b\[K", seen)
                    if bar]
            self.assertTrue([bar for bar in bars if b"bench" in bar], seen)
            for bar in bars:
                self.assertLess(len(bar), columns)
                self.assertIn(b" %", bar)

    def test_lines_and_a_bar(self):
        model = next(pathlib.Path(FOLDER).glob(PATTERN))
        with tempfile.TemporaryDirectory() as name:
            flags = ["quantize", model, pathlib.Path(name) / "q.gguf", "q8_0"]
            code, seen = self.on_terminal(*flags)
            results = BRAID.output(*map(str, flags))
        self.assertEqual(code, 0)
        self.assertIn(b"quantizing", [m[1] for m in BAR.finditer(seen)])
        shown = screen(seen)
        for line in results.splitlines():
            self.assertIn(line.rstrip(), shown)
        self.assertFalse([line for line in shown if "[#" in line], shown)

    def test_ctrl_c_is_typed(self):
        with tempfile.TemporaryDirectory() as name:
            text = pathlib.Path(name) / "text.txt"
            text.write_text(SENTENCE * 5000)
            code, seen = self.on_terminal("perplexity", "-f", text, "-c", "64",
                                          "-b", "64", "-t", "1",
                                          interrupt=True)
        self.assertEqual(code, 130)
        shown = screen(seen)
        self.assertTrue([line for line in shown if "interrupted" in line], shown)
        self.assertFalse([line for line in shown if "[#" in line], shown)

    def test_time_that_is_left(self):
        """After two seconds, which --delay passes."""
        code, seen = self.on_terminal("bench", "-p", "8", "-n", "4", "-r", "1",
                                      "-t", "1", "--delay", "3")
        self.assertEqual(code, 0)
        self.assertTrue([m for m in BAR.finditer(seen) if m[3]], seen)

    def test_json_lines(self):
        for command, *flags in [
                ["bench", "-p", "8", "-n", "4", "-r", "2", "-t", "1"],
                ["batched-bench", "-npp", "8", "-ntg", "4", "-npl", "1,2",
                 "-t", "1"],
                ["parallel", "-np", "2", "-ns", "4", "-n", "4", "-t", "1"],
                ["generate", "-p", "A", "-p", "B", "-n", "4", "-t", "1"]]:
            done = BRAID.run(command, *flags, "--progress", "json")
            steps = [json.loads(line) for line in done.stderr.splitlines()
                     if line.startswith(b"{")]
            for step in steps:
                self.assertEqual({"task", "done", "seconds", "seconds_left"},
                                 set(step))
            shares = [s["done"] for s in steps if s["task"] == command]
            self.assertGreater(len(shares), 1, command)
            self.assertEqual(shares, sorted(shares))
            quiet = BRAID.run(command, *flags)
            self.assertNotIn(b'"task"', quiet.stderr)
            self.assertNotIn(b"[#", quiet.stderr)


if __name__ == "__main__":
    if not list(pathlib.Path(FOLDER).glob(PATTERN)):
        sys.exit(77)
    run_tests(__name__)
