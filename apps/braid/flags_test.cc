#include "apps/braid/flags.h"

#include <gtest/gtest.h>

#include "apps/braid/help.h"
#include "apps/braid/nearest.h"

namespace braid::cli {
namespace {

enum class Colour { kRed, kBlue };

// One flag of each kind.
class FlagTableTest : public ::testing::Test {
 protected:
  FlagTableTest() {
    table_.Group("Texts")
        .Text("-m, --model", "FILE", "a file", &model_)
        .Texts("-p, --prompt", "TEXT", "a text", &prompts_);
    table_.Group("Numbers")
        .Integer("-n, --predict, --n-predict", "N", "a count", &count_, {-1, 9})
        .Integer("-s, --seed", "N", "a seed", &seed_, {-1, INT64_MAX})
        .Integers("-t, --threads", "N,...", "counts", &list_, {1, 64})
        .Number("--temp", "X", "warmth", &warmth_, {0, 2});
    table_.Group("Choices")
        .Switch("--special", "a switch", &special_)
        .Switch("--no-bos", "a switch that clears", &bos_, false)
        .Toggle("-e, --escape", "a toggle", &escape_)
        .Choice("-ctk, --cache-type-k", "TYPE", "a colour", &colour_,
                {{"red", Colour::kRed}, {"blue", Colour::kBlue}});
  }

  // The error's text; empty: none.
  std::string ErrorOf(const std::vector<std::string>& arguments) {
    const auto parsed = table_.Parse(arguments);
    return parsed.ok() ? "" : parsed.error().message;
  }

