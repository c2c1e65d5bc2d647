#include "convert/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace braid::convert {

namespace {

// What `transform` makes of 0, 1, 2, ... in that shape.
std::vector<float> Apply(const Transform& transform, const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(Elements(shape)));
  std::iota(values.begin(), values.end(), 0.0f);
  if (transform.values) transform.values(shape, values);
  return values;
}

Shape ShapeAfter(const Transform& transform, const Shape& shape) {
  const auto result = transform.shape(shape);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return result.ok() ? *result : Shape{};
}

TEST(Transform, PairRotaryRows) {
  // Two heads of four rows: halves 0 1 | 2 3 become pairs 0 2 | 1 3.
  const Transform transform = PairRotaryRows(2);
  EXPECT_EQ(ShapeAfter(transform, {8}), Shape{8});
  EXPECT_EQ(Apply(transform, {8}),
            (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(Apply(PairRotaryRows(1), {4, 2}),
            (std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7}));
  EXPECT_FALSE(transform.shape({6}).ok());
  EXPECT_FALSE(transform.shape({}).ok());
  EXPECT_FALSE(PairRotaryRows(0).shape({8}).ok());
}

TEST(Transform, TileHeads) {
  // Behind one row that stays, two groups of three heads of a row each.
  const Transform transform = TileHeads(1, 6, 2);
  EXPECT_EQ(ShapeAfter(transform, {7}), Shape{7});
  EXPECT_EQ(Apply(transform, {7}), (std::vector<float>{0, 1, 4, 2, 5, 3, 6}));
  // Heads of two rows.
  EXPECT_EQ(Apply(TileHeads(0, 4, 2), {8}),
            (std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7}));
  // As many groups as heads, or one: nothing moves.
  EXPECT_EQ(Apply(TileHeads(0, 3, 3), {3}), (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(Apply(TileHeads(0, 3, 1), {3}), (std::vector<float>{0, 1, 2}));
  EXPECT_FALSE(transform.shape({8}).ok());
  EXPECT_FALSE(transform.shape({1}).ok());
  EXPECT_FALSE(TileHeads(0, 5, 2).shape({10}).ok());
}

TEST(Transform, Permute) {
  EXPECT_EQ(ShapeAfter(Transpose(), {2, 3}), (Shape{3, 2}));
  EXPECT_EQ(Apply(Transpose(), {2, 3}), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  const Transform swapped = Permute({0, 2, 1});
  EXPECT_EQ(ShapeAfter(swapped, {2, 1, 3}), (Shape{2, 3, 1}));
  EXPECT_EQ(Apply(swapped, {2, 2, 2}),
            (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(Apply(Permute({2, 0, 1}), {2, 3, 2}),
            (std::vector<float>{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
  EXPECT_FALSE(Transpose().shape({2, 3, 4}).ok());
}

TEST(Transform, ShapesOnly) {
  EXPECT_EQ(ShapeAfter(Squeeze(), {8, 1, 4}), (Shape{8, 4}));
  EXPECT_EQ(ShapeAfter(Reshape({-1, 1}), {6}), (Shape{6, 1}));
  EXPECT_EQ(ShapeAfter(Reshape({2, -1}), {6}), (Shape{2, 3}));
  EXPECT_FALSE(Reshape({4, -1}).shape({6}).ok());
  EXPECT_FALSE(Reshape({5}).shape({6}).ok());
}

TEST(Transform, Rows) {
  EXPECT_EQ(ShapeAfter(Rows(1, 2), {4, 2}), (Shape{2, 2}));
  EXPECT_EQ(Apply(Rows(1, 2), {4, 2}), (std::vector<float>{2, 3, 4, 5}));
  EXPECT_FALSE(Rows(3, 2).shape({4, 2}).ok());
  EXPECT_FALSE(Rows(0, 0).shape({4, 2}).ok());
  // Two groups of three rows, the last two of each.
  EXPECT_EQ(ShapeAfter(RowsOfGroups(2, 1, 2), {6}), Shape{4});
  EXPECT_EQ(Apply(RowsOfGroups(2, 1, 2), {6}),
            (std::vector<float>{1, 2, 4, 5}));
  EXPECT_FALSE(RowsOfGroups(4, 0, 1).shape({6}).ok());
  EXPECT_FALSE(RowsOfGroups(2, 2, 2).shape({6}).ok());
}

TEST(Transform, Values) {
  EXPECT_EQ(Apply(Add(1), {3}), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(Apply(Multiply(-2), {3}), (std::vector<float>{0, -2, -4}));
  EXPECT_EQ(Apply(MultiplyRows({{1, 10.0f}, {2, 100.0f}}), {3, 2}),
            (std::vector<float>{0, 10, 200, 300, 400, 500}));
  EXPECT_FALSE(MultiplyRows({{1, 1.0f}}).shape({3, 2}).ok());
  EXPECT_EQ(Apply(MinusExp(), {2}), (std::vector<float>{-1, -std::exp(1.0f)}));
}

}  // namespace

}  // namespace braid::convert
