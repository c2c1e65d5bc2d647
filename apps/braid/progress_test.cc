#include "apps/braid/progress.h"

#include <gtest/gtest.h>

namespace braid::cli {
namespace {

TEST(BarTextTest, IsAsWideAsTheTerminalAllows) {
  EXPECT_EQ(BarText("bench", 0.5, "", 80),
            "bench [###############               ] 50 %");
  EXPECT_EQ(BarText("bench", 0.5, ", 3 s left", 40),
            "bench [########        ] 50 %, 3 s left");
  EXPECT_EQ(BarText("bench", 0.5, ", 3 s left", 20), "bench 50 %");
  EXPECT_EQ(BarText("bench", 1, "", 20), "bench [#####] 100 %");
}

TEST(BarTextTest, NeverFillsTheLastColumnAndCutsNoCharacter) {
  const std::string name = "loading \xC3\xA4\xC3\xB6\xC3\xBC-\xE2\x82\xAC.gguf";
  for (size_t columns = 20; columns <= 120; ++columns) {
    for (const double share : {0.0, 0.004, 0.33, 1.0}) {
      for (const char* const left : {"", ", 12 min 40 s left"}) {
        const std::string text = BarText(name, share, left, columns);
        EXPECT_LT(text.size(), columns);
        EXPECT_NE(text.find(" %"), std::string::npos) << text;
      }
    }
  }
  // Where the bytes end within the umlaut, it is left out.
  EXPECT_EQ(BarText("loading abc\xC3\xA4", 1, "", 20),
            "loading abc\xC3\xA4 100 %");
  EXPECT_EQ(BarText("loading abcd\xC3\xA4", 1, "", 20), "loading abcd 100 %");
}

}  // namespace
}  // namespace braid::cli
