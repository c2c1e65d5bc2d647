#!/usr/bin/env python3
"""Kills a program while it saves (SIGKILL): the file is always a whole state,
never older than the last one that was acknowledged.

usage: kill_test.py SAVE_LOOP KILLS

At least half of the kills must come inside a write, which the temporary file
that is left behind proves.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

SAVE_LOOP, KILLS = sys.argv[1], int(sys.argv[2])


def is_torn(path):
    """Is there a temporary file, and is it refused as a state?"""
    temporary = pathlib.Path(f"{path}.tmp0")
    if not temporary.exists():
        return False
    done = subprocess.run([SAVE_LOOP, "check", str(temporary)],
                          capture_output=True, check=False)
    # Killed between the last byte and the rename, it may be whole.
    whole = done.returncode == 0
    temporary.unlink()
    return "whole" if whole else "torn"


def wait_for_kill(path, inside, draw):
    """Returns when it is time."""
    deadline = time.monotonic() + 10
    if not inside:
        time.sleep(draw.uniform(0, 0.05))
        return
    temporary = f"{path}.tmp0"
    while not os.path.exists(temporary) and time.monotonic() < deadline:
        time.sleep(0.0002)
    # Somewhere inside, not always at the beginning.
    time.sleep(draw.uniform(0, 0.004))


def main():
    draw = random.Random(5)
    counts = {"torn": 0, "whole": 0, False: 0}
    acknowledged = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "state")
        for kill in range(KILLS):
            with subprocess.Popen([SAVE_LOOP, path], stdout=subprocess.PIPE,
                                  text=True) as program:
                acknowledged = max(acknowledged,
                                   int(program.stdout.readline()))
                wait_for_kill(path, kill % 4 != 3, draw)
                program.kill()
                lines = program.stdout.read().split("\n")[:-1]
                acknowledged = max([acknowledged, *map(int, lines)])
            counts[is_torn(path)] += 1
            done = subprocess.run([SAVE_LOOP, "check", path],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"kill {kill}: the file is refused: {done.stderr}")
            found = int(done.stdout)
            # A kill between rename and answer leaves one that was not
            # acknowledged.
            if not acknowledged <= found <= acknowledged + 1:
                sys.exit(f"kill {kill}: state {found}, acknowledged "
                         f"{acknowledged}")
            acknowledged = found
    inside = counts["torn"] + counts["whole"]
    print(f"{KILLS} kills, {inside} of them inside a write ({counts['torn']} "
          f"left a torn temporary file); {acknowledged} states saved")
    if 2 * inside < KILLS:
        sys.exit("fewer than half of the kills came inside a write")


main()
