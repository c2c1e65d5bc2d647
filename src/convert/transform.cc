#include "convert/transform.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/format.h"

namespace braid::convert {

namespace {

// Values of one row of the outermost dimension.
int64_t RowElements(const Shape& shape) {
  return Elements(Shape(shape.begin() + 1, shape.end()));
}

std::function<Result<Shape>(const Shape&)> SameShape() {
  return [](const Shape& shape) { return Result<Shape>(shape); };
}

Transform ForEach(float (*function)(float)) {
  return {SameShape(), [function](const Shape&, std::vector<float>& values) {
            std::ranges::transform(values, values.begin(), function);
          }};
}

// Row i of the result is row source(i).
template <class Source>
std::vector<float> GatherRows(const std::vector<float>& values, int64_t rows,
                              int64_t width, const Source& source) {
  std::vector<float> result(static_cast<size_t>(rows * width));
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(values.begin() + source(row) * width, width,
                result.begin() + row * width);
  }
  return result;
}

}  // namespace

int64_t Elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         std::multiplies<>());
}

std::string ShapeText(const Shape& shape) {
  std::string text;
  for (const int64_t size : shape) {
    text += Format("{}{}", text.empty() ? "" : ", ", size);
  }
  return "[" + text + "]";
}

Transform PairRotaryRows(int64_t heads) {
  Transform result;
  result.shape = [heads](const Shape& shape) -> Result<Shape> {
    if (shape.empty() || heads < 1 || shape[0] % (2 * heads) != 0) {
      return Error{
          Format("{} has not an even number of rows for each of {} "
                 "heads",
                 ShapeText(shape), heads)};
    }
    return shape;
  };
  result.values = [heads](const Shape& shape, std::vector<float>& values) {
    const int64_t head = shape[0] / heads;
    values =
        GatherRows(values, shape[0], RowElements(shape), [head](int64_t row) {
          const int64_t within = row % head;
          const int64_t half = within % 2 * (head / 2);
          return row - within + half + within / 2;
        });
  };
  return result;
}

Transform Permute(std::vector<int> order) {
  Transform result;
  result.shape = [order](const Shape& shape) -> Result<Shape> {
    if (shape.size() != order.size()) {
      return Error{Format("{} has {} dimensions, expected {}", ShapeText(shape),
                          shape.size(), order.size())};
    }
    Shape permuted;
    for (const int dimension : order) permuted.push_back(shape[dimension]);
    return permuted;
  };
  result.values = [order](const Shape& shape, std::vector<float>& values) {
    // Steps in the source for each dimension of the result.
    Shape strides(shape.size(), 1);
    for (size_t i = shape.size() - 1; i-- > 0;) {
      strides[i] = strides[i + 1] * shape[i + 1];
    }
    std::vector<float> permuted(values.size());
    Shape index(shape.size(), 0);  // in the result
    int64_t at = 0;                // in the source
    for (float& value : permuted) {
      value = values[static_cast<size_t>(at)];
      for (size_t i = order.size(); i-- > 0;) {
        at += strides[order[i]];
        if (++index[i] < shape[order[i]]) break;
        at -= index[i] * strides[order[i]];
        index[i] = 0;
      }
    }
    values = std::move(permuted);
  };
  return result;
}

Transform Transpose() { return Permute({1, 0}); }

Transform Reshape(Shape wanted) {
  Transform result;
  result.shape = [wanted](const Shape& shape) -> Result<Shape> {
    Shape reshaped = wanted;
    const auto open = std::ranges::find(reshaped, -1);
    if (open != reshaped.end()) {
      *open = 1;
      *open = Elements(shape) / std::max<int64_t>(Elements(reshaped), 1);
    }
    if (Elements(reshaped) != Elements(shape)) {
      return Error{
          Format("{} cannot become {}", ShapeText(shape), ShapeText(wanted))};
    }
    return reshaped;
  };
  return result;
}

