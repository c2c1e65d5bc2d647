#!/usr/bin/env python3
"""braid gguf: show, check, hash, diff, set, split and merge, on small files made
here byte by byte.

usage: gguf_test.py BRAID
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from program import Program, run_tests

BRAID = Program(sys.argv[1])


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


def model(path, alignment=32, tensors=6, order="<", **more_keys):
    """A file with a few keys and F32 tensors of different lengths."""
    def aligned(data):
        return data + bytes(-len(data) % alignment)

    keys = {"general.architecture": (8, text("llama")),
            "general.alignment": (4, struct.pack("<I", alignment)),
            "general.name": (8, text("small")),
            "llama.block_count": (4, struct.pack("<I", 7)),
            "offset": (5, struct.pack("<i", -2)),
            "tokenizer.ggml.tokens":
                (9, struct.pack("<IQ", 8, 2) + text("a") + text(b"\xff")),
            "nested": (9, struct.pack("<IQ", 9, 1) +
                       struct.pack("<IQ", 0, 2) + b"\x05\x06"),
            **more_keys}
    header = b"GGUF" + struct.pack(f"{order}IQQ", 3, tensors, len(keys))
    for name, (kind, value) in keys.items():
        header += text(name) + struct.pack("<I", kind) + value
    data = b""
    for i in range(tensors):
        header += text(f"t.{i}") + struct.pack("<IQQIQ", 2, 4, i + 1, 0,
                                               len(data))
        data = aligned(data + struct.pack("<f", i) * 4 * (i + 1))
    path.write_bytes(aligned(header) + data)
    return str(path)


class Gguf(unittest.TestCase):

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.model = model(self.folder / "model.gguf")

    def path(self, name):
        return str(self.folder / name)

    def gguf(self, *arguments):
        return BRAID.output("gguf", *arguments)

    def as_json(self, *arguments):
        return json.loads(self.gguf(*arguments, "--json"))

    def value(self, path, key):
        return self.as_json("show", path)["metadata"][key]["value"]

    def same_bytes(self, one, other):
        return (pathlib.Path(one).read_bytes() ==
                pathlib.Path(other).read_bytes())


class Show(Gguf):

    def test_text_and_json_tell_the_same(self):
        shown = self.gguf("show", self.model)
        self.assertIn("7 keys, 6 tensors", shown)
        self.assertIn("[[5, 6]]", shown)
        document = self.as_json("show", self.model)
        self.assertEqual(document["file"], self.model)
        self.assertEqual(document["metadata"]["nested"],
                         {"type": "array", "element_type": "array",
                          "value": [[5, 6]]})
        self.assertEqual(document["metadata"]["tokenizer.ggml.tokens"]["value"],
                         ["a", "\ufffd"])
        self.assertEqual([t["name"] for t in document["tensors"]],
                         [f"t.{i}" for i in range(6)])

    def test_other_alignments(self):
        for alignment in [8, 64, 4096]:
            path = model(self.folder / "aligned.gguf", alignment)
            document = self.as_json("show", path)
            self.assertEqual(document["alignment"], alignment)
            self.assertEqual(document["tensors"][1]["offset"],
                             max(alignment, 16))
            self.assertIn(": ok", self.gguf("check", path))

    def test_a_big_endian_file_is_refused_by_name(self):
        path = model(self.folder / "big.gguf", order=">")
        message = BRAID.error("gguf", "show", path)
        self.assertIn(path, message)
        self.assertIn("big-endian", message)

    def test_a_sparse_file_of_ten_gigabytes(self):
        path = self.path("sparse.gguf")
        size = 10 * 10**9 // 32 * 32
        header = (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("t") +
                  struct.pack("<IQIQ", 1, size, 24, 0))
        header += bytes(-len(header) % 32)
        pathlib.Path(path).write_bytes(header)
        os.truncate(path, len(header) + size)
        start = time.monotonic()
        document = self.as_json("show", path)
        # Most of it is the start of the program.
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(document["tensors"][0]["bytes"], size)
        plan = self.as_json("split", path, self.path("s"), "--dry-run",
                            "--split-max-size", "4G")
        self.assertEqual(len(plan["parts"]), 1)
        self.assertEqual(list(self.folder.glob("s-*")), [])


class Check(Gguf):

    def test_a_tensor_that_is_not_finite_fails_in_both_forms(self):
        data = bytearray(pathlib.Path(self.model).read_bytes())
        data[-4 * 24:-4 * 23] = struct.pack("<f", float("nan"))
        pathlib.Path(self.model).write_bytes(data)
        self.assertIn("tensor t.5 (F32 {4, 6}): 1 of its numbers",
                      BRAID.error("gguf", "check", self.model))
        done = BRAID.run("gguf", "check", self.model, "--json")
        self.assertEqual(done.returncode, 1)
        document = json.loads(done.stdout)
        self.assertFalse(document["ok"])
        self.assertIn("t.5", document["message"])

    def test_json_of_a_good_file(self):
        self.assertTrue(self.as_json("check", self.model)["ok"])

    def test_what_a_model_reads_of_its_file(self):
        listed = BRAID.output("gguf", "check", "-m")
        self.assertIn('as a model of architecture "mamba": 9 keys and 72 '
                      "tensors are read\n", listed)
        self.assertIn('  ignored: key "mamba.vocab_size": the rows of '
                      "token_embd.weight say it\n", listed)
        self.assertNotIn("left over", listed)

    def test_what_is_left_over_fails(self):
        shipped = json.loads(BRAID.output("gguf", "check", "--json"))["file"]
        path = self.path("more.gguf")
        self.gguf("set", shipped, "mamba.logit_scale", "0.5", "--type", "f32",
                  "-o", path)
        self.assertIn("mamba.logit_scale: 0.5 is not supported",
                      BRAID.error("generate", "-m", path, "-p", "a"))
        done = BRAID.run("gguf", "check", "-m", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'  left over: key "mamba.logit_scale"\n', done.stdout)
        document = json.loads(BRAID.run("gguf", "check", "-m", path,
                                        "--json").stdout)
        self.assertFalse(document["ok"])
        self.assertEqual([key["name"] for key in document["model"]["keys"]
                          if key["use"] == "left over"],
                         ["mamba.logit_scale"])


class Hash(Gguf):

    def test_manifests_verify(self):
        for kind in ["--xxh64", "--sha256"]:
            manifest = self.gguf("hash", self.model, kind)
            document = self.as_json("hash", self.model, kind)
            self.assertEqual(document["hash"], kind[2:])
            self.assertEqual(
                manifest,
                "".join(f"{kind[2:]}  {tensor['digest']}  {self.model}:"
                        f"{tensor['name']}\n"
                        for tensor in document["tensors"]) +
                f"{kind[2:]}  {document['digest']}  {self.model}\n")
            pathlib.Path(self.path("manifest")).write_text(manifest)
            self.assertIn("the hashes of 6 tensors are those of",
                          self.gguf("hash", self.model, "--check",
                                    self.path("manifest")))
            self.assertTrue(self.as_json("hash", self.model, "--check",
                                         self.path("manifest"))["ok"])

    def test_a_changed_tensor_is_named_with_both_hashes(self):
        manifest = self.gguf("hash", self.model)
        pathlib.Path(self.path("manifest")).write_text(manifest)
        data = bytearray(pathlib.Path(self.model).read_bytes())
        data[-1] ^= 1
        pathlib.Path(self.model).write_bytes(data)
        # The last byte is of the last tensor.
        self.assertEqual(len(data) % 32, 0)
        found = self.as_json("hash", self.model)["tensors"][5]["digest"]
        message = BRAID.error("gguf", "hash", self.model, "--check",
                              self.path("manifest"))
        self.assertIn("tensor t.5: xxh64 is " + found, message)
        self.assertIn(manifest.splitlines()[5].split()[1], message)

    def test_bad_manifests_are_named(self):
        path = self.path("manifest")
        pathlib.Path(path).write_text("md5  00  x\n")
        self.assertIn(f"{path}: line 1: hash \"md5\" is not known",
                      BRAID.error("gguf", "hash", self.model, "--check", path))
        pathlib.Path(path).write_text(self.gguf("hash", self.model))
        self.assertIn("has no sha256 hashes",
                      BRAID.error("gguf", "hash", self.model, "--sha256",
                                  "--check", path))


class Diff(Gguf):

    def diff(self, *arguments):
        """Exit code, what is different, and the message."""
        done = BRAID.run("gguf", "diff", *arguments)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_exit_codes_are_those_of_diff(self):
        other = model(self.folder / "other.gguf", alignment=64)
        code, said, _ = self.diff(self.model, other)
        # Alignment is a key, too.
        self.assertEqual(code, 1)
        self.assertIn('~ "general.alignment": u32 32 -> u32 64', said)
        self.assertIn("tensors: 6 equal,", said)
        self.assertEqual(self.diff(self.model, self.model)[0], 0)
        code, said, message = self.diff(self.model, self.path("missing"))
        self.assertEqual((code, said), (2, ""))
        self.assertIn("missing", message)
        self.assertEqual(self.diff(self.model)[0], 2)
        self.assertEqual(self.diff(self.model, other, "--bogus")[0], 2)

    def test_values_may_be_left_out(self):
        data = bytearray(pathlib.Path(self.model).read_bytes())
        data[-4 * 24:-4 * 23] = struct.pack("<f", 7)
        other = self.path("other.gguf")
        pathlib.Path(other).write_bytes(data)
        code, said, _ = self.diff(self.model, other)
        self.assertEqual(code, 1)
        self.assertIn('~ "t.5": F32 {4, 6}: 1 of 24 values differ, max abs 2, '
                      "max rel 0.2857, RMSE 0.4082 (8.165 %)", said)
        self.assertEqual(self.diff(self.model, other, "--no-values")[0], 0)
        code, said, _ = self.diff(self.model, other, "--json")
        self.assertEqual(code, 1)
        [tensor] = json.loads(said)["tensors"]["different"]
        self.assertEqual(tensor["values"]["max_absolute"], 2)

    def test_a_file_in_parts_equals_the_whole(self):
        self.gguf("split", self.model, self.path("p"), "--split-max-tensors",
                  "2")
        self.assertEqual(
            self.diff(self.model, self.path("p-00001-of-00003.gguf"))[0], 0)


class Set(Gguf):

    def test_in_place(self):
        size = os.path.getsize(self.model)
        inode = os.stat(self.model).st_ino
        said = self.gguf("set", self.model, "general.name", "SMALL")
        self.assertEqual(
            said, '"general.name": string "small" -> string "SMALL"\n')
        self.gguf("set", self.model, "offset", "--", "-9")
        self.assertEqual(self.value(self.model, "general.name"), "SMALL")
        self.assertEqual(self.value(self.model, "offset"), -9)
        self.assertEqual(os.path.getsize(self.model), size)
        self.assertEqual(os.stat(self.model).st_ino, inode)

    def test_into_a_new_file(self):
        before = self.as_json("hash", self.model)["digest"]
        out = self.path("out.gguf")
        self.gguf("set", self.model, "general.name", "much longer", "-o", out)
        self.gguf("set", out, "new.key", "0.5", "--type", "f32", "-o", out)
        self.gguf("set", out, "--delete", "nested", "-o", out)
        self.gguf("set", out, "general.author", "", "--type", "string", "-o",
                  out)
        document = self.as_json("show", out)["metadata"]
        self.assertEqual(document["general.name"]["value"], "much longer")
        self.assertEqual(document["new.key"], {"type": "f32", "value": 0.5})
        self.assertNotIn("nested", document)
        self.assertEqual(document["general.author"]["value"], "")
        self.assertEqual(self.as_json("hash", out)["digest"], before)
        self.assertEqual(self.value(self.model, "general.name"), "small")

    def test_refusals_change_nothing(self):
        before = pathlib.Path(self.model).read_bytes()
        for arguments, message in [
                (["general.name", "longer"],
                 "a string of 14 bytes, the old a string of 13"),
                (["llama.block_count", "-1"], "unknown flag -1"),
                (["llama.block_count", "--", "-1"], '"-1" is no u32'),
                (["new", "1"], "key new is new, so its type must be given"),
                (["new", "1", "--type", "int"], "'int' is no type"),
                (["general.architecture", "mamba"], "only done by force"),
                (["general.alignment", "64", "--force"],
                 "places every tensor"),
                (["general.name"], "set needs FILE KEY VALUE"),
                (["--delete", "none", "-o", self.path("x")],
                 "key none is not there"),
                (["--delete", "nested"], "write a new file"),
                (["k", "v", "--json"],
                 "--json is for show, check, hash, diff, split, merge, not for "
                 "set"),
        ]:
            with self.subTest(arguments=arguments):
                self.assertIn(message, BRAID.error("gguf", "set", self.model,
                                                   *arguments))
                self.assertEqual(pathlib.Path(self.model).read_bytes(), before)
        self.assertEqual(os.listdir(self.folder), ["model.gguf"])


class SplitAndMerge(Gguf):

    def test_round_trip_is_the_same_file(self):
        digest = self.as_json("hash", self.model)["digest"]
        for limit in [["--split-max-tensors", "1"],
                      ["--split-max-tensors", "4"],
                      ["--split-max-size", "700"],
                      ["--split-max-size", "1K"],
                      ["--split-max-size", "1G"]]:
            with self.subTest(limit=limit):
                plan = self.as_json("split", self.model, self.path("p"),
                                    "--dry-run", *limit)
                self.assertFalse(plan["written"])
                self.assertEqual(list(self.folder.glob("p-*")), [])
                done = self.as_json("split", self.model, self.path("p"),
                                    *limit)
                self.assertEqual(done, {**plan, "written": True})
                for part in done["parts"]:
                    self.assertEqual(os.path.getsize(part["file"]),
                                     part["bytes"])
                first = done["parts"][0]["file"]
                self.assertEqual(self.as_json("hash", first)["digest"], digest)
                self.assertIn(": ok", self.gguf("check", first))
                out = self.path("merged.gguf")
                self.gguf("merge", first, out, "--dry-run")
                self.assertFalse(os.path.exists(out))
                self.gguf("merge", first, out)
                self.assertTrue(self.same_bytes(out, self.model))
                for part in done["parts"]:
                    os.remove(part["file"])
                os.remove(out)

    def test_refusals(self):
        for arguments, message in [
                (["split", self.model, "p"], "split needs --split-max-tensors"),
                (["split", self.model], "split needs FILE PREFIX"),
                (["split", self.model, "p", "--split-max-size", "2T"],
                 "'2T' is not a size"),
                (["split", self.model, "p", "--split-max-size", "0"],
                 "'0' is not a size"),
                (["merge", self.model], "merge needs FILE OUT"),
                (["merge", self.model, self.path("x")],
                 "key split.count is missing"),
                (["show", self.model, "x"], "unexpected argument 'x'")]:
            with self.subTest(arguments=arguments):
                self.assertIn(message, BRAID.error("gguf", *arguments))

    def test_a_part_is_not_written_over(self):
        self.gguf("split", self.model, self.path("p"), "--split-max-tensors",
                  "2")
        parts = sorted(self.folder.glob("p-*"))
        before = [part.read_bytes() for part in parts]
        first = str(parts[0])
        for arguments in [["merge", first, str(parts[-1])],
                          ["merge", first, first],
                          ["split", first, self.path("p"),
                           "--split-max-tensors", "2"]]:
            with self.subTest(arguments=arguments):
                self.assertIn("is the source and would be written over",
                              BRAID.error("gguf", *arguments))
        for part in parts:
            self.assertIn("is a set of 3 parts; merge it first",
                          BRAID.error("gguf", "set", first, "general.name",
                                      "x", "-o", str(part)))
        self.assertEqual([part.read_bytes() for part in parts], before)

    def test_a_full_disk_leaves_nothing(self):
        # A limit on the size of files stands for the disk.
        done = subprocess.run(
            ["bash", "-c", 'ulimit -f 1; trap "" XFSZ; exec "$@"', "bash",
             BRAID.path, "gguf", "split", self.large(), self.path("p"),
             "--split-max-tensors", "1"],
            capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"cannot write", done.stderr)
        self.assertEqual(list(self.folder.glob("p-*")), [])

    def large(self):
        return model(self.folder / "large.gguf", alignment=4096)


if __name__ == "__main__":
    run_tests(__name__)
