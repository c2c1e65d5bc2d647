#include "kernels/attention.h"

#include <cstring>
#include <limits>

#include "kernels/element_functions.h"
#include "kernels/kernel_testing.h"
#include "kernels/ref/attention_twin.h"
#include "tensor/half.h"

namespace braid {
namespace {

struct Shape {
  int kv_heads;
  int group;
  int key_dim;
  int value_dim;
};

// One sequence: what it stores and asks, from position 0, and its pages.
struct Sequence {
  TestRows keys;
  TestRows values;
  TestRows q;
  std::vector<int32_t> pages;
};

class AttentionTest : public KernelTest {
 protected:
  static constexpr Shape kShapes[] = {
      {2, 3, 64, 64},  {1, 1, 2, 2},     {2, 1, 20, 20},  {1, 4, 80, 80},
      {1, 5, 64, 64},  {2, 2, 128, 128}, {1, 16, 16, 48}, {1, 7, 256, 256},
      {1, 9, 36, 100}, {3, 1, 64, 64}};

  // Sequences of the given lengths over pages in random order. All of the
  // pages' memory is NaN, in the stored type, until it is written.
  void SetCase(const Shape& shape, DType type, std::vector<int> lengths) {
    shape_ = shape;
    layout_ = {type, shape.kv_heads, shape.key_dim, shape.value_dim};
    page_stride_ = layout_.PageBytes() + 64;
    sequences_.clear();
    int pages = 0;
    for (const int length : lengths) {
      sequences_.push_back(
          {RandomRows(length, shape.kv_heads * shape.key_dim),
           RandomRows(length, shape.kv_heads * shape.value_dim),
           RandomRows(length, heads() * shape.key_dim),
           {}});
      pages += (length + kPagePositions - 1) / kPagePositions;
    }
    std::vector<int32_t> order(static_cast<size_t>(pages));
    for (int i = 0; i < pages; ++i) {
      const int other = random_.Below(i + 1);
      order[size_t(i)] = order[size_t(other)];
      order[size_t(other)] = i;
    }
    for (Sequence& sequence : sequences_) {
      const int64_t count =
          (sequence.q.view().rows + kPagePositions - 1) / kPagePositions;
      sequence.pages.assign(order.end() - count, order.end());
      order.resize(order.size() - size_t(count));
    }
    memory_.assign(page_stride_ * size_t(pages), std::byte{0xFF});
  }

  TestRows RandomRows(int rows, int width) {
    return TestRows::Uniform(rows, width, -2, 2, random_);
  }

  int heads() const { return shape_.kv_heads * shape_.group; }
  int out_width() const { return heads() * shape_.value_dim; }
  KvPagesView pages() { return {memory_.data(), page_stride_}; }

  static braid::Run RunOf(int begin, int length, int first_position) {
    braid::Run run;
    run.begin = begin;
    run.length = length;
    run.first_position = first_position;
    return run;
  }

  // Rows [first, first + length) of a sequence, as a ubatch of one run.
  void Step(Sequence& sequence, int first, int length, Rows out,
            ThreadPool& pool) {
    const braid::Run run = RunOf(0, length, first);
    const PageTable table = {sequence.pages};
    WriteKv(layout_, pages(), {&run, 1}, {&table, 1},
            sequence.keys.Slice(first, length),
            sequence.values.Slice(first, length), pool);
    Attention(layout_, pages(), {&run, 1}, {&table, 1},
              sequence.q.Slice(first, length), heads(), options_, out, arena_,
              pool);
  }

