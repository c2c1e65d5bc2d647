#!/usr/bin/env python3
"""Checks the rules of the source tree that no compiler checks.

  * layers: an #include "..." in src/, include/ or apps/, and a USES list in
    src/*/CMakeLists.txt, names only what LAYERS allows, and a folder that is
    included is also linked;
  * include guards are named after the path;
  * no header includes itself through others;
  * no file is longer than MAX_LINES without saying why ("// length: why").

usage: check_layers.py [ROOT]

Prints one line per violation, "path:line: what is wrong", and exits 1 if there
is any. Reads the tree as it lies on disk, committed or not.
"""

import pathlib
import re
import sys

# The layers of ARCHITECTURE.md, from bottom to top: a folder of src/ may
# include itself, the folders named here, and whatever those may include.
LAYERS = {
    "base": [],
    "json": ["base"],
    "gguf": ["base"],
    "tensor": ["base"],
    "batch": ["base"],
    "archive": ["base"],
    "tokenizer": ["base", "gguf", "json"],
    "sampling": ["base"],
    "chat": ["base"],
    "kernels": ["base", "tensor"],
    "memory": ["tensor", "batch", "archive"],
    "ops": ["tensor", "kernels"],
    # gguf: a file is one of the three sources of a WeightScope.
    "nn": ["ops", "memory", "gguf"],
    "models": ["nn", "gguf"],
    "convert": ["gguf", "tensor", "kernels", "tokenizer", "json"],
    "quantize": ["base", "gguf", "tensor"],
    "engine": ["models", "tokenizer", "sampling", "chat", "convert"],
    "serve": ["engine", "tokenizer", "sampling", "chat"],
    "http": ["serve"],
}

# Quoted includes from outside the project: prefix -> where it may stand, as a
# pattern of paths. The public API has none: it uses std types only.
EXTERNAL = {
    "hwy/": r"src/kernels/cpu/",
    "gtest/": r"src/.*_test\.cc$",
    "gmock/": r"src/.*_test\.cc$",
    "nlohmann/": r"src/.*_test\.cc$",
    "tests/": r"src/.*_test\.cc$",
}

# Where the rules on guards, cycles and length hold.
CODE_FOLDERS = ["apps", "bench", "examples", "include", "src", "tests",
                "tools", "zoo"]
MAX_LINES = 600

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
USES = re.compile(r"braid_library\((\w+)([^)]*)\)")


def allowed(folder):
    """What a folder may include: itself and all that is reached from it."""
    found = {folder}
    for used in LAYERS[folder]:
        found |= allowed(used)
    return found


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Tree:
    """The files under a root, and the violations found in them."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.violations = []
        self.texts = {}  # path relative to the root, as a string -> content
        for folder in CODE_FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in (".h", ".cc", ".cpp", ".py"):
                    name = path.relative_to(self.root).as_posix()
                    self.texts[name] = path.read_text(encoding="utf-8")

    def report(self, path, line, message):
        self.violations.append(f"{path}:{line}: {message}")

    def includes(self, path):
        """(line, quote, target) of every #include of a file."""
        text = self.texts[path]
        for match in INCLUDE.finditer(text):
            yield line_of(text, match.start(1)), match[1], match[2]

    def resolve(self, target):
        """The file that an include names, or None if it is not ours."""
        for path in (f"src/{target}", f"include/{target}", target):
            if path in self.texts:
                return path
        return None


def check_includes(tree):
    for path in tree.texts:
        top, *rest = path.split("/")
        if top not in ("src", "include", "apps"):
            continue
        for line, quote, target in tree.includes(path):
            if quote == '"':
                check_include(tree, path, line, target)
            elif top == "include" and not re.fullmatch(r"[a-z_]+", target):
                tree.report(path, line, f"<{target}>: the public API uses "
                            "the standard library only")


