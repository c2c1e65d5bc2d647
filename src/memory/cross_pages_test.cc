#include "memory/cross_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace braid {
namespace {

constexpr int kSequences = 5;
constexpr int kLayer = 1;  // of two, the first has no encoder's text

MemorySpec Spec() {
  MemorySpec spec;
  spec.layers.resize(2);
  spec.layers[kLayer].cross_page.page_bytes = kPagePositions * sizeof(uint32_t);
  return spec;
}

MemoryLimits Limits(int64_t tokens, int sequences = kSequences) {
  MemoryLimits limits;
  limits.max_sequences = sequences;
  limits.kv_positions = tokens;
  return limits;
}

CrossPages Make(int64_t tokens) {
  Result<CrossPages> pages = CrossPages::Create(Spec(), Limits(tokens));
  EXPECT_TRUE(pages.ok()) << pages.error().message;
  return std::move(*pages);
}

std::string ErrorOf(const Status& status) {
  return status.ok() ? "" : status.error().message;
}

// Every token of a text has the text's number.
void Write(CrossPages& pages, SequenceId sequence, uint32_t number) {
  for (const int32_t page : pages.TableOf(sequence).pages) {
    std::byte* to = pages.PageBase(kLayer) +
                    static_cast<size_t>(page) * pages.PageStride(kLayer);
    for (int i = 0; i < kPagePositions; ++i) {
      std::memcpy(to + i * sizeof(number), &number, sizeof(number));
    }
  }
}

void ExpectWritten(CrossPages& pages, SequenceId sequence, uint32_t number) {
  for (const int32_t page : pages.TableOf(sequence).pages) {
    const std::byte* from =
        pages.PageBase(kLayer) +
        static_cast<size_t>(page) * pages.PageStride(kLayer);
    for (int i = 0; i < kPagePositions; ++i) {
      uint32_t found;
      std::memcpy(&found, from + i * sizeof(found), sizeof(found));
      ASSERT_EQ(found, number);
    }
  }
}

TEST(CrossPages, AgreeWithTextsThatAreObjects) {
  struct Text {
    uint32_t number;
    int32_t length;
  };
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const int64_t limit = 1 + random.Below(seed % 2 == 0 ? 40 : 400);
    CrossPages pages = Make(limit);
    std::vector<std::shared_ptr<const Text>> texts(kSequences);
    uint32_t last = 0;
    for (int step = 0; step < 200; ++step) {
      const SequenceId s = random.Below(kSequences);
      const SequenceId t = random.Below(kSequences);
      int64_t used = 0;
      std::set<const Text*> different;
      for (const auto& text : texts) {
        if (text != nullptr && different.insert(text.get()).second) {
          used += text->length;
        }
      }
      const int kind = random.Below(4);
      if (kind < 2 && texts[s] == nullptr) {
        const int32_t length = 1 + random.Below(100);
        const bool fits = used + length <= limit;
        ASSERT_EQ(pages.CheckFits(length).ok(), fits);
        if (!fits) continue;
        pages.Add(s, length);
        texts[s] = std::make_shared<const Text>(Text{++last, length});
        Write(pages, s, last);
      } else if (kind == 2 && texts[t] == nullptr) {
        pages.Fork(s, t);
        texts[t] = texts[s];
      } else if (kind == 3) {
        pages.Release(s);
        texts[s] = nullptr;
      }

      int64_t tokens = 0;
      int64_t held = 0;
      std::map<const Text*, int32_t> numbers;
      for (SequenceId i = 0; i < kSequences; ++i) {
        const Text* text = texts[i].get();
        ASSERT_EQ(pages.TextOf(i) == CrossPages::kNoText, text == nullptr);
        ASSERT_EQ(pages.Length(i), text == nullptr ? 0 : text->length);
        if (text == nullptr) continue;
        ExpectWritten(pages, i, text->number);
        const auto [at, added] = numbers.emplace(text, pages.TextOf(i));
        ASSERT_EQ(at->second, pages.TextOf(i));
        if (!added) continue;
        tokens += text->length;
        held += (text->length + kPagePositions - 1) / kPagePositions;
      }
      std::set<int32_t> used_numbers;
      for (const auto& [text, number] : numbers) used_numbers.insert(number);
      ASSERT_EQ(used_numbers.size(), numbers.size());
      ASSERT_EQ(pages.tokens_in_use(), tokens);
      ASSERT_EQ(pages.pages_in_use(), held);
    }
  }
}

TEST(CrossPages, WhatFitsByTokensFits) {
  // Every text has one token in its last page.
  CrossPages pages = Make(33 * kSequences);
  for (SequenceId s = 0; s < kSequences; ++s) {
    ASSERT_TRUE(pages.CheckFits(33).ok());
    pages.Add(s, 33);
  }
  EXPECT_EQ(ErrorOf(pages.CheckFits(1)),
            "encoder texts of 1 tokens do not fit, 165 of 165 are used: raise "
            "-c or remove a sequence");
}

TEST(CrossPages, CreateRefusesWhatMakesNoSense) {
  const auto error_of = [](size_t page_bytes, int64_t tokens) -> std::string {
    MemorySpec spec = Spec();
    spec.layers[kLayer].cross_page.page_bytes = page_bytes;
    const auto pages = CrossPages::Create(spec, Limits(tokens));
    return pages.ok() ? "" : pages.error().message;
  };
  EXPECT_EQ(error_of(0, std::numeric_limits<int64_t>::max()), "");
  EXPECT_NE(error_of(64, std::numeric_limits<int64_t>::max()), "");
  EXPECT_NE(error_of(std::numeric_limits<size_t>::max() / 2, 100), "");
  EXPECT_NE(error_of(size_t{1} << 58, 100), "");
  EXPECT_EQ(error_of(64, int64_t{1} << 40),
            "1099511627776 tokens of encoder texts need 34359738373 pages, "
            "which cannot be numbered: lower -c");
}

TEST(CrossPages, AModelWithoutAnEncoderHasNone) {
  const auto pages = CrossPages::Create({.layers = {LayerSpec{}}}, Limits(100));
  ASSERT_TRUE(pages.ok());
  EXPECT_FALSE(pages->present());
  EXPECT_EQ(pages->Length(0), 0);
  EXPECT_TRUE(pages->TableOf(0).pages.empty());
  EXPECT_EQ(pages->capacity_bytes(), 0u);
}

}  // namespace
}  // namespace braid
