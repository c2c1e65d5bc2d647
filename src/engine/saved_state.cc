#include "engine/saved_state.h"

#include "base/format.h"

namespace braid {

namespace {

void Visit(archive::Visitor& visitor, PooledRows& rows) {
  visitor.Array("sums of pooled rows", rows.sums);
  visitor.Array("embedding", rows.embedding);
}

void Visit(archive::Visitor& visitor, Carried& carried) {
  visitor.Array("tokens", carried.tokens);
  visitor.Array("last row", carried.last_row);
  visitor.Flag("pooled", carried.pooled);
  Visit(visitor, carried.rows);
  visitor.List("marks", carried.marks, [&](Carried::Mark& mark) {
    visitor.Number("position of a mark", mark.position);
    Visit(visitor, mark.rows);
  });
}

void Visit(archive::Visitor& visitor, SavedSequence& sequence) {
  visitor.Number("sequence id", sequence.id);
  visitor.Number("parent", sequence.parent);
  visitor.Number("shared positions", sequence.shared);
  Visit(visitor, sequence.carried);
  visitor.Number("cell", sequence.cell);
  visitor.List(
      "checkpoints", sequence.checkpoints, [&](SavedCheckpoint& checkpoint) {
        visitor.Number("position of a checkpoint", checkpoint.position);
        visitor.Number("cell of a checkpoint", checkpoint.cell);
        visitor.Flag("kept", checkpoint.kept);
        visitor.Number("number of a checkpoint", checkpoint.made);
      });
  visitor.List("page sets", sequence.pages, [&](SavedPages& pages) {
    visitor.Number("first position", pages.first);
    visitor.Array("pages", pages.pages);
  });
  visitor.Number("encoder text", sequence.text);
}

}  // namespace

void Visit(archive::Visitor& visitor, SavedState& state) {
  visitor.Number("pooling", state.pooling);
  visitor.List("sequences", state.sequences,
               [&](SavedSequence& sequence) { Visit(visitor, sequence); });
  visitor.Number("cells", state.cells);
  visitor.Array("pages of the sets", state.pages);
  visitor.List("encoder texts", state.texts, [&](std::vector<TokenId>& text) {
    visitor.Array("encoder tokens", text);
  });
  visitor.End("state");
}

std::vector<std::vector<int32_t>> FirstOfLineage(const SavedState& state,
                                                 int page_positions) {
  std::vector<std::vector<int32_t>> first(state.sequences.size());
  for (size_t i = 0; i < first.size(); ++i) {
    const SavedSequence& sequence = state.sequences[i];
    const auto full = static_cast<size_t>(sequence.length() / page_positions);
    const auto shared = static_cast<size_t>(sequence.shared / page_positions);
    if (shared > 0) {
      const std::vector<int32_t>& parent = first[sequence.parent];
      first[i].assign(parent.begin(),
                      parent.begin() + static_cast<ptrdiff_t>(shared));
    }
    first[i].resize(full, static_cast<int32_t>(i));
  }
  return first;
}

}  // namespace braid
