#!/usr/bin/env python3
"""Every command with every kind of model, texts that do not fit, inputs that
must line up with outputs, and seeds.

usage: use_test.py BRAID ZOO

The models are made from folders of ZOO.
"""

import codecs
import json
import pathlib
import re
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
ZOO = pathlib.Path(sys.argv[2])
KINDS = {"llama": "causal", "mamba": "causal", "t5": "encoder-decoder",
         "bert": "encoder", "t5-encoder": "encoder"}
TEXT = "It was a dark and stormy night; the rain fell in torrents. " * 40
TASKS = "A man walks.\n2\nHe\nShe runs.\nIt\nThey\n" * 2
HEADER = re.compile(r"^==> (\d+) of (\d+) <==\n", re.MULTILINE)
# Words of the engine and of its API, which no user of a command can follow.
ENGINE_WORDS = ["batch entry", "AddEncoder", "split policy", "sequence 0",
                "ubatch"]

FOLDER = tempfile.TemporaryDirectory()
ROOT = pathlib.Path(FOLDER.name)


def setUpModule():
    for name in KINDS:
        done = BRAID.run("convert", str(ZOO / name), "-o", model(name))
        assert done.returncode == 0, done.stderr
    (ROOT / "text.txt").write_text(TEXT)
    (ROOT / "tasks.txt").write_text(TASKS)


def tearDownModule():
    FOLDER.cleanup()


def model(name):
    return str(ROOT / f"{name}.gguf")


def file(name, contents):
    path = ROOT / name
    path.write_bytes(contents if isinstance(contents, bytes)
                     else contents.encode())
    return str(path)


def texts(output):
    """What stands under each header line."""
    parts = HEADER.split(output)
    return [text.removesuffix("\n") for text in parts[3::3]]


class KindsOfModels(unittest.TestCase):
    # Arguments with which a command does a little, and the kinds that it takes
    # beside causal models.
    USES = [
        ("generate", ["-p", "It was", "-n", "2"], ["encoder-decoder"]),
        ("parallel", ["-np", "1", "-ns", "1", "-n", "2", "-c", "512"], []),
        ("embedding", ["-p", "It was", "--pooling", "mean"],
         ["encoder-decoder", "encoder"]),
        ("perplexity", ["-f", ROOT / "text.txt", "-c", "16"], []),
        ("perplexity", ["-f", ROOT / "tasks.txt", "--hellaswag"], []),
        ("bench", ["-p", "8", "-n", "2", "-r", "1"],
         ["encoder-decoder", "encoder"]),
        ("bench", ["-r", "1"], ["encoder-decoder", "encoder"]),
        ("batched-bench", ["-npp", "8", "-ntg", "2", "-npl", "2"], []),
        ("state", ["save", ROOT / "state", "-p", "It was"],
         ["encoder-decoder"]),
        ("save-load-state", ["-p", "It was", "-n", "2"], ["encoder-decoder"]),
        ("imatrix", ["-f", ROOT / "text.txt", "-c", "16", "--chunks", "1", "-o",
                     ROOT / "imatrix.gguf"], ["encoder-decoder", "encoder"]),
        ("tokenize", ["-p", "It was"], ["encoder-decoder", "encoder"]),
    ]

    def test_a_command_takes_a_model_or_says_which_commands_do(self):
        accepted = {kind: {use[0] for use in self.USES
                           if kind == "causal" or kind in use[2]}
                    for kind in KINDS.values()}
        for name, kind in KINDS.items():
            for command, arguments, kinds in self.USES:
                with self.subTest(model=name, command=command):
                    done = BRAID.run(command, "-m", model(name),
                                     *map(str, arguments))
                    said = done.stderr.decode()
                    if kind == "causal" or kind in kinds:
                        self.assertEqual(done.returncode, 0, said)
                        continue
                    self.assertEqual((done.returncode, done.stdout), (1, b""))
                    self.assertIn(f"braid {command}: {model(name)}: ", said)
                    for word in ENGINE_WORDS:
                        self.assertNotIn(word, said)
                    advised = re.search(r"take such a model: (.*)\n", said)
                    self.assertTrue(advised, said)
                    self.assertLessEqual(set(advised[1].split(", ")),
                                         accepted[kind])

    def test_bench_measures_what_a_model_can_do(self):
        done = BRAID.run("bench", "-m", model("bert"), "-r", "1", "-o", "json",
                         "-np", "1,2", "-pg", "4,4")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)
        # 160 positions; nothing is generated.
        self.assertEqual({(row["n_prompt"], row["n_gen"]) for row in rows},
                         {(160, 0)})
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertGreater(row["avg_ts"], 0)
        self.assertIn(b"pp512: the model has 160 positions", done.stderr)
        self.assertIn(b"tg128: left out, an encoder generates nothing",
                      done.stderr)
        self.assertIn("no test was possible", BRAID.run(
            "bench", "-m", model("bert"), "-p", "0").stderr.decode())
        self.assertIn("nothing to measure", BRAID.error(
            "bench", "-m", model("llama"), "-p", "0", "-n", "0"))


    def test_a_model_that_is_missing_is_found_before_measuring(self):
        self.assertIn("/nonexistent: there is no such file", BRAID.error(
            "bench", "-m", model("llama"), "-m", "/nonexistent"))

    def test_tests_that_do_not_fit_are_told(self):
        done = BRAID.run("batched-bench", "-m", model("llama"), "-npp", "8",
                         "-ntg", "2", "-npl", "1,100", "-c", "256",
                         "--output-format", "jsonl")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([json.loads(line)["pl"]
                          for line in done.stdout.splitlines()], [1])
        self.assertIn(b"100 sequences of 8 + 2 tokens: 1000 positions, -c 256 ",
                      done.stderr)
        self.assertIn(b"not measured: 1 of 2 tests", done.stderr)


