// The scans and attention beside the trial's kernels, run by turns in one
// process. Built by bench/sequence-against-trial, which finds the trial's
// sa.cc; no part of the normal build.
//
//   sequence_against_trial [seconds per figure] [threads: 1, 2 or 12] [target]
//
// Prints the best time of each and "ratio", the trial's best time divided by
// ours: above 1 we are faster. One thread is timed by its own processor time,
// several by the clock on the wall. "differ" is the largest difference between
// the two results: the trial's last steps are defined otherwise.
#define main TrialMain
#include "sa.cc"
#undef main

#if HWY_ONCE
#include <time.h>

#include <cmath>
#include <functional>
#include <string>

#include "base/aligned_buffer.h"
#include "base/fp_guard.h"
#include "base/random.h"
#include "kernels/attention.h"
#include "kernels/scan.h"
#include "kernels/ssd_scan.h"
#include "kernels/targets.h"

namespace braid {
namespace {

double Seconds(bool of_thread) {
  timespec time;
  clock_gettime(of_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

AlignedBuffer Uniform(int64_t count, float low, float high, Random& random) {
  AlignedBuffer buffer(static_cast<size_t>(count) * sizeof(float));
  for (int64_t i = 0; i < count; ++i) {
    buffer.as<float>()[i] = random.Uniform(low, high);
  }
  return buffer;
}

// Two ways to compute `count` floats.
struct Contest {
  std::string name;
  double units;  // what "per unit" divides by
  std::function<void()> trial;
  std::function<void()> ours;
  const float* trial_result;
  const float* our_result;
  int64_t count;
};

void Hold(const Contest& contest, double seconds, ThreadPool& threads) {
  contest.trial();
  contest.ours();
  double differ = 0;
  for (int64_t i = 0; i < contest.count; ++i) {
    differ = std::max<double>(
        differ, std::fabs(contest.trial_result[i] - contest.our_result[i]));
  }
  const bool of_thread = threads.threads() == 1;
  double best[2] = {1e9, 1e9};
  const double end = Seconds(false) + seconds;
  for (int i = 0; i < 6 || Seconds(false) < end; ++i) {
    const double start = Seconds(of_thread);
    i % 2 == 0 ? contest.trial() : contest.ours();
    best[i % 2] = std::min(best[i % 2], Seconds(of_thread) - start);
  }
  std::printf(
      "%-34s %d threads: trial %9.3f us, ours %9.3f us, ratio %.2f, "
      "differ %.1e\n",
      contest.name.c_str(), threads.threads(), best[0] / contest.units * 1e6,
      best[1] / contest.units * 1e6, best[0] / best[1], differ);
  std::fflush(stdout);
}

constexpr int kTokens = 512;
constexpr int kChannels = 1536;
constexpr int kStates = 16;

class ScanContests {
 public:
  explicit ScanContests(ThreadPool& threads) : threads_(threads) {}

  void HoldAll(double seconds) {
    const auto one = [&] { Ours({{0, kTokens, our_state(0), our_state(0)}}); };
    Hold({"scan, 512 tokens, per token", kTokens,
          [&] { Trial(kTokens, trial_state(0)); }, one, trial_y(), our_y(),
          // The states go on from round to round, so compare the first.
          int64_t{kTokens} * kChannels},
         seconds, threads_);
    std::vector<std::vector<StateRun>> layers(kLayers);
    for (int layer = 0; layer < kLayers; ++layer) {
      for (int s = 0; s < kSequences; ++s) {
        float* state = our_state(layer * kSequences + s);
        layers[layer].push_back({s, 1, state, state});
      }
    }
    Hold({"scan, 16 sequences x 1, per token", kLayers * kSequences,
          [&] {
            for (int i = 0; i < kLayers * kSequences; ++i) {
              Trial(1, trial_state(i));
            }
          },
          [&] {
            for (const auto& runs : layers) Ours(runs);
          },
          nullptr, nullptr, 0},
         seconds, threads_);
  }

 private:
  static constexpr int kLayers = 24;
  static constexpr int kSequences = 16;

  float* trial_y() { return trial_y_.as<float>(); }
  float* our_y() { return our_y_.as<float>(); }
  float* trial_state(int i) {
    return trial_states_.as<float>() + int64_t{i} * kChannels * kStates;
  }
  float* our_state(int i) {
    return our_states_.as<float>() + int64_t{i} * kChannels * kStates;
  }

  void Trial(int tokens, float* state) {
    const int parts = threads_.threads();
    threads_.Run(parts, [&](int part, int) {
      SArgs args{};
      args.op = 1;
      args.T = tokens;
      args.ldx = kChannels;
      args.dt = dt_.as<float>();
      args.x = x_.as<float>();
      args.B = b_.as<float>();
      args.C = c_.as<float>();
      args.A = weights_.a();
      args.Dk = weights_.d();
      args.h = state;
      args.y = trial_y();
      args.c0 = kChannels / parts * part;
      args.c1 = kChannels / parts * (part + 1);
      pr::SRun(args);
    });
  }

  void Ours(const std::vector<StateRun>& runs) {
    const int64_t rows = runs.back().begin + runs.back().length;
    const auto view = [rows](const AlignedBuffer& from, int64_t width) {
      return ConstRows{from.as<float>(), rows, width, width};
    };
    SelectiveScan(weights_, runs, view(x_, kChannels), view(dt_, kChannels),
                  view(b_, kStates), view(c_, kStates),
                  {our_y(), rows, kChannels, kChannels}, threads_);
  }

  ThreadPool& threads_;
  Random random_{3};
  AlignedBuffer x_ = Uniform(kTokens * kChannels, -1, 1, random_);
  AlignedBuffer dt_ = Uniform(kTokens * kChannels, 0.001f, 0.1f, random_);
  AlignedBuffer b_ = Uniform(kTokens * kStates, -1, 1, random_);
  AlignedBuffer c_ = Uniform(kTokens * kStates, -1, 1, random_);
  AlignedBuffer a_ = Uniform(kChannels * kStates, -16, -1, random_);
  AlignedBuffer d_ = Uniform(kChannels, 0.5f, 1.5f, random_);
  ScanWeights weights_{a_.as<float>(), d_.as<float>(), kChannels, kStates};
  AlignedBuffer trial_y_{sizeof(float) * (kTokens + 64) * kChannels};
  AlignedBuffer our_y_{sizeof(float) * kTokens * kChannels};
  AlignedBuffer trial_states_{sizeof(float) * kLayers * kSequences * kChannels *
                              kStates};
  AlignedBuffer our_states_{sizeof(float) * kLayers * kSequences * kChannels *
                            kStates};
};

constexpr int kHeadDim = 64;
constexpr int kGroup = 3;
constexpr int kWidth = kGroup * kHeadDim;
constexpr int kPages = 8192;  // 64 MB

// The scan of Mamba-2 with 24 heads of 64 channels, 128 states and one group.
class SsdContests {
 public:
  explicit SsdContests(ThreadPool& threads) : threads_(threads) {}

  void HoldAll(double seconds) {
    const std::vector<StateRun> one = {
        {0, kTokens, our_state(0), our_state(0)}};
    Hold({"Mamba-2 scan, 512 tokens, per token", kTokens,
          [&] { Trial(kTokens, trial_state(0)); }, [&] { Ours(one); },
          trial_y_.as<float>(), our_y_.as<float>(),
          int64_t{kTokens} * kChannels},
         seconds, threads_);
    std::vector<std::vector<StateRun>> layers(kLayers);
    for (int layer = 0; layer < kLayers; ++layer) {
      for (int s = 0; s < kSequences; ++s) {
        float* state = our_state(layer * kSequences + s);
        layers[layer].push_back({s, 1, state, state});
      }
    }
    Hold({"Mamba-2 scan, 16 sequences x 1", kLayers * kSequences,
          [&] {
            for (int i = 0; i < kLayers * kSequences; ++i) {
              Trial(1, trial_state(i));
            }
          },
          [&] {
            for (const auto& runs : layers) Ours(runs);
          },
          nullptr, nullptr, 0},
         seconds, threads_);
  }

 private:
  static constexpr SsdShape kShape = {24, 64, 1, 128};
  static constexpr int kLayers = 4;
  static constexpr int kSequences = 16;
  static constexpr int64_t kStateFloats = 24 * 64 * 128;

  float* trial_state(int i) {
    return trial_states_.as<float>() + i * kStateFloats;
  }
  float* our_state(int i) { return our_states_.as<float>() + i * kStateFloats; }

  void Trial(int tokens, float* state) {
    const int parts = threads_.threads();
    threads_.Run(parts, [&](int part, int) {
      SArgs args{};
      args.op = 2;
      args.T = tokens;
      args.ldx = kChannels;
      args.dt = dt_.as<float>();
      args.x = x_.as<float>();
      args.B = b_.as<float>();
      args.C = c_.as<float>();
      args.A = weights_.a();
      args.Dk = weights_.d();
      args.h = state;
      args.y = trial_y_.as<float>();
      args.c0 = kShape.heads / parts * part;
      args.c1 = kShape.heads / parts * (part + 1);
      pr::SRun(args);
    });
  }

  void Ours(const std::vector<StateRun>& runs) {
    const int64_t rows = runs.back().begin + runs.back().length;
    const auto view = [rows](const AlignedBuffer& from, int64_t width) {
      return ConstRows{from.as<float>(), rows, width, width};
    };
    SsdScan(weights_, runs, view(x_, kChannels), view(dt_, kShape.heads),
            view(b_, kShape.states), view(c_, kShape.states),
            {our_y_.as<float>(), rows, kChannels, kChannels}, threads_);
  }

  ThreadPool& threads_;
  Random random_{5};
  // The trial fetches rows behind the last one ahead of time.
  AlignedBuffer x_ = Uniform((kTokens + 16) * kChannels, -1, 1, random_);
  AlignedBuffer dt_ = Uniform(kTokens * 24, 0.001f, 0.1f, random_);
  AlignedBuffer b_ = Uniform(kTokens * 128, -1, 1, random_);
  AlignedBuffer c_ = Uniform(kTokens * 128, -1, 1, random_);
  AlignedBuffer a_ = Uniform(24, -16, -1, random_);
  AlignedBuffer d_ = Uniform(24, 0.5f, 1.5f, random_);
  SsdWeights weights_{a_.as<float>(), d_.as<float>(), kShape};
  AlignedBuffer trial_y_{sizeof(float) * (kTokens + 64) * kChannels};
  AlignedBuffer our_y_{sizeof(float) * kTokens * kChannels};
  AlignedBuffer trial_states_{sizeof(float) * kLayers * kSequences *
                              kStateFloats};
  AlignedBuffer our_states_{sizeof(float) * kLayers * kSequences *
                            kStateFloats};
};

class AttentionContests {
 public:
  explicit AttentionContests(ThreadPool& threads) : threads_(threads) {
    uint16_t* half = memory_.as<uint16_t>();
    for (int64_t i = 0; i < int64_t{kPages} * 4096; ++i) {
      half[i] = _cvtss_sh(random_.Uniform(-1, 1), 0);
    }
    for (int i = 0; i < kPages; ++i) {
      pages_.push_back(i);
      std::swap(pages_.back(), pages_[random_.Below(i + 1)]);
    }
    for (const int32_t page : pages_) {
      keys_.push_back(half + int64_t{page} * 4096);
      values_.push_back(keys_.back() + 2048);
    }
  }

  void HoldAll(double seconds) {
    for (const int positions : {512, 4096}) {
      const int sequences = kPages / (positions / kPagePositions);
      Hold({"attention, 1 query at " + std::to_string(positions),
            double(sequences), [&] { TrialDecode(positions, sequences); },
            [&] { Ours(positions - 1, 1, sequences); }, trial_out(), our_out(),
            int64_t{sequences} * kWidth},
           seconds, threads_);
    }
    constexpr int kHeads = 4;
    Hold({"attention, 512 queries, per token", 512,
          [&] { TrialPrefill(kHeads); }, [&] { Ours(0, 512, kHeads); },
          trial_out(), our_out(), int64_t{kHeads} * 512 * kWidth},
         seconds, threads_);
  }

 private:
  float* trial_out() { return trial_out_.as<float>(); }
  float* our_out() { return our_out_.as<float>(); }

  void TrialDecode(int positions, int sequences) {
    const int pages = positions / kPagePositions;
    ForSequences(sequences, [&](int s, int thread) {
      SArgs args{};
      args.op = 3;
      args.q = q_.as<float>() + int64_t{s} * kWidth;
      args.kp = keys_.data() + s * pages;
      args.vp = values_.data() + s * pages;
      args.npos = positions;
      args.o = trial_out() + int64_t{s} * kWidth;
      args.tmp = scratch_[thread].as<float>();
      pr::SRun(args);
    });
  }

  void TrialPrefill(int sequences) {
    ForSequences(sequences, [&](int s, int thread) {
      SArgs args{};
      args.op = 4;
      args.q = q_.as<float>() + int64_t{s} * 512 * kWidth;
      args.kp = keys_.data() + s * 16;
      args.vp = values_.data() + s * 16;
      args.c0 = 0;
      args.c1 = 512;
      args.o = trial_out() + int64_t{s} * 512 * kWidth;
      args.tmp = scratch_[thread].as<float>();
      pr::SRun(args);
    });
  }

  // As the trial does: thread i takes sequences i, i + threads, ...
  template <class Body>
  void ForSequences(int sequences, const Body& body) {
    threads_.Run(threads_.threads(), [&](int part, int) {
      for (int s = part; s < sequences; s += threads_.threads()) body(s, part);
    });
  }

  void Ours(int first, int length, int sequences) {
    const int pages = (first + length) / kPagePositions;
    runs_.clear();
    tables_.clear();
    for (int s = 0; s < sequences; ++s) {
      Run run;
      run.begin = s * length;
      run.length = length;
      run.first_position = first;
      runs_.push_back(run);
      tables_.push_back({{pages_.data() + s * pages, size_t(pages)}});
    }
    const int64_t rows = int64_t{sequences} * length;
    const KvLayout layout = {DType::kF16, 1, kHeadDim, kHeadDim};
    Attention(layout, {memory_.data(), layout.PageBytes()}, runs_, tables_,
              {q_.as<float>(), rows, kWidth, kWidth}, kGroup, {.scale = 1.0f},
              {our_out(), rows, kWidth, kWidth}, arena_, threads_);
  }

  ThreadPool& threads_;
  Random random_{4};
  AlignedBuffer memory_{size_t{kPages} * 8192};
  std::vector<int32_t> pages_;
  std::vector<const uint16_t*> keys_;
  std::vector<const uint16_t*> values_;
  AlignedBuffer q_ = Uniform(4 * 512 * kWidth, -0.3f, 0.3f, random_);
  AlignedBuffer trial_out_{sizeof(float) * 4 * 512 * kWidth};
  AlignedBuffer our_out_{sizeof(float) * 4 * 512 * kWidth};
  AlignedBuffer scratch_[2] = {AlignedBuffer(16 << 20),
                               AlignedBuffer(16 << 20)};
  std::vector<Run> runs_;
  std::vector<PageTable> tables_;
  Arena arena_;
};

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  using namespace braid;
  const FloatGuard guard;
  const double seconds = argc > 1 ? std::stod(argv[1]) : 2.0;
  const std::string wanted = argc > 2 ? argv[2] : "12";
  const std::string only = argc > 3 ? argv[3] : "";
  for (const std::string& target : VectorTargets()) {
    if (!only.empty() && target != only) continue;
    UseVectorTarget(target);
    std::printf("%s\n", target.c_str());
    for (const int count : {1, 2}) {
      if (wanted.find(std::to_string(count)) == std::string::npos) continue;
      ThreadPool threads(count);
      ScanContests(threads).HoldAll(seconds);
      SsdContests(threads).HoldAll(seconds);
      AttentionContests(threads).HoldAll(seconds);
    }
  }
}
#endif  // HWY_ONCE
