#include "apps/braid/importance_collector.h"

#include <algorithm>
#include <utility>

namespace braid::cli {

namespace {

// Columns of one task: few enough to occupy the threads, enough for a row's
// piece to be worth fetching.
constexpr int64_t kColumns = 128;

}  // namespace

void ImportanceCollector::Observe(const PackedMatrix& w, ConstRows x,
                                  ThreadPool& threads) {
  const MatrixNames::Name* const name = names_.Find(w);
  if (name != nullptr) AddSquares(*name, x, threads);
}

void ImportanceCollector::ObserveTensor(const std::string& tensor, ConstRows x,
                                        ThreadPool& threads) {
  AddSquares({tensor, 0, 1}, x, threads);
}

void ImportanceCollector::AddSquares(const MatrixNames::Name& name, ConstRows x,
                                     ThreadPool& threads) {
  if (!output_ && name.tensor.find("blk.") == std::string::npos) return;
  Squares& squares = squares_[name.tensor];
  squares.sums.resize(static_cast<size_t>(name.count));
  squares.rows.resize(static_cast<size_t>(name.count));
  const auto part = static_cast<size_t>(name.index);
  squares.rows[part] += x.rows;
  std::vector<double>& sums = squares.sums[part];
  sums.resize(static_cast<size_t>(x.width));

  const int64_t tasks = (x.width + kColumns - 1) / kColumns;
  threads.Run(static_cast<int>(tasks), [&](int task, int) {
    const int64_t begin = task * kColumns;
    const int64_t end = std::min(begin + kColumns, x.width);
    for (int64_t row = 0; row < x.rows; ++row) {
      const float* const values = x.row(row);
      for (int64_t i = begin; i < end; ++i) {
        const double value = values[i];
        sums[static_cast<size_t>(i)] += value * value;
      }
    }
  });
}

void ImportanceCollector::AddTo(quantize::ImportanceMatrix& matrix) const {
  for (const auto& [tensor, squares] : squares_) {
    size_t inputs = 0;
    for (const auto& sums : squares.sums)
      inputs = std::max(inputs, sums.size());
    quantize::InputSquares entry;
    for (const auto& sums : squares.sums) {
      for (size_t i = 0; i < inputs; ++i) {
        entry.sums.push_back(sums.empty() ? 0 : static_cast<float>(sums[i]));
      }
    }
    for (const int64_t rows : squares.rows) {
      entry.counts.push_back(static_cast<float>(rows));
    }
    matrix.Add(tensor, std::move(entry));
  }
}

}  // namespace braid::cli
