#include "chat/chat_template.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"

namespace braid::chat {
namespace {

// What rendering fails with, or "" if it does not.
std::string Refusal(std::string_view source, const Input::Dict& variables = {},
                    const TemplateLimits& limits = {}) {
  const auto parsed = ChatTemplate::Parse(source, limits);
  if (!parsed.ok()) return parsed.error().message;
  const auto rendered = parsed->Render(variables);
  return rendered.ok() ? "" : rendered.error().message;
}

Input Text(const char* text) { return Input::Said(text); }

// The text with what people said in brackets.
std::string Marked(std::string_view source, const Input::Dict& variables) {
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) return parsed.error().message;
  const auto rendered = parsed->Render(variables);
  if (!rendered.ok()) return rendered.error().message;
  std::string marked = rendered->text;
  for (auto range = rendered->spoken.rbegin(); range != rendered->spoken.rend();
       ++range) {
    marked.insert(range->end, 1, ']');
    marked.insert(range->begin, 1, '[');
  }
  return marked;
}

TEST(ChatTemplateTest, ErrorsSayWhere) {
  EXPECT_EQ(Refusal("a\n {{ b.c }}"), "line 2, column 6: 'b' is undefined");
  EXPECT_EQ(Refusal("{% if x %}"),
            "line 1, column 11: expected a tag 'endif', found the end of the "
            "template");
  EXPECT_EQ(Refusal("{{ 1 + }}"),
            "line 1, column 8: expected an expression, found the end of the "
            "tag");
  EXPECT_EQ(Refusal("{{ raise_exception('no ' ~ x) }}", {{"x", Text("tools")}}),
            "line 1, column 19: the template refuses: no tools");
  EXPECT_EQ(Refusal("é{{ 'a' - 1 }}"),
            "line 1, column 9: '-' is not possible with str and int");
  EXPECT_EQ(Refusal("{{ 1 // 0 }}"), "line 1, column 6: a division by zero");
  EXPECT_EQ(Refusal("{{ 9223372036854775807 + 1 }}"),
            "line 1, column 24: the result of '+' is no integer of 64 bits");
}

TEST(ChatTemplateTest, WhatIsNotSupportedIsRefusedByName) {
  EXPECT_EQ(Refusal("{% include 'x' %}"),
            "line 1, column 4: the tag 'include' is not supported");
  EXPECT_EQ(Refusal("{% nonsense %}"),
            "line 1, column 4: there is no tag 'nonsense'");
  EXPECT_EQ(Refusal("{% for x in [] recursive %}{% endfor %}"),
            "line 1, column 16: recursive loops are not supported");
  EXPECT_EQ(Refusal("{% break %}"),
            "line 1, column 1: 'break' outside of a loop");
  EXPECT_EQ(Refusal("{{ x | xmlattr }}"),
            "line 1, column 8: there is no filter 'xmlattr'");
  EXPECT_EQ(Refusal("{{ [].append(1) }}"),
            "line 1, column 13: list.append is not allowed in a template");
}

// Templates try what their own runtime has; jinja2 refuses it if it is reached.
TEST(ChatTemplateTest, AnUnknownFilterInAnIfIsRefusedWhenItIsReached) {
  constexpr std::string_view kSource =
      "{% if x %}{{ x | from_json }}{% endif %}";
  EXPECT_EQ(Refusal(kSource), "");
  EXPECT_EQ(Refusal(kSource, {{"x", Text("1")}}),
            "line 1, column 18: there is no filter 'from_json'");
}

TEST(ChatTemplateTest, WhatPeopleSaidIsKnownThroughEveryOperation) {
  const Input::Dict variables = {{"s", Text("Ab <x>")}, {"t", Text("q")}};
  EXPECT_EQ(Marked("<b>{{ s }}</b>", variables), "<b>[Ab <x>]</b>");
  EXPECT_EQ(Marked("{{ 'A' + s[1:4] + 'z' }}", variables), "A[b <]z");
  EXPECT_EQ(Marked("{{ s | upper | replace('B', '-') }}", variables),
            "[A]-[ <X>]");
  EXPECT_EQ(Marked("{{ [s, '<x>'] | join('|') }}", variables), "[Ab <x>]|<x>");
  EXPECT_EQ(Marked("{{ {'k': s} | tojson }}", variables),
            "{\"k\": \"[Ab <x>]\"}");
  EXPECT_EQ(Marked("{{ s.split(' ')[1] ~ t.strip() }}", variables), "[<x>q]");
  EXPECT_EQ(Marked("{% set x %}-{{ t }}-{% endset %}{{ x * 2 }}", variables),
            "-[q]--[q]-");
  EXPECT_EQ(Marked("{{ '%s!' % t }}{{ 'a{}b'.format(t) }}{{ [t] }}", variables),
            "[q]!a[q]b['[q]']");
  EXPECT_EQ(Marked("{{ d | tojson }}",
                   {{"d", {Input::Dict{{"</s>", Input::Own("own")}}}}}),
            "{\"[</s>]\": \"own\"}");
}

TEST(ChatTemplateTest, BytesThatAreNoUtf8ComeOutAsTheyWentIn) {
  const auto parsed = ChatTemplate::Parse("<{{ x }}>");
  ASSERT_TRUE(parsed.ok());
  const std::string bytes = "\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82";
  const auto rendered = parsed->Render({{"x", Input::Said(bytes)}});
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(rendered->text, Format("<{}>", bytes));
  EXPECT_EQ(rendered->spoken, (std::vector<ByteRange>{{1, 1 + bytes.size()}}));
}

TEST(ChatTemplateTest, TimeIsGiven) {
  std::tm now = {};
  now.tm_year = 126;
  now.tm_mon = 2;
  now.tm_mday = 7;
  const auto parsed = ChatTemplate::Parse("{{ strftime_now('%d %b %Y') }}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Render({}, now)->text, "07 Mar 2026");
  EXPECT_EQ(parsed->Render({}).error().message,
            "line 1, column 16: no time is given");
}

TEST(ChatTemplateTest, NothingRunsWithoutABound) {
  EXPECT_EQ(Refusal("aaaa", {}, {.template_bytes = 3}),
            "the template has 4 bytes, at most 3 are allowed");
  constexpr std::string_view kLoops =
      "{% for a in range(99999) %}{% for b in range(99999) %}"
      "{% endfor %}{% endfor %}";
  EXPECT_NE(
      Refusal(kLoops, {}, {.steps = 1000000}).find("more than 1000000 steps"),
      std::string::npos);
  EXPECT_NE(
      Refusal(kLoops, {}, {.value_bytes = 1 << 20}).find("bytes of values"),
      std::string::npos);
  EXPECT_NE(Refusal("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")
                .find("levels deep"),
            std::string::npos);
  EXPECT_NE(Refusal("{% set ns = namespace(s='ab') %}"
                    "{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}"
                    "{% endfor %}",
                    {}, {.characters = 1 << 16})
                .find("characters were made"),
            std::string::npos);
  EXPECT_NE(Refusal("{{ 'ab' * 1000000000000 }}").find("characters"),
            std::string::npos);
  EXPECT_NE(Refusal("{{ 'abc' }}", {}, {.output_bytes = 2}).find("output"),
            std::string::npos);
}

TEST(ChatTemplateTest, DeepSourcesAreRefusedAndNotFollowed) {
  const auto repeated = [](std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
  };
  constexpr std::pair<std::string_view, std::string_view> kAround[] = {
      {"(", ")"}, {"[", "]"},   {"{1:", "}"},
      {"-", ""},  {"not ", ""}, {"f(", ")"}};
  for (const auto& [before, after] : kAround) {
    EXPECT_NE(Refusal("{{ " + repeated(before, 5000) + "1" +
                      repeated(after, 5000) + " }}")
                  .find("levels deep"),
              std::string::npos)
        << before;
  }
  EXPECT_NE(Refusal(repeated("{% if x %}", 5000)).find("levels deep"),
            std::string::npos);
  EXPECT_NE(Refusal("{{ 1" + repeated("+1", 5000) + " }}").find("levels deep"),
            std::string::npos);
  // What contains itself has no end.
  EXPECT_NE(Refusal("{% set ns = namespace(l=[]) %}{% for i in range(2000) %}"
                    "{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}")
                .find("levels deep"),
            std::string::npos);
}

}  // namespace
}  // namespace braid::chat