class TextsThatDoNotFit(unittest.TestCase):

    def embed(self, name, lines, *flags):
        path = file("lines.txt", "\n".join(lines) + "\n")
        return path, BRAID.run("embedding", "-m", model(name), "-f", path,
                               "--per-line", "--pooling", "mean",
                               "--embd-output-format", "json", *flags)

    def test_one_text_too_long_loses_no_others(self):
        for name, more, limit, remedy in [
                ("bert", [], 160, "the model has no more positions"),
                ("t5-encoder", ["-ub", "24"], 24, "raise -ub"),
                ("llama", ["-c", "64"], 64, "raise -c")]:
            with self.subTest(model=name):
                path, done = self.embed(name, ["one", TEXT, "two"], *more)
                self.assertEqual(done.returncode, 1)
                said = done.stderr.decode()
                self.assertRegex(said, re.escape(f"text 1 ({path}, line 2): ") +
                                 rf"\d+ tokens, at most {limit} fit: {remedy}")
                self.assertIn("no embedding: 1 of 3 texts", said)
                for word in ENGINE_WORDS:
                    self.assertNotIn(word, said)
                rows = json.loads(done.stdout)["data"]
                alone = json.loads(self.embed(name, ["one", "two"],
                                              *more)[1].stdout)["data"]
                self.assertEqual([row["index"] for row in rows], [0, 1, 2])
                self.assertEqual([row["embedding"] for row in rows],
                                 [alone[0]["embedding"], None,
                                  alone[1]["embedding"]])

    def test_truncate_cuts_and_says_so(self):
        path, done = self.embed("bert", ["one", TEXT], "--truncate")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr.decode(),
                         re.escape(f"text 1 ({path}, line 2): ") +
                         r"\d+ tokens, the first 160 are used")
        # What the vocabulary puts around a text is still around it.
        ids = json.loads(BRAID.output("tokenize", "-m", model("bert"), "--ids",
                                      "-p", TEXT))
        inside = BRAID.output("detokenize", "-m", model("bert"),
                              json.dumps(ids[1:159]))
        again = json.loads(BRAID.output("tokenize", "-m", model("bert"), "--ids",
                                        "-p", inside))
        self.assertEqual(again, ids[:159] + ids[-1:])
        cut = json.loads(self.embed("bert", ["one", inside])[1].stdout)
        self.assertEqual(cut["data"], json.loads(done.stdout)["data"])

    def test_advice_works(self):
        flags = {"-c": "16", "-b": "16", "-ub": "8"}
        for name in ("llama", "t5", "t5-encoder"):
            given = dict(flags)
            for _ in range(4):
                done = BRAID.run("embedding", "-m", model(name), "-p",
                                 TEXT[:300], "--pooling", "mean",
                                 *[x for pair in given.items() for x in pair])
                if done.returncode == 0:
                    break
                advised = re.search(r"fit: raise (.*)\n", done.stderr.decode())
                self.assertTrue(advised, done.stderr)
                for flag in advised[1].split(", "):
                    given[flag] = "1024"
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_prompts_that_fit_are_continued(self):
        flags = ["generate", "-n", "4", "-c", "64", "-s", "1", "-t", "1"]
        prompts = ["-p", "one", "-p", TEXT, "-p", "two"]
        for name, more in [("llama", []), ("t5", ["-ub", "32"])]:
            with self.subTest(model=name):
                done = BRAID.run(*flags, "-m", model(name), *prompts, *more)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr.decode(),
                                 r"prompt 2: \d+ tokens, at most \d+ fit: raise "
                                 r"-(c|c, -ub)\n")
                self.assertIn(b"not continued: 1 of 3 prompts", done.stderr)
                alone = BRAID.run(*flags, "-m", model(name), "-p", "one", "-p",
                                  "two", *more)
                self.assertEqual(alone.returncode, 0, alone.stderr)
                one, none, two = texts(done.stdout.decode())
                self.assertEqual([one.rstrip("\n"), two],
                                 [text.rstrip("\n") for text in
                                  texts(alone.stdout.decode())])
                self.assertEqual(none.strip(), "")
                cut = BRAID.run(*flags, "-m", model(name), *prompts, *more,
                                "--truncate")
                self.assertEqual(cut.returncode, 0, cut.stderr)
                self.assertRegex(cut.stderr.decode(),
                                 r"prompt 2: \d+ tokens, the (first|last) \d+ "
                                 r"are used")
                self.assertEqual(len(texts(cut.stdout.decode())), 3)
        for context, tokens in [("64", "0"), ("64", "1"), ("1", "9")]:
            done = BRAID.run("generate", "-m", model("llama"), "-p", TEXT, "-c",
                             context, "-n", tokens, "--truncate")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_texts_that_do_not_fit_together_come_one_after_another(self):
        """Four of about 400 KiB each, and one that is too large for 1 MiB."""
        prompts = [x for text in (TEXT * 2 + "a", TEXT * 2 + "b", TEXT * 2 + "c",
                                  "one", TEXT * 2 + "d")
                   for x in ("-p", text)]
        run = ["-m", model("llama"), "-c", "40000"]
        for command, *flags in [
                ("generate", "-n", "4", "-s", "1", "--no-display-prompt"),
                ("embedding", "--pooling", "mean", "-b", "20000",
                 "--embd-output-format", "raw")]:
            plain = BRAID.output(command, *run, *flags, *prompts)
            self.assertEqual(BRAID.output(command, *run, *flags, *prompts,
                                          "--memory-limit", "1"), plain)
            done = BRAID.run(command, *run, *flags, "-p", TEXT * 7, *prompts,
                             "--memory-limit", "1")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"memory", done.stderr)
            if command == "embedding":
                self.assertEqual(done.stdout.decode(), "\n" + plain)
            else:
                self.assertEqual(texts(done.stdout.decode())[1:], texts(plain))

    def test_a_single_text_is_refused_by_size(self):
        for command in (["generate", "-p", TEXT],
                        ["state", "save", str(ROOT / "s"), "-p", TEXT],
                        ["save-load-state", "-p", TEXT]):
            said = BRAID.error(*command, "-m", model("llama"), "-c", "64")
            self.assertRegex(said, r"prompt( 1)?: \d+ tokens, at most 64 fit: "
                             r"raise -c")


    def test_a_policy_that_cuts_nothing_takes_any_text(self):
        plain, whole = (BRAID.output(
            "generate", "-m", model("llama"), "-p", TEXT[:400], "-p", "one",
            "-n", "4", "-s", "1", "-c", "2048", "-ub", "7", *more)
            for more in ([], ["--split", "whole"]))
        self.assertEqual(plain, whole)


