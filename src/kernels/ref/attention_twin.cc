#include "kernels/ref/attention_twin.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/element_functions.h"
#include "kernels/ref/element_functions.h"
#include "tensor/half.h"

namespace braid {

namespace {

// One head's part of a page.
struct HeadPage {
  const KvLayout& layout;
  std::byte* keys;
  std::byte* values;

  float Key(int k, int j) const { return Load(keys, k * kPagePositions + j); }
  float Value(int j, int d) const {
    return Load(values, j * layout.value_dim + d);
  }
  void SetKey(int k, int j, float key) const {
    Store(keys, k * kPagePositions + j, key);
  }
  void SetValue(int j, int d, float value) const {
    Store(values, j * layout.value_dim + d, value);
  }

 private:
  float Load(const std::byte* from, int i) const {
    if (layout.type == DType::kF16) {
      uint16_t half;
      std::memcpy(&half, from + i * sizeof(half), sizeof(half));
      return HalfToFloat(half);
    }
    float value;
    std::memcpy(&value, from + i * sizeof(value), sizeof(value));
    return value;
  }

  void Store(std::byte* to, int i, float value) const {
    if (layout.type == DType::kF16) {
      const uint16_t half = FloatToHalf(value);
      std::memcpy(to + i * sizeof(half), &half, sizeof(half));
    } else {
      std::memcpy(to + i * sizeof(value), &value, sizeof(value));
    }
  }
};

HeadPage PageOf(const KvLayout& layout, KvPagesView pages,
                const PageTable& table, int position, int kv_head) {
  const size_t page = size_t(table.pages[position / kPagePositions]);
  std::byte* const begin = pages.base + page * pages.page_stride;
  return {layout, begin + layout.KeyOffset(kv_head),
          begin + layout.ValueOffset(kv_head)};
}

// (M, L, A) of the definition.
struct Running {
  float maximum = -kInfinity;
  float total = 0.0f;
  std::vector<float> sums;
};

// Takes the first `count` positions of a page into account. q is scaled.
void AttendBlock(const HeadPage& page, int count, const std::vector<float>& q,
                 Running& running) {
  std::vector<float> e(static_cast<size_t>(count));
  for (int j = 0; j < count; ++j) {
    float score = 0.0f;
    for (int k = 0; k < page.layout.key_dim; ++k) {
      score = std::fma(page.Key(k, j), q[k], score);
    }
    e[j] = score;
  }
  const float maximum = MaximumTwin(e.data(), count);
  for (float& value : e) value = ExpTwin(value - maximum);
  const float total = SumTwin(e.data(), count);

  const float after = maximum > running.maximum ? maximum : running.maximum;
  const float old = ExpTwin(running.maximum - after);
  const float fresh = ExpTwin(maximum - after);
  running.maximum = after;
  running.total = std::fma(running.total, old, total * fresh);
  for (int d = 0; d < page.layout.value_dim; ++d) {
    float sum = 0.0f;
    for (int j = 0; j < count; ++j) sum = std::fma(e[j], page.Value(j, d), sum);
    running.sums[d] = std::fma(running.sums[d], old, sum * fresh);
  }
}

void AttendHead(const KvLayout& layout, KvPagesView pages,
                const PageTable& table, int position, int kv_head,
                const float* q, float scale, float* out) {
  std::vector<float> scaled(q, q + layout.key_dim);
  for (float& value : scaled) value *= scale;
  Running running;
  running.sums.assign(static_cast<size_t>(layout.value_dim), 0.0f);
  for (int first = 0; first <= position; first += kPagePositions) {
    AttendBlock(PageOf(layout, pages, table, first, kv_head),
                std::min(kPagePositions, position - first + 1), scaled,
                running);
  }
  const float inverse = 1.0f / running.total;
  for (int d = 0; d < layout.value_dim; ++d) {
    out[d] = running.sums[d] * inverse;
  }
}

}  // namespace

void WriteKvTwin(const KvLayout& layout, KvPagesView pages,
                 std::span<const Run> runs, std::span<const PageTable> tables,
                 ConstRows keys, ConstRows values) {
  for (size_t r = 0; r < runs.size(); ++r) {
    for (int i = 0; i < runs[r].length; ++i) {
      const int position = runs[r].first_position + i;
      const int slot = position % kPagePositions;
      const float* key = keys.row(runs[r].begin + i);
      const float* value = values.row(runs[r].begin + i);
      for (int h = 0; h < layout.kv_heads; ++h) {
        const HeadPage page = PageOf(layout, pages, tables[r], position, h);
        for (int k = 0; k < layout.key_dim; ++k) page.SetKey(k, slot, *key++);
        for (int d = 0; d < layout.value_dim; ++d) {
          page.SetValue(slot, d, *value++);
        }
      }
    }
  }
}

void AttentionTwin(const KvLayout& layout, KvPagesView pages,
                   std::span<const Run> runs, std::span<const PageTable> tables,
                   ConstRows q, int heads, float scale, Rows out) {
  const int group = heads / layout.kv_heads;
  for (size_t r = 0; r < runs.size(); ++r) {
    for (int i = 0; i < runs[r].length; ++i) {
      const int row = runs[r].begin + i;
      for (int h = 0; h < heads; ++h) {
        AttendHead(layout, pages, tables[r], runs[r].first_position + i,
                   h / group, q.row(row) + int64_t{h} * layout.key_dim, scale,
                   out.row(row) + int64_t{h} * layout.value_dim);
      }
    }
  }
}

std::vector<OracleValue> AttentionOracle(const KvLayout& layout, ConstRows keys,
                                         ConstRows values, ConstRows q,
                                         int heads, float scale) {
  const int group = heads / layout.kv_heads;
  std::vector<OracleValue> outputs;
  for (int64_t m = 0; m < q.rows; ++m) {
    for (int h = 0; h < heads; ++h) {
      const int64_t key_begin = int64_t{h / group} * layout.key_dim;
      const int64_t value_begin = int64_t{h / group} * layout.value_dim;
      const float* query = q.row(m) + int64_t{h} * layout.key_dim;
      std::vector<double> weight;
      double score_error = 0;
      for (int64_t j = 0; j <= m; ++j) {
        double score = 0;
        double magnitude = 0;
        for (int k = 0; k < layout.key_dim; ++k) {
          const double term = static_cast<double>(scale) * query[k] *
                              keys.row(j)[key_begin + k];
          score += term;
          magnitude += std::fabs(term);
        }
        weight.push_back(score);
        score_error = std::max(
            score_error, (layout.key_dim + 1) * kFloatRounding * magnitude);
      }
      const double maximum = *std::max_element(weight.begin(), weight.end());
      const double minimum = *std::min_element(weight.begin(), weight.end());
      double total = 0;
      for (double& w : weight) total += w = std::exp(w - maximum);
      // Of each weight and of the total alike: its score and the largest, the
      // rounded differences, an exponential per block, chains of 32 and of the
      // blocks.
      const double blocks = static_cast<double>(m / kPagePositions + 1);
      const double relative = 2 * score_error +
                              2 * kFloatRounding * (maximum - minimum) +
                              (blocks + 1) * (kExpError + 2 * kFloatRounding) +
                              (kPagePositions + 4) * kFloatRounding;
      for (int d = 0; d < layout.value_dim; ++d) {
        double sum = 0;
        double magnitude = 0;
        for (int64_t j = 0; j <= m; ++j) {
          const double term =
              weight[static_cast<size_t>(j)] * values.row(j)[value_begin + d];
          sum += term;
          magnitude += std::fabs(term);
        }
        outputs.push_back(
            {sum / total, 2.001 * relative * magnitude / total + 1e-37});
      }
    }
  }
  return outputs;
}

}  // namespace braid
