// MatrixNames: which tensor a packed matrix was made of.
#ifndef BRAID_SRC_NN_MATRIX_NAMES_H_
#define BRAID_SRC_NN_MATRIX_NAMES_H_

#include <cstddef>
#include <string>
#include <unordered_map>

#include "kernels/matmul.h"

namespace braid {

// A WeightScope that is given one writes every matrix into it that is a whole
// tensor, or one of the equal parts of a tensor of experts or heads. What is
// packed of other pieces of a tensor has no name.
class MatrixNames {
 public:
  struct Name {
    std::string tensor;
    int index;  // of the matrix in its tensor
    int count;  // of matrices in the tensor
  };

  // A matrix keeps its name when it is moved.
  void Add(const PackedMatrix& matrix, Name name) {
    if (matrix.data() != nullptr) names_[matrix.data()] = std::move(name);
  }
  // nullptr: it has none.
  const Name* Find(const PackedMatrix& matrix) const {
    const auto found = names_.find(matrix.data());
    return found == names_.end() ? nullptr : &found->second;
  }

 private:
  std::unordered_map<const std::byte*, Name> names_;  // by packed data
};

}  // namespace braid

#endif  // BRAID_SRC_NN_MATRIX_NAMES_H_