class InputsAndOutputs(unittest.TestCase):
    LINES = ["Once upon", "", "a time", "", "", "The end"]

    def test_empty_texts_keep_their_place(self):
        path = file("lines.txt", "\n".join(self.LINES) + "\n")
        for name in ("bert", "llama"):
            flags = ["embedding", "-m", model(name), "--pooling", "mean",
                     "--embd-output-format", "json"]
            by_line = BRAID.run(*flags, "-f", path, "--per-line")
            rows = [row["embedding"] for row in json.loads(by_line.stdout)["data"]]
            self.assertEqual(len(rows), 6)
            # The separator of -p does the same.
            parted = BRAID.run(*flags, "-p", "\n".join(self.LINES))
            self.assertEqual(parted.stdout, by_line.stdout)
            for line, row in zip(self.LINES, rows):
                if line:
                    alone = BRAID.output(*flags, "-p", line)
                    self.assertEqual(json.loads(alone)["data"][0]["embedding"],
                                     row)
            self.assertEqual(rows[1], rows[3])

    def test_every_line_is_a_prompt(self):
        path = file("lines.txt", "\n".join(self.LINES) + "\n")
        output = BRAID.output("generate", "-m", model("llama"), "-f", path,
                              "--per-line", "-n", "3", "-s", "1")
        found = texts(output)
        self.assertEqual(len(found), 6)
        for line, text in zip(self.LINES, found):
            self.assertTrue(text.startswith(line), (line, text))

    ENCODED = {
        "BOM": lambda text: codecs.BOM_UTF8 + text.encode(),
        "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
        "UTF-16 LE": lambda text: (codecs.BOM_UTF16_LE +
                                   text.replace("\n", "\r\n").encode("utf-16-le")),
        "UTF-16 BE": lambda text: (codecs.BOM_UTF16_BE +
                                   text.encode("utf-16-be")),
    }

    def test_a_text_is_the_same_in_every_encoding(self):
        prompts = "It was a dark night\nÄpfel, 日本 und 😀\n\nThe end\n"
        winogrande = ('1,"The cup fits not the box since the _ is big.",cup,box,'
                      '1\n2,"Ann asked Eve and _ said yes.",Ann,Eve,2\n')
        for contents, *command in [
                (prompts, "generate", "-n", "4", "-s", "1", "--per-line"),
                (prompts, "generate", "-n", "4", "-s", "1"),
                (prompts, "embedding", "--pooling", "mean", "--per-line"),
                (prompts, "parallel", "-ns", "4", "-n", "4", "-s", "1",
                 "--per-line", "-c", "2048"),
                (TEXT.replace("; ", ";\n"), "perplexity", "-c", "32"),
                (TASKS, "perplexity", "--hellaswag"),
                (winogrande, "perplexity", "--winogrande")]:
            run = [command[0], "-m", model("llama"), "-t", "1", *command[1:]]
            plain = BRAID.output(*run, "-f", file("plain.txt", contents))
            for name, encode in self.ENCODED.items():
                with self.subTest(command=command, encoding=name):
                    path = file("encoded.txt", encode(contents))
                    done = BRAID.run(*run, "-f", path)
                    self.assertEqual(
                        done.stdout.decode(errors="surrogateescape"), plain,
                        done.stderr)
                    self.assertIn(f"{path}: ".encode(), done.stderr)
        cut = file("cut.txt", self.ENCODED["UTF-16 LE"]("ab") + b"c")
        self.assertIn("half a character", BRAID.error(
            "generate", "-m", model("llama"), "-f", cut))

    def test_bytes_stay_bytes(self):
        path = file("bytes", b"\xef\xbb\xbfa\r\nb")
        flags = ["-m", model("llama"), "--ids"]
        ids = BRAID.output("tokenize", "-f", path, *flags)
        self.assertEqual(BRAID.output("detokenize", "-m", model("llama"), ids,
                                      ).encode().lstrip(b" "),
                         b"\xef\xbb\xbfa\r\nb")
        self.assertIn(b"read byte for byte",
                      BRAID.run("tokenize", "-f", path, *flags).stderr)


