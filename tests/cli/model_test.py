#!/usr/bin/env python3
"""braid with models: each test runs on every model that is there.

usage: model_test.py BRAID MODELS_FOLDER MODEL_PATTERN [MODEL...]

The shipped model is MODEL_PATTERN in MODELS_FOLDER and is used without -m;
further models are used with -m if they exist. Exits with 77 (skipped) if there
is none at all.
"""

import ast
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile
import time
import unittest

from program import Program, run_tests

BRAID, FOLDER, PATTERN, *OTHERS = sys.argv[1:]
SHIPPED = sorted(pathlib.Path(FOLDER).glob(PATTERN))
PROGRAMS = [(Program(BRAID), str(path)) for path in SHIPPED]
PROGRAMS += [(Program(BRAID, ["-m", path]), path) for path in OTHERS
             if os.path.exists(path)]
PROMPTS = ["Once upon a time", "The king", "It was a dark and stormy night"]
HEADER = re.compile(r"^==> (\d+) of (\d+) <==\n", re.MULTILINE)


def texts(output):
    """The texts between the header lines, and their numbers."""
    parts = HEADER.split(output)
    numbers = [int(number) for number in parts[1::3]]
    return numbers, [text.removesuffix("\n") for text in parts[3::3]]


class ModelTest:
    """A base of the tests; on_every_model() makes test cases of them."""
    braid = None  # a Program
    path = ""     # of its model


class Embedding(ModelTest):

    def vectors(self, prompts, *more):
        flags = [flag for text in prompts for flag in ("-p", text)]
        output = json.loads(self.braid.output(
            "embedding", "--embd-output-format", "json", *flags, *more))
        data = output["data"]
        self.assertEqual([row["index"] for row in data],
                         list(range(len(prompts))))
        return [row["embedding"] for row in data]

    def test_a_vector_depends_on_its_text_alone(self):
        for kind in ("mean", "cls", "last"):
            together = self.vectors(PROMPTS, "--pooling", kind)
            self.assertEqual(len(set(map(len, together))), 1)
            for text, vector in zip(PROMPTS, together):
                self.assertAlmostEqual(sum(x * x for x in vector), 1, 5)
                alone = self.vectors([text], "--pooling", kind, "-ub", "2")
                self.assertEqual(alone, [vector])

    def test_the_mean_is_that_of_the_rows(self):
        plain = ["--embd-normalize", "-1"]
        rows, = self.vectors(PROMPTS[:1], "--pooling", "none", *plain)
        mean, = self.vectors(PROMPTS[:1], "--pooling", "mean", *plain)
        for column, value in zip(zip(*rows), mean):
            self.assertAlmostEqual(sum(column) / len(rows), value, 4)

    def test_every_format_has_the_same_numbers(self):
        rows = self.vectors(PROMPTS, "--pooling", "mean")
        flags = ["--pooling", "mean",
                 *[flag for text in PROMPTS for flag in ("-p", text)]]
        array = json.loads(self.braid.output(
            "embedding", "--embd-output-format", "array", *flags))
        self.assertEqual(array, rows)
        raw = self.braid.output("embedding", "--embd-output-format", "raw",
                                *flags)
        self.assertEqual([list(map(float, line.split()))
                          for line in raw.splitlines()], rows)
        plus = json.loads(self.braid.output(
            "embedding", "--embd-output-format", "json+", *flags))
        for number, similar in enumerate(plus["cosineSimilarity"]):
            self.assertAlmostEqual(similar[number], 1, 5)
        text = self.braid.output("embedding", *flags)
        self.assertIn("embedding 2: ", text)
        self.assertIn("cosine similarity matrix:", text)

    def test_a_separator_parts_texts(self):
        together, = self.vectors(["one<#>two"], "--pooling", "last",
                                 "--embd-separator", "")
        parted = json.loads(self.braid.output(
            "embedding", "--embd-output-format", "array", "--pooling", "last",
            "-p", "one<#>two", "--embd-separator", "<#>"))
        self.assertEqual(len(parted), 2)
        self.assertNotIn(together, parted)
        self.assertEqual(parted, self.vectors(["one", "two"], "--pooling",
                                              "last"))

    def test_a_file_that_names_no_pooling_gives_rows(self):
        self.assertEqual(self.vectors(PROMPTS[:1]),
                         self.vectors(PROMPTS[:1], "--pooling", "none"))


