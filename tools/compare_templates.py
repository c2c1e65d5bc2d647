#!/usr/bin/env python3
"""Compares Braid's chat templates with `transformers`, byte for byte.

    compare_templates.py RENDER_TEMPLATES FOLDER [--verbose]
        [--random N [--seed S]]

RENDER_TEMPLATES is the test program of that name; FOLDER has templates,
*.jinja. Each is rendered with the conversations below, with the prompt for an
answer and without it, by Braid and by jinja2 in the environment that
`transformers` gives to templates. The texts have to be the same, or both have
to refuse. Every text of a person has the character MARK in it, which Braid must
never count among the template's own.

--random compares N random templates besides. Of these, Braid may refuse some
that jinja2 renders if it says that something is not supported, or has no text:
what Python prints of it is an address.

Needs the PyPI package `transformers`, and `jinja2`. Exits 77 if they or the
folder are missing, 1 if anything differs.
"""

import argparse
import datetime
import json
import pathlib
import random
import subprocess
import sys

import random_templates

SKIPPED = 77
MARK = "\u00a4"
NOW = datetime.datetime(2026, 3, 7)

PARAMETERS = {
    "type": "object",
    "properties": {
        "location": {"type": "string",
                     "description": f"The city{MARK}, e.g. \"Köln\" & <co>"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "array", "items": {"type": "integer"},
                 "description": f"It's a list{MARK}\nof days"},
        "options": {"type": "object", "properties": {
            "detail": {"type": "boolean", "default": False},
            "weight": {"type": "number", "minimum": 0.5}},
            "additionalProperties": {"type": "string"}},
    },
    "required": ["location"],
}
TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": f"Gets today's weather{MARK}.",
        "parameters": PARAMETERS}},
    {"type": "function", "function": {
        "name": "now", "description": f"The time{MARK}",
        "parameters": {"type": "object", "properties": {}}}},
]


def user(text):
    return {"role": "user", "content": text + MARK}


def assistant(text, **more):
    return {"role": "assistant", "content": text + MARK, **more}


def call(arguments, name="get_weather", index=1):
    return {"id": f"call0000{index}", "type": "function",
            "function": {"name": name, "arguments": arguments}}


SYSTEM = {"role": "system", "content": f"  You are terse{MARK}.\n"}
CALLED = {"location": f"Zürich{MARK} \"x\"", "days": [1, 2], "unit": None,
          "options": {"detail": True, "weight": 1.5}}

# The templates differ in what they want of tool calls: arguments as an object
# or as JSON, a content or none. Each conversation is tried in one shape that
# most accept; where one refuses, the other must, too.
CONVERSATIONS = {
    "plain": {"messages": [user("Hello, \"world\" & <|im_end|> it's \u00e9\u4f60\U0001f600\n")]},
    "system": {"messages": [SYSTEM, user(" Who are you? ")]},
    "turns": {"messages": [
        SYSTEM, user("One"), assistant("Two\n\n"), user("Three"),
        assistant(" Four "), user("Five")]},
    "tools": {"messages": [SYSTEM, user("What is the weather?")],
              "tools": TOOLS},
    "thinking": {"messages": [
        user("2+2?"),
        assistant(f"<think>\nLet me add{MARK}.\n</think>\n\n4",
                  reasoning_content=f"Let me add{MARK}."),
        user("And 3+3?"),
        assistant("6", reasoning_content=f"Easy{MARK}\n")],
        "enable_thinking": True, "reasoning_effort": "high",
        "thinking": True},
    "results": {"messages": [
        user("What is the weather?"),
        assistant("", tool_calls=[call(CALLED)]),
        {"role": "tool", "name": "get_weather", "tool_call_id": "call00001",
         "content": f"{{\"sky\": \"clear{MARK}\", \"degrees\": 21.5}}"},
        assistant("Clear."), user("Thanks"),
        assistant("", tool_calls=[call({}, "now", 2)]),
        {"role": "tool", "name": "now", "tool_call_id": "call00002",
         "content": f"noon{MARK}"}],
        "tools": TOOLS},
}
OWN = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
       "pad_token": "<pad>"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


