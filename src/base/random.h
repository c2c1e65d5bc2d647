// Counter-based random numbers: a pure function of (seed, stream, counter), so
// that what is drawn for one token does not depend on what was drawn before.
//
// The mixer is the 64-bit finaliser of SplitMix64 (Steele, Lea, Flood: "Fast
// splittable pseudorandom number generators", OOPSLA 2014), applied once per
// input word.
#ifndef BRAID_SRC_BASE_RANDOM_H_
#define BRAID_SRC_BASE_RANDOM_H_

#include <cstdint>

namespace braid {

constexpr uint64_t MixBits(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// 64 uniformly distributed bits.
constexpr uint64_t RandomBits(uint64_t seed, uint64_t stream,
                              uint64_t counter) {
  return MixBits(MixBits(MixBits(seed) ^ stream) ^ counter);
}

// Uniform in [0, 1), a multiple of 2^-53.
constexpr double RandomUniform(uint64_t seed, uint64_t stream,
                               uint64_t counter) {
  return static_cast<double>(RandomBits(seed, stream, counter) >> 11) *
         0x1.0p-53;
}

// A sequential generator on top of it, for tests and seeded weights.
class Random {
 public:
  explicit constexpr Random(uint64_t seed, uint64_t stream = 0)
      : seed_(seed), stream_(stream) {}

  constexpr uint64_t Bits() { return RandomBits(seed_, stream_, counter_++); }
  // Uniform in [0, 1).
  constexpr double Uniform() {
    return RandomUniform(seed_, stream_, counter_++);
  }
  // Uniform in [low, high).
  constexpr float Uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(Uniform());
  }
  // Uniform in [0, bound); bound > 0. The bias is below 2^-32 for int bounds.
  constexpr int Below(int bound) {
    return static_cast<int>((Bits() >> 32) * static_cast<uint64_t>(bound) >>
                            32);
  }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t counter_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_RANDOM_H_