class Seeds(unittest.TestCase):

    def continued(self, name, prompts, *flags):
        """The continuation of each prompt, in their order."""
        output = BRAID.output(
            "generate", "-m", model(name), "-n", "8", "--seed", "7", "--temp",
            "1", "-t", "1", "--no-display-prompt",
            *[x for prompt in prompts for x in ("-p", prompt)], *flags)
        if len(prompts) == 1:
            return [output.rstrip("\n")]
        return [text.rstrip("\n") for text in texts(output)]

    def test_a_text_does_not_depend_on_its_place(self):
        prompts = ["The sea", "A king", "It was a"]
        for name in ("llama", "mamba", "t5"):
            together = dict(zip(prompts, self.continued(name, prompts)))
            for order in ([2, 1, 0], [1, 2, 0]):
                permuted = [prompts[i] for i in order]
                self.assertEqual(dict(zip(permuted,
                                          self.continued(name, permuted))),
                                 together)
            for prompt in prompts:
                self.assertEqual(self.continued(name, [prompt]),
                                 [together[prompt]])
            # Different prompts draw differently.
            self.assertEqual(len(set(together.values())), 3)

    def test_copies_of_a_prompt_differ_and_stay(self):
        three = self.continued("llama", ["The sea"] * 3)
        self.assertEqual(len(set(three)), 3)
        mixed = self.continued("llama", ["A king", "The sea", "The sea",
                                         "It was a", "The sea"], "-np", "2")
        self.assertEqual([mixed[1], mixed[2], mixed[4]], three)

    def test_requests_of_clients(self):
        def answers(*questions):
            output = BRAID.output(
                "parallel", "-m", model("llama"), "-ns", str(len(questions)),
                "-n", "8", "--seed", "7", "--temp", "1", "-c", "2048", "-r",
                "<never>", *[x for q in questions for x in ("-p", q)])
            return [text.rstrip("\n") for text in texts(output)]
        one, two, again = answers("Why?", "When?", "Why?")
        self.assertEqual(answers("When?", "Why?"), [two, one])
        self.assertEqual(answers("Why?", "Why?"), [one, again])
        self.assertNotEqual(one, again)

    def test_a_restored_text_goes_on_as_the_prompt_would(self):
        state = str(ROOT / "seeded")
        BRAID.output("state", "save", state, "-p", "The sea", "-m",
                     model("llama"))
        flags = ["-n", "8", "--seed", "7", "--temp", "1", "-m", model("llama")]
        self.assertEqual(
            BRAID.output("state", "restore", state, *flags).split(),
            BRAID.output("generate", "-p", "The sea", *flags).split())


