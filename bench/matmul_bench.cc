// matmul_bench: how fast the matrix product is, as a share of what the machine
// can do at that moment.
//
//   matmul_bench [formats=F32,Q8_0] [rows=1,16,512] [threads=1,2] [inputs=768]
//                [outputs=3072] [target=AVX2] [repeats=25]
//
// One line per format, threads and rows: the best of `repeats` runs in GB/s of
// packed weights (1 row) or GFLOP/s, and its share of the best bandwidth or
// multiply-add peak measured between the runs. The weights rotate through
// 128 MB, so that they come from memory, as those of a model do. Every product
// is compared with the scalar twin before it is timed.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/fp_guard.h"
#include "base/random.h"
#include "kernels/calibration.h"
#include "kernels/matmul.h"
#include "kernels/ref/matmul_twin.h"
#include "kernels/targets.h"
#include "tensor/codec.h"
#include "tensor/formats.h"

namespace braid {
namespace {

constexpr size_t kWeightBytes = 128'000'000;  // all copies of the weights
constexpr size_t kReadBytes = 96u << 20;

struct Options {
  std::vector<std::string> formats;  // none: all
  std::vector<std::string> rows = {"1", "2", "4", "8", "16", "64", "512"};
  std::vector<std::string> threads = {"1", "2"};
  int64_t inputs = 768;
  int64_t outputs = 3072;
  std::string target;
  int repeats = 25;
};

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool ParseOptions(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) return false;
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    if (key == "formats") {
      options.formats = SplitList(value);
    } else if (key == "rows") {
      options.rows = SplitList(value);
    } else if (key == "threads") {
      options.threads = SplitList(value);
    } else if (key == "inputs") {
      options.inputs = std::stoll(value);
    } else if (key == "outputs") {
      options.outputs = std::stoll(value);
    } else if (key == "target") {
      options.target = value;
    } else if (key == "repeats") {
      options.repeats = std::stoi(value);
    } else {
      return false;
    }
  }
  return true;
}

std::vector<std::byte> RandomWeights(DType type, const Options& options) {
  Random random(5);
  const size_t row_bytes = RowBytes(type, options.inputs);
  std::vector<std::byte> stored(row_bytes *
                                static_cast<size_t>(options.outputs));
  std::vector<float> row(static_cast<size_t>(options.inputs));
  for (int64_t n = 0; n < options.outputs; ++n) {
    std::byte* to = stored.data() + static_cast<size_t>(n) * row_bytes;
    if (n >= 64) {  // the K formats' search takes long: repeat what there is
      std::memcpy(to, to - 64 * row_bytes, row_bytes);
      continue;
    }
    for (float& value : row) value = random.Uniform(-0.05f, 0.05f);
    EncodeRow(type, row.data(), options.inputs, to);
  }
  return stored;
}

// One format's weights, and inputs and outputs for `kMaxRows` rows.
class Product {
 public:
  static constexpr int64_t kMaxRows = 512;

  Product(DType type, const Options& options, ThreadPool& threads)
      : options_(options),
        stored_(RandomWeights(type, options)),
        x_(static_cast<size_t>(kMaxRows * options.inputs) * sizeof(float)),
        y_(static_cast<size_t>(kMaxRows * options.outputs) * sizeof(float)) {
    Random random(6);
    float* x = x_.as<float>();
    for (int64_t i = 0; i < kMaxRows * options.inputs; ++i) {
      x[i] = random.Uniform(-1.0f, 1.0f);
    }
    do {
      copies_.push_back(PackedMatrix::Pack(type, stored_.data(), options.inputs,
                                           options.outputs, blocks_, threads));
    } while (copies_.size() * copies_[0].bytes() < kWeightBytes);
  }

  const PackedMatrix& weights() const { return copies_[0]; }
  size_t copies() const { return copies_.size(); }

