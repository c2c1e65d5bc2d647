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

// A query of one head, and what it sees.
struct Query {
  std::vector<float> scaled;
  int head;
  int position;
  int first;  // of the positions that it sees
  int end;
};

// What becomes of the score of the key at position j.
float ShapedScore(const AttentionOptions& options, const Query& query, int j,
                  float score) {
  if (options.soft_cap > 0) {
    score = options.soft_cap * TanhTwin(score / options.soft_cap);
  }
  const RelativeBias& bias = options.bias;
  if (bias.values == nullptr) return score;
  const int distance = std::clamp(j - query.position, -bias.before, bias.after);
  const int distances = bias.before + 1 + bias.after;
  return score + bias.values[query.head * distances + bias.before + distance];
}

// Takes positions [begin, end) of a page, the first of which is sequence
// position `page_position`, into account.
void AttendBlock(const HeadPage& page, int page_position, int begin, int end,
                 const AttentionOptions& options, const Query& query,
                 Running& running) {
  float e[kPagePositions] = {};  // +0 where unseen
  float maximum = -kInfinity;
  for (int j = begin; j < end; ++j) {
    float score = 0.0f;
    for (int k = 0; k < page.layout.key_dim; ++k) {
      score = std::fma(page.Key(k, j), query.scaled[k], score);
    }
    e[j] = ShapedScore(options, query, page_position + j, score);
    if (e[j] > maximum) maximum = e[j];
  }
  for (int j = begin; j < end; ++j) e[j] = ExpTwin(e[j] - maximum);
  const float total = SumTwin(e, kPagePositions);

  const float after = maximum > running.maximum ? maximum : running.maximum;
  const float old = ExpTwin(running.maximum - after);
  const float fresh = ExpTwin(maximum - after);
  running.maximum = after;
  running.total = std::fma(running.total, old, total * fresh);
  for (int d = 0; d < page.layout.value_dim; ++d) {
    float sum = 0.0f;
    for (int j = begin; j < end; ++j) {
      sum = std::fma(e[j], page.Value(j, d), sum);
    }
    running.sums[d] = std::fma(running.sums[d], old, sum * fresh);
  }
}

void AttendHead(const KvLayout& layout, KvPagesView pages,
                const PageTable& table, int kv_head,
                const AttentionOptions& options, const Query& query,
                float* out) {
  Running running;
  running.sums.assign(static_cast<size_t>(layout.value_dim), 0.0f);
  for (int page = query.first / kPagePositions * kPagePositions;
       page < query.end; page += kPagePositions) {
    AttendBlock(PageOf(layout, pages, table, page, kv_head), page,
                std::max(0, query.first - page),
                std::min(kPagePositions, query.end - page), options, query,
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
                   ConstRows q, int heads, const AttentionOptions& options,
                   Rows out) {
  const int group = heads / layout.kv_heads;
  for (size_t r = 0; r < runs.size(); ++r) {
    for (int i = 0; i < runs[r].length; ++i) {
      const int row = runs[r].begin + i;
      Query query;
      query.position = runs[r].first_position + i;
      query.first = options.window == 0
                        ? 0
                        : std::max(0, query.position - options.window + 1);
      query.end = query.position + 1;
      if (!options.causal) {
        query.end = options.key_counts.empty()
                        ? runs[r].first_position + runs[r].length
                        : options.key_counts[r];
      }
      for (query.head = 0; query.head < heads; ++query.head) {
        const float* from = q.row(row) + int64_t{query.head} * layout.key_dim;
        query.scaled.assign(from, from + layout.key_dim);
        for (float& value : query.scaled) value *= options.scale;
        AttendHead(layout, pages, tables[r], query.head / group, options, query,
                   out.row(row) + int64_t{query.head} * layout.value_dim);
      }
    }
  }
}

namespace {

struct OracleScores {
  std::vector<double> values;
  double error = 0;  // of any of them
};

// Of query m's head for positions [first, end).
OracleScores ScoresOf(const KvLayout& layout, ConstRows keys, ConstRows q,
                      int heads, const AttentionOptions& options, int64_t m,
                      int head, int64_t first, int64_t end) {
  const int64_t begin =
      int64_t{head / (heads / layout.kv_heads)} * layout.key_dim;
  const float* query = q.row(m) + int64_t{head} * layout.key_dim;
  const RelativeBias& bias = options.bias;
  OracleScores scores;
  for (int64_t j = first; j < end; ++j) {
    double score = 0;
    double magnitude = 0;
    for (int k = 0; k < layout.key_dim; ++k) {
      const double term = static_cast<double>(options.scale) * query[k] *
                          keys.row(j)[begin + k];
      score += term;
      magnitude += std::fabs(term);
    }
    double error = (layout.key_dim + 1) * kFloatRounding * magnitude;
    if (options.soft_cap > 0) {
      // tanh shrinks errors; the division, Tanh and the product add theirs.
      const double cap = options.soft_cap;
      score = cap * std::tanh(score / cap);
      error += (kTanhError + 3 * kFloatRounding) * std::fabs(score) +
               kFloatRounding * cap;
    }
    if (bias.values != nullptr) {
      const int64_t distance =
          std::clamp<int64_t>(j - m, -bias.before, bias.after);
      score += bias.values[head * (bias.before + 1 + bias.after) + bias.before +
                           distance];
      error += kFloatRounding * std::fabs(score);
    }
    scores.values.push_back(score);
    scores.error = std::max(scores.error, error);
  }
  return scores;
}

}  // namespace

std::vector<OracleValue> AttentionOracle(const KvLayout& layout, ConstRows keys,
                                         ConstRows values, ConstRows q,
                                         int heads,
                                         const AttentionOptions& options) {
  const int group = heads / layout.kv_heads;
  std::vector<OracleValue> outputs;
  for (int64_t m = 0; m < q.rows; ++m) {
    const int64_t first =
        options.window == 0 ? 0 : std::max<int64_t>(0, m + 1 - options.window);
    const int64_t end = options.causal ? m + 1 : keys.rows;
    for (int h = 0; h < heads; ++h) {
      auto [weight, score_error] =
          ScoresOf(layout, keys, q, heads, options, m, h, first, end);
      const int64_t value_begin = int64_t{h / group} * layout.value_dim;
      const double maximum = *std::max_element(weight.begin(), weight.end());
      const double minimum = *std::min_element(weight.begin(), weight.end());
      double total = 0;
      for (double& w : weight) total += w = std::exp(w - maximum);
      // Of each weight and of the total alike: its score and the largest, the
      // rounded differences, an exponential per block, chains of 32 and of the
      // blocks.
      const double blocks = static_cast<double>((end - 1) / kPagePositions -
                                                first / kPagePositions + 1);
      const double relative = 2 * score_error +
                              2 * kFloatRounding * (maximum - minimum) +
                              (blocks + 1) * (kExpError + 2 * kFloatRounding) +
                              (kPagePositions + 4) * kFloatRounding;
      for (int d = 0; d < layout.value_dim; ++d) {
        double sum = 0;
        double magnitude = 0;
        for (int64_t j = first; j < end; ++j) {
          const double term = weight[static_cast<size_t>(j - first)] *
                              values.row(j)[value_begin + d];
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
