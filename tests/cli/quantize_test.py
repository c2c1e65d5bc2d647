#!/usr/bin/env python3
"""braid quantize: what becomes of which tensor, every flag, what is refused,
and tiny models of the zoo that answer in a smaller format.

usage: quantize_test.py BRAID ZOO
"""

import array
import json
import pathlib
import random
import re
import struct
import sys
import tempfile
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])
ZOO = pathlib.Path(sys.argv[2])

# Of a file type: its number, and what most of its matrices become.
TYPES = {"F32": (0, "F32"), "F16": (1, "F16"), "Q4_0": (2, "Q4_0"),
         "Q4_1": (3, "Q4_1"), "Q8_0": (7, "Q8_0"), "Q5_0": (8, "Q5_0"),
         "Q5_1": (9, "Q5_1"), "Q2_K": (10, "Q2_K"), "Q3_K_S": (11, "Q3_K"),
         "Q3_K_M": (12, "Q3_K"), "Q3_K_L": (13, "Q3_K"),
         "Q4_K_S": (14, "Q4_K"), "Q4_K_M": (15, "Q4_K"),
         "Q5_K_S": (16, "Q5_K"), "Q5_K_M": (17, "Q5_K"),
         "Q6_K": (18, "Q6_K"), "Q2_K_S": (21, "Q2_K"),
         "IQ4_NL": (25, "IQ4_NL"), "IQ4_XS": (30, "IQ4_XS"),
         "BF16": (32, "BF16"), "TQ1_0": (36, "TQ1_0"), "TQ2_0": (37, "TQ2_0")}

