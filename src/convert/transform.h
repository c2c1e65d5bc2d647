// Transforms: what the values of a tensor go through between a Hugging Face
// checkpoint and a GGUF file.
//
// A transform knows the shape it makes before there are values, so that a file
// can be laid out first. Values are float32 in memory, in PyTorch's order.
#ifndef BRAID_SRC_CONVERT_TRANSFORM_H_
#define BRAID_SRC_CONVERT_TRANSFORM_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "convert/source_tensor.h"

namespace braid::convert {

struct Transform {
  // The shape after it. Error: it cannot be applied to `shape`.
  std::function<Result<Shape>(const Shape& shape)> shape;
  // Empty: the values stay as they are. Otherwise `shape` is the one before,
  // and has been accepted.
  std::function<void(const Shape& shape, std::vector<float>& values)> values;
};

// The number of elements. Shapes of a checkpoint were checked to fit.
int64_t Elements(const Shape& shape);

// "[32, 64]"
std::string ShapeText(const Shape& shape);

// From the two halves of a head's rotary dimensions to adjacent pairs: within
// each of `heads` equal parts of the rows, row i of the first half becomes row
// 2i and row i of the second half row 2i + 1. Also for a bias. (Hugging Face
// stores Llama's projections in halves, GGUF as Meta published them.)
Transform PairRotaryRows(int64_t heads);

// Dimensions in another order: result dimension i is dimension order[i].
Transform Permute(std::vector<int> order);
// {out, in} to {in, out}.
Transform Transpose();

// The same values in another shape; one dimension may be -1.
Transform Reshape(Shape shape);
// Without the dimensions of size 1.
Transform Squeeze();

// `count` rows of the outermost dimension, from `begin`.
Transform Rows(int64_t begin, int64_t count);
// Of each of `groups` equal parts of the rows, `count` from `begin`.
Transform RowsOfGroups(int64_t groups, int64_t begin, int64_t count);

// From `heads` equal parts of the rows from `begin` on, each of `groups` groups
// beside one another, to tiles: first of every group the first part, then of
// every group the second, and so on.
Transform TileHeads(int64_t begin, int64_t heads, int64_t groups);

Transform Add(float summand);
Transform Multiply(float factor);
// Consecutive rows times consecutive factors: {number of rows, factor}.
Transform MultiplyRows(std::vector<std::pair<int64_t, float>> sections);
// -exp(x): Mamba's A from the logarithm that checkpoints store.
Transform MinusExp();

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TRANSFORM_H_