  // One ubatch with the next few rows of every sequence, at least one of those
  // that are left. False if nothing is left.
  bool StepTogether(std::vector<int>& done, std::vector<TestRows>& outs,
                    ThreadPool& pool) {
    std::vector<braid::Run> runs;
    std::vector<PageTable> tables;
    std::vector<size_t> who;
    int rows = 0;
    for (size_t s = 0; s < sequences_.size(); ++s) {
      const int left = static_cast<int>(sequences_[s].q.view().rows) - done[s];
      if (left == 0) continue;
      runs.push_back(
          RunOf(rows, 1 + random_.Below(std::min(left, 50)), done[s]));
      tables.push_back({sequences_[s].pages});
      who.push_back(s);
      rows += runs.back().length;
      done[s] += runs.back().length;
    }
    if (rows == 0) return false;
    TestRows keys(rows, shape_.kv_heads * shape_.key_dim);
    TestRows values(rows, shape_.kv_heads * shape_.value_dim);
    TestRows q(rows, heads() * shape_.key_dim);
    TestRows out(rows, out_width());
    for (size_t r = 0; r < runs.size(); ++r) {
      const Sequence& sequence = sequences_[who[r]];
      Gather(runs[r], sequence.keys, keys);
      Gather(runs[r], sequence.values, values);
      Gather(runs[r], sequence.q, q);
    }
    WriteKv(layout_, pages(), runs, tables, keys.view(), values.view(), pool);
    Attention(layout_, pages(), runs, tables, q.view(), heads(), options_,
              out.view(), arena_, pool);
    for (size_t r = 0; r < runs.size(); ++r) {
      const Rows to = outs[who[r]].view();
      for (int i = 0; i < runs[r].length; ++i) {
        std::copy_n(out.view().row(runs[r].begin + i), out_width(),
                    to.row(runs[r].first_position + i));
      }
    }
    return true;
  }

  // The run's rows of a sequence into its rows of the ubatch.
  static void Gather(const braid::Run& run, const TestRows& from,
                     TestRows& to) {
    for (int i = 0; i < run.length; ++i) {
      std::copy_n(from.view().row(run.first_position + i), from.view().width,
                  to.view().row(run.begin + i));
    }
  }

  // What the twin says about each sequence. Leaves the pages written.
  std::vector<TestRows> Twins() {
    std::vector<TestRows> results;
    for (Sequence& sequence : sequences_) {
      const int length = static_cast<int>(sequence.q.view().rows);
      const braid::Run run = RunOf(0, length, 0);
      const PageTable table = {sequence.pages};
      WriteKvTwin(layout_, pages(), {&run, 1}, {&table, 1},
                  sequence.keys.view(), sequence.values.view());
      results.emplace_back(length, out_width());
      AttentionTwin(layout_, pages(), {&run, 1}, {&table, 1}, sequence.q.view(),
                    heads(), options_, results.back().view());
    }
    return results;
  }

  void ForgetPages() {
    std::fill(memory_.begin(), memory_.end(), std::byte{0xFF});
  }

  std::string Describe() const {
    return std::string(Name(layout_.type)) + ", " +
           std::to_string(shape_.kv_heads) + " kv heads x " +
           std::to_string(shape_.group) + ", dims " +
           std::to_string(shape_.key_dim) + " " +
           std::to_string(shape_.value_dim);
  }

  // A bias for the heads of the case, of distances -before to after.
  RelativeBias RandomBias(int before, int after) {
    bias_ =
        UniformFloats(int64_t{heads()} * (before + 1 + after), -2, 2, random_);
    return {bias_.data(), before, after};
  }

  // Keys and values as a page of halves stores them.
  static void RoundToHalf(Sequence& sequence) {
    for (TestRows* rows : {&sequence.keys, &sequence.values}) {
      const Rows view = rows->view();
      for (int64_t m = 0; m < view.rows; ++m) {
        for (int64_t i = 0; i < view.width; ++i) {
          view.row(m)[i] = HalfToFloat(FloatToHalf(view.row(m)[i]));
        }
      }
    }
  }

