#!/usr/bin/env python3
"""What cmake --install puts beside the program: manual pages, completions.

usage: install_test.py CMAKE SCRIPT
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from program import Program, run_tests

CMAKE, SCRIPT = sys.argv[1:3]


class Install(unittest.TestCase):

    def test_pages_and_completions_are_those_of_the_program(self):
        with tempfile.TemporaryDirectory() as root:
            # Staged, as makers of packages do.
            subprocess.run([CMAKE, "-DCMAKE_INSTALL_PREFIX=/opt/braid", "-P",
                            SCRIPT], check=True, capture_output=True,
                           env=os.environ | {"DESTDIR": root})
            prefix = pathlib.Path(root) / "opt/braid"
            braid = Program(str(prefix / "bin/braid"))
            commands = re.findall(r"^  ([a-z-]+) ", braid.output("help"), re.M)
            pages = {"braid.1": braid.output("help", "--man")}
            for command in commands:
                pages[f"braid-{command}.1"] = braid.output("help", "--man",
                                                           command)
            self.assertGreater(len(pages), 15)
            found = {page.name: page.read_text(encoding="utf-8")
                     for page in (prefix / "share/man/man1").iterdir()}
            self.assertEqual(found, pages)
            for file, shell in [
                    ("bash-completion/completions/braid", "bash"),
                    ("zsh/site-functions/_braid", "zsh"),
                    ("fish/vendor_completions.d/braid.fish", "fish")]:
                script = (prefix / "share" / file).read_text(encoding="utf-8")
                self.assertEqual(script, braid.output("completion", shell))


if __name__ == "__main__":
    run_tests(__name__)
