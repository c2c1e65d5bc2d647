#!/usr/bin/env python3
"""The pages of --report, opened in a browser without a window.

usage: report_test.py BRAID MODELS_FOLDER MODEL_PATTERN [KEEP_FOLDER]

Exits with 77 (skipped) without a model or without Chromium. Screenshots stay in
KEEP_FOLDER if it is given.
"""

import pathlib
import struct
import sys
import tempfile
import unittest
import zlib

import browser
from program import Program, run_tests

PROGRAM, FOLDER, PATTERN, *KEEP = sys.argv[1:]
BRAID = Program(PROGRAM)
HOSTILE = "</script><script>document.title='x'</script><b>&amp;"
WINDOWS = [(1280, False), (1280, True), (390, False), (390, True)]
DRAWN = """[...document.querySelectorAll('section > svg')].map(svg => ({
  lines: svg.querySelectorAll('polyline').length,
  points: svg.querySelectorAll('circle').length,
  bands: svg.querySelectorAll('polygon').length,
  shapes: [...svg.querySelectorAll('polyline')].every(
    line => line.points.length && [...line.points].every(
      p => p.x >= 0 && p.x <= svg.clientWidth &&
           p.y >= 0 && p.y <= svg.clientHeight)),
  labels: [...svg.querySelectorAll('text[text-anchor=middle]')].map(
    text => text.textContent).reverse()}))"""
# Labels that lie on one another, or stick out of their chart.
COLLISIONS = """[...document.querySelectorAll('section > svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].map(
    text => [text.textContent, text.getBoundingClientRect()]);
  const all = svg.getBoundingClientRect();
  const pairs = boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(
    ([b, q]) => p.left < q.right && q.left < p.right &&
                p.top < q.bottom && q.top < p.bottom).map(([b]) => [a, b]));
  const outside = boxes.filter(([a, p]) =>
    p.left < all.left - 1 || p.right > all.right + 1).map(([a]) => [a]);
  return [...pairs, ...outside];
})"""


def pixel_values(picture):
    """How many different bytes the rows of a PNG have: a blank one few."""
    at, packed = 8, b""
    while at < len(picture):
        length, = struct.unpack(">I", picture[at:at + 4])
        if picture[at + 4:at + 8] == b"IDAT":
            packed += picture[at + 8:at + 8 + length]
        at += length + 12
    return len(set(zlib.decompress(packed)))


class Report(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        # The name of the file is data, too.
        model = next(pathlib.Path(FOLDER).glob(PATTERN))
        cls.model = cls.folder / "<script>document.title='y'<\\.gguf"
        cls.model.symlink_to(model.resolve())

    def page(self, command, *flags):
        page = self.folder / f"{command}.html"
        BRAID.output(command, "-m", str(self.model), *flags,
                     "--report", str(page))
        return page

    def look(self, page, command):
        """Opens a page in all windows and returns what the charts hold."""
        drawn = None
        for width, dark in WINDOWS:
            self.browser.requests.clear()
            self.browser.open(page, width, dark)
            self.assertEqual(self.browser.failures, [])
            self.assertEqual(self.browser.requests, [page.as_uri()])
            value = self.browser.value
            # The title is what the script sets last.
            self.assertEqual(value("document.title"), f"braid {command}")
            self.assertEqual(value("document.querySelectorAll('b').length"), 0)
            self.assertLessEqual(
                value("document.documentElement.scrollWidth"), width)
            self.assertEqual(value(COLLISIONS), [])
            drawn = value(DRAWN)
            self.assertTrue(all(chart["shapes"] for chart in drawn), drawn)
            picture = self.browser.picture()
            self.assertGreater(pixel_values(picture), 20)
            if KEEP:
                name = f"{command}-{width}-{'dark' if dark else 'light'}.png"
                (pathlib.Path(KEEP[0]) / name).write_bytes(picture)
        return drawn

    def point_at(self, selector, number=0):
        """Moves the mouse to the middle of an element."""
        x, y = self.browser.value(f"""(() => {{
            const one = document.querySelectorAll('{selector}')[{number}];
            one.scrollIntoView({{block: 'center'}});
            const box = one.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()""")
        self.browser.point(x, y)

    def test_bench(self):
        page = self.page("bench", "-p", "8,16", "-n", "4", "-np", "1,2",
                         "-r", "1", "-t", "1,2", "-b", "8,64")
        prompts, generation = self.look(page, "bench")
        # Sequences, batches and threads; a limit for each number of threads.
        self.assertEqual((prompts["lines"], prompts["points"]), (8 + 2, 16))
        self.assertEqual((generation["lines"], generation["points"]),
                         (4 + 2, 8))
        self.assertEqual(generation["labels"], ["1", "2"])
        self.point_at("section > svg")
        self.assertRegex(
            self.browser.value(
                "document.querySelector('.legend').textContent"),
            r"1 sequence, batch 8, 1 thread: .*limit, 2 threads: .*"
            r"at (8|16) tokens")

    def test_batched_bench(self):
        page = self.page("batched-bench", "-npp", "8,16", "-ntg", "4",
                         "-npl", "1,2,3,15,16", "-t", "1")
        for chart in self.look(page, "batched-bench"):
            self.assertEqual((chart["lines"], chart["points"]), (2 + 1, 10))
            # There is no room for 15 beside 16.
            self.assertEqual(chart["labels"], ["1", "2", "3", "16"])

    def test_perplexity(self):
        text = self.folder / "text.txt"
        text.write_text((HOSTILE + " It was night.\nDas Café schloß. ") * 40)
        page = self.page("perplexity", "-f", str(text), "-c", "64", "-b", "64",
                         "--chunks", "8", "-t", "1")
        running, losses = self.look(page, "perplexity")
        self.assertEqual((running["lines"], running["bands"],
                          running["points"]), (1, 1, 8))
        self.assertEqual(losses["lines"], 1)
        shown = self.browser.value(
            "document.querySelector('.tokens').textContent")
        self.assertIn("</script><script>", shown)
        self.assertIn("schloß", shown)
        self.assertEqual(shown.count("⋯"), 8)
        self.point_at(".tokens span:not(.gap)", 5)
        self.assertRegex(
            self.browser.value("document.getElementById('said').textContent"),
            r'^".+": loss \d+\.\d+ nats, probability ')


if __name__ == "__main__":
    if not browser.PATH:
        print("no chromium here: the pages were not opened")
        sys.exit(77)
    if not list(pathlib.Path(FOLDER).glob(PATTERN)):
        print("no model here: there is nothing to report of")
        sys.exit(77)
    run_tests(__name__)
