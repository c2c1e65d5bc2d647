// A text that begins with the token that the vocabulary puts before it anyway:
// the model sees it twice, which it never did when it was trained.
#ifndef BRAID_APPS_BRAID_DOUBLED_BOS_H_
#define BRAID_APPS_BRAID_DOUBLED_BOS_H_

#include <span>

#include "braid/tokenizer.h"

namespace braid::cli {

// Says it on standard error for the first of the texts of a command.
class DoubledBosNote {
 public:
  // `tokens` of a text as Encode gives them.
  void Look(std::span<const TokenId> tokens, const Tokenizer& tokenizer);

 private:
  bool said_ = false;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_DOUBLED_BOS_H_