# Layer 0 of a Llama whose rows no format must refuse, and two whose must.
SHAPES = {"token_embd.weight": (256, 5), "output.weight": (256, 5),
          "output_norm.weight": (256,), "blk.0.attn_q.weight": (256, 4),
          "blk.0.attn_norm.weight": (256,), "blk.0.ffn_up.weight": (256, 4),
          "blk.0.ffn_down.weight": (512, 3), "blk.0.wide.weight": (96, 2),
          "blk.0.odd.weight": (48, 2)}


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def numbers(count):
    """float32 of -1 to 1; the same for the same count."""
    source = random.Random(count)
    pattern = array.array("f", [source.uniform(-1, 1)
                                for _ in range(min(count, 4093))])
    return (pattern * (count // len(pattern) + 1))[:count].tobytes()


def model(path, shapes=None):
    """A file of F32 tensors {width, rows} with random numbers."""
    shapes = shapes or SHAPES
    keys = {"general.architecture": (8, text("llama")),
            "general.file_type": (4, struct.pack("<I", 0)),
            "general.name": (8, text("small")),
            "llama.block_count": (4, struct.pack("<I", 1)),
            "llama.attention.head_count": (4, struct.pack("<I", 4)),
            "llama.attention.head_count_kv": (4, struct.pack("<I", 4))}
    header = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(keys))
    for name, (kind, value) in keys.items():
        header += text(name) + struct.pack("<I", kind) + value
    data = b""
    for name, shape in shapes.items():
        header += text(name) + struct.pack(
            f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        count = 1
        for size in shape:
            count *= size
        data += numbers(count)
        data += bytes(-len(data) % 32)
    path.write_bytes(header + bytes(-len(header) % 32) + data)
    return str(path)


def importance(path, entries, chunks=3):
    """The older format: mean squares of one call."""
    data = struct.pack("<i", len(entries))
    for name, values in entries.items():
        data += struct.pack("<i", len(name)) + name.encode()
        data += struct.pack(f"<ii{len(values)}f", 1, len(values), *values)
    data += struct.pack("<ii", chunks, 5) + b"a.txt"
    path.write_bytes(data)
    return str(path)


class QuantizeTest(unittest.TestCase):

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.model = model(self.folder / "model.gguf")

    def path(self, name):
        return str(self.folder / name)

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def quantize(self, kind, *flags, source=None, out="out.gguf"):
        """The file of this type."""
        BRAID.output("quantize", source or self.model, self.path(out), kind,
                     *flags)
        return self.path(out)

    def show(self, path):
        return json.loads(BRAID.output("gguf", "show", path, "--json"))

    def types(self, path):
        return {tensor["name"]: tensor["type"]
                for tensor in self.show(path)["tensors"]}

    def value(self, path, key):
        return self.show(path)["metadata"][key]["value"]

    def bytes(self, path):
        return pathlib.Path(path).read_bytes()

    def refused(self, message, *arguments):
        """The run fails with `message` and writes no file."""
        before = self.files()
        done = BRAID.run("quantize", *arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(message, done.stderr.decode())
        self.assertEqual(self.files(), before)


class Types(QuantizeTest):

    def test_every_type(self):
        for name, (number, matrices) in TYPES.items():
            with self.subTest(type=name):
                out = self.quantize(name)
                types = self.types(out)
                self.assertEqual(types["blk.0.ffn_up.weight"], matrices)
                self.assertEqual(types["blk.0.attn_norm.weight"], "F32")
                self.assertEqual(self.value(out, "general.file_type"), number)
                self.assertEqual(self.value(out, "general.name"), "small")
                self.assertEqual(
                    self.value(out, "general.quantization_version"), 2)
                self.assertIn(": ok", BRAID.output("gguf", "check", out))

    def test_help_knows_every_type(self):
        words = re.split(r"[\s,]+", BRAID.output("quantize", "--help"))
        for name in TYPES:
            self.assertIn(name, words)

    def test_a_type_by_number_in_any_case_or_short(self):
        bytes_of = {kind: self.bytes(self.quantize(kind))
                    for kind in ("Q4_K_M", "q4_k_m", "15", "Q4_K")}
        self.assertEqual(len(set(bytes_of.values())), 1)

    def test_without_a_name_the_file_stands_beside_the_source(self):
        named = self.bytes(self.quantize("Q4_0", "2"))
        for threads in ([], ["1"], ["2"]):
            with self.subTest(threads=threads):
                BRAID.output("quantize", self.model, "Q4_0", *threads)
                short = self.folder / "ggml-model-Q4_0.gguf"
                self.assertEqual(short.read_bytes(), named)
                short.unlink()

    def test_copies_are_the_same_tensors(self):
        digest = json.loads(BRAID.output("gguf", "hash", self.model,
                                         "--json"))["digest"]
        out = self.quantize("COPY")
        self.assertEqual(json.loads(BRAID.output(
            "gguf", "hash", out, "--json"))["digest"], digest)
        self.assertEqual(self.value(out, "general.file_type"), 0)

    def test_a_reader_that_leaves_does_not_end_it(self):
        whole = pathlib.Path(self.quantize("q8_0")).read_bytes()
        done = BRAID.run_unread("quantize", self.model, self.path("unread"),
                                "q8_0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.files(), ["model.gguf", "out.gguf", "unread"])
        self.assertEqual(pathlib.Path(self.path("unread")).read_bytes(), whole)

    def test_the_bytes_do_not_depend_on_the_threads(self):
        # More than one piece of a tensor, and rows that no count divides.
        large = model(self.folder / "large.gguf",
                      {**SHAPES, "blk.0.ffn_down.weight": (1024, 1031)})
        squares = importance(self.folder / "squares.dat", {
            "blk.0.ffn_down.weight": [1 + i % 7 for i in range(1024)]})
        for flags in ([], ["--imatrix", squares]):
            one = self.bytes(self.quantize("Q4_0", "1", *flags, source=large))
            two = self.bytes(self.quantize("Q4_0", "2", *flags, source=large))
            self.assertEqual(one, two)

    def test_more_bits_cost_less_error(self):
        def error(kind):
            done = BRAID.run("gguf", "diff", self.model, self.quantize(kind),
                             "--json")
            tensors = json.loads(done.stdout)["tensors"]["different"]
            return next(tensor["values"]["rmse"] for tensor in tensors
                        if tensor["name"] == "blk.0.ffn_up.weight")
        errors = [error(kind) for kind in ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M",
                                           "Q6_K", "Q8_0", "F16")]
        self.assertEqual(errors, sorted(errors, reverse=True))
        self.assertGreater(errors[-1], 0)


class Choices(QuantizeTest):

    def test_pure_files_have_no_mixture(self):
        mixed = self.types(self.quantize("Q2_K"))
        self.assertEqual(mixed["output.weight"], "Q6_K")
        self.assertEqual(mixed["blk.0.ffn_down.weight"], "Q3_K")
        pure = self.types(self.quantize("Q2_K", "--pure"))
        for name in ("output.weight", "token_embd.weight",
                     "blk.0.ffn_down.weight"):
            self.assertEqual(pure[name], "Q2_K")
        self.assertEqual(pure["output_norm.weight"], "F32")

    def test_the_ends_of_the_model(self):
        types = self.types(self.quantize("Q4_0", "--leave-output-tensor",
                                         "--token-embedding-type", "q8_0"))
        self.assertEqual(types["output.weight"], "F32")
        self.assertEqual(types["token_embd.weight"], "Q8_0")
        types = self.types(self.quantize("Q4_0", "--output-tensor-type",
                                         "BF16"))
        self.assertEqual(types["output.weight"], "BF16")
        self.assertEqual(types["token_embd.weight"], "Q4_0")

    def test_embeddings_that_are_the_output(self):
        shapes = {name: shape for name, shape in SHAPES.items()
                  if name != "output.weight"}
        tied = model(self.folder / "tied.gguf", shapes)
        for flags, kind in [([], "Q6_K"),
                            (["--output-tensor-type", "Q5_K"], "Q5_K"),
                            (["--output-tensor-type", "Q5_K",
                              "--token-embedding-type", "Q8_0"], "Q8_0")]:
            types = self.types(self.quantize("Q4_0", *flags, source=tied))
            self.assertEqual(types["token_embd.weight"], kind)

    def test_the_first_pattern_that_matches_decides(self):
        types = self.types(self.quantize(
            "Q4_0", "--tensor-type", r"BLK\.\d+\.ffn_(up|gate)=q8_0",
            "--tensor-type", "ffn=Q5_1", "--tensor-type", "norm=Q8_0"))
        self.assertEqual(types["blk.0.ffn_up.weight"], "Q8_0")
        self.assertEqual(types["blk.0.ffn_down.weight"], "Q5_1")
        self.assertEqual(types["blk.0.attn_q.weight"], "Q4_0")
        # Norms are no matrices.
        self.assertEqual(types["blk.0.attn_norm.weight"], "F32")

    def test_a_width_that_no_block_divides(self):
        # Facts of the formats: blocks of 256, then of 32, then single numbers.
        for kind, wide in [("Q4_K_S", "q5_0"), ("Q5_K_S", "q5_1"),
                           ("Q6_K", "q8_0"), ("Q3_K_S", "q4_0"),
                           ("IQ4_XS", "iq4_nl")]:
            with self.subTest(type=kind):
                wanted = TYPES[kind][1].lower()
                done = BRAID.run("quantize", self.model, self.path("out.gguf"),
                                 kind)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(b"2 of 9 tensors required fallback", done.stderr)
                lines = {name: line for line in done.stdout.decode().split("\n")
                         for name in SHAPES if f" {name} " in line}
                self.assertIn(f"width 96 is no multiple of 256 for {wanted}: "
                              f"fallback to {wide}, converting to {wide}",
                              lines["blk.0.wide.weight"])
                self.assertIn(f"width 48 is no multiple of 256 for {wanted}: "
                              "fallback to f16", lines["blk.0.odd.weight"])
                self.assertNotIn("fallback", lines["blk.0.ffn_up.weight"])
                types = self.types(self.path("out.gguf"))
                self.assertEqual(types["blk.0.wide.weight"], wide.upper())
                self.assertEqual(types["blk.0.odd.weight"], "F16")


class Refusals(QuantizeTest):

    def test_arguments(self):
        out = self.path("none.gguf")
        for message, arguments in [
                ("'Q9_Z' is none of F32, F16", [self.model, out, "Q9_Z"]),
                ("none of F32", [self.model, out]),
                ("'x' is", [self.model, out, "Q4_0", "x"]),
                ("513", [self.model, out, "Q4_0", "513"]),
                ("--output-tensor-type: 'Q4_K_M' is none of F32",
                 [self.model, out, "Q4_0", "--output-tensor-type", "Q4_K_M"]),
                ("'IQ1_S' is none of F32",
                 [self.model, out, "Q4_0", "--token-embedding-type", "IQ1_S"]),
                ("'ffn' is not PATTERN=FORMAT",
                 [self.model, out, "Q4_0", "--tensor-type", "ffn"]),
                ("'(' is no regular expression",
                 [self.model, out, "Q4_0", "--tensor-type", "(=Q8_0"]),
                ("a pattern of 300 characters",
                 [self.model, out, "Q4_0", "--tensor-type",
                  "a" * 300 + "=Q8_0"]),
                ("'k=u32:1' is not KEY=TYPE:VALUE",
                 [self.model, out, "Q4_0", "--override-kv", "k=u32:1"]),
                ("'k:1' is not KEY=TYPE:VALUE",
                 [self.model, out, "Q4_0", "--override-kv", "k:1"]),
                ('--override-kv: k: "-1" is no u32',
                 [self.model, out, "Q4_0", "--override-kv", "k=int:-1"]),
                ("--override-kv: split.count is for --keep-split",
                 [self.model, out, "Q4_0", "--override-kv",
                  "split.count=int:3"]),
                ("none.txt", [self.model, out, "Q4_0", "--imatrix",
                              self.path("none.txt")]),
                ("--exclude-weights needs --imatrix",
                 [self.model, out, "Q4_0", "--exclude-weights", "ffn"]),
                ("missing.gguf", [self.path("missing.gguf"), out, "Q4_0"])]:
            with self.subTest(arguments=arguments):
                self.refused(message, *arguments)

    def test_blocks_are_quantised_again_only_on_demand(self):
        once = self.quantize("Q8_0", out="once.gguf")
        self.refused("is quantised already (Q8_0)", once,
                     self.path("twice.gguf"), "Q4_0")
        twice = self.quantize("Q4_0", "--allow-requantize", source=once,
                              out="twice.gguf")
        self.assertEqual(self.types(twice)["blk.0.ffn_up.weight"], "Q4_0")
        # Nothing is lost where nothing is converted.
        again = self.quantize("Q8_0", source=once, out="again.gguf")
        self.assertEqual(self.bytes(again), self.bytes(once))

    def test_no_file_over_its_source(self):
        before = self.bytes(self.model)
        link = self.folder / "link.gguf"
        link.symlink_to(self.model)
        for target in (self.model, str(link)):
            self.refused("is the source and would be written over", self.model, target,
                         "Q4_0")
        self.assertEqual(self.bytes(self.model), before)

    def test_no_part_over_its_source(self):
        BRAID.output("gguf", "split", self.model, self.path("p"),
                     "--split-max-tensors", "4")
        parts = sorted(map(str, self.folder.glob("p-*")))
        before = [self.bytes(part) for part in parts]
        self.refused("is the source and would be written over", parts[0], self.path("p"), "Q4_0",
                     "--keep-split")
        self.refused("is the source and would be written over", parts[0], parts[1], "Q4_0")
        self.assertEqual([self.bytes(part) for part in parts], before)

    def test_numbers_that_the_format_does_not_hold(self):
        for value, kind in [(float("nan"), "Q4_0"), (float("inf"), "Q8_0"),
                            (float("nan"), "BF16"), (float("nan"), "COPY"),
                            (1e30, "Q4_K_M")]:
            data = bytearray(self.bytes(self.model))
            data[-8:-4] = struct.pack("<f", value)
            path = self.folder / "bad.gguf"
            path.write_bytes(data)
            self.refused("blk.0.odd.weight: element 94 is ",
                         str(path), self.path("none.gguf"), kind)


class Importance(QuantizeTest):

    def setUp(self):
        super().setUp()
        self.squares = importance(self.folder / "squares.dat", {
            "blk.0.ffn_up.weight": [100 * (i % 5 == 0) for i in range(256)],
            "blk.0.attn_q.weight": [1 + i % 3 for i in range(256)]})

    def data(self, path):
        """The digest of every tensor."""
        document = json.loads(BRAID.output("gguf", "hash", path, "--json"))
        return {tensor["name"]: tensor["digest"]
                for tensor in document["tensors"]}

    def changed(self, kind, *flags):
        """Names of the tensors that weights of errors change."""
        plain = self.data(self.quantize(kind))
        weighted = self.data(self.quantize(kind, "--imatrix", self.squares,
                                           *flags))
        return {name for name in plain if plain[name] != weighted[name]}

    def test_it_changes_what_it_knows(self):
        both = {"blk.0.ffn_up.weight", "blk.0.attn_q.weight"}
        for kind in ("Q4_0", "Q4_K_S", "Q6_K", "IQ4_XS"):
            self.assertEqual(self.changed(kind), both, kind)
        # These have nothing to choose.
        self.assertEqual(self.changed("Q8_0"), set())
        self.assertEqual(self.changed("TQ2_0"), set())

    def test_parts_of_it(self):
        self.assertEqual(self.changed("Q4_0", "--include-weights", "ffn"),
                         {"blk.0.ffn_up.weight"})
        self.assertEqual(self.changed("Q4_0", "--exclude-weights", "ffn"),
                         {"blk.0.attn_q.weight"})
        self.assertEqual(self.changed("Q4_0", "--include-weights", "blk",
                                      "--exclude-weights", "ffn",
                                      "--exclude-weights", "attn"), set())

    def test_the_file_says_what_was_used(self):
        out = self.quantize("Q4_0", "--imatrix", self.squares)
        self.assertEqual(self.value(out, "quantize.imatrix.file"),
                         self.squares[:127])
        self.assertEqual(self.value(out, "quantize.imatrix.dataset"), "a.txt")
        self.assertEqual(self.value(out, "quantize.imatrix.entries_count"), 2)
        self.assertEqual(self.value(out, "quantize.imatrix.chunks_count"), 3)

    def test_damaged_files_are_named(self):
        good = self.bytes(self.squares)
        bad = self.folder / "bad.dat"
        target = self.path("none.gguf")
        for data in (b"", good[:50], good[:-3], b"GGUF" + good[4:],
                     self.bytes(self.model),
                     good.replace(struct.pack("<f", 100),
                                  struct.pack("<f", -1), 1),
                     good.replace(struct.pack("<f", 100),
                                  struct.pack("<f", float("nan")), 1)):
            bad.write_bytes(data)
            self.refused(str(bad), self.model, target, "Q4_0", "--imatrix",
                         str(bad))

    def test_the_size_of_the_matrix_must_be_right(self):
        importance(pathlib.Path(self.squares),
                   {"blk.0.ffn_up.weight": [1] * 255})
        self.refused("blk.0.ffn_up.weight: expected importance of 256 inputs, "
                     "file has 255", self.model, self.path("none.gguf"), "Q4_0",
                     "--imatrix", self.squares)

    def test_every_expert_has_its_own(self):
        first = [1 + i % 3 for i in range(256)]
        second = [1 + i % 7 for i in range(256)]

        def last_bytes(shape, values, count, kind):
            """Of the file of one tensor, which has no padding at its end."""
            name = "blk.0.ffn_up_exps.weight"
            source = model(self.folder / "experts.gguf", {name: shape})
            if len(shape) == 2:  # the second expert's numbers
                whole = self.bytes(source)
                size = 4 * shape[0] * shape[1]
                pathlib.Path(source).write_bytes(
                    whole[:-size] + numbers(2 * shape[0] * shape[1])[size:])
            squares = importance(self.folder / "experts.dat", {name: values})
            return self.bytes(self.quantize(kind, "--imatrix", squares,
                                            source=source))[-count:]

        for kind, block in (("Q4_0", 144), ("Q4_K_S", 144), ("Q6_K", 210)):
            size = 16 * block
            self.assertEqual(
                last_bytes((256, 16, 2), first + second, size, kind),
                last_bytes((256, 16), second, size, kind))
            self.assertNotEqual(
                last_bytes((256, 16, 2), first + second, size, kind),
                last_bytes((256, 16, 2), first + first, size, kind))

    def test_any_strength_gives_a_good_file(self):
        # Only ratios of weights matter, so the largest and smallest float do.
        def written(strength, kind):
            out = self.quantize(kind, "--imatrix", importance(
                self.folder / "strong.dat",
                {"blk.0.ffn_up.weight": [strength] * 256}))
            self.assertIn(": ok", BRAID.output("gguf", "check", out))
            return self.data(out)
        for kind in ("Q4_0", "Q5_1", "Q2_K", "Q3_K_S", "Q4_K_S", "Q6_K",
                     "IQ4_NL", "IQ4_XS"):
            ordinary = written(1, kind)
            for strength in (2.0**127, 2.0**-126, 2.0**-149, 0):
                self.assertEqual(written(strength, kind), ordinary, kind)

    def test_inputs_that_a_text_never_drove_are_kept(self):
        squares = importance(self.folder / "dead.dat", {
            "blk.0.ffn_up.weight": [int(i >= 64) for i in range(256)]})
        for kind in ("Q4_0", "Q4_K_S", "Q6_K", "IQ4_XS"):
            done = BRAID.run("gguf", "diff", self.model, self.quantize(
                kind, "--imatrix", squares), "--json")
            error, = (tensor["values"]["rmse"]
                      for tensor in json.loads(done.stdout)["tensors"]
                      ["different"] if "ffn_up" in tensor["name"])
            # Uniform in -1 to 1: a quarter of zeros would be 0.29 and more.
            self.assertLess(error, 0.1)


class Output(QuantizeTest):

    def test_a_dry_run_says_the_same_and_writes_nothing(self):
        said = BRAID.output("quantize", self.model, self.path("none.gguf"),
                            "Q4_K_M", "--dry-run")
        self.assertEqual(self.files(), ["model.gguf"])
        self.assertEqual(said, BRAID.output("quantize", self.model,
                                            self.path("out.gguf"), "Q4_K_M"))
        self.assertRegex(said, r"model size  = 0\.0\d MiB \(32\.00 BPW\)\n"
                               r"quant size  = 0\.0\d MiB \(\d\.\d\d BPW\)\n$")

    def test_as_many_parts(self):
        whole = self.quantize("Q4_0")
        BRAID.output("gguf", "split", self.model, self.path("p"),
                     "--split-max-tensors", "4")
        first = self.path("p-00001-of-00003.gguf")
        self.assertEqual(self.bytes(self.quantize("Q4_0", source=first,
                                                  out="one.gguf")),
                         self.bytes(whole))
        BRAID.output("quantize", first, self.path("q"), "Q4_0", "--keep-split")
        parts = [f"q-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
        self.assertEqual([name for name in self.files() if name[0] == "q"],
                         parts)
        self.assertIn(": ok", BRAID.output("gguf", "check",
                                           self.path(parts[0])))
        homes = {tensor["name"]: tensor["part"]
                 for tensor in self.show(first)["tensors"]}
        self.assertEqual(homes, {
            tensor["name"]: tensor["part"]
            for tensor in self.show(self.path(parts[0]))["tensors"]})
        self.assertEqual(set(homes.values()), {1, 2, 3})
        BRAID.output("gguf", "merge", self.path(parts[0]), self.path("m.gguf"))
        self.assertEqual(self.bytes(self.path("m.gguf")), self.bytes(whole))

    def test_parts_without_a_name(self):
        BRAID.output("gguf", "split", self.model, self.path("p"),
                     "--split-max-tensors", "4")
        BRAID.output("quantize", self.path("p-00001-of-00003.gguf"), "Q4_0",
                     "--keep-split")
        self.assertIn("ggml-model-Q4_0-00001-of-00003.gguf", self.files())

    def test_metadata(self):
        out = self.quantize(
            "Q4_0", "--override-kv", "general.name=str:a=b:c",
            "--override-kv", "new.count=int:7", "--override-kv",
            "new.share=float:0.5", "--override-kv", "new.is=bool:true")
        metadata = self.show(out)["metadata"]
        self.assertEqual(metadata["general.name"]["value"], "a=b:c")
        self.assertEqual(metadata["new.count"], {"type": "u32", "value": 7})
        self.assertEqual(metadata["new.share"], {"type": "f32", "value": 0.5})
        self.assertEqual(metadata["new.is"], {"type": "bool", "value": True})
        self.assertEqual(metadata["llama.block_count"]["value"], 1)

    def test_progress_is_json_lines(self):
        done = BRAID.run("quantize", self.model, self.path("out.gguf"), "Q4_0",
                         "--progress", "json")
        lines = [json.loads(line) for line in done.stderr.decode().split("\n")
                 if line.startswith("{")]
        shares = [line["done"] for line in lines]
        self.assertGreater(len(shares), 3)
        self.assertEqual(shares, sorted(shares))
        self.assertEqual({line["task"] for line in lines}, {"quantizing"})


class Zoo(QuantizeTest):

    def converted(self, name):
        out = self.path(f"{name}.gguf")
        BRAID.output("convert", ZOO / name, "-o", out, "--outtype", "f32")
        return out

    def answer(self, name, path):
        """What the model says to a text, as numbers or as text."""
        if name == "bert":
            rows, = json.loads(BRAID.output(
                "embedding", "-m", path, "-p", "It was",
                "--embd-output-format", "array"))
            return rows
        return BRAID.output("generate", "-m", path, "-p", "It was", "-n", "4",
                            "--temp", "0")

    def test_every_kind_of_model_answers_in_every_kind_of_mixture(self):
        for name in ("mamba", "jamba", "t5", "openelm", "deepseek2", "bert"):
            source = self.converted(name)
            for kind in ("Q8_0", "Q4_K_M", "Q2_K", "IQ4_XS"):
                with self.subTest(model=name, type=kind):
                    out = self.quantize(kind, source=source)
                    self.assertLess(pathlib.Path(out).stat().st_size,
                                    pathlib.Path(source).stat().st_size)
                    answer = self.answer(name, out)
                    self.assertTrue(answer)
                    self.assertEqual(self.answer(name, out), answer)

    def test_the_numbers_of_a_model_stay_close(self):
        source = self.converted("bert")
        plain = self.answer("bert", source)
        halves = self.answer("bert", self.quantize("F16", source=source))
        # Both have length 1.
        self.assertGreater(sum(a * b for a, b in zip(plain, halves)), 0.999)

    def test_what_steers_a_model_stays_as_it_is(self):
        for name, kept in [("mamba", ["ssm_conv1d.weight", "ssm_a"]),
                           ("jamba", ["ffn_gate_inp.weight", "ssm_d"]),
                           ("t5", ["attn_rel_b.weight"]),
                           ("bert", ["token_types.weight",
                                     "position_embd.weight"])]:
            types = self.types(self.quantize("Q8_0",
                                             source=self.converted(name)))
            for part in kept:
                found = {types[key] for key in types if key.endswith(part)}
                self.assertEqual(found, {"F32"}, f"{name}: {part}")


if __name__ == "__main__":
    run_tests(__name__)
