#include "apps/braid/known_flags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "apps/braid/command.h"

namespace braid::cli {
namespace {

FlagTable TableOf(std::string_view command, std::unique_ptr<Command>& owner) {
  for (const CommandEntry& entry : Commands()) {
    if (entry.name != command) continue;
    owner = entry.make();
    return owner->Flags();
  }
  ADD_FAILURE() << "no command " << command;
  return {};
}

// Every flag that has a row for the command.
std::vector<KnownFlag> FlagsOf(std::string_view command) {
  std::vector<KnownFlag> flags;
  for (const KnownFlagGroup& group : KnownFlagGroups()) {
    if (std::ranges::count(group.commands, command) == 0) continue;
    flags.insert(flags.end(), group.flags.begin(), group.flags.end());
  }
  return flags;
}

bool IsSupported(FlagTable& table, const std::string& name) {
  if (table.Has(name)) return true;
  const Result<bool> help = table.Parse(std::vector<std::string>{name});
  return help.ok() && *help;
}

TEST(KnownFlagsTest, TheVerdictIsTrue) {
  for (const KnownProgram& known : KnownPrograms()) {
    std::unique_ptr<Command> owner;
    FlagTable table = TableOf(known.command, owner);
    for (const KnownFlag& flag : FlagsOf(known.command)) {
      for (const std::string& name : Split(flag.names, ", ")) {
        EXPECT_EQ(IsSupported(table, name), flag.verdict == Verdict::kSupported)
            << known.command << " " << name;
      }
    }
  }
}

TEST(KnownFlagsTest, AFlagHasOneRowPerCommandAndAReason) {
  for (const KnownProgram& known : KnownPrograms()) {
    std::set<std::string> names;
    for (const KnownFlag& flag : FlagsOf(known.command)) {
      EXPECT_TRUE(flag.verdict == Verdict::kSupported || !flag.remark.empty())
          << flag.names;
      for (const std::string& name : Split(flag.names, ", ")) {
        EXPECT_TRUE(name.starts_with('-')) << name;
        EXPECT_TRUE(names.insert(name).second) << known.command << " " << name;
      }
    }
  }
}

Status ParseAs(std::string_view command, std::vector<std::string> arguments) {
  std::unique_ptr<Command> owner;
  FlagTable table = TableOf(command, owner);
  AddKnownFlags(command, table);
  const Result<bool> help = table.Parse(arguments);
  if (!help.ok()) return help.error();
  return {};
}

// What `braid COMMAND NAME [VALUE]` says before anything runs; empty: nothing.
std::string Complaint(std::string_view command, const KnownFlag& flag,
                      const std::string& name) {
  std::vector<std::string> arguments = {name};
  const bool needs_value = !flag.value.empty() && !flag.value.starts_with('[');
  if (needs_value) arguments.emplace_back("12345");
  const Status status = ParseAs(command, arguments);
  return status.ok() ? "" : status.error().message;
}

TEST(KnownFlagsTest, EveryNameDoesWhatItsVerdictSays) {
  testing::internal::CaptureStderr();
  for (const KnownProgram& known : KnownPrograms()) {
    for (const KnownFlag& flag : FlagsOf(known.command)) {
      if (flag.verdict == Verdict::kSupported) continue;
      const bool refused = flag.verdict == Verdict::kRefused;
      for (const std::string& name : Split(flag.names, ", ")) {
        // quantize has arguments that must be there.
        const std::string rest =
            known.command == "quantize" ? "IN is missing" : "";
        EXPECT_EQ(Complaint(known.command, flag, name),
                  refused ? Format("{}: {}", name, flag.remark) : rest)
            << known.command;
      }
    }
  }
  testing::internal::GetCapturedStderr();
}

TEST(KnownFlagsTest, WhatCannotMatterIsAcceptedWithANote) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(ParseAs("generate", {"-p", "a", "-ngl", "99", "-fa", "on", "-fa",
                                   "-fa", "--no-mmap", "-tb", "4"})
                  .ok());
  const std::string notes = testing::internal::GetCapturedStderr();
  EXPECT_NE(notes.find("note: -ngl, --gpu-layers, --n-gpu-layers has no "
                       "effect: everything runs on the CPU\n"),
            std::string::npos)
      << notes;
  // A command that is no program of llama.cpp, and one that has no model.
  EXPECT_TRUE(ParseAs("fit", {"--mlock"}).ok());
  EXPECT_FALSE(ParseAs("convert", {"x", "--mlock"}).ok());
}

TEST(KnownFlagsTest, WhatWouldMatterIsRefusedWithItsReason) {
  const Status status = ParseAs("generate", {"-hf", "somebody/something"});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "-hf: nothing is downloaded; fetch the file and give it with -m");
}

TEST(KnownFlagsTest, TheValueThatTurnsAFlagOffIsAccepted) {
  EXPECT_TRUE(ParseAs("chat", {"--mirostat", "0"}).ok());
  EXPECT_TRUE(ParseAs("chat", {"--xtc-probability", "0.00"}).ok());
  EXPECT_FALSE(ParseAs("chat", {"--mirostat", "2"}).ok());
  EXPECT_FALSE(ParseAs("chat", {"--mirostat", "off"}).ok());
  EXPECT_FALSE(ParseAs("chat", {"--mirostat"}).ok());
}

}  // namespace
}  // namespace braid::cli