def check_include(tree, path, line, target):
    """One quoted include of a file of src/, include/ or apps/."""
    for prefix, where in EXTERNAL.items():
        if target.startswith(prefix):
            if not re.match(where, path):
                tree.report(path, line, f'"{target}" may stand only in {where}')
            return
    resolved = tree.resolve(target)
    if resolved is None:
        tree.report(path, line, f'"{target}" is no file of the project '
                    "(paths are rooted at src/ and include/)")
        return
    top, folder = path.split("/")[:2]
    target_top, target_folder = resolved.split("/")[:2]
    if target_top == "include" or (top == "apps" and target_top in
                                   ("apps", "src")):
        return
    if top == "include":
        tree.report(path, line, f'"{target}": a public header may include '
                    "public headers only")
    elif target_top != "src":
        tree.report(path, line, f'"{target}": src/ may not use {target_top}/')
    elif folder not in LAYERS:
        tree.report(path, line, f"src/{folder} is not in the table of layers")
    elif target_folder not in allowed(folder):
        tree.report(path, line, f'"{target}": {folder} may not use '
                    f"{target_folder} (allowed: "
                    f"{' '.join(sorted(allowed(folder) - {folder}))})")


def check_link_lists(tree):
    """USES lists obey the table, and reach every folder that is included."""
    uses = {}
    for folder in LAYERS:
        path = f"src/{folder}/CMakeLists.txt"
        file = tree.root / path
        match = USES.search(file.read_text()) if file.exists() else None
        if match is None:
            continue
        line = line_of(match.string, match.start())
        uses[folder] = set(re.findall(r"\bbraid_(\w+)", match[2]))
        for used in sorted(uses[folder] - allowed(folder)):
            tree.report(path, line, f"{folder} may not link {used}")

    def linked(folder):
        return {folder}.union(*(linked(f) for f in uses.get(folder, ())
                                if f in allowed(folder)))

    for path in tree.texts:
        top, *rest = path.split("/")
        if top != "src" or rest[0] not in uses:
            continue
        for line, quote, target in tree.includes(path):
            resolved = tree.resolve(target)
            if quote == "<" or not resolved or not resolved.startswith("src/"):
                continue
            folder = resolved.split("/")[1]
            if folder in allowed(rest[0]) and folder not in linked(rest[0]):
                tree.report(path, line, f'"{target}": braid_{folder} is not '
                            f"in the USES list of {rest[0]}")


def guard_name(path):
    name = path.removeprefix("include/braid/")
    name = re.sub(r"[^A-Za-z0-9]", "_", name).upper()
    return f"BRAID_{name}_"


def check_guards(tree):
    for path, text in tree.texts.items():
        if not path.endswith(".h"):
            continue
        guard = guard_name(path)
        # A header of Highway is read once per vector target, so its guard
        # toggles; it is tested in an #if defined, defined and undefined.
        toggles = (rf"^#if defined\({guard}\) ==[ \\\n]*"
                   r"defined\(HWY_TARGET_TOGGLE\)$")
        plain = rf"^#ifndef {guard}\n#define {guard}$"
        if not re.search(f"{plain}|{toggles}", text, re.MULTILINE):
            tree.report(path, 1, f"the include guard should be {guard}")


def check_cycles(tree):
    """Depth-first over headers, without recursion; names each cycle once."""
    graph = {
        path: [resolved for _, quote, target in tree.includes(path)
               if quote == '"' and (resolved := tree.resolve(target))
               and resolved.endswith(".h")]
        for path in tree.texts if path.endswith(".h")
    }
    done = set()
    for start in graph:
        road = []  # the headers on the way from start to here
        stack = [(start, iter(graph[start]))] if start not in done else []
        while stack:
            path, targets = stack[-1]
            if not road or road[-1] != path:
                road.append(path)
            for target in targets:
                if target in road:
                    cycle = road[road.index(target):] + [target]
                    tree.report(path, 1, "cycle: " + " -> ".join(cycle))
                elif target not in done:
                    stack.append((target, iter(graph[target])))
                    break
            else:
                done.add(path)
                stack.pop()
                road.pop()


def check_lengths(tree):
    for path, text in tree.texts.items():
        lines = text.count("\n")
        comment = "#" if path.endswith(".py") else "//"
        reason = rf"^{comment} length: \S"
        if lines > MAX_LINES and not re.search(reason, text, re.MULTILINE):
            tree.report(path, lines, f"{lines} lines; over {MAX_LINES} needs "
                        f'a line "{comment} length: why"')


def check(root):
    """All violations of a tree, as lines."""
    tree = Tree(root)
    check_includes(tree)
    check_link_lists(tree)
    check_guards(tree)
    check_cycles(tree)
    check_lengths(tree)
    return tree.violations


def main(arguments):
    root = arguments[0] if arguments else pathlib.Path(__file__).parents[1]
    violations = check(root)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
