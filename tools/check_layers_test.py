"""Each rule of check_layers.py is broken once, in a temporary tree."""

import pathlib
import tempfile
import unittest

import check_layers


def header(path, *includes):
    """The text of a header with the right guard."""
    guard = check_layers.guard_name(path)
    lines = [f"#ifndef {guard}", f"#define {guard}"]
    lines += [f'#include "{target}"' for target in includes]
    return "\n".join(lines + ["#endif", ""])


class CheckLayersTest(unittest.TestCase):

    def violations(self, files):
        """What check() says about a tree of {path: text}."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                file = pathlib.Path(root) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return check_layers.check(root)

    def assert_one(self, files, expected):
        violations = self.violations(files)
        self.assertEqual(len(violations), 1, violations)
        self.assertIn(expected, violations[0])

    def test_the_table_names_only_folders_that_stand_above(self):
        seen = set()
        for folder, uses in check_layers.LAYERS.items():
            self.assertLessEqual(set(uses), seen, folder)
            seen.add(folder)

    def test_a_clean_tree_has_no_violation(self):
        self.assertEqual(self.violations({
            "include/braid/types.h": header("include/braid/types.h"),
            "src/base/run.h": header("src/base/run.h", "braid/types.h"),
            "src/gguf/CMakeLists.txt": "braid_library(gguf USES braid_base)",
            "src/gguf/file.h": header("src/gguf/file.h", "base/run.h"),
            "src/gguf/file.cc": '#include "gguf/file.h"\n#include <vector>\n',
            "src/gguf/file_test.cc": '#include "gtest/gtest.h"\n',
            "apps/braid/main.cc": '#include "gguf/file.h"\n',
        }), [])

    def test_a_lower_layer_may_not_include_a_higher_one(self):
        self.assert_one({
            "src/gguf/file.h": header("src/gguf/file.h"),
            "src/base/run.cc": '\n#include "gguf/file.h"\n',
        }, 'src/base/run.cc:2: "gguf/file.h": base may not use gguf')

    def test_neighbours_may_not_include_each_other(self):
        self.assert_one({
            "src/tensor/dtype.h": header("src/tensor/dtype.h"),
            "src/batch/split.cc": '#  include "tensor/dtype.h"\n',
        }, "batch may not use tensor")

    def test_what_a_used_folder_uses_is_allowed(self):
        self.assertEqual(self.violations({
            "src/base/run.h": header("src/base/run.h"),
            "src/engine/engine.cc": '#include "base/run.h"\n',
        }), [])

    def test_a_public_header_may_not_include_src(self):
        self.assert_one({
            "src/base/run.h": header("src/base/run.h"),
            "include/braid/types.h": header("include/braid/types.h",
                                            "base/run.h"),
        }, "public headers only")

    def test_a_public_header_uses_the_standard_library_only(self):
        self.assert_one({
            "include/braid/types.h": header("include/braid/types.h") +
                                     "#include <nlohmann/json.hpp>\n",
        }, "standard library only")

    def test_src_may_not_include_apps(self):
        self.assert_one({
            "apps/braid/flags.h": header("apps/braid/flags.h"),
            "src/base/run.cc": '#include "apps/braid/flags.h"\n',
        }, "src/ may not use apps/")

    def test_an_include_must_be_rooted(self):
        self.assert_one({
            "src/base/run.h": header("src/base/run.h"),
            "src/base/run.cc": '#include "run.h"\n',
        }, '"run.h" is no file of the project')

    def test_only_the_kernels_include_highway(self):
        text = '#include "hwy/highway.h"\n'
        self.assertEqual(self.violations({"src/kernels/cpu/a.cc": text}), [])
        self.assert_one({"src/ops/a.cc": text}, "may stand only in")

    def test_an_unknown_folder_is_refused(self):
        self.assert_one({
            "src/base/run.h": header("src/base/run.h"),
            "src/misc/a.cc": '#include "base/run.h"\n',
        }, "src/misc is not in the table")

    def test_a_link_list_obeys_the_table(self):
        self.assert_one({
            "src/tensor/CMakeLists.txt":
                "# formats\nbraid_library(tensor USES braid_base braid_gguf)",
        }, "src/tensor/CMakeLists.txt:2: tensor may not link gguf")

    def test_what_is_included_must_be_linked(self):
        self.assert_one({
            "src/base/run.h": header("src/base/run.h"),
            "src/gguf/CMakeLists.txt": "braid_library(gguf)",
            "src/gguf/a.cc": '#include "base/run.h"\n',
        }, "braid_base is not in the USES list of gguf")

    def test_a_guard_is_named_after_the_path(self):
        self.assert_one({
            "src/base/run.h": header("src/base/walk.h"),
        }, "should be BRAID_SRC_BASE_RUN_H_")

    def test_a_guard_may_toggle_per_vector_target(self):
        for blank in (" ", " \\\n    "):
            self.assertEqual(self.violations({
                "src/kernels/cpu/a.h":
                    "#if defined(BRAID_SRC_KERNELS_CPU_A_H_) =="
                    f"{blank}defined(HWY_TARGET_TOGGLE)\n",
            }), [])

    def test_headers_may_not_form_a_cycle(self):
        self.assert_one({
            "src/base/a.h": header("src/base/a.h", "base/b.h"),
            "src/base/b.h": header("src/base/b.h", "base/c.h"),
            "src/base/c.h": header("src/base/c.h", "base/b.h"),
        }, "cycle: src/base/b.h -> src/base/c.h -> src/base/b.h")

    def test_two_roads_to_a_header_are_no_cycle(self):
        self.assertEqual(self.violations({
            "src/base/a.h": header("src/base/a.h", "base/b.h", "base/c.h"),
            "src/base/b.h": header("src/base/b.h", "base/c.h"),
            "src/base/c.h": header("src/base/c.h"),
        }), [])

    def test_a_long_file_says_why(self):
        lines = "int x;\n" * (check_layers.MAX_LINES + 1)
        self.assert_one({"src/base/a.cc": lines}, "601 lines")
        self.assertEqual(self.violations({
            "src/base/a.cc": "// length: generated tables\n" + lines,
        }), [])


if __name__ == "__main__":
    unittest.main()