  FlagTable table_;
  std::string model_;
  std::vector<std::string> prompts_;
  int count_ = 4;
  int64_t seed_ = -1;
  std::vector<int> list_ = {1, 2};
  float warmth_ = 0.8f;
  bool special_ = false;
  bool bos_ = true;
  bool escape_ = true;
  Colour colour_ = Colour::kBlue;
};

TEST_F(FlagTableTest, TakesOneDashAndTwoWithAndWithoutEqualsSign) {
  EXPECT_EQ(ErrorOf({"--m", "a.gguf", "-predict=3", "-temp", "0.5", "--s=7",
                     "--ctk", "red"}),
            "");
  EXPECT_EQ(model_, "a.gguf");
  EXPECT_EQ(count_, 3);
  EXPECT_EQ(warmth_, 0.5f);
  EXPECT_EQ(seed_, 7);
  EXPECT_EQ(colour_, Colour::kRed);
}

TEST_F(FlagTableTest, AValueMayLookLikeAFlagOrBeEmpty) {
  EXPECT_EQ(ErrorOf({"-n", "-1", "-p", "--dashes", "-p", "", "-m=a=b"}), "");
  EXPECT_EQ(count_, -1);
  EXPECT_EQ(prompts_, (std::vector<std::string>{"--dashes", ""}));
  EXPECT_EQ(model_, "a=b");
}

TEST_F(FlagTableTest, SwitchesAndTogglesTakeNoValue) {
  EXPECT_EQ(ErrorOf({"--special", "-no-bos", "--no-escape"}), "");
  EXPECT_TRUE(special_);
  EXPECT_FALSE(bos_);
  EXPECT_FALSE(escape_);
  EXPECT_EQ(ErrorOf({"--special=yes"}),
            "--special: takes no value, found 'yes'");
}

TEST_F(FlagTableTest, ListsAreSeparatedByCommas) {
  EXPECT_EQ(ErrorOf({"-t", "1,8,64"}), "");
  EXPECT_EQ(list_, (std::vector<int>{1, 8, 64}));
  EXPECT_EQ(ErrorOf({"-t", "1,,2"}),
            "-t: '' is not an integer; expected 1 to 64");
  EXPECT_EQ(ErrorOf({"-t", "1,65"}),
            "-t: '65' is out of range; expected 1 to 64");
}

TEST_F(FlagTableTest, ListsMayHaveRanges) {
  EXPECT_EQ(ErrorOf({"-t", "1-3,8-16+4,16-64*2"}), "");
  EXPECT_EQ(list_, (std::vector<int>{1, 2, 3, 8, 12, 16, 16, 32, 64}));
  EXPECT_EQ(ErrorOf({"-t", "4-2"}), "-t: '4-2' ends before it begins");
  EXPECT_EQ(ErrorOf({"-t", "1-9*1"}),
            "-t: '1' is out of range; expected 2 to 1073741824");
  EXPECT_EQ(ErrorOf({"-t", "1-65"}),
            "-t: '65' is out of range; expected 1 to 64");
}

TEST_F(FlagTableTest, NumbersAreChecked) {
  EXPECT_EQ(ErrorOf({"-n", "10"}),
            "-n: '10' is out of range; expected -1 to 9");
  EXPECT_EQ(ErrorOf({"-n", "99999999999999999999"}),
            "-n: '99999999999999999999' is out of range; expected -1 to 9");
  EXPECT_EQ(ErrorOf({"--n-predict", "3x"}),
            "--n-predict: '3x' is not an integer; expected -1 to 9");
  EXPECT_EQ(ErrorOf({"--temp", "hot"}),
            "--temp: 'hot' is not a number; expected 0 to 2");
  EXPECT_EQ(ErrorOf({"--temp", "nan"}),
            "--temp: 'nan' is out of range; expected 0 to 2");
  EXPECT_EQ(ErrorOf({"--temp=1e999"}),
            "--temp: '1e999' is out of range; expected 0 to 2");
  EXPECT_EQ(ErrorOf({"-ctk", "green"}), "-ctk: 'green' is none of red, blue");
}

TEST_F(FlagTableTest, AFlagIsGivenOnceUnlessItCollects) {
  EXPECT_EQ(ErrorOf({"-p", "a", "--prompt", "b"}), "");
  EXPECT_EQ(ErrorOf({"-n", "1", "-n", "2"}), "-n: given twice");
  EXPECT_EQ(ErrorOf({"-n", "1", "--predict", "2"}),
            "--predict: given twice, -n is the same flag");
  EXPECT_EQ(ErrorOf({"--escape", "--no-escape"}),
            "--no-escape: given twice, --escape is the same flag");
}

TEST_F(FlagTableTest, RemembersHowAFlagWasGiven) {
  EXPECT_EQ(ErrorOf({"--n-predict=3", "-no-escape"}), "");
  EXPECT_EQ(table_.GivenAs("-n"), "--n-predict");
  EXPECT_EQ(table_.GivenAs("-e"), "-no-escape");
  EXPECT_EQ(table_.GivenAs("--seed"), std::nullopt);
  EXPECT_EQ(ErrorOf({}), "");
  EXPECT_EQ(table_.GivenAs("-n"), std::nullopt);
}

TEST_F(FlagTableTest, UnknownFlagsNameTheNearest) {
  EXPECT_EQ(ErrorOf({"--promt", "x"}),
            "unknown flag --promt; did you mean --prompt?");
  EXPECT_EQ(ErrorOf({"-tmep=1"}), "unknown flag -tmep; did you mean --temp?");
  EXPECT_EQ(ErrorOf({"--frobnicate"}),
            "unknown flag --frobnicate; --help lists the flags");
}

TEST_F(FlagTableTest, MissingValuesAndStrayArgumentsAreErrors) {
  EXPECT_EQ(ErrorOf({"-m"}), "-m: needs a value FILE");
  EXPECT_EQ(ErrorOf({"hello"}), "unexpected argument 'hello'");
}

TEST_F(FlagTableTest, PositionalsAreChecked) {
  std::string action;
  std::string file;
  FlagTable table;
  table.Positional({"ACTION", "what", {"show", "check"}, true, &action})
      .Positional({"FILE", "which", {}, false, &file});
  const auto parse = [&](std::vector<std::string> arguments) {
    const auto parsed = table.Parse(arguments);
    return parsed.ok() ? "" : parsed.error().message;
  };
  EXPECT_EQ(parse({"show"}), "");
  EXPECT_EQ(parse({"check", "a.gguf"}), "");
  EXPECT_EQ(action, "check");
  EXPECT_EQ(file, "a.gguf");
  EXPECT_EQ(parse({}), "ACTION is missing");
  EXPECT_EQ(parse({"eat"}), "ACTION: 'eat' is none of show, check");
  EXPECT_EQ(parse({"show", "--", "-3"}), "");
  EXPECT_EQ(file, "-3");
  EXPECT_EQ(parse({"--", "show", "--"}), "");
  EXPECT_EQ(file, "--");
}

TEST_F(FlagTableTest, HelpIsAskedForInAllItsSpellings) {
  for (const char* name : {"-h", "--help", "-help", "--usage", "-?"}) {
    const auto parsed = table_.Parse(std::vector<std::string>{name});
    ASSERT_TRUE(parsed.ok());
    EXPECT_TRUE(*parsed) << name;
  }
}

TEST_F(FlagTableTest, HelpShowsNamesDefaultsAndChoicesAligned) {
  const std::string text = HelpText("eat", "Eats things.", table_, 80);
  EXPECT_NE(text.find("Usage: braid eat [flags]\n\nEats things.\n"),
            std::string::npos);
  EXPECT_NE(text.find("\nNumbers:\n"), std::string::npos);
  EXPECT_NE(text.find("  --temp X                      warmth [0.8]\n"),
            std::string::npos);
  EXPECT_NE(text.find("a colour; one of red, blue [blue]"), std::string::npos);
  EXPECT_NE(text.find("a text (may be repeated)"), std::string::npos);
  EXPECT_NE(text.find("-e, --escape, --no-escape"), std::string::npos);
}

TEST(NearestTest, CountsEdits) {
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("temp", "tmep"), 1);
}

TEST(NearestTest, AFarWordHasNoNearest) {
  const std::vector<std::string> words = {"generate", "bench"};
  EXPECT_EQ(Nearest("genrate", words), "generate");
  EXPECT_EQ(Nearest("xyz", words), "");
}

TEST(WrappedTest, BreaksAtBlanksAndKeepsLongWordsWhole) {
  EXPECT_EQ(Wrapped("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(Wrapped("extraordinary", 4, 2), "extraordinary");
}

}  // namespace
}  // namespace braid::cli
