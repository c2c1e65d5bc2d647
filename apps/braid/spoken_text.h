// Texts in which only some parts may be control tokens.
#ifndef BRAID_APPS_BRAID_SPOKEN_TEXT_H_
#define BRAID_APPS_BRAID_SPOKEN_TEXT_H_

#include <span>
#include <string_view>
#include <vector>

#include "braid/tokenizer.h"
#include "chat/text.h"
#include "tokenizer/special_tokens.h"

namespace braid::cli {

// Encodes rendered conversations: what people said never becomes a control
// token. Immutable.
//
// Where they said nothing that looks like one, the tokens are those of the text
// as a whole: pieces merge across the borders of what was said, as they do for
// `transformers`. Where they did, the text is cut at the template's own control
// tokens, and what is between is encoded as plain text. (White space that such
// a token would take along stays there.) Tokens such as "<｜User｜>", which are
// no control tokens by type, count as such where the template uses them.
class SpokenTextEncoder {
 public:
  // `tokenizer` must outlive this.
  explicit SpokenTextEncoder(const Tokenizer& tokenizer);

  // `spoken`: ascending, not overlapping ranges of `text`.
  std::vector<TokenId> Encode(std::string_view text,
                              std::span<const chat::ByteRange> spoken,
                              bool add_special) const;

 private:
  std::vector<Fragment> Marks(std::string_view text) const;
  // Those that lie in the template's own parts.
  std::vector<Fragment> OwnMarks(std::string_view text,
                                 std::span<const chat::ByteRange> spoken) const;
  // Control tokens, and marks that the template uses, which are not its own.
  std::vector<Fragment> FalseMarks(std::string_view text,
                                   const std::vector<Fragment>& own) const;

  const Tokenizer* tokenizer_;
  SpecialTokens marks_;  // control tokens, and what looks like one
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_SPOKEN_TEXT_H_
