// ImportanceCollector: adds up what a model multiplies its matrices with.
#ifndef BRAID_APPS_BRAID_IMPORTANCE_COLLECTOR_H_
#define BRAID_APPS_BRAID_IMPORTANCE_COLLECTOR_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nn/matrix_names.h"
#include "ops/input_observer.h"
#include "quantize/importance.h"

namespace braid::cli {

// For every matrix with a name the squares of its inputs are added up, column
// by column in double precision, where the square of a float is exact. The sums
// depend on the order of rows alone: not on how they are cut into ubatches, nor
// on threads. Not thread-safe.
class ImportanceCollector : public InputObserver {
 public:
  // `names` must outlive it. Without `output` only the matrices of blocks count
  // (blk.*, enc.blk.*).
  ImportanceCollector(const MatrixNames& names, bool output)
      : names_(names), output_(output) {}

  void Observe(const PackedMatrix& w, ConstRows x,
               ThreadPool& threads) override;
  void ObserveTensor(const std::string& tensor, ConstRows x,
                     ThreadPool& threads) override;

  // Puts what was added up so far into `matrix`, in place of entries of the
  // same name. An expert that saw no row has the count 0.
  void AddTo(quantize::ImportanceMatrix& matrix) const;

 private:
  // Of one tensor: a part for each of its matrices.
  struct Squares {
    std::vector<std::vector<double>> sums;  // [matrices][inputs]
    std::vector<int64_t> rows;              // [matrices]
  };

  void AddSquares(const MatrixNames::Name& name, ConstRows x,
                  ThreadPool& threads);

  const MatrixNames& names_;
  const bool output_;
  std::map<std::string, Squares> squares_;  // by tensor
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_IMPORTANCE_COLLECTOR_H_
