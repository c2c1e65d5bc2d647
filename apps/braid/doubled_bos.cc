#include "apps/braid/doubled_bos.h"

#include "apps/braid/console.h"
#include "base/format.h"

namespace braid::cli {

void DoubledBosNote::Look(std::span<const TokenId> tokens,
                          const Tokenizer& tokenizer) {
  const TokenId bos = tokenizer.bos();
  const bool doubled = tokenizer.adds_bos() && tokens.size() >= 2 &&
                       tokens[0] == bos && tokens[1] == bos;
  if (!doubled || said_) return;
  said_ = true;
  Note(
      Format("the text begins with {}, which the vocabulary puts before every "
             "text: the model sees it twice\n",
             tokenizer.StoredText(bos)));
}

}  // namespace braid::cli
