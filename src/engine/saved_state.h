// SavedState: what is saved of sequences, as plain data; everything but the
// bytes of cells and pages, which go between the memory and the archive without
// being collected (state_bytes.h).
//
// An archive has the sections
//   model   a Fingerprint
//   state   a SavedState
//   cells   of every cell, layer by layer: convolution window, state
//   pages   of every page set, page by page: PageSet's parts
//   texts   of every encoder text, page by page, the same
#ifndef BRAID_SRC_ENGINE_SAVED_STATE_H_
#define BRAID_SRC_ENGINE_SAVED_STATE_H_

#include <cstdint>
#include <vector>

#include "archive/layout.h"
#include "archive/visitor.h"
#include "braid/batch.h"
#include "braid/types.h"
#include "engine/carried.h"

namespace braid {

inline constexpr archive::Tag kModelSection = archive::MakeTag("model");
inline constexpr archive::Tag kStateSection = archive::MakeTag("state");
inline constexpr archive::Tag kCellsSection = archive::MakeTag("cells");
inline constexpr archive::Tag kPagesSection = archive::MakeTag("pages");
inline constexpr archive::Tag kTextsSection = archive::MakeTag("texts");

// Cells, pages, texts and sequences of an archive have numbers; this is none.
inline constexpr int32_t kNotSaved = -1;

// What a sequence keeps of one page set.
struct SavedPages {
  Position first = 0;          // that is kept; the length if none is
  std::vector<int32_t> pages;  // in position order, from the one of `first` on

  bool operator==(const SavedPages&) const = default;
};

struct SavedCheckpoint {
  Position position = 0;
  int32_t cell = kNotSaved;
  bool kept = false;
  uint64_t made = 0;  // those with lower numbers were made before

  bool operator==(const SavedCheckpoint&) const = default;
};

struct SavedSequence {
  SequenceId id = 0;
  // The earlier sequence of the archive with which it shares most leading
  // positions, and how many. With all others k before it, it shares the fewer
  // of `shared` and what `parent` shares with k.
  int32_t parent = kNotSaved;
  Position shared = 0;
  Carried carried;  // encoder_tokens is empty: see `text`
  int32_t cell = kNotSaved;
  std::vector<SavedCheckpoint> checkpoints;
  std::vector<SavedPages> pages;  // [page sets]
  int32_t text = kNotSaved;

  Position length() const {
    return static_cast<Position>(carried.tokens.size());
  }
};

struct SavedState {
  Pooling pooling = Pooling::kNone;      // of the engine
  std::vector<SavedSequence> sequences;  // ascending by id
  int32_t cells = 0;
  std::vector<int32_t> pages;               // [page sets] how many
  std::vector<std::vector<TokenId>> texts;  // of the encoder, their tokens
};

void Visit(archive::Visitor& visitor, SavedState& state);

// Which sequences have full pages of `page_positions` positions in common: for
// every full page of every sequence, the first sequence that shares its last
// position. [sequences][full pages]
std::vector<std::vector<int32_t>> FirstOfLineage(const SavedState& state,
                                                 int page_positions);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_SAVED_STATE_H_