  // The next copy of the weights times the first `rows` rows.
  void Multiply(int64_t rows, ThreadPool& threads) {
    MatMul(copies_[next_++ % copies_.size()],
           {x_.as<float>(), rows, options_.inputs, options_.inputs},
           {y_.as<float>(), rows, options_.outputs, options_.outputs}, arena_,
           threads);
  }

  // Do the first outputs of the first and the last row equal the twin's?
  bool Correct(int64_t rows, ThreadPool& threads) {
    Multiply(rows, threads);
    constexpr int64_t kCompared = 40;
    const int64_t compared = std::min(kCompared, options_.outputs);
    for (const int64_t row : {int64_t{0}, rows - 1}) {
      float twin[kCompared];
      MatMulTwin(weights().type(), stored_.data(), options_.inputs, compared,
                 {x_.as<float>() + row * options_.inputs, 1, options_.inputs,
                  options_.inputs},
                 {twin, 1, compared, compared});
      if (std::memcmp(twin, y_.as<float>() + row * options_.outputs,
                      static_cast<size_t>(compared) * sizeof(float)) != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  Options options_;
  std::vector<std::byte> stored_;
  AlignedBuffer x_;
  AlignedBuffer y_;
  std::vector<PackedMatrix> copies_;
  size_t next_ = 0;
  Arena arena_;
  HugeBlocks blocks_;
};

// Products between two looks at the clock.
int RunsPerMeasurement(int64_t rows, size_t copies) {
  if (rows == 1) return static_cast<int>(copies / 2) + 1;
  if (rows < 16) return 10;
  if (rows < 64) return 4;
  return rows < 512 ? 2 : 1;
}

void Measure(Product& product, int64_t rows, const Options& options,
             const AlignedBuffer& memory, ThreadPool& threads) {
  const PackedMatrix& w = product.weights();
  const bool by_bandwidth = rows == 1;
  const double amount =
      by_bandwidth ? static_cast<double>(w.bytes())
                   : 2.0 * static_cast<double>(rows * w.inputs() * w.outputs());
  const int runs = RunsPerMeasurement(rows, product.copies());
  double best = 0;
  double limit = 0;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    limit = std::max(
        limit, by_bandwidth ? ReadBandwidth(memory.data(), kReadBytes, threads)
                            : MultiplyAddPeak(threads));
    product.Multiply(rows, threads);
    const double start = Now();
    for (int run = 0; run < runs; ++run) product.Multiply(rows, threads);
    best = std::max(best, amount * runs / (Now() - start) * 1e-9);
  }
  std::printf("%-6s %d threads %4d rows: %7.1f %s, %3.0f %% of %.1f\n",
              std::string(Name(w.type())).c_str(), threads.threads(),
              static_cast<int>(rows), best, by_bandwidth ? "GB/s" : "GFLOP/s",
              best / limit * 100, limit);
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, options)) {
    std::fprintf(stderr, "usage: see the head of bench/matmul_bench.cc\n");
    return 2;
  }
  const FloatGuard guard;
  if (!options.target.empty()) UseVectorTarget(options.target);
  const AlignedBuffer memory(kReadBytes);
  for (const DType type : kAllDTypes) {
    const auto& wanted = options.formats;
    if (!wanted.empty() &&
        std::find(wanted.begin(), wanted.end(), Name(type)) == wanted.end()) {
      continue;
    }
    ThreadPool packers(1);
    Product product(type, options, packers);
    for (const std::string& count : options.threads) {
      ThreadPool threads(std::stoi(count));
      for (const std::string& rows_text : options.rows) {
        const int64_t rows = std::stoll(rows_text);
        if (rows < 1 || rows > Product::kMaxRows) continue;
        if (!product.Correct(rows, threads)) {
          std::fprintf(stderr, "%s, %s rows: WRONG\n",
                       std::string(Name(type)).c_str(), rows_text.c_str());
          return 1;
        }
        Measure(product, rows, options, memory, threads);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) { return braid::Main(argc, argv); }
