// The matrix product beside the trial's kernels, run by turns in one process.
// Built by bench/against-trial, which links the trial's gemm.cc; no part of the
// normal build.
//
//   against_trial [seconds per figure] [formats] [rows] [threads]
//
// Prints the best time of each and "ratio", the trial's best time divided by
// ours: above 1 we are faster. One thread is timed by its own processor time,
// several by the clock on the wall.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/fp_guard.h"
#include "gemm.h"  // of the trial
#include "kernels/matmul.h"
#include "tensor/formats.h"

namespace pr {
void Run(const Args& args);  // the trial's product
}

namespace braid {
namespace {

constexpr int kInputs = 768;
constexpr int kOutputs = 3072;
constexpr size_t kWeightBytes = 100'000'000;  // rotated through, for each side
constexpr size_t kTrialScratch = 64u << 20;

struct TrialFormat {
  DType type;
  int trial;
};
constexpr TrialFormat kFormats[] = {{DType::kF32, F32},
                                    {DType::kF16, F16},
                                    {DType::kQ8_0, Q8},
                                    {DType::kQ4_0, Q4},
                                    {DType::kQ4_K, Q4K}};

double Seconds(bool of_thread) {
  timespec time;
  clock_gettime(of_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

// Small floats or half scales and some codes, whatever the format.
AlignedBuffer Filled(size_t bytes) {
  AlignedBuffer buffer(bytes);
  std::memset(buffer.data(), 0x2C, bytes);
  return buffer;
}

class Contest {
 public:
  Contest(const TrialFormat& format, int rows, int thread_count)
      : format_(format),
        rows_(rows),
        threads_(thread_count),
        x_(Filled(sizeof(float) * kInputs * static_cast<size_t>(rows))),
        y_(Filled(sizeof(float) * kOutputs * static_cast<size_t>(rows))) {
    const AlignedBuffer stored =
        Filled(RowBytes(format.type, kInputs) * kOutputs);
    do {
      ours_.push_back(PackedMatrix::Pack(format.type, stored.data(), kInputs,
                                         kOutputs, blocks_, threads_));
    } while (ours_.size() * ours_[0].bytes() < kWeightBytes);
    for (size_t i = 0; i < ours_.size(); ++i) {
      trials_.push_back(
          Filled(GroupBytes(format.trial, kInputs) * (kOutputs / 16)));
    }
    for (int i = 0; i < thread_count; ++i) {
      scratch_.push_back(Filled(kTrialScratch));
    }
  }

  void Ours() {
    MatMul(ours_[next_++ % ours_.size()],
           {x_.as<float>(), rows_, kInputs, kInputs},
           {y_.as<float>(), rows_, kOutputs, kOutputs}, arena_, threads_);
  }

  void Trial() {
    Args args{};
    args.t = format_.trial;
    args.W = reinterpret_cast<const uint8_t*>(
        trials_[next_++ % trials_.size()].data());
    args.K = kInputs;
    args.N = kOutputs;
    args.M = rows_;
    args.x = x_.as<float>();
    args.y = y_.as<float>();
    const int parts = threads_.threads();
    threads_.Run(parts, [&](int part, int) {
      Args of_thread = args;
      of_thread.n0 = kOutputs / 32 * part / parts * 32;
      of_thread.n1 = kOutputs / 32 * (part + 1) / parts * 32;
      of_thread.tmp = scratch_[part].as<float>();
      pr::Run(of_thread);
    });
  }

  // Prints one line.
  void Hold(double seconds) {
    const bool of_thread = threads_.threads() == 1;
    const int runs = rows_ == 1 ? 8 : rows_ <= 16 ? 3 : 1;
    double best[2] = {1e9, 1e9};
    const double end = Seconds(false) + seconds;
    for (int i = 0; i < 6 || Seconds(false) < end; ++i) {
      const int side = i % 2;
      const double start = Seconds(of_thread);
      for (int run = 0; run < runs; ++run) side == 0 ? Trial() : Ours();
      best[side] = std::min(best[side], (Seconds(of_thread) - start) / runs);
    }
    const double operations = 2.0 * rows_ * kInputs * kOutputs;
    std::printf(
        "%-4s %d threads %3d rows: trial %8.1f us, ours %8.1f us "
        "(%6.1f GFLOP/s, %5.1f GB/s), ratio %.2f\n",
        std::string(Name(format_.type)).c_str(), threads_.threads(), rows_,
        best[0] * 1e6, best[1] * 1e6, operations / best[1] * 1e-9,
        static_cast<double>(ours_[0].bytes()) / best[1] * 1e-9,
        best[0] / best[1]);
    std::fflush(stdout);
  }

 private:
  TrialFormat format_;
  int rows_;
  ThreadPool threads_;
  AlignedBuffer x_;
  AlignedBuffer y_;
  std::vector<PackedMatrix> ours_;
  std::vector<AlignedBuffer> trials_;
  std::vector<AlignedBuffer> scratch_;
  size_t next_ = 0;
  Arena arena_;
  HugeBlocks blocks_;
};

// Is `item` one of the comma-separated `list`? An empty list has everything.
bool Listed(const std::string& list, const std::string& item) {
  return list.empty() ||
         ("," + list + ",").find("," + item + ",") != std::string::npos;
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  using namespace braid;
  const FloatGuard guard;
  const double seconds = argc > 1 ? std::stod(argv[1]) : 1.0;
  const std::string formats = argc > 2 ? argv[2] : "";
  const std::string rows_list = argc > 3 ? argv[3] : "1,16,512";
  const std::string threads_list = argc > 4 ? argv[4] : "1,2";
  for (const auto& format : kFormats) {
    if (!Listed(formats, std::string(Name(format.type)))) continue;
    for (const int threads : {1, 2}) {
      if (!Listed(threads_list, std::to_string(threads))) continue;
      for (const int rows : {1, 2, 4, 8, 12, 16, 64, 512}) {
        if (!Listed(rows_list, std::to_string(rows))) continue;
        Contest(format, rows, threads).Hold(seconds);
      }
    }
  }
}
