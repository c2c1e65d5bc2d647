#!/usr/bin/env python3
"""The pages of --report, opened in a browser without a window.

usage: report_test.py BRAID MODELS_FOLDER MODEL_PATTERN [KEEP_FOLDER]

Exits with 77 (skipped) without a model or without Chromium. Screenshots stay in
KEEP_FOLDER if it is given.
"""

import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

from program import Program, run_tests

PROGRAM, FOLDER, PATTERN, *KEEP = sys.argv[1:]
BRAID = Program(PROGRAM)
BROWSER = shutil.which("chromium")
HOSTILE = "It was </script><script>document.title='x'</script> night. " * 40
COMMANDS = {
    "bench": ["-p", "16,64", "-n", "8", "-np", "1,2,4", "-r", "2", "-t", "1"],
    "batched-bench": ["-npp", "16", "-ntg", "8", "-npl", "1-8*2", "-t", "1"],
    "perplexity": ["-c", "64", "-b", "64", "--chunks", "8", "-t", "1"],
}


def browse(page, profile, *flags):
    return subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={profile}", "--window-size=900,1400",
         "--virtual-time-budget=3000", *flags, page.as_uri()],
        capture_output=True, timeout=120, check=True).stdout.decode()


def different_bytes(picture):
    """How many values a PNG's pixels have: a blank one has few."""
    data = picture.read_bytes()
    at, packed = 8, b""
    while at < len(data):
        length, = struct.unpack(">I", data[at:at + 4])
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    return len(set(zlib.decompress(packed)))


class Report(unittest.TestCase):

    def check(self, command, *marks):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "text.txt").write_text(HOSTILE)
            page = folder / f"{command}.html"
            flags = COMMANDS[command] + ["--report", str(page)]
            if command == "perplexity":
                flags += ["-f", str(folder / "text.txt")]
            BRAID.output(command, *flags)
            text = page.read_text()
            self.assertNotIn("http://", text.replace(
                "http://www.w3.org/2000/svg", ""))
            self.assertNotIn("https://", text)
            dom = browse(page, folder / "profile", "--dump-dom")
            self.assertIn(f"<title>braid {command}</title>", dom)
            for mark in marks:
                self.assertIn(mark, dom)
            picture = folder / f"{command}.png"
            browse(page, folder / "profile", f"--screenshot={picture}")
            self.assertGreater(different_bytes(picture), 20)
            if KEEP:
                shutil.copy(picture, KEEP[0])

    def test_bench(self):
        self.check("bench", "<polyline", "pp64")

    def test_batched_bench(self):
        self.check("batched-bench", "<polyline", "limit: weights",
                   "limit: arithmetic")

    def test_perplexity(self):
        self.check("perplexity", "<polyline", "data-loss", "Loss over the text")


if __name__ == "__main__":
    if not BROWSER:
        print("no chromium here: the pages were not opened")
        sys.exit(77)
    if not list(pathlib.Path(FOLDER).glob(PATTERN)):
        sys.exit(77)
    run_tests(__name__)
