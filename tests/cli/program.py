"""Runs the braid program for the tests beside this file."""

import os
import subprocess
import sys
import unittest


class Program:
    """braid, with the flags that choose a model."""

    def __init__(self, path, model_flags=()):
        self.path = path
        self.model_flags = list(model_flags)

    def run(self, *arguments, stdin=b""):
        """A finished run; outputs are bytes."""
        return subprocess.run([self.path, *arguments], input=stdin,
                              capture_output=True, timeout=120, check=False)

    def run_unread(self, *arguments):
        """A finished run whose standard output nobody reads."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return subprocess.run([self.path, *arguments], stdout=writer,
                                  stderr=subprocess.PIPE, timeout=120,
                                  check=False)
        finally:
            os.close(writer)

    def output(self, command, *arguments, **options):
        """What a run that succeeds writes to standard output, as text."""
        done = self.run(command, *self.model_flags, *arguments, **options)
        if done.returncode != 0:
            raise AssertionError(f"{command} {arguments}: exit code "
                                 f"{done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", errors="surrogateescape")

    def error(self, *arguments):
        """The message of a run that fails and writes no result."""
        done = self.run(*arguments)
        if done.returncode != 1 or done.stdout:
            raise AssertionError(f"{arguments}: exit code {done.returncode}, "
                                 f"standard output {done.stdout!r}")
        return done.stderr.decode()


def run_tests(module_name):
    """unittest.main() without the arguments that the tests take."""
    unittest.main(module=module_name, argv=sys.argv[:1])
