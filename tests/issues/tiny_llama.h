// A Llama of one layer, as a Hugging Face folder and computed in double
// precision: what a converted file is held against.
#ifndef BRAID_TESTS_ISSUES_TINY_LLAMA_H_
#define BRAID_TESTS_ISSUES_TINY_LLAMA_H_

#include <cmath>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/random.h"
#include "convert/folder_for_test.h"

namespace braid::issues {

inline constexpr int kWidth = 32;
inline constexpr int kHeads = 2;
inline constexpr int kHeadSize = 16;
inline constexpr int kPairs = kHeadSize / 2;
inline constexpr int kHidden = 40;
inline constexpr int kVocabulary = 16;
inline constexpr double kEpsilon = 1e-5;

// What config.json says of it, without the closing brace.
inline std::string TinyLlamaConfig(std::string_view architecture) {
  return Format(R"({"architectures": ["{}"], "hidden_size": 32,
    "intermediate_size": 40, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
    "max_position_embeddings": 16384, "vocab_size": 16,
    "rms_norm_eps": 1e-5, "tie_word_embeddings": false)",
                architecture);
}

inline constexpr std::string_view kTinyTokenizer = R"({
  "pre_tokenizer": {"type": "ByteLevel"},
  "model": {"type": "BPE", "merges": ["a b"],
            "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6,
                      "h": 7, "i": 8, "j": 9, "k": 10, "l": 11, "m": 12,
                      "n": 13, "o": 14, "ab": 15}}})";

// Weights of one layer from a seed: matrices of variance 4 / inputs, so that
// the softmax has a shape.
inline std::vector<convert::F32Tensor> TinyLlamaTensors() {
  Random random(20261128);
  std::vector<convert::F32Tensor> tensors;
  const auto matrix = [&](std::string name, int rows, int columns) {
    tensors.push_back(convert::Ramp(std::move(name), {rows, columns}));
    const float limit = std::sqrt(12.0f / static_cast<float>(columns));
    for (float& value : tensors.back().values) {
      value = random.Uniform(-limit, limit);
    }
  };
  const auto norm = [&](std::string name) {
    tensors.push_back(convert::Ramp(std::move(name), {kWidth}));
    for (float& value : tensors.back().values) {
      value = random.Uniform(0.5f, 1.5f);
    }
  };
  const std::string layer = "model.layers.0.";
  matrix("model.embed_tokens.weight", kVocabulary, kWidth);
  norm("model.norm.weight");
  matrix("lm_head.weight", kVocabulary, kWidth);
  norm(layer + "input_layernorm.weight");
  norm(layer + "post_attention_layernorm.weight");
  matrix(layer + "self_attn.q_proj.weight", kHeads * kHeadSize, kWidth);
  matrix(layer + "self_attn.k_proj.weight", kHeadSize, kWidth);
  matrix(layer + "self_attn.v_proj.weight", kHeadSize, kWidth);
  matrix(layer + "self_attn.o_proj.weight", kWidth, kHeads * kHeadSize);
  matrix(layer + "mlp.gate_proj.weight", kHidden, kWidth);
  matrix(layer + "mlp.up_proj.weight", kHidden, kWidth);
  matrix(layer + "mlp.down_proj.weight", kWidth, kHidden);
  return tensors;
}

// The rotation, and what a query sees.
struct TinyRope {
  std::vector<double> frequencies = std::vector<double>(kPairs);
  double magnitude = 1;
  int window = 1 << 20;
};

// The hidden rows after the last norm, {tokens, kWidth}, as the papers write
// the model down: RMS norm (Zhang and Sennrich 2019), rotary positions in
// halves (Su et al. 2021), SwiGLU (Shazeer 2020).
class TinyLlama {
 public:
  explicit TinyLlama(const std::vector<convert::F32Tensor>& tensors)
      : tensors_(tensors) {}

