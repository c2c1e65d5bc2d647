#include "kernels/copy.h"

#include "kernels/kernel_testing.h"

namespace braid {
namespace {

class CopyTest : public KernelTest {};

TEST_F(CopyTest, RowsAreCopiedAndGathered) {
  const TestRows x = TestRows::Uniform(300, 37, -2, 2, random_);
  std::vector<int32_t> sources;
  for (int i = 0; i < 500; ++i) sources.push_back(random_.Below(300));
  for (ThreadPool& pool : pools_) {
    TestRows copy(300, 37, 1);
    CopyRows(x.view(), copy.view(), pool);
    EXPECT_EQ(CountDifferences(copy.view(), x.view()), 0);
    EXPECT_TRUE(copy.GapsAreWhole());
    TestRows y(500, 37);
    GatherRows(x.view(), sources, y.view(), pool);
    for (int i = 0; i < 500; ++i) {
      for (int column = 0; column < 37; ++column) {
        ASSERT_EQ(y.view().row(i)[column], x.view().row(sources[i])[column]);
      }
    }
  }
}

}  // namespace
}  // namespace braid
