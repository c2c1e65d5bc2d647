// Small templates and the texts that jinja2 3.1.6 makes of them in the
// environment of `transformers` 5 (tools/compare_templates.py compares more).
// length: a table
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

#include "chat/chat_template.h"

namespace braid::chat {
namespace {

struct Case {
  std::string_view source;
  std::string_view expected;
};

Input Number(int64_t value) { return {value}; }

Input::Dict Variables() {
  const auto message = [](const char* role, const char* content) {
    return Input{Input::Dict{{"role", Input::Own(role)},
                             {"content", Input::Said(content)}}};
  };
  return {
      {"text", Input::Said("Hello, it's me\n")},
      {"n", Number(7)},
      {"real", {2.5}},
      {"yes", {true}},
      {"nothing", {}},
      {"numbers", {Input::List{Number(3), Number(1), Number(2)}}},
      {"names",
       {Input::List{Input::Said("b"), Input::Said("A"), Input::Said("c")}}},
      {"dict", {Input::Dict{{"role", Input::Own("user")}, {"n", Number(2)}}}},
      {"messages",
       {Input::List{message("system", "be nice"),
                    message("user", "hi <there>")}}},
  };
}

void CheckAll(std::span<const Case> cases) {
  for (const Case& test : cases) {
    SCOPED_TRACE(test.source);
    const auto parsed = ChatTemplate::Parse(test.source);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    const auto rendered = parsed->Render(Variables());
    ASSERT_TRUE(rendered.ok()) << rendered.error().message;
    EXPECT_EQ(rendered->text, test.expected);
  }
}

// clang-format off
constexpr Case kWhitespace[] = {
    {"a\n  {% if yes %}\n  b\n  {% endif %}\n c",
     "a\n  b\n c"},
    {"  {%+ if yes %}x{% endif +%}\ny",
     "  x\ny"},
    {"a  {{- n -}}  b",
     "a7b"},
    {"a {#- c -#} b\n{# d #}\ne",
     "ab\ne"},
    {"x\n {%- if yes -%} \n y {%- endif %}",
     "xy"},
    {"{% raw %}{{ a }}{% endraw %}\n",
     "{{ a }}"},
    {"{{ n }}\n",
     "7"},
    {"a\r\nb{{ n }}\r",
     "a\nb7"},
};

constexpr Case kValues[] = {
    {"{{ 1.0 }} {{ 1e16 }} {{ 0.00001 }} {{ 1e15 }} {{ 0.1 + 0.2 }}",
     "1.0 1e+16 1e-05 1000000000000000.0 0.30000000000000004"},
    {"{{ none }} {{ true }} {{ [1, 'a', none, 2.0] }} {{ (1,) }} {{ {'a': 1} }}",
     "None True [1, 'a', None, 2.0] (1,) {'a': 1}"},
    {"{{ [\"it's\", 'a\"b', \"both'\\\"\", 'é\\n\\x00'] }}",
     "[\"it's\", 'a\"b', 'both\\'\"', 'é\\n\\x00']"},
    {"{{ missing }}|{{ missing is defined }}|{{ missing|length }}|{{ missing == missing }}",
     "|False|0|True"},
    {"{{ numbers.items }}|{{ dict.nothing }}|{{ numbers[9] }}|{{ 'abc'[7] }}",
     "|||"},
    {"{{ range(1, 6, 2) }} {{ dict.items() }} {{ dict.keys() }}",
     "range(1, 6, 2) dict_items([('role', 'user'), ('n', 2)]) dict_keys(['role', 'n'])"},
    {"{{ 'a' 'b' }}{{ '\\u00e9\\x41\\101\\q' }}",
     "abéAA\\q"},
};

constexpr Case kOperators[] = {
    {"{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 }} {{ 2 ** -1 }} {{ -7.5 // 2 }} {{ 7 % -2.5 }}",
     "3 -4 2 3.5 8 0.5 -4.0 -0.5"},
    {"{{ 'ab' * 2 }}{{ [1] * 2 }}{{ [1] + [2] }}{{ 'a' + 'b' }}{{ 1 ~ 'a' ~ none }}",
     "abab[1, 1][1, 2]ab1aNone"},
    {"{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'abc' }} {{ 2 in numbers }} {{ 'role' in dict }} {{ 9 not in numbers }}",
     "True False True True True True"},
    {"{{ 0 or 'x' }} {{ 1 and 'y' }} {{ not '' }} {{ 'a' if n > 5 else 'b' }}|{{ 'a' if n > 9 }}",
     "x y True a|"},
    {"{{ numbers[-1] }} {{ numbers[::-1] }} {{ 'hello'[1:3] }} {{ 'hello'[-3:] }} {{ numbers[:1] }}{{ 'abc'[::-2] }}",
     "2 [2, 1, 3] el llo [3]ca"},
    {"{{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ true == 1 }} {{ 1 == 1.0 }} {{ '1' == 1 }}",
     "True True True True False"},
    {"{{ '%s-%d' % ('a', 3) }} {{ '{}:{x}'.format(1, x=2) }}",
     "a-3 1:2"},
    {"{{ -n }} {{ +n }} {{ - 2 ** 2 }} {{ 2 + 3 * 4 }} {{ 1 ~ 2 + 3 if false else 'e' }}",
     "-7 7 4 14 e"},
};

constexpr Case kStatements[] = {
    {"{% for m in messages %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ m.role }};{% endfor %}",
     "1TrueFalsesystem;2FalseTrueuser;"},
    {"{% for x in numbers if x > 1 %}{{ loop.length }}{{ x }}{% else %}none{% endfor %}",
     "2322"},
    {"{% for x in [] %}{% else %}none{% endfor %}",
     "none"},
    {"{% for k, v in dict.items() %}{{ k }}={{ v }},{% endfor %}",
     "role=user,n=2,"},
    {"{% for x in numbers %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{% break %}{% endif %}{% endfor %}",
     "32"},
    {"{% for x in numbers %}{% break %}{% else %}e{% endfor %}",
     "e"},
    {"{% set x = 1 %}{% for i in numbers %}{% set x = i %}{% endfor %}{{ x }}",
     "1"},
    {"{% set ns = namespace(a=1) %}{% for i in numbers %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}",
     "7"},
    {"{% if n == 1 %}a{% elif n == 7 %}b{% else %}c{% endif %}",
     "b"},
    {"{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set t %}x{{ n }}{% endset %}{{ t|upper }}",
     "21X7"},
    {"{% macro m(a, b='d', c=b) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m() }}",
     "[1dd][1d3][dd]"},
    {"{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
     "3210"},
    {"{% macro w() %}<{{ caller(1) }}>{% endmacro %}{% call(x) w() %}c{{ x }}{% endcall %}",
     "<c1>"},
    {"{% filter upper %}a{{ names[2] }}{% endfilter %}{% with q = 3 %}{{ q }}{% endwith %}{{ q }}",
     "AC3"},
    {"{% generation %}a{% set z = 1 %}{% endgeneration %}{{ z }}",
     "a"},
    {"{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ v(1, a=2) }}{{ v(*numbers, **{'k': 1}) }}",
     "(1,){'a': 2}(3, 1, 2){'k': 1}"},
    {"{% for x in numbers %}{{ loop.previtem }}<{{ loop.nextitem }};{% endfor %}{% for x in numbers %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}",
     "<1;3<2;1<;aTruebTrueaTrue"},
};

constexpr Case kFilters[] = {
    {"{{ messages|tojson }}",
     "[{\"role\": \"system\", \"content\": \"be nice\"}, {\"role\": \"user\", \"content\": \"hi <there>\"}]"},
    {"{{ {'a': [1, {}], 'b': none, 'é': 1.5}|tojson(indent=2) }}",
     "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": null,\n  \"é\": 1.5\n}"},
    {"{{ {'b': 'é\\n\"', 'a': true}|tojson(ensure_ascii=true, sort_keys=true, separators=(',', ':')) }}",
     "{\"a\":true,\"b\":\"\\u00e9\\n\\\"\"}"},
    {"{{ messages|map(attribute='role')|join(', ') }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }}",
     "system, user 1"},
    {"{{ names|sort }} {{ names|sort(case_sensitive=true, reverse=true) }} {{ numbers|unique|list }} {{ numbers|max }}{{ numbers|min }}{{ numbers|sum }}",
     "['A', 'b', 'c'] ['c', 'b', 'A'] [3, 1, 2] 316"},
    {"{{ dict|dictsort }} {{ dict|items|list }} {{ numbers|first }}{{ numbers|last }}",
     "[('n', 2), ('role', 'user')] [('role', 'user'), ('n', 2)] 32"},
    {"{{ '  a '|trim }}{{ 'ab'|upper }}{{ 'Ab cd'|title }}{{ 'aB'|capitalize }}{{ 'abc'|replace('b', 'x') }}",
     "aABAb CdAbaxc"},
    {"{{ missing|default('d') }}{{ ''|default('e', true) }}{{ ''|default('f') }}{{ none|default('g') }}",
     "deNone"},
    {"{{ '42'|int }}{{ 'x'|int(5) }}{{ '3.9'|int }}{{ '1.5'|float }}{{ 2.5|round }}{{ -3|abs }}{{ 2.345|round(2) }}",
     "42531.52.032.35"},
    {"{{ 'a\\nb\\n\\nc'|indent }}|{{ 'a\\nb'|indent(2, true) }}",
     "a\n    b\n\n    c|  a\n  b"},
    {"{{ numbers|select('odd')|list }}{{ numbers|reject('odd')|list }}{{ names|map('upper')|list }}",
     "[3, 1][2]['B', 'A', 'C']"},
    {"{{ ('<'|safe + '<') }}{{ '<\\''|escape }}",
     "<&lt;&lt;&#39;"},
    {"{{ messages|rejectattr('role', 'in', ['user'])|list|length }}{{ 'abc'|list }}{{ 'abc'|reverse }}{{ numbers|reverse|list }}",
     "1['a', 'b', 'c']cba[2, 1, 3]"},
    {"{% if messages|selectattr('none') %}true{% endif %}",
     "true"},
};

constexpr Case kTests[] = {
    {"{{ 'a' is string }}{{ 1 is number }}{{ 1.5 is float }}{{ true is boolean }}{{ true is number }}{{ 1 is integer }}{{ true is integer }}",
     "TrueTrueTrueTrueTrueTrueFalse"},
    {"{{ dict is mapping }}{{ dict is sequence }}{{ dict is iterable }}{{ 'a' is sequence }}{{ 1 is iterable }}{{ none is none }}",
     "TrueTrueTrueTrueFalseTrue"},
    {"{{ missing is undefined }}{{ missing is iterable }}{{ nothing is defined }}{{ 4 is even }}{{ 6 is divisibleby 3 }}{{ 'a' is in names }}",
     "TrueTrueTrueTrueTrueFalse"},
    {"{{ 1 is eq 1 }}{{ true is true }}{{ 1 is true }}{{ none is sameas none }}{{ n is not none and n is gt 5 }}",
     "TrueTrueFalseTrueTrue"},
};

constexpr Case kMethods[] = {
    {"{{ ' a b '.strip() }}|{{ 'xxaxx'.lstrip('x') }}|{{ 'axx'.rstrip('x') }}|{{ ' a  b '.split() }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'a,b,c'.rsplit(',', 1) }}",
     "a b|axx|a|['a', 'b']|['a', 'b,c']|['a,b', 'c']"},
    {"{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.endswith('bc') }}{{ 'aXa'.replace('a', 'b', 1) }}{{ 'ab'.upper() }}{{ 'they\\'re ß'.title() }}{{ 'ß'.upper() }}",
     "TrueTruebXaABThey'Re SsSS"},
    {"{{ dict.get('role') }}{{ dict.get('x') }}{{ dict.get('x', 1) }}{{ dict.values()|list }}{{ numbers.index(2) }}{{ numbers.count(3) }}",
     "userNone1['user', 2]21"},
    {"{{ 'a\\nb\\r\\nc'.splitlines() }}{{ 'a-b-c'.partition('-') }}{{ 'banana'.find('an') }}{{ 'banana'.rfind('an') }}{{ 'banana'.count('an') }}",
     "['a', 'b', 'c']('a', '-', 'b-c')132"},
    {"{{ 'ab'.center(7, '.') }}{{ '-7'.zfill(4) }}{{ 'abc'.removeprefix('a') }}{{ '-'.join(names) }}{{ 'ab'.isalpha() }}{{ 'A1'.isupper() }}",
     "...ab..-007bcb-A-cTrueTrue"},
};

// clang-format on

TEST(ChatTemplateTest, Whitespace) { CheckAll(kWhitespace); }

TEST(ChatTemplateTest, Values) { CheckAll(kValues); }

TEST(ChatTemplateTest, Operators) { CheckAll(kOperators); }

TEST(ChatTemplateTest, Statements) { CheckAll(kStatements); }

TEST(ChatTemplateTest, Filters) { CheckAll(kFilters); }

TEST(ChatTemplateTest, Tests) { CheckAll(kTests); }

TEST(ChatTemplateTest, Methods) { CheckAll(kMethods); }

}  // namespace
}  // namespace braid::chat
