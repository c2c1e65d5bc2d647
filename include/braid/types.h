// The words that every layer shares.
#ifndef BRAID_TYPES_H_
#define BRAID_TYPES_H_

#include <cstdint>

namespace braid {

// Index into a vocabulary.
using TokenId = int32_t;
// Index of a token within its sequence, from 0, without gaps.
using Position = int32_t;
// The caller's name of a sequence: 0 <= id < EngineOptions::max_sequences.
using SequenceId = int32_t;

inline constexpr TokenId kNoToken = -1;

}  // namespace braid

#endif  // BRAID_TYPES_H_
