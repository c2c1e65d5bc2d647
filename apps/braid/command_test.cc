#include "apps/braid/command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "apps/braid/bench_report.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/prompts.h"
#include "apps/braid/stop_text.h"
#include "apps/braid/text.h"
#include "apps/braid/text_input.h"

namespace braid::cli {
namespace {

// What `braid ARGUMENTS...` writes to standard output; `code` is its exit code.
std::string Output(const std::vector<std::string>& arguments, int code) {
  ::testing::internal::CaptureStdout();
  const int found = RunCommandLine(arguments);
  const std::string output = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(found, code);
  return output;
}

TEST(CommandTest, HelpOfEveryCommandMentionsEveryFlag) {
  for (const CommandEntry& entry : Commands()) {
    const std::string help = Output({entry.name, "--help"}, 0);
    EXPECT_EQ(help, Output({"help", entry.name}, 0));
    const std::unique_ptr<Command> command = entry.make();
    const FlagTable table = command->Flags();
    for (const Flag& flag : table.flags()) {
      EXPECT_FALSE(flag.group.empty()) << flag.names[0];
      for (const std::string& name : flag.names) {
        EXPECT_NE(help.find(name), std::string::npos)
            << entry.name << " " << name;
      }
    }
  }
}

TEST(CommandTest, HelpIsAsWideAsItMayBe) {
  for (const size_t columns : {40, 59, 60, 80, 120}) {
    size_t widest = 0;
    for (const CommandEntry& entry : Commands()) {
      for (const std::string& line : SplitLines(CommandHelp(entry, columns))) {
        EXPECT_LE(line.size(), columns) << line;
        widest = std::max(widest, line.size());
      }
    }
    EXPECT_GE(widest, columns - 2);
  }
}

TEST(CommandTest, AtTwentyColumnsOnlySingleWordsAreWider) {
  for (const std::string& line : SplitLines(OverviewText(20))) {
    EXPECT_TRUE(line.size() <= 20 ||
                line.find(' ', line.find_first_not_of(' ')) == line.npos)
        << line;
  }
  for (const CommandEntry& entry : Commands()) {
    for (const std::string& line : SplitLines(CommandHelp(entry, 20))) {
      EXPECT_TRUE(line.size() <= 20 ||
                  line.find(' ', line.find_first_not_of(' ')) == line.npos)
          << line;
    }
  }
}

TEST(CommandTest, WhatIsSaidToHaveNoEffectIsAFlag) {
  for (const CommandEntry& entry : Commands()) {
    const std::unique_ptr<Command> command = entry.make();
    const FlagTable table = command->Flags();
    for (const UnusedFlags& unused : command->Unused()) {
      for (const std::string& name : Split(unused.names, ", ")) {
        EXPECT_TRUE(table.Has(name)) << entry.name << " " << name;
      }
    }
  }
}

// What both kinds of flags are called together, every flag once.
TEST(CommonFlagsTest, ListsOfNamesAreComplete) {
  EngineFlags engine;
  SamplingFlags sampling;
  FlagTable engine_table;
  FlagTable sampling_table;
  engine.Declare(engine_table);
  sampling.Declare(sampling_table);
  const std::pair<const FlagTable*, const char*> cases[] = {
      {&engine_table, kEngineFlags}, {&sampling_table, kSamplingFlags}};
  for (const auto& [table, names] : cases) {
    std::vector<std::string> first;
    for (const Flag& flag : table->flags()) first.push_back(flag.names[0]);
    EXPECT_EQ(Split(names, ", "), first);
  }
}

TEST(TextSeedsTest, FollowFromTheTokensAndTheCopy) {
  SamplingParams params;
  params.seed = 7;
  const std::vector<TokenId> a = {1, 2};
  const std::vector<TokenId> b = {2, 1};
  TextSeeds one(params);
  const uint64_t first = one.Next({}, a).seed;
  const uint64_t other = one.Next({}, b).seed;
  const uint64_t second = one.Next({}, a).seed;
  TextSeeds two(params);
  EXPECT_EQ(two.Next({}, b).seed, other);
  EXPECT_EQ(two.Next({}, a).seed, first);
  EXPECT_EQ(two.Next({}, a).seed, second);
  // What an encoder reads is not what a decoder begins with.
  const uint64_t read = two.Next(a, {}).seed;
  EXPECT_EQ(std::set<uint64_t>({first, other, second, read}).size(), 4U);
  params.seed = 8;
  EXPECT_NE(TextSeeds(params).Next({}, a).seed, first);
}

TEST(CommandTest, CompletionListsEveryCommandAndFlag) {
  const std::string script = Output({"completion", "bash"}, 0);
  for (const CommandEntry& entry : Commands()) {
    const size_t arm = script.find("    " + entry.name + ") words=\"");
    ASSERT_NE(arm, std::string::npos) << entry.name;
    const std::string line = script.substr(arm, script.find('\n', arm) - arm);
    const std::unique_ptr<Command> command = entry.make();
    const FlagTable table = command->Flags();
    for (const Flag& flag : table.flags()) {
      for (const std::string& name : flag.names) {
        EXPECT_NE((line + " ").find(" " + name), std::string::npos)
            << entry.name << " " << name;
      }
    }
  }
}

TEST(CommandTest, TheOverviewNamesEveryCommand) {
  const std::string overview = Output({"help"}, 0);
  EXPECT_EQ(overview, Output({"--help"}, 0));
  for (const CommandEntry& entry : Commands()) {
    EXPECT_NE(overview.find("\n  " + entry.name + " "), std::string::npos);
  }
}

TEST(CommandTest, UsageErrorsExitWithOneAndNothingOnStandardOutput) {
  EXPECT_EQ(Output({}, 1), "");
  EXPECT_EQ(Output({"genrate"}, 1), "");
  EXPECT_EQ(Output({"generate", "--bogus"}, 1), "");
  EXPECT_EQ(Output({"generate"}, 1), "");
  EXPECT_EQ(Output({"parallel", "-ctk", "f32"}, 1), "");
  EXPECT_EQ(Output({"tokenize", "-p", "a", "--stdin"}, 1), "");
}

TEST(LogitBiasTest, IsATokenASignAndABias) {
  EXPECT_EQ(*ParseLogitBias("15043+1.5"), std::pair(15043, 1.5f));
  EXPECT_EQ(*ParseLogitBias("7-0.25"), std::pair(7, -0.25f));
  EXPECT_EQ(ParseLogitBias("7-inf")->second,
            -std::numeric_limits<float>::infinity());
  for (const char* text : {"", "7", "+1", "x+1", "7+", "7+inf", "7--1"}) {
    EXPECT_FALSE(ParseLogitBias(text).ok()) << text;
  }
}

TEST(EscapesTest, AreProcessed) {
  EXPECT_EQ(ProcessEscapes(R"(a\nb\t\"\\n\x41)"), "a\nb\t\"\\nA");
  EXPECT_EQ(ProcessEscapes(R"(\q\x4\xzz\)"), R"(\q\x4\xzz\)");
}

// Adds the pieces; what came out, and whether the text was ended.
std::pair<std::string, bool> Stopped(std::vector<std::string> stops,
                                     const std::vector<std::string>& pieces) {
  StopText stop(std::move(stops));
  std::string text;
  for (const std::string& piece : pieces) text += stop.Add(piece);
  text += stop.Finish();
  return {text, stop.stopped()};
}

TEST(StopTextTest, EndsBeforeAStopThatSpansPieces) {
  EXPECT_EQ(Stopped({"User:"}, {"Hi. Us", "er", ": what"}),
            std::pair(std::string("Hi. "), true));
}

TEST(StopTextTest, GivesBackWhatOnlyLookedLikeAStop) {
  EXPECT_EQ(Stopped({"User:", "\n"}, {"The Us", "A"}),
            std::pair(std::string("The UsA"), false));
  EXPECT_EQ(Stopped({"User:"}, {"Use"}), std::pair(std::string("Use"), false));
}

TEST(StopTextTest, TheFirstOfSeveralStopsCounts) {
  EXPECT_EQ(Stopped({"cd", "b"}, {"abcd"}), std::pair(std::string("a"), true));
}

TEST(StopTextTest, WhiteSpaceAtTheStartIsNotSearched) {
  EXPECT_EQ(Stopped({"\n"}, {"\n", " \nYes\nNo"}),
            std::pair(std::string("\n \nYes"), true));
}

TEST(StopTextTest, EmptyStopsAreIgnored) {
  EXPECT_EQ(Stopped({""}, {"abc"}), std::pair(std::string("abc"), false));
}

TEST(BenchReportTest, StatisticsAreOfASample) {
  EXPECT_EQ(Statistics({2, 4, 6}).mean, 4);
  EXPECT_EQ(Statistics({2, 4, 6}).deviation, 2);
  EXPECT_EQ(Statistics({3}).deviation, 0);
}

TEST(BenchReportTest, MarkdownHasTheColumnsOfLlamaBench) {
  ModelInfo info;
  info.architecture = "mamba";
  info.parameters = 1500000;
  info.file_bytes = 3 << 20;
  const BenchReport report(BenchFormat::kMarkdown, {});
  EXPECT_EQ(
      report.Header().substr(0, 66),
      "| model | size | params | backend | threads | test | t/s |\n| --- |");
  const BenchResult result = {.test = {.prompt_tokens = 100, .threads = 2},
                              .path = "m.gguf",
                              .info = info,
                              .time = {},
                              .seconds = {0.5, 0.5}};
  EXPECT_EQ(report.Row(result, true),
            "| mamba | 3.00 MiB | 1.50 M | CPU | 2 | pp100 | 200.00 ± 0.00 "
            "|\n");
}

}  // namespace
}  // namespace braid::cli