class FullContexts(unittest.TestCase):

    def test_a_text_that_fills_the_context_is_told_once(self):
        flags = ["generate", "-m", model("llama"), "-c", "64", "-n", "-1",
                 "--ignore-eos", "-s", "1", "-np", "1"]
        done = BRAID.run(*flags, "-p", "One", "-p", "Two")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = done.stderr.decode()
        self.assertEqual(said.count("its text ends where the context of 64 "
                                    "tokens does"), 1, said)
        cached = BRAID.run(*flags, "-p", "One", "--prompt-cache",
                           str(ROOT / "full"))
        self.assertIn(b"its text ends where the context", cached.stderr)
        enough = BRAID.run("generate", "-m", model("llama"), "-p", "One", "-c",
                           "64", "-n", "4")
        self.assertNotIn(b"context", enough.stderr)

    def test_more_than_was_asked_for_is_no_error_with_a_cache(self):
        done = BRAID.run("generate", "-m", model("llama"), "-c", "64", "-n",
                         "1000", "--ignore-eos", "-p", "One", "--prompt-cache",
                         str(ROOT / "long"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_text_longer_than_the_trained_length_is_told_once(self):
        shown = BRAID.output("gguf", "show", model("llama"))
        trained = int(re.search(r"context_length\s+u32\s+(\d+)", shown)[1])
        path = file("long.txt", "the king " * (trained // 2))
        done = BRAID.run("generate", "-m", model("llama"), "-f", path, "-p",
                         "x", "-p", TEXT * 2, "-n", "2", "-c", "100000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.decode().count(
            f"the model was trained with texts of {trained} at most"), 1)


class NothingToDraw(unittest.TestCase):

    def test_every_token_forbidden_ends_a_text_with_an_error(self):
        count = re.search(r"vocab_size\s+u32\s+(\d+)",
                          BRAID.output("gguf", "show", model("llama")))[1]
        biases = [x for token in range(int(count))
                  for x in ("-l", f"{token}-inf")]
        for command in (["generate", "-p", "One"],
                        ["generate", "-p", "One", "-p", "Two"],
                        ["parallel", "-ns", "2", "-c", "2048"],
                        ["generate", "-p", "One", "--prompt-cache",
                         str(ROOT / "forbidden")],
                        ["save-load-state"]):
            done = BRAID.run(command[0], "-m", model("llama"), *command[1:],
                             *biases)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.decode(), r"nothing can follow \d+ "
                             r"tokens?: every token is forbidden")


class PromptCache(unittest.TestCase):

    def cached(self, name, path, prompt, *flags):
        return BRAID.run("generate", "-m", model(name), "-p", prompt, "-n", "4",
                         "-s", "1", "--prompt-cache", str(path), *flags)

    def test_a_bad_place_is_found_before_the_work(self):
        for path in ("/nonexistent/cache", str(ROOT), "/dev/null"):
            done = self.cached("llama", path, "One")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(path.encode(), done.stderr)
            self.assertNotIn(b"evaluated", done.stderr)
        done = self.cached("llama", ROOT / "missing", "One", "--prompt-cache-ro")
        self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_an_empty_file_is_a_new_one(self):
        path = ROOT / "empty"
        path.write_bytes(b"")
        done = self.cached("llama", path, "One")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"an empty file, taken as a new one", done.stderr)
        self.assertGreater(path.stat().st_size, 0)

    def test_a_prefix_that_is_of_no_use_is_told(self):
        path = ROOT / "prefix"
        self.cached("mamba", path, "The king and the queen")
        done = self.cached("mamba", path, "The king and his horse")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr.decode(),
                         r"prefix: not used, \d+ of its \d+ tokens begin this "
                         r"prompt, and it cannot go back to there; "
                         r"--checkpoint-every N")
        # What it advises works.
        path.unlink()
        self.cached("mamba", path, "The king and the queen",
                    "--checkpoint-every", "1")
        done = self.cached("mamba", path, "The king and his horse",
                           "--checkpoint-every", "1")
        self.assertNotIn(b"not used", done.stderr)
        count, total = re.search(rb"(\d+) of (\d+) prompt tokens? evaluated",
                                 done.stderr).groups()
        self.assertLess(int(count), int(total))


if __name__ == "__main__":
    run_tests(__name__)
