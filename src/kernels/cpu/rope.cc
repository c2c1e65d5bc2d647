#include "kernels/rope.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rope.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// Turns pairs (a, b) in place.
template <class D, class V>
HWY_INLINE void Turn(D d, const float* cosines, const float* sines, V& a,
                     V& b) {
  const V cosine = hn::LoadU(d, cosines);
  const V sine = hn::LoadU(d, sines);
  const V turned = hn::MulAdd(a, cosine, hn::Neg(hn::Mul(b, sine)));
  b = hn::MulAdd(a, sine, hn::Mul(b, cosine));
  a = turned;
}

// Pairs (i, i + pairs) of one head.
HWY_INLINE void TurnHalves(const float* cosines, const float* sines, int pairs,
                           float* head) {
  const auto at = [=](auto d, int i) HWY_ATTR {
    auto a = hn::LoadU(d, head + i);
    auto b = hn::LoadU(d, head + pairs + i);
    Turn(d, cosines + i, sines + i, a, b);
    hn::StoreU(a, d, head + i);
    hn::StoreU(b, d, head + pairs + i);
  };
  int i = 0;
  for (; i + kLanes <= pairs; i += kLanes) at(FloatTag(), i);
  for (; i < pairs; ++i) at(OneTag(), i);
}

// Pairs (2 i, 2 i + 1) of one head.
HWY_INLINE void TurnInterleaved(const float* cosines, const float* sines,
                                int pairs, float* head) {
  const FloatTag d;
  int i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    FloatVec a;
    FloatVec b;
    hn::LoadInterleaved2(d, head + 2 * i, a, b);
    Turn(d, cosines + i, sines + i, a, b);
    hn::StoreInterleaved2(a, b, d, head + 2 * i);
  }
  const OneTag one;
  for (; i < pairs; ++i) {
    auto a = hn::LoadU(one, head + 2 * i);
    auto b = hn::LoadU(one, head + 2 * i + 1);
    Turn(one, cosines + i, sines + i, a, b);
    hn::StoreU(a, one, head + 2 * i);
    hn::StoreU(b, one, head + 2 * i + 1);
  }
}

void RopeRow(RopePairs order, int pairs, const float* cosines,
             const float* sines, int heads, int head_dim, float* row) {
  for (int h = 0; h < heads; ++h) {
    float* head = row + static_cast<int64_t>(h) * head_dim;
    if (order == RopePairs::kHalves) {
      TurnHalves(cosines, sines, pairs, head);
    } else {
      TurnInterleaved(cosines, sines, pairs, head);
    }
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(RopeRow);

void Rope(const RopeTable& table, std::span<const Position> positions,
          int heads, int head_dim, Rows x, ThreadPool& threads) {
  const RopeConfig& config = table.config();
  ForRowBlocks(x.rows, x.width, threads, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      const Position position = positions[m];
      HWY_DYNAMIC_DISPATCH(RopeRow)
      (config.pairs, config.rotated / 2, table.cosines(position),
       table.sines(position), heads, head_dim, x.row(m));
    }
  });
}

}  // namespace braid
#endif  // HWY_ONCE
