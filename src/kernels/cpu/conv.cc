#include "kernels/conv.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

#ifndef BRAID_SRC_KERNELS_CPU_CONV_ONCE
#define BRAID_SRC_KERNELS_CPU_CONV_ONCE
namespace braid {
namespace {

struct Convolution {
  ConstRows x;
  const float* weight;  // [taps][channels]
  int taps;
  const float* bias;  // [channels] or null
  Activation activation;
  Rows y;
};

// Rows that are walked for one column of lanes before the next column: with
// longer walks every row is another page and the caches lose the row's rest.
constexpr int64_t kChunkRows = 32;

}  // namespace
}  // namespace braid
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// Rows [begin, end) of the channels from `channel` on, as many as d has lanes.
// The window is in registers; it comes from `source` (null: zeros) and goes to
// `destination`, both [taps - 1][channels].
template <int kTaps, bool kSilu, class D>
HWY_INLINE void ConvolveLanes(D d, const Convolution& op, int64_t begin,
                              int64_t end, int64_t channel, const float* source,
                              float* destination) {
  using V = hn::Vec<D>;
  const int64_t channels = op.x.width;
  V weight[kTaps];
  V window[kTaps];
  BRAID_UNROLL
  for (int j = 0; j < kTaps; ++j) {
    weight[j] = hn::LoadU(d, op.weight + j * channels + channel);
  }
  BRAID_UNROLL
  for (int j = 0; j < kTaps - 1; ++j) {
    window[j] = source == nullptr
                    ? hn::Zero(d)
                    : hn::LoadU(d, source + j * channels + channel);
  }
  const V bias =
      op.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, op.bias + channel);
  for (int64_t t = begin; t < end; ++t) {
    window[kTaps - 1] = hn::LoadU(d, op.x.row(t) + channel);
    V sum = bias;
    BRAID_UNROLL
    for (int j = 0; j < kTaps; ++j) {
      sum = hn::MulAdd(weight[j], window[j], sum);
    }
    BRAID_UNROLL
    for (int j = 0; j < kTaps - 1; ++j) window[j] = window[j + 1];
    hn::StoreU(kSilu ? Silu(d, sum) : sum, d, op.y.row(t) + channel);
  }
  BRAID_UNROLL
  for (int j = 0; j < kTaps - 1; ++j) {
    hn::StoreU(window[j], d, destination + j * channels + channel);
  }
}

template <int kTaps, bool kSilu>
void ConvolveRun(const Convolution& op, const StateRun& run,
                 int64_t channel_begin, int64_t channel_end) {
  const float* source = run.source;
  const int64_t run_end = int64_t{run.begin} + run.length;
  for (int64_t begin = run.begin; begin < run_end; begin += kChunkRows) {
    const int64_t end = std::min(run_end, begin + kChunkRows);
    int64_t c = channel_begin;
    for (; c + kLanes <= channel_end; c += kLanes) {
      ConvolveLanes<kTaps, kSilu>(FloatTag(), op, begin, end, c, source,
                                  run.destination);
    }
    for (; c < channel_end; ++c) {
      ConvolveLanes<kTaps, kSilu>(OneTag(), op, begin, end, c, source,
                                  run.destination);
    }
    source = run.destination;
  }
}

template <int kTaps>
void ConvolveTaps(const Convolution& op, const StateRun& run,
                  int64_t channel_begin, int64_t channel_end) {
  if (op.activation == Activation::kSilu) {
    ConvolveRun<kTaps, true>(op, run, channel_begin, channel_end);
  } else {
    ConvolveRun<kTaps, false>(op, run, channel_begin, channel_end);
  }
}

void Convolve(const Convolution& op, const StateRun& run, int64_t channel_begin,
              int64_t channel_end) {
  using Walk = void (*)(const Convolution&, const StateRun&, int64_t, int64_t);
  static constexpr Walk kWalks[kMostTaps] = {
      ConvolveTaps<1>, ConvolveTaps<2>, ConvolveTaps<3>, ConvolveTaps<4>,
      ConvolveTaps<5>, ConvolveTaps<6>, ConvolveTaps<7>, ConvolveTaps<8>};
  kWalks[op.taps - 1](op, run, channel_begin, channel_end);
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(Convolve);

void CausalConv(std::span<const StateRun> runs, ConstRows x,
                const float* weight, int taps, const float* bias,
                Activation activation, Rows y, ThreadPool& threads) {
  BRAID_CHECK(taps >= 1 && taps <= kMostTaps);
  if (runs.empty()) return;
  const Convolution op = {x, weight, taps, bias, activation, y};
  const int64_t groups = (x.width + 15) / 16;
  ForRunBlocks(static_cast<int64_t>(runs.size()), x.rows, groups, 16, threads,
               [&](int64_t first_run, int64_t last_run, int64_t first_group,
                   int64_t last_group) {
                 for (int64_t r = first_run; r < last_run; ++r) {
                   HWY_DYNAMIC_DISPATCH(Convolve)
                   (op, runs[r], first_group * 16,
                    std::min(last_group * 16, x.width));
                 }
               });
}

}  // namespace braid
#endif  // HWY_ONCE