class Perplexity(ModelTest):

    def perplexity(self, *flags):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            for number in range(60):
                file.write(f"On day {number} the river stood still again.\n")
            file.flush()
            return self.braid.output("perplexity", "-f", file.name, "-c", "64",
                                     *flags)

    def test_the_batches_change_nothing(self):
        # One chunk a batch, four chunks a batch, four batches a chunk, four
        # ubatches a batch.
        one = self.perplexity("-b", "64", "--chunks", "5")
        self.assertRegex(one, r"^(\[\d\]\d+\.\d{4},){5}\n"
                         r"Final estimate: PPL = \d+\.\d{4} \+/- "
                         r"\d+\.\d{5}\n$")
        for flags in (["-b", "256"], ["-b", "16"], ["-b", "64", "-ub", "16"]):
            same = self.perplexity("--chunks", "5", *flags)
            self.assertEqual(one, same, flags)

    def test_a_text_of_one_chunk_is_too_short(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("Too short")
            file.flush()
            self.assertIn("two chunks of 64 are needed", self.braid.error(
                "perplexity", "-f", file.name, "-c", "64"))


class Chat(ModelTest):

    def chat(self, *lines, more=()):
        """What is answered to lines, and what else is said."""
        done = self.braid.run("chat", *self.braid.model_flags,
                              "-n", "8", "--seed", "3", *more,
                              stdin="".join(line + "\n" for line in lines)
                              .encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode(errors="replace"), done.stderr.decode()

    def test_what_was_taken_back_leaves_no_trace(self):
        plain, _ = self.chat("It was", " and then", " so that")
        undone, said = self.chat("It was", " which was a mistake", "/undo",
                                 " and then", " so that")
        # The answer to the mistake was printed; the others are the same.
        for answer in plain.split("\n"):
            self.assertIn(answer, undone)
        self.assertIn("0 tokens evaluated again", said)

    def test_a_fork_says_what_its_origin_would_have_said(self):
        plain, _ = self.chat("It was", " and then")
        forked, said = self.chat("It was", "/fork", " and then", "/branch 0",
                                 " and then")
        first, second = plain.split("\n", 1)
        self.assertEqual(forked, first + "\n" + second + second)
        self.assertIn("now in branch 1", said)

    def test_a_saved_conversation_goes_on(self):
        plain, _ = self.chat("It was", " and then")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "talk.state")
            before, _ = self.chat("It was", f"/save {path}")
            after, _ = self.chat("Something else", f"/load {path}",
                                 " and then", more=["-ub", "3"])
        self.assertTrue(plain.startswith(before))
        self.assertTrue(after.endswith(plain.removeprefix(before)), after)

    def test_the_first_words_may_be_a_flag(self):
        plain, _ = self.chat("It was", " and then")
        given, _ = self.chat(" and then", more=["-p", "It was"])
        self.assertEqual(given, plain)
        once, _ = self.chat(more=["-p", "It was", "-st"])
        self.assertEqual(plain[:len(once)], once)
        self.assertLess(len(once), len(plain))

    def test_a_loaded_conversation_can_be_taken_back(self):
        plain, _ = self.chat("It was", " so that")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "talk.state")
            self.chat("It was", " and then", f"/save {path}")
            after, said = self.chat(f"/load {path}", "/undo", " so that")
            first = plain.split("\n")[0]
            self.assertEqual(plain, first + "\n" + after)
            self.assertIn("back at position", said)
            _, said = self.chat(f"/load {path}", "/undo", "/undo", "/undo")
            self.assertIn("nothing to take back", said)
            os.remove(path + ".json")
            _, said = self.chat(f"/load {path}")
            self.assertIn("talk.state.json", said)

    def test_a_line_may_begin_with_a_slash(self):
        _, said = self.chat("//etc is a folder", "/history")
        self.assertIn("/etc is a folder", said)
        self.assertNotIn("//etc", said)
        self.assertNotIn("there is no", said)

    def test_lines_may_come_from_any_system(self):
        plain, _ = self.chat("It was", " and then")
        for text in ("\ufeffIt was\r\n and then\r\n".encode(),
                     "\ufeffIt was\n and then\n".encode("utf-16-le")):
            done = self.braid.run("chat", *self.braid.model_flags, "-n", "8",
                                  "--seed", "3", stdin=text)
            self.assertEqual(done.stdout.decode(errors="replace"), plain)

    def with_template(self, source, *lines, more=()):
        with tempfile.NamedTemporaryFile("w", suffix=".jinja") as file:
            file.write(source)
            file.flush()
            return self.chat(*lines,
                             more=["--chat-template-file", file.name, *more])

    # A template that rewrites what was said: the sequence has to go back.
    def test_a_template_may_forget_what_was_said(self):
        last = "{{ messages[-1].content }}"
        alone, _ = self.with_template(last, " and then")
        both, _ = self.with_template(last, "It was", " and then")
        self.assertTrue(both.endswith(alone), (both, alone))
        undone, _ = self.with_template(last, "It was", " so", "/undo",
                                       " and then")
        self.assertTrue(undone.endswith(alone), (undone, alone))

    def test_a_template_has_the_system_text_and_a_default_for_it(self):
        source = ("{% if messages[0].role != 'system' %}Default. {% endif %}"
                  "{% for m in messages %}{{ m.content }} {% endfor %}")
        _, said = self.with_template(source, "It was", "/history")
        self.assertIn("Default. It was", said)
        _, said = self.with_template(source, "It was", "/history",
                                     more=["-sys", "Given."])
        self.assertIn("Given. It was", said)
        self.assertNotIn("Default", said)
        refusing = ("{% if messages[0].role == 'system' %}"
                    "{{ raise_exception('no system') }}{% endif %}" + source)
        _, said = self.with_template(refusing, "It was", "/history",
                                     more=["-sys", "Given."])
        self.assertIn("takes no system text", said)
        self.assertIn("Default. Given.\n\nIt was", said)

    def test_what_a_template_refuses_is_said_and_ends_nothing(self):
        source = ("{% if 'bad' in messages[-1].content %}"
                  "{{ raise_exception('not that') }}{% endif %}"
                  "{% for m in messages %}{{ m.content }}{% endfor %}")
        plain, _ = self.with_template(source, "It was", " and then")
        mended, said = self.with_template(source, "It was", "bad", " and then")
        self.assertEqual(mended.replace("\n", ""), plain.replace("\n", ""))
        self.assertIn("line 1, column", said)
        self.assertIn("not that", said)
        self.assertIn("is taken back", said)

    def test_a_file_that_is_no_template_is_refused(self):
        for source, message in (("{% if %}", "line 1, column 7"),
                                ("chatml", "is no template: 'chatml'")):
            with tempfile.NamedTemporaryFile("w", suffix=".jinja") as file:
                file.write(source)
                file.flush()
                self.assertIn(message, self.braid.error(
                    "chat", *self.braid.model_flags, "--chat-template-file",
                    file.name))

    def test_mistakes_are_said_and_end_nothing(self):
        _, said = self.chat("/undo", "/nonsense", "/branch 9", "/load",
                            "/load /no/such/file", "It was")
        for message in ("nothing to take back", "there is no /nonsense",
                        "no branch 9", "/load needs a file"):
            self.assertIn(message, said)


