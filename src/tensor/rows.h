// Rows: a matrix of float32 activations, one row per token.
#ifndef BRAID_SRC_TENSOR_ROWS_H_
#define BRAID_SRC_TENSOR_ROWS_H_

#include <cstdint>

namespace braid {

// `rows` rows of `width` floats, `stride` floats apart. Does not own.
template <class T>
struct BasicRows {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
  int64_t stride = 0;

  T* row(int64_t i) const { return data + i * stride; }
  // Columns [begin, begin + count) of every row.
  BasicRows Columns(int64_t begin, int64_t count) const {
    return {data + begin, rows, count, stride};
  }
  // Rows [begin, begin + count).
  BasicRows RowRange(int64_t begin, int64_t count) const {
    return {row(begin), count, width, stride};
  }
  operator BasicRows<const T>() const { return {data, rows, width, stride}; }
};

using Rows = BasicRows<float>;
using ConstRows = BasicRows<const float>;

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_ROWS_H_