  Shape shape_{};
  AttentionOptions options_ = {.scale = 0.3f};
  std::vector<float> bias_;
  KvLayout layout_;
  size_t page_stride_ = 0;
  std::vector<std::byte> memory_;
  std::vector<Sequence> sequences_;
  Arena arena_;
};

TEST_F(AttentionTest, WholeSequencesEqualTheTwin) {
  for (const Shape& shape : kShapes) {
    for (const DType type : {DType::kF16, DType::kF32}) {
      SetCase(shape, type, {75});
      const std::vector<TestRows> expected = Twins();
      const std::vector<std::byte> written = memory_;
      ForTargetsAndThreads([&](ThreadPool& pool) {
        ForgetPages();
        TestRows out(75, out_width(), 3);
        Step(sequences_[0], 0, 75, out.view(), pool);
        ASSERT_EQ(CountDifferences(out.view(), expected[0].view()), 0)
            << Describe();
        ASSERT_TRUE(out.GapsAreWhole());
        ASSERT_TRUE(memory_ == written) << Describe();
      });
    }
  }
}

TEST_F(AttentionTest, CutsDoNotShow) {
  for (const Shape& shape : kShapes) {
    SetCase(shape, DType::kF16, {101});
    const std::vector<TestRows> expected = Twins();
    ForTargetsAndThreads([&](ThreadPool& pool) {
      for (const int longest : {1, 7, 60}) {
        ForgetPages();
        TestRows out(101, out_width());
        int first = 0;
        for (const int length : RandomCuts(101, longest)) {
          Step(sequences_[0], first, length, out.Slice(first, length), pool);
          first += length;
        }
        ASSERT_EQ(CountDifferences(out.view(), expected[0].view()), 0)
            << Describe() << ", cuts up to " << longest;
      }
    });
  }
}

// Several sequences advance together by random steps.
TEST_F(AttentionTest, CompanyDoesNotShow) {
  for (const DType type : {DType::kF16, DType::kF32}) {
    SetCase({2, 3, 20, 32}, type, {70, 1, 33, 130, 64});
    const std::vector<TestRows> expected = Twins();
    ForTargetsAndThreads([&](ThreadPool& pool) {
      ForgetPages();
      std::vector<TestRows> outs;
      for (const TestRows& whole : expected) {
        outs.emplace_back(whole.view().rows, out_width());
      }
      std::vector<int> done(sequences_.size(), 0);
      while (StepTogether(done, outs, pool)) {
      }
      for (size_t s = 0; s < outs.size(); ++s) {
        ASSERT_EQ(CountDifferences(outs[s].view(), expected[s].view()), 0)
            << "sequence " << s;
      }
    });
  }
}

TEST_F(AttentionTest, StaysWithinTheOracle) {
  for (const Shape& shape : kShapes) {
    SetCase(shape, DType::kF16, {75});
    Sequence& sequence = sequences_[0];
    RoundToHalf(sequence);
    TestRows out(75, out_width());
    Step(sequence, 0, 75, out.view(), pools_[1]);
    const auto oracle =
        AttentionOracle(layout_, sequence.keys.view(), sequence.values.view(),
                        sequence.q.view(), heads(), options_);
    EXPECT_LE(WorstError(out.view(), oracle), 1) << Describe();
  }
}

// An infinity or a NaN at one position is seen from there on, and not before.
TEST_F(AttentionTest, LaterPositionsAreNotSeen) {
  SetCase({1, 3, 20, 32}, DType::kF16, {100});
  const std::vector<TestRows> clean = Twins();
  for (const float bad : {std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    const int at = 41;
    const Sequence kept = sequences_[0];
    sequences_[0].keys.view().row(at)[5] = bad;
    sequences_[0].values.view().row(at)[5] = bad;
    const std::vector<TestRows> expected = Twins();
    ForTargetsAndThreads([&](ThreadPool& pool) {
      TestRows out(100, out_width());
      Step(sequences_[0], 0, 100, out.view(), pool);
      EXPECT_EQ(CountDifferences(out.view(), expected[0].view()), 0);
      const ConstRows before = out.Slice(0, at);
      EXPECT_EQ(CountDifferences(before, clean[0].view()), 0);
      EXPECT_TRUE(std::isnan(out.view().row(at)[5]));
    });
    sequences_[0] = kept;
  }
}

// Scores that are capped and biased, and windows of one position, of less and
// more than a block and of more than the text; alone and together.
TEST_F(AttentionTest, OptionsKeepTheBitsAndTheOracle) {
  struct Variant {
    Shape shape;
    float soft_cap;
    int window;
    int before;  // of the bias; < 0: none
  };
  constexpr Variant kVariants[] = {
      {{2, 3, 64, 64}, 1.5f, 0, -1}, {{1, 5, 20, 20}, 0, 1, -1},
      {{2, 1, 16, 48}, 0, 5, -1},    {{1, 16, 36, 100}, 0, 33, -1},
      {{3, 1, 64, 64}, 0, 64, -1},   {{1, 2, 20, 36}, 0, 200, -1},
      {{2, 2, 20, 20}, 0, 0, 9},     {{1, 3, 64, 64}, 0.7f, 40, 60}};
  constexpr int kLength = 141;
  for (const Variant& variant : kVariants) {
    for (const DType type : {DType::kF16, DType::kF32}) {
      SetCase(variant.shape, type, {kLength});
      RoundToHalf(sequences_[0]);
      options_ = {.scale = 0.3f,
                  .soft_cap = variant.soft_cap,
                  .window = variant.window};
      if (variant.before >= 0) options_.bias = RandomBias(variant.before, 0);
      const std::vector<TestRows> expected = Twins();
      const auto oracle = AttentionOracle(
          layout_, sequences_[0].keys.view(), sequences_[0].values.view(),
          sequences_[0].q.view(), heads(), options_);
      ASSERT_LE(WorstError(expected[0].view(), oracle), 1) << Describe();
      ForTargetsAndThreads([&](ThreadPool& pool) {
        for (const int longest : {1, 60, kLength}) {
          ForgetPages();
          TestRows out(kLength, out_width());
          int first = 0;
          for (const int length : RandomCuts(kLength, longest)) {
            Step(sequences_[0], first, length, out.Slice(first, length), pool);
            first += length;
          }
          ASSERT_EQ(CountDifferences(out.view(), expected[0].view()), 0)
              << Describe() << ", window " << variant.window << ", cuts up to "
              << longest;
        }
      });
    }
  }
}

// Pages that lie wholly behind the window may hold anything.
TEST_F(AttentionTest, PositionsBehindTheWindowAreNotSeen) {
  SetCase({1, 3, 20, 32}, DType::kF16, {100});
  options_.window = 20;
  const std::vector<TestRows> clean = Twins();
  sequences_[0].keys.view().row(41)[5] = kInfinity;
  sequences_[0].values.view().row(41)[5] = kInfinity;
  ForTargetsAndThreads([&](ThreadPool& pool) {
    TestRows out(100, out_width());
    Step(sequences_[0], 0, 100, out.view(), pool);
    const Rows view = out.view();
    for (const int m : {0, 40, 61, 99}) {
      EXPECT_EQ(std::memcmp(view.row(m), clean[0].view().row(m),
                            sizeof(float) * size_t(out_width())),
                0)
          << m;
    }
    for (const int m : {41, 60}) EXPECT_TRUE(std::isnan(view.row(m)[5])) << m;
  });
}

// A run's pages wholly behind its first query's window are gone: their entry of
// the table leads nowhere, and following it would end the program.
TEST_F(AttentionTest, PagesBehindTheWindowAreNotTouched) {
  constexpr int32_t kNowhere = std::numeric_limits<int32_t>::max();
  constexpr int kLength = 230;
  for (const int window : {1, 31, 33, 70}) {
    for (const DType type : {DType::kF16, DType::kF32}) {
      SetCase({1, window % 2 == 1 ? 3 : 1, 20, 32}, type, {kLength});
      options_ = {.scale = 0.3f, .window = window};
      const std::vector<TestRows> expected = Twins();
      const std::vector<int32_t> pages = sequences_[0].pages;
      ForTargetsAndThreads([&](ThreadPool& pool) {
        for (const int longest : {1, 100}) {
          ForgetPages();
          sequences_[0].pages = pages;
          TestRows out(kLength, out_width());
          int first = 0;
          for (const int length : RandomCuts(kLength, longest)) {
            const int gone = std::max(0, first + 1 - window) / kPagePositions;
            std::fill_n(sequences_[0].pages.begin(), gone, kNowhere);
            Step(sequences_[0], first, length, out.Slice(first, length), pool);
            first += length;
          }
          ASSERT_EQ(CountDifferences(out.view(), expected[0].view()), 0)
              << Describe() << ", window " << window;
        }
      });
      sequences_[0].pages = pages;
    }
  }
}

TEST_F(AttentionTest, BidirectionalSeesTheWholeRun) {
  for (const int length : {1, 31, 64, 75}) {
    SetCase({2, 3, 20, 48}, DType::kF16, {length, 40});
    for (Sequence& sequence : sequences_) RoundToHalf(sequence);
    options_ = {.scale = 0.3f, .causal = false, .bias = RandomBias(10, 7)};
    const std::vector<TestRows> expected = Twins();
    for (size_t s = 0; s < 2; ++s) {
      const auto oracle = AttentionOracle(
          layout_, sequences_[s].keys.view(), sequences_[s].values.view(),
          sequences_[s].q.view(), heads(), options_);
      ASSERT_LE(WorstError(expected[s].view(), oracle), 1) << length;
    }
    ForTargetsAndThreads([&](ThreadPool& pool) {
      ForgetPages();
      for (size_t s = 0; s < 2; ++s) {
        TestRows out(expected[s].view().rows, out_width());
        Step(sequences_[s], 0, static_cast<int>(expected[s].view().rows),
             out.view(), pool);
        ASSERT_EQ(CountDifferences(out.view(), expected[s].view()), 0);
      }
    });
  }
}

// Queries of one sequence, keys and values of another: what a query gets
// depends on no other query, and on no page behind the keys.
TEST_F(AttentionTest, AcrossToAnotherSequence) {
  for (const int32_t keys : {1, 32, 45, 70}) {
    SetCase({2, 2, 20, 32}, DType::kF16, {keys, 70});
    const braid::Run written = RunOf(0, keys, 0);
    const PageTable table = {sequences_[0].pages};
    WriteKvTwin(layout_, pages(), {&written, 1}, {&table, 1},
                sequences_[0].keys.view(), sequences_[0].values.view());
    options_ = {.scale = 0.3f, .causal = false, .key_counts = {&keys, 1}};
    const braid::Run all = RunOf(0, 70, 0);
    TestRows expected(70, out_width());
    AttentionTwin(layout_, pages(), {&all, 1}, {&table, 1},
                  sequences_[1].q.view(), heads(), options_, expected.view());
    ForTargetsAndThreads([&](ThreadPool& pool) {
      for (const int longest : {1, 40, 70}) {
        TestRows out(70, out_width());
        int first = 0;
        for (const int length : RandomCuts(70, longest)) {
          const braid::Run run = RunOf(0, length, first);
          Attention(layout_, pages(), {&run, 1}, {&table, 1},
                    sequences_[1].q.Slice(first, length), heads(), options_,
                    out.Slice(first, length), arena_, pool);
          first += length;
        }
        ASSERT_EQ(CountDifferences(out.view(), expected.view()), 0)
            << keys << " keys, cuts up to " << longest;
      }
    });
  }
}

TEST_F(AttentionTest, NoAllocationInTheSteadyState) {
  SetCase({2, 3, 64, 64}, DType::kF16, {96});
  TestRows out(96, out_width());
  Step(sequences_[0], 0, 96, out.view(), pools_[1]);
  const size_t capacity = arena_.capacity();
  Step(sequences_[0], 0, 96, out.view(), pools_[1]);
  EXPECT_EQ(arena_.capacity(), capacity);
}

}  // namespace
}  // namespace braid