  std::vector<double> Hidden(const std::vector<int>& tokens,
                             const TinyRope& rope) const {
    const std::string layer = "model.layers.0.";
    std::vector<Row> keys;
    std::vector<Row> values;
    Row result;
    for (size_t p = 0; p < tokens.size(); ++p) {
      const auto& table = Weights("model.embed_tokens.weight");
      const auto begin = table.begin() + tokens[p] * kWidth;
      Row x(begin, begin + kWidth);
      const Row normed = Norm(x, layer + "input_layernorm.weight");
      Row queries = Product(layer + "self_attn.q_proj.weight", normed);
      keys.push_back(Product(layer + "self_attn.k_proj.weight", normed));
      values.push_back(Product(layer + "self_attn.v_proj.weight", normed));
      Turn(rope, p, keys.back());
      Turn(rope, p, queries);
      AddTo(x, Product(layer + "self_attn.o_proj.weight",
                       Attend(rope, queries, keys, values)));
      AddTo(x, Mlp(Norm(x, layer + "post_attention_layernorm.weight")));
      const Row row = Norm(x, "model.norm.weight");
      result.insert(result.end(), row.begin(), row.end());
    }
    return result;
  }

 private:
  using Row = std::vector<double>;

  const std::vector<float>& Weights(const std::string& name) const {
    for (const convert::F32Tensor& tensor : tensors_) {
      if (tensor.name == name) return tensor.values;
    }
    static const std::vector<float> kNone;
    return kNone;
  }
  Row Product(const std::string& name, const Row& x) const {
    const std::vector<float>& matrix = Weights(name);
    Row y(matrix.size() / x.size(), 0.0);
    for (size_t row = 0; row < y.size(); ++row) {
      for (size_t i = 0; i < x.size(); ++i) {
        y[row] += matrix[row * x.size() + i] * x[i];
      }
    }
    return y;
  }
  Row Norm(const Row& x, const std::string& name) const {
    double sum = 0;
    for (const double value : x) sum += value * value;
    const double scale =
        1 / std::sqrt(sum / static_cast<double>(x.size()) + kEpsilon);
    Row y = x;
    for (size_t i = 0; i < x.size(); ++i) y[i] *= scale * Weights(name)[i];
    return y;
  }
  static void AddTo(Row& x, const Row& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  static void Turn(const TinyRope& rope, size_t position, Row& heads) {
    for (size_t head = 0; head < heads.size(); head += kHeadSize) {
      for (size_t i = 0; i < kPairs; ++i) {
        const double angle =
            static_cast<double>(position) * rope.frequencies[i];
        const double c = rope.magnitude * std::cos(angle);
        const double s = rope.magnitude * std::sin(angle);
        double& a = heads[head + i];
        double& b = heads[head + i + kPairs];
        const double turned = a * c - b * s;
        b = b * c + a * s;
        a = turned;
      }
    }
  }
  static Row Attend(const TinyRope& rope, const Row& queries,
                    const std::vector<Row>& keys,
                    const std::vector<Row>& values) {
    const size_t window = static_cast<size_t>(rope.window);
    const size_t first = keys.size() > window ? keys.size() - window : 0;
    Row result;
    for (size_t head = 0; head < kHeads; ++head) {
      Row sum(kHeadSize, 0.0);
      double total = 0;
      for (size_t p = first; p < keys.size(); ++p) {
        double score = 0;
        for (size_t i = 0; i < kHeadSize; ++i) {
          score += queries[head * kHeadSize + i] * keys[p][i];
        }
        const double weight = std::exp(score / std::sqrt(1.0 * kHeadSize));
        total += weight;
        for (size_t i = 0; i < kHeadSize; ++i) sum[i] += weight * values[p][i];
      }
      for (const double value : sum) result.push_back(value / total);
    }
    return result;
  }
  Row Mlp(const Row& x) const {
    Row gate = Product("model.layers.0.mlp.gate_proj.weight", x);
    const Row up = Product("model.layers.0.mlp.up_proj.weight", x);
    for (size_t i = 0; i < gate.size(); ++i) {
      gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
    }
    return Product("model.layers.0.mlp.down_proj.weight", gate);
  }

  const std::vector<convert::F32Tensor>& tensors_;
};

}  // namespace braid::issues

#endif  // BRAID_TESTS_ISSUES_TINY_LLAMA_H_
