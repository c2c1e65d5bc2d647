#include "kernels/moe.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/moe.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// One lane group of one row of y: the chain over all ranks stays in registers.
template <class D>
HWY_INLINE void SumRanks(D d, const float* weights, const int32_t* places,
                         int selected, ConstRows x, int64_t column, float* to) {
  auto sum = hn::Zero(d);
  for (int r = 0; r < selected; ++r) {
    sum = hn::MulAdd(hn::Set(d, weights[r]),
                     hn::LoadU(d, x.row(places[r]) + column), sum);
  }
  hn::StoreU(sum, d, to + column);
}

void SumExpertsRows(Routing routing, const int32_t* places, ConstRows x, Rows y,
                    int64_t begin, int64_t end) {
  const int selected = routing.selected;
  for (int64_t m = begin; m < end; ++m) {
    const float* weights = routing.weights + m * selected;
    const int32_t* from = places + m * selected;
    int64_t i = 0;
    for (; i + kLanes <= y.width; i += kLanes) {
      SumRanks(FloatTag(), weights, from, selected, x, i, y.row(m));
    }
    for (; i < y.width; ++i) {
      SumRanks(OneTag(), weights, from, selected, x, i, y.row(m));
    }
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(SumExpertsRows);

void SumExperts(Routing routing, const int32_t* places, ConstRows x, Rows y,
                ThreadPool& threads) {
  const int64_t work = y.width * routing.selected;
  ForRowBlocks(y.rows, work, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SumExpertsRows)(routing, places, x, y, begin, end);
  });
}

}  // namespace braid
#endif  // HWY_ONCE