class Reference:
    """Templates in the environment of `transformers`."""

    def __init__(self):
        try:
            import jinja2
            from transformers.utils import chat_template_utils
        except ImportError as error:
            skip(f"{error} (PyPI: transformers, jinja2)")
        self.compile = chat_template_utils._compile_jinja_template
        self.version = jinja2.__version__

    def render(self, source, variables):
        """(text, None) or (None, why it was refused)."""
        try:
            template = self.compile(source)
            template.globals["strftime_now"] = NOW.strftime
            return template.render(**variables), None
        except Exception as error:  # whatever a template runs into
            return None, f"{type(error).__name__}: {error}"


class Subject:
    """Braid's renderer."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, encoding="utf-8")

    def render(self, source, variables):
        request = {"template": source, "variables": variables, "own": OWN,
                   "now": [NOW.year, NOW.month, NOW.day]}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def own_text(answer):
    """The rendered text without what people said."""
    data = answer["text"].encode()
    kept, at = b"", 0
    for begin, end in answer["spoken"]:
        kept += data[at:begin]
        at = end
    return (kept + data[at:]).decode(errors="replace")


def first_difference(a, b):
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y),
              min(len(a), len(b)))
    return f"at {at}: {a[at - 30:at + 40]!r} against {b[at - 30:at + 40]!r}"


def compare(answer, text, refusal):
    """"equal", "refused", or what is wrong."""
    if "error" in answer:
        if refusal is not None:
            return "refused"
        return f"only Braid refuses: {answer['error']}"
    if refusal is not None:
        return f"only jinja2 refuses: {refusal}"
    if answer["text"] != text:
        return f"differs {first_difference(answer['text'], text)}"
    if MARK in own_text(answer):
        return "a person's text counts as the template's own"
    return "equal"


# What one of the two may refuse alone: integers have 64 bits here, and jinja2
# computes with constants before it runs a template, where slices of what has
# none are undefined and keys that cannot be are an error.
EXCUSES = ("not supported", "has no text", "of 64 bits", "levels deep",
           "has no slices", "unhashable type")


def compare_random(reference, subject, count, seed):
    """Prints what differs, and the counts; True if nothing did."""
    counts = {"equal": 0, "refused": 0, "unsupported": 0, "different": 0}
    generator = random_templates.Generator(random.Random(seed))
    for _ in range(count):
        source = generator.template()
        variables = random_templates.VARIABLES
        text, refusal = reference.render(source, {**variables, **OWN})
        answer = subject.render(source, variables)
        verdict = compare(answer, text, refusal)
        if verdict not in counts:
            excused = any(excuse in verdict for excuse in EXCUSES)
            verdict_counted = "unsupported" if excused else "different"
            if not excused:
                print(f"{source!r}\n  {verdict}")
        else:
            verdict_counted = verdict
        counts[verdict_counted] += 1
    print(f"{count} random templates (seed {seed}): "
          f"{counts['equal']} equal, {counts['refused']} refused by both, "
          f"{counts['unsupported']} not supported, "
          f"{counts['different']} different")
    return counts["different"] == 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true",
                        help="print why templates are refused")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("*.jinja"))
    if not files:
        skip(f"{arguments.folder} has no templates (*.jinja)")
    reference, subject = Reference(), Subject(arguments.program)
    counts = {"equal": 0, "refused": 0, "different": 0}
    for file in files:
        source = file.read_text(encoding="utf-8")
        for name, conversation in CONVERSATIONS.items():
            for prompt in (True, False):
                variables = {**conversation, "add_generation_prompt": prompt}
                text, refusal = reference.render(source, {**variables, **OWN})
                answer = subject.render(source, variables)
                verdict = compare(answer, text, refusal)
                counts[verdict if verdict in counts else "different"] += 1
                if verdict not in counts:
                    print(f"{file.name}, {name}: {verdict}")
                elif verdict == "refused" and arguments.verbose:
                    print(f"{file.name}, {name}: {refusal} | "
                          f"{answer['error']}")
    print(f"{len(files)} templates x {len(CONVERSATIONS)} conversations, with "
          f"and without a prompt: {counts['equal']} equal to jinja2 "
          f"{reference.version}, {counts['refused']} refused by both, "
          f"{counts['different']} different")
    same = counts["different"] == 0
    if arguments.random > 0:
        same &= compare_random(reference, subject, arguments.random,
                               arguments.seed)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
