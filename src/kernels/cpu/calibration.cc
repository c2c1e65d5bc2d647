#include "kernels/calibration.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/calibration.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/highway.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

// Returns the floating-point operations done; `result` keeps them alive.
double MultiplyAddTarget(int rounds, float factor, float* result) {
  constexpr int kChains = 12;  // latency times throughput of any x86 so far
  FloatVec sum[kChains];
  BRAID_UNROLL
  for (int i = 0; i < kChains; ++i) {
    sum[i] = hn::Set(FloatTag(), static_cast<float>(i));
  }
  const FloatVec a = hn::Set(FloatTag(), factor);
  for (int round = 0; round < rounds; ++round) {
    BRAID_UNROLL
    for (int i = 0; i < kChains; ++i) sum[i] = hn::MulAdd(sum[i], a, a);
  }
  BRAID_UNROLL
  for (int i = 1; i < kChains; ++i) sum[0] = hn::Add(sum[0], sum[i]);
  hn::StoreU(sum[0], FloatTag(), result);
  return 2.0 * kLanes * kChains * rounds;
}

void ReadTarget(const std::byte* data, size_t bytes, float* result) {
  const auto* from = reinterpret_cast<const uint32_t*>(data);
  const UintTag tag;
  UintVec x0 = hn::Zero(tag);
  UintVec x1 = x0;
  UintVec x2 = x0;
  UintVec x3 = x0;
  for (size_t i = 0; i + 4 * kLanes <= bytes / 4; i += 4 * kLanes) {
    x0 = hn::Xor(x0, hn::LoadU(tag, from + i));
    x1 = hn::Xor(x1, hn::LoadU(tag, from + i + kLanes));
    x2 = hn::Xor(x2, hn::LoadU(tag, from + i + 2 * kLanes));
    x3 = hn::Xor(x3, hn::LoadU(tag, from + i + 3 * kLanes));
  }
  x0 = hn::Xor(hn::Xor(x0, x1), hn::Xor(x2, x3));
  hn::StoreU(hn::BitCast(FloatTag(), x0), FloatTag(), result);
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <chrono>
#include <vector>

namespace braid {

HWY_EXPORT(MultiplyAddTarget);
HWY_EXPORT(ReadTarget);

namespace {
constexpr size_t kResultFloats = 64;  // per thread, a few cache lines apart
}

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double MultiplyAddPeak(ThreadPool& threads) {
  constexpr int kRounds = 20000;
  std::vector<float> results(static_cast<size_t>(threads.threads()) *
                             kResultFloats);
  std::vector<double> operations(static_cast<size_t>(threads.threads()));
  const double start = Now();
  threads.Run(threads.threads(), [&](int task, int) {
    operations[task] = HWY_DYNAMIC_DISPATCH(MultiplyAddTarget)(
        kRounds, 0.999f, results.data() + task * kResultFloats);
  });
  const double seconds = Now() - start;
  double all = 0;
  for (const double of_thread : operations) all += of_thread;
  return all / seconds * 1e-9;
}

double ReadBandwidth(const std::byte* data, size_t bytes, ThreadPool& threads) {
  const size_t part = bytes / static_cast<size_t>(threads.threads());
  std::vector<float> results(static_cast<size_t>(threads.threads()) *
                             kResultFloats);
  const double start = Now();
  threads.Run(threads.threads(), [&](int task, int) {
    HWY_DYNAMIC_DISPATCH(ReadTarget)
    (data + static_cast<size_t>(task) * part, part,
     results.data() + task * kResultFloats);
  });
  return static_cast<double>(bytes) / (Now() - start) * 1e-9;
}

}  // namespace braid
#endif  // HWY_ONCE
