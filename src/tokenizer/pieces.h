// Pieces: a text that is being cut and rewritten, step by step.
#ifndef BRAID_SRC_TOKENIZER_PIECES_H_
#define BRAID_SRC_TOKENIZER_PIECES_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace braid {

// A part of the text, as the steps so far have left it.
struct Piece {
  std::string_view text;
  // How many bytes of it, from its beginning, were made of the first character
  // of the whole text: only a piece that has some stands at the start.
  size_t origin = 0;

  Piece Part(size_t begin, size_t end) const {
    return {text.substr(begin, end - begin),
            std::min(std::max(origin, begin), end) - begin};
  }
};

// All pieces lie in one block. Not thread-safe.
class Pieces {
 public:
  size_t size() const { return ends_.size(); }
  Piece operator[](size_t index) const {
    const size_t begin = index == 0 ? 0 : ends_[index - 1].end;
    const End& end = ends_[index];
    return {std::string_view(bytes_).substr(begin, end.end - begin),
            end.origin};
  }

  void Clear() {
    bytes_.clear();
    ends_.clear();
  }
  // Copies the text; an empty piece is left out.
  void Add(const Piece& piece) {
    bytes_ += piece.text;
    EndPiece(piece.origin);
  }

  // The same in parts: append to the block, then end the piece.
  std::string& bytes() { return bytes_; }
  void EndPiece(size_t origin) {
    const size_t begin = ends_.empty() ? 0 : ends_.back().end;
    if (bytes_.size() == begin) return;
    ends_.push_back({bytes_.size(), std::min(origin, bytes_.size() - begin)});
  }

 private:
  struct End {
    size_t end;
    size_t origin;
  };
  std::string bytes_;
  std::vector<End> ends_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIECES_H_
