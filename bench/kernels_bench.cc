// kernels_bench: what the kernels beside the matrix product cost per token, in
// the shapes of models of about 130M parameters, so that none of them is a
// hidden hot spot.
//
//   kernels_bench [repeats, 20] [threads, 1]
//
// Prints the best of `repeats` runs, in microseconds per token and layer, for
// 512 tokens of one sequence and for 16 sequences of one token. One thread is
// timed by its own processor time, several by the clock on the wall.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/fp_guard.h"
#include "base/random.h"
#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "kernels/rope.h"
#include "kernels/scan.h"
#include "kernels/targets.h"

namespace braid {
namespace {

constexpr int kWidth = 768;      // of the residual stream
constexpr int kChannels = 1536;  // of the Mamba block, and of the gated MLP
constexpr int kStates = 16;
constexpr int kTaps = 4;
constexpr int kHeads = 12;
constexpr int kHeadDim = 64;

double Seconds(bool of_thread) {
  timespec time;
  clock_gettime(of_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

std::vector<float> Uniform(int64_t count, float low, float high) {
  Random random(static_cast<uint64_t>(count));
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.Uniform(low, high);
  return values;
}

class Bench {
 public:
  Bench(int tokens, int sequences, int repeats, ThreadPool& threads)
      : tokens_(tokens),
        repeats_(repeats),
        threads_(threads),
        conv_states_(Uniform(int64_t{sequences} * kTaps * kChannels, -1, 1)),
        scan_states_(Uniform(int64_t{sequences} * kStates * kChannels, -1, 1)) {
    for (int s = 0; s < sequences; ++s) {
      StateRun run = {tokens / sequences * s, tokens / sequences, nullptr,
                      conv_states_.data() + int64_t{s} * kTaps * kChannels};
      run.source = run.destination;
      conv_runs_.push_back(run);
      run.destination = scan_states_.data() + int64_t{s} * kStates * kChannels;
      run.source = run.destination;
      scan_runs_.push_back(run);
    }
    for (int t = 0; t < tokens; ++t) positions_.push_back(t);
    table_.Extend(tokens);
  }

  void All() {
    std::printf("%d tokens, %zu sequences, %d threads\n", tokens_,
                conv_runs_.size(), threads_.threads());
    Time("rms norm, 768", [&] {
      RmsNorm(View(x_, kWidth), weight_.data(), 1e-5f, View(y_, kWidth),
              threads_);
    });
    Time("add, 768", [&] {
      Add(View(x_, kWidth), View(z_, kWidth), View(y_, kWidth), threads_);
    });
    Time("rope, 12 heads x 64", [&] {
      Rope(table_, positions_, kHeads, kHeadDim, View(x_, kWidth), threads_);
    });
    Time("causal conv and silu, 1536", [&] {
      CausalConv(conv_runs_, View(x_, kChannels), weight_.data(), kTaps,
                 bias_.data(), Activation::kSilu, View(y_, kChannels),
                 threads_);
    });
    Time("softplus, 1536", [&] {
      Softplus(View(dt_, kChannels), bias_.data(), View(y_, kChannels),
               threads_);
    });
    Time("silu mul, 1536", [&] {
      ActivateMul(Nonlinearity::kSilu, View(x_, kChannels), View(z_, kChannels),
                  View(y_, kChannels), threads_);
    });
    Time("selective scan, 1536 x 16", [&] {
      SelectiveScan(scan_, scan_runs_, View(x_, kChannels),
                    View(dt_, kChannels), View(z_, kStates), View(x_, kStates),
                    View(y_, kChannels), threads_);
    });
  }

 private:
  Rows View(std::vector<float>& values, int64_t width) {
    return {values.data(), tokens_, width, width};
  }

  template <class Work>
  void Time(const char* name, const Work& work) {
    const bool of_thread = threads_.threads() == 1;
    const int rounds = std::max(1, 512 / tokens_);
    double best = 1e9;
    work();
    for (int i = 0; i < repeats_; ++i) {
      const double start = Seconds(of_thread);
      for (int round = 0; round < rounds; ++round) work();
      best = std::min(best, Seconds(of_thread) - start);
    }
    std::printf("  %-28s %8.3f us per token\n", name,
                best / (rounds * tokens_) * 1e6);
    std::fflush(stdout);
  }

  int tokens_;
  int repeats_;
  ThreadPool& threads_;
  std::vector<float> x_ = Uniform(int64_t{512} * kChannels, -1, 1);
  std::vector<float> z_ = Uniform(int64_t{512} * kChannels + 1, -1, 1);
  std::vector<float> dt_ = Uniform(int64_t{512} * kChannels, 0.001f, 0.1f);
  std::vector<float> y_ = Uniform(int64_t{512} * kChannels, 0, 0);
  std::vector<float> weight_ = Uniform(kTaps * kChannels, -1, 1);
  std::vector<float> bias_ = Uniform(kChannels, -1, 1);
  std::vector<float> conv_states_;
  std::vector<float> scan_states_;
  std::vector<StateRun> conv_runs_;
  std::vector<StateRun> scan_runs_;
  std::vector<Position> positions_;
  ScanWeights scan_{Uniform(kChannels * kStates, -16, -1).data(), bias_.data(),
                    kChannels, kStates};
  RopeTable table_{{.rotated = kHeadDim, .frequency_divisors = {}}};
};

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  using namespace braid;
  const FloatGuard guard;
  const int repeats = argc > 1 ? std::stoi(argv[1]) : 20;
  const int count = argc > 2 ? std::stoi(argv[2]) : 1;
  ThreadPool threads(count);
  for (const std::string& target : VectorTargets()) {
    UseVectorTarget(target);
    std::printf("%s\n", target.c_str());
    Bench(512, 1, repeats, threads).All();
    Bench(16, 16, repeats, threads).All();
  }
}