Transform Squeeze() {
  Transform result;
  result.shape = [](const Shape& shape) -> Result<Shape> {
    Shape squeezed;
    std::ranges::copy_if(shape, std::back_inserter(squeezed),
                         [](int64_t size) { return size != 1; });
    return squeezed;
  };
  return result;
}

Transform Rows(int64_t begin, int64_t count) {
  Transform result;
  result.shape = [begin, count](Shape shape) -> Result<Shape> {
    if (shape.empty() || begin < 0 || count < 1 || begin > shape[0] - count) {
      return Error{
          Format("{} has no {} rows from {}", ShapeText(shape), count, begin)};
    }
    shape[0] = count;
    return shape;
  };
  result.values = [begin, count](const Shape& shape,
                                 std::vector<float>& values) {
    const int64_t width = RowElements(shape);
    values = std::vector<float>(values.begin() + begin * width,
                                values.begin() + (begin + count) * width);
  };
  return result;
}

Transform RowsOfGroups(int64_t groups, int64_t begin, int64_t count) {
  Transform result;
  result.shape = [groups, begin, count](Shape shape) -> Result<Shape> {
    if (shape.empty() || groups < 1 || shape[0] % groups != 0 || begin < 0 ||
        count < 1 || begin > shape[0] / groups - count) {
      return Error{Format("{} has no {} rows from {} in each of {} groups",
                          ShapeText(shape), count, begin, groups)};
    }
    shape[0] = groups * count;
    return shape;
  };
  result.values = [groups, begin, count](const Shape& shape,
                                         std::vector<float>& values) {
    const int64_t group = shape[0] / groups;
    values = GatherRows(values, groups * count, RowElements(shape),
                        [group, begin, count](int64_t row) {
                          return row / count * group + begin + row % count;
                        });
  };
  return result;
}

Transform TileHeads(int64_t begin, int64_t heads, int64_t groups) {
  Transform result;
  result.shape = [begin, heads, groups](const Shape& shape) -> Result<Shape> {
    if (shape.empty() || groups < 1 || heads < 1 || heads % groups != 0 ||
        shape[0] <= begin || (shape[0] - begin) % heads != 0) {
      return Error{Format("{} has not {} heads in {} groups from row {} on",
                          ShapeText(shape), heads, groups, begin)};
    }
    return shape;
  };
  result.values = [begin, heads, groups](const Shape& shape,
                                         std::vector<float>& values) {
    const int64_t head_rows = (shape[0] - begin) / heads;
    const int64_t group_heads = heads / groups;
    values = GatherRows(values, shape[0], RowElements(shape), [&](int64_t row) {
      if (row < begin) return row;
      const int64_t head = (row - begin) / head_rows;
      const int64_t within = (row - begin) % head_rows;
      const int64_t source = head % groups * group_heads + head / groups;
      return begin + source * head_rows + within;
    });
  };
  return result;
}

Transform Add(float summand) {
  return {SameShape(), [summand](const Shape&, std::vector<float>& values) {
            for (float& value : values) value += summand;
          }};
}

Transform Multiply(float factor) {
  return {SameShape(), [factor](const Shape&, std::vector<float>& values) {
            for (float& value : values) value *= factor;
          }};
}

Transform MultiplyRows(std::vector<std::pair<int64_t, float>> sections) {
  Transform result;
  result.shape = [sections](const Shape& shape) -> Result<Shape> {
    int64_t rows = 0;
    for (const auto& [count, factor] : sections) rows += count;
    if (shape.empty() || shape[0] != rows) {
      return Error{Format("{} has not {} rows", ShapeText(shape), rows)};
    }
    return shape;
  };
  result.values = [sections](const Shape& shape, std::vector<float>& values) {
    auto value = values.begin();
    for (const auto& [count, factor] : sections) {
      const auto end = value + count * RowElements(shape);
      for (; value != end; ++value) *value *= factor;
    }
  };
  return result;
}

Transform MinusExp() {
  return ForEach([](float value) { return -std::exp(value); });
}

}  // namespace braid::convert
