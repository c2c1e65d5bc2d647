// Rotary position embedding (Su et al., RoFormer, 2021, section 3.2).
#ifndef BRAID_SRC_KERNELS_ROPE_H_
#define BRAID_SRC_KERNELS_ROPE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "braid/types.h"
#include "tensor/rows.h"

namespace braid {

// Which two elements of a head form pair i of `rotated` / 2.
enum class RopePairs {
  kInterleaved,  // (2i, 2i + 1): GGUF "llama" files
  kHalves,       // (i, i + rotated / 2): NeoX order
};

// YaRN (Peng et al. 2023, section 3.2): pairs that turn more than `beta_fast`
// times within the context of the first training keep their frequency, those
// that turn less than `beta_slow` times are slowed down by position_scale, and
// the pairs between are mixed.
struct YarnConfig {
  double original_context = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  // How much of this is done, of 1: what is kept of a frequency counts so
  // much, and at 0 every pair is slowed down.
  double extension = 1;
  // The ramp goes from a whole pair to a whole pair, as its authors' code
  // rounds it; else between the real numbers of the paper.
  bool whole_pairs = true;
};

struct RopeConfig {
  int rotated = 0;  // leading elements of each head that turn; even
  double base = 10000.0;
  // Angles are multiplied by this (1 / factor of linear scaling).
  double position_scale = 1.0;
  // Which pairs position_scale is for; without: all.
  std::optional<YarnConfig> yarn = {};
  // Cosines and sines are multiplied by this (YaRN, section 3.4).
  double magnitude = 1.0;
  // Per-pair divisors of the angle (rope_freqs); empty means all ones.
  std::vector<float> frequency_divisors = {};
  // LongRoPE (Ding et al. 2024): memories of at most this many positions use
  // other divisors; 0: none do.
  int short_context = 0;
  std::vector<float> short_divisors = {};
  RopePairs pairs = RopePairs::kInterleaved;
};

// The rotation in a memory of `context` positions: decided once for all texts,
// however short, because the angles of what is remembered cannot change.
RopeConfig ForContext(RopeConfig config, int64_t context);

// The angle of pair i per position: base^(-2i / rotated), scaled as `config`
// says.
double RopeFrequency(const RopeConfig& config, int pair);

// Cosines and sines of position * RopeFrequency(pair), computed in double
// precision and rounded once, so that an angle has one value whoever asks.
// Extend() before use; reading is thread-safe, extending is not.
class RopeTable {
 public:
  explicit RopeTable(RopeConfig config);

  // Makes positions [0, count) available; keeps what is there.
  void Extend(int count);

  const RopeConfig& config() const { return config_; }
  int count() const { return count_; }
  // rotated / 2 values each, for a position below count().
  const float* cosines(Position position) const;
  const float* sines(Position position) const;

 private:
  RopeConfig config_;
  int count_ = 0;
  std::vector<float> values_;  // [position][cos or sin][rotated / 2]
};

// Turns every head of every row in place: x is {positions.size(),
// heads * head_dim}; row m turns by positions[m]. For a pair (a, b):
// a' = fma(a, cos, -(b * sin)), b' = fma(a, sin, b * cos).
void Rope(const RopeTable& table, std::span<const Position> positions,
          int heads, int head_dim, Rows x, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_ROPE_H_
