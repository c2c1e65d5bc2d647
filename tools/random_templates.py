"""Random templates: small programs of Jinja, most of which mean something.

The grammar has what published chat templates use, in combinations that they do
not, and values of all types in places where they may not fit. For
compare_templates.py, which has the values of VARIABLES.
"""

VARIABLES = {
    "text": "Hello, it's \"me\" <b>\n  caf\u00e9 \u00df\n",
    "words": " one two  three ",
    "empty": "",
    "n": 7,
    "zero": 0,
    "real": 2.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "numbers": [3, 1, 2, 1],
    "names": ["b", "A", "c", "a"],
    "mixed": [1, "x", None, True, [2], {"k": "v"}, 0.1],
    "dict": {"role": "user", "content": "hi", "b": 2, "A": 1},
    "messages": [
        {"role": "system", "content": "be nice", "n": 3},
        {"role": "user", "content": "hi <there>", "n": 1, "x": {"y": [5]}},
        {"role": "assistant", "content": None, "n": 2}],
}
NAMES = list(VARIABLES) + ["missing", "v", "w", "ns", "loop", "m"]
STRINGS = ["''", "'a'", "\"it's\"", "'user'", "' x '", "'\\n'", "'o'",
           "'role'", "'%s-%s'", "'{}:{}'", "'\u00e9'"]
NUMBERS = ["0", "1", "2", "-1", "3", "10", "1.5", "1e3", "0.1", "100000000"]
FILTERS = ["upper", "lower", "trim", "length", "tojson", "string", "list",
           "first", "last", "join", "join(', ')", "default('d')",
           "default('d', true)", "items", "dictsort", "int", "float", "abs",
           "reverse", "sort", "unique", "min", "max", "sum", "capitalize",
           "title", "safe", "escape", "tojson(indent=2)", "indent",
           "indent(2, true)", "replace('a', 'b')", "selectattr('role')",
           "selectattr('role', 'equalto', 'user')", "map(attribute='role')",
           "rejectattr('content', 'none')", "map('upper')", "select",
           "reject('string')", "select('number')", "map('tojson')",
           "tojson(sort_keys=true)", "tojson(ensure_ascii=true)",
           "tojson(separators=(',', ':'))", "round", "round(1)",
           "sort(attribute='n')", "sum(attribute='n')", "count",
           "dictsort(by='value')", "sort(reverse=true)", "format('p', 'q')"]
TESTS = ["defined", "undefined", "none", "string", "mapping", "iterable",
         "sequence", "number", "boolean", "true", "false", "integer", "float",
         "odd", "even", "divisibleby 2", "divisibleby(3)", "equalto('a')",
         "eq 1", "in names", "in(dict)", "callable", "lower", "upper",
         "sameas none", "gt 1", "escaped"]
ATTRIBUTES = ["role", "content", "x", "n", "items", "y", "index", "first",
              "previtem", "keys", "append", "pop"]
METHODS = ["strip()", "lstrip()", "rstrip('\\n')", "split()", "split('o')",
           "split(' ', 1)", "rsplit(' ', 1)", "startswith('H')",
           "endswith(('a', '\\n'))", "replace('l', 'L')", "upper()", "lower()",
           "title()", "capitalize()", "items()", "keys()", "values()",
           "get('role')", "get('no', 5)", "count('a')", "index('a')",
           "find('l')", "format(1, 'b')", "join(names)", "splitlines()",
           "partition(' ')", "rpartition('o')", "isdigit()", "isalpha()",
           "islower()", "removeprefix('H')", "zfill(12)", "ljust(12, '.')",
           "center(11)", "copy()", "isspace()", "swapcase()"]
BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">",
          ">=", "in", "not in", "and", "or", "**"]
SPACES = ["", "", " ", "\n", "\n  ", "text", " a\n", "\t\n\n"]