class Generate(ModelTest):

    def flags(self, *more):
        prompts = [flag for text in PROMPTS for flag in ("-p", text)]
        return [*prompts, "-n", "12", "--seed", "7", *more]

    def test_prints_every_prompt_with_its_continuation_in_order(self):
        numbers, found = texts(self.braid.output("generate", *self.flags()))
        self.assertEqual(numbers, [1, 2, 3])
        for prompt, text in zip(PROMPTS, found):
            self.assertTrue(text.startswith(prompt), text)
            self.assertGreater(len(text.strip()), len(prompt))

    def test_the_seed_decides_and_nothing_else(self):
        output = self.braid.output("generate", *self.flags())
        for more in (["-np", "2"], ["-b", "2"], ["-ub", "1", "-t", "1"],
                     ["--split", "equal"], ["--split", "simple"],
                     ["-c", "40"]):
            same = self.braid.output("generate", *self.flags(*more))
            self.assertEqual(output, same, more)
        other = [*self.flags()[:-1], "8"]
        self.assertNotEqual(output, self.braid.output("generate", *other))

    def test_the_first_prompt_alone_gives_the_same_text(self):
        alone = self.braid.output("generate", "-p", PROMPTS[0], "-n", "12",
                                  "--seed", "7")
        together = self.braid.output("generate", *self.flags())
        self.assertEqual(alone, texts(together)[1][0])

    def test_files_lines_and_escapes(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("One\\tline\n\nTwo lines\n")
            file.flush()
            flags = ["-f", file.name, "-n", "0"]
            self.assertEqual(self.braid.output("generate", *flags),
                             "One\\tline\n\nTwo lines\n")
            lines = self.braid.output("generate", "--per-line", *flags)
            self.assertEqual(texts(lines)[1],
                             ["One\tline\n", "\n", "Two lines"])

    def test_the_prompt_may_be_left_out(self):
        flags = ["-p", PROMPTS[0], "-n", "8", "--seed", "7"]
        whole = self.braid.output("generate", *flags)
        tail = self.braid.output("generate", "--no-display-prompt", *flags)
        self.assertEqual(whole, PROMPTS[0] + tail)

    def test_reports_go_to_standard_error(self):
        done = self.braid.run("generate", *self.braid.model_flags, "-p", "A",
                              "-n", "4", "-ngl", "99")
        self.assertEqual(done.returncode, 0)
        for word in (b"seed: ", b"load: ", b"prompt: ", b"decode: ",
                     b"memory: ", b"note: -ngl"):
            self.assertIn(word, done.stderr)
            self.assertNotIn(word, done.stdout)

    def test_a_reader_that_goes_away_ends_the_program_quietly(self):
        with subprocess.Popen(
                [BRAID, "generate", *self.braid.model_flags, "-p", "A", "-n",
                 "100000", "-c", "100001", "--ignore-eos", "--seed", "1"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            self.assertEqual(running.stdout.read(1), b"A")
            running.stdout.close()
            self.assertEqual(running.wait(timeout=60), 0)
            self.assertEqual(running.stderr.read(), b"")

    def test_the_progress_bar_is_for_terminals_only(self):
        command = [BRAID, "generate", *self.braid.model_flags, "-p", "A", "-n",
                   "1", "--seed", "1"]
        ours, theirs = pty.openpty()
        with open(ours, "rb", buffering=0) as terminal:
            subprocess.run(command, stdout=subprocess.DEVNULL,
                           stderr=theirs, check=True, timeout=60)
            shown = terminal.read(4096)
        os.close(theirs)
        bar = f"loading {os.path.basename(self.path)} [".encode()
        self.assertIn(bar, shown)
        piped = subprocess.run(command, capture_output=True, check=True,
                               timeout=60)
        self.assertNotIn(b"loading", piped.stderr + piped.stdout)


class Parallel(ModelTest):
    FLAGS = ["-ns", "7", "-n", "24", "--seed", "42", "--temp", "1"]

    def test_texts_depend_on_seed_and_request_alone(self):
        output = self.braid.output("parallel", *self.FLAGS, "-np", "5", "-c",
                                   "1024")
        self.assertEqual(texts(output)[0], [1, 2, 3, 4, 5, 6, 7])
        for more in (["-np", "5", "-c", "1024"],
                     ["-np", "5", "-c", "1024", "-ub", "32", "--split",
                      "equal", "-t", "1"],
                     ["-np", "1"], ["-np", "7", "-b", "9"],
                     ["-np", "3", "--no-cont-batching"],
                     ["-np", "4", "-c", "4096", "--no-shared-prompt"]):
            same = self.braid.output("parallel", *self.FLAGS, *more)
            self.assertEqual(output, same, more)

    def test_own_questions_and_stops(self):
        output = self.braid.output(
            "parallel", "-sys", "Facts.\\n", "-p", "Why?", "-p", "How?", "-ns",
            "3", "-np", "2", "-n", "8", "--seed", "1")
        for question, text in zip(["Why?", "How?", "Why?"],
                                  texts(output)[1]):
            first, answer = text.split("\n")[:2]
            self.assertEqual(first, "User: " + question)
            self.assertTrue(answer.startswith("Assistant: "))

    def test_clients_are_reported_on_standard_error(self):
        done = self.braid.run("parallel", *self.braid.model_flags, *self.FLAGS)
        self.assertEqual(len(re.findall(rb"^client \d+: request \d+ of 7",
                                        done.stderr, re.MULTILINE)), 7)


class Tokenize(ModelTest):
    TEXT = "It was the best of times,\nit was the worst of times."

    def ids(self, *flags, stdin=b""):
        return ast.literal_eval(
            self.braid.output("tokenize", "--ids", *flags, stdin=stdin))

    def test_all_ways_to_give_the_text_agree(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(self.TEXT)
            file.flush()
            ids = self.ids("-p", self.TEXT)
            self.assertGreater(len(ids), 5)
            self.assertEqual(ids, self.ids("-f", file.name))
            self.assertEqual(ids, self.ids("--stdin",
                                           stdin=self.TEXT.encode()))
            self.assertEqual(ids, self.ids(
                "-p", self.TEXT.replace("\n", "\\n")))

    def test_pieces_are_the_text(self):
        output = self.braid.output("tokenize", "--no-bos", "--show-count",
                                   "--log-disable", "-p", self.TEXT)
        pieces = re.findall(r"^ *(\d+) -> '(.*?)'$", output,
                            re.MULTILINE | re.DOTALL)
        joined = "".join(piece for _, piece in pieces)
        self.assertEqual(joined.removeprefix(" "), self.TEXT)
        self.assertEqual([int(id) for id, _ in pieces],
                         self.ids("--no-bos", "-p", self.TEXT))
        self.assertIn(f"Total number of tokens: {len(pieces)}\n", output)


class Gguf(ModelTest):

    def test_show_and_check(self):
        file = [self.path] if self.braid.model_flags else []
        shown = self.braid.run("gguf", "show", *file).stdout.decode()
        self.assertIn("general.architecture", shown)
        self.assertIn("token_embd.weight", shown)
        checked = self.braid.run("gguf", "check", *file)
        self.assertEqual(checked.returncode, 0)
        self.assertIn(os.path.basename(self.path), checked.stdout.decode())

    def test_a_truncated_file_is_refused(self):
        whole = pathlib.Path(self.path).read_bytes()
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(whole[:-100])
            file.flush()
            Program(BRAID).error("gguf", "check", file.name)
            Program(BRAID).error("generate", "-m", file.name, "-p", "A")


class Bench(ModelTest):
    FLAGS = ["-p", "16", "-n", "4", "-np", "1,2", "-r", "2", "-t", "1"]

    def test_formats_agree_on_the_tests(self):
        table = self.braid.output("bench", *self.FLAGS).splitlines()
        self.assertEqual(len(table), 2 + 4)
        self.assertEqual([row.split(" | ")[5] for row in table[2:]],
                         ["pp16", "tg4", "pp16 x2", "tg4 x2"])
        lines = self.braid.output("bench", "-o", "csv", *self.FLAGS)
        self.assertEqual(len(lines.splitlines()), 1 + 4)
        results = json.loads(
            self.braid.output("bench", "-o", "json", *self.FLAGS))
        self.assertEqual([(r["n_prompt"], r["n_gen"], r["n_parallel"])
                          for r in results],
                         [(16, 0, 1), (0, 4, 1), (16, 0, 2), (0, 4, 2)])
        for result in results:
            self.assertEqual(len(result["samples_ts"]), 2)
            self.assertGreater(result["avg_ts"], 0)


class Fit(ModelTest):
    def fit(self, *flags):
        return json.loads(
            self.braid.output("fit", "--json", "-c", "256", "-t", "1", *flags))

    def test_the_parts_are_all(self):
        told = self.fit("-np", "2")
        self.assertEqual((told["context"], told["sequences"]), (256, 2))
        self.assertEqual(told["total"],
                         max(told["loading"], sum(told["parts"].values())))
        self.assertGreater(told["parts"]["weights"], 0)
        text = self.braid.output("fit", "-c", "256", "-t", "1", "--no-table")
        self.assertIn("in all", text)

    def test_any_context_is_told_at_once_and_the_same_twice(self):
        for flags in (["-c", "1000"], ["-c", "1000000000"],
                      ["-c", "1000000000", "-np", "1000"]):
            start = time.monotonic()
            first = self.braid.output("fit", *flags)
            self.assertLess(time.monotonic() - start, 5)
            self.assertIn("in all", first)
            self.assertIn("1 seq.", first)
            self.assertEqual(first, self.braid.output("fit", *flags))

    def test_more_rows_take_more_scratch(self):
        few, many = (self.fit("-ub", rows)["parts"]["scratch"]
                     for rows in ("32", "256"))
        self.assertGreater(many, few)


def on_every_model(*classes):
    """A test case of each class for each model, by name."""
    cases = {}
    for number, (program, path) in enumerate(PROGRAMS):
        for base in classes:
            name = f"{base.__name__}_{number}_{os.path.basename(path)}"
            cases[name] = type(name, (base, unittest.TestCase),
                               {"braid": program, "path": path})
    return cases


if __name__ == "__main__":
    if not PROGRAMS:
        print("skipped: no model")
        sys.exit(77)
    globals().update(on_every_model(Embedding, Perplexity, Chat, Generate,
                                    Parallel, Tokenize, Gguf, Bench, Fit))
    run_tests(__name__)