class Generator:
    def __init__(self, random):
        self.random = random

    def pick(self, *choices):
        return self.random.choice(choices)

    def expression(self, depth):
        if depth <= 0:
            return self.random.choice(
                [self.random.choice(NAMES)] * 3 +
                [self.random.choice(STRINGS), self.random.choice(NUMBERS),
                 self.pick("true", "false", "none", "[]", "{}", "()")])
        def sub():
            return self.expression(depth - self.random.randint(1, 2))
        kind = self.random.randrange(15)
        if kind < 3:
            return f"{sub()} | {self.random.choice(FILTERS)}"
        if kind < 5:
            return f"{sub()} {self.random.choice(BINARY)} {sub()}"
        if kind == 5:
            return f"({sub()})"
        if kind == 6:
            return (f"{sub()} is {self.pick('', 'not ')}"
                    f"{self.random.choice(TESTS)}")
        if kind == 7:
            return f"({sub()}).{self.random.choice(ATTRIBUTES)}"
        if kind == 8:
            return f"({sub()}).{self.random.choice(METHODS)}"
        if kind == 9:
            return f"({sub()})[{sub()}]"
        if kind == 10:
            bounds = [self.pick("", "1", "-1", "2", "-3") for _ in range(2)]
            step = self.pick("", "", ":-1", ":2", ":")
            return f"({sub()})[{':'.join(bounds)}{step}]"
        if kind == 11:
            return f"({sub()} if {sub()}{self.pick(f' else {sub()}', '')})"
        if kind == 12:
            return self.pick(f"[{sub()}, {sub()}]", f"{{'k': {sub()}}}",
                             f"({sub()}, {sub()})", f"({sub()},)",
                             f"{{{sub()}: {sub()}}}")
        if kind == 13:
            return self.pick(f"not {sub()}", f"-{sub()}", f"+{sub()}",
                             f"range({sub()})", f"m({sub()})",
                             f"m({sub()}, w={sub()})",
                             f"namespace(a={sub()}).a", f"dict(a={sub()})",
                             f"range(1, {sub()}, 2)")
        return f"{sub()} {self.pick('<', '==', '>=')} {sub()} < {sub()}"

    def open(self):
        return "{%" + self.pick("", "", "-", "+")

    def close(self):
        return self.pick("", "", "-", "+") + "%}"

    def tag(self, text):
        return f"{self.open()} {text} {self.close()}"

    def statement(self, depth):
        kind = self.random.randrange(12 if depth > 0 else 5)
        if kind < 3:
            value = self.expression(self.random.randint(0, 3))
            return (f"{{{{{self.pick('', '-')} {value} "
                    f"{self.pick('', '-')}}}}}")
        if kind == 3:
            target = self.pick("v", "w", "v", "ns.a", "v, w")
            return self.tag(f"set {target} = {self.expression(2)}")
        if kind == 4:
            return self.pick("{# note #}", "{#- note -#}",
                             "{% raw %} {{ x }} {% endraw %}")
        body = self.block(depth - 1)
        if kind < 7:
            parts = [self.tag(f"if {self.expression(2)}"), body]
            if self.random.random() < 0.4:
                parts += [self.tag(f"elif {self.expression(1)}"),
                          self.block(depth - 1)]
            if self.random.random() < 0.5:
                parts += [self.tag("else"), self.block(depth - 1)]
            return "".join(parts) + self.tag("endif")
        if kind < 9:
            target = self.pick("v", "v", "v, w")
            condition = self.pick("", "", f" if {self.expression(1)}")
            stop = self.pick("", "", self.tag("break"), self.tag("continue"))
            stop = stop and (self.tag(f"if {self.expression(1)}") + stop +
                             self.tag("endif"))
            other = self.pick("", "", self.tag("else") + self.block(0))
            return (self.tag(f"for {target} in {self.expression(1)}"
                             f"{condition}") + body + stop + body + other +
                    self.tag("endfor"))
        if kind == 9:
            return (self.tag(f"macro m(v, w={self.expression(1)})") + body +
                    self.tag("endmacro"))
        if kind == 10:
            return (self.tag(f"set {self.pick('v', 'w')}"
                             f"{self.pick('', ' | upper', ' | trim')}") +
                    body + self.tag("endset"))
        return self.pick(
            self.tag("generation") + body + self.tag("endgeneration"),
            self.tag("filter trim | upper") + body + self.tag("endfilter"),
            self.tag(f"with v = {self.expression(1)}") + body +
            self.tag("endwith"),
            self.tag(f"call m({self.expression(1)})") + body +
            self.tag("endcall"))

    def block(self, depth):
        return "".join(
            self.random.choice(SPACES) + self.statement(depth)
            for _ in range(self.random.randint(1, 3))
        ) + self.random.choice(SPACES)

    def template(self):
        start = self.pick("", "{% set ns = namespace(a=1) %}")
        return start + self.block(self.random.randint(0, 2))
