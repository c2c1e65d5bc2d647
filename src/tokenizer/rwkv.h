// The tokenizer of RWKV World: the model "rwkv" of GGUF.
//
// A text becomes the longest token that begins it, then the longest that
// begins the rest, and so on. Tokens are bytes; every byte is one.
//
// Source: the reference implementation's trie (BlinkDL/ChatRWKV, vocabulary of
// 2023-04-24).
#ifndef BRAID_SRC_TOKENIZER_RWKV_H_
#define BRAID_SRC_TOKENIZER_RWKV_H_

#include <memory>
#include <string>
#include <string_view>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// Errors: those of Vocabulary::Make and ByteTrie::Make. Tolerated: a byte that
// begins no token (the unknown token, or dropped if there is none).
Result<std::unique_ptr<Tokenizer>> MakeRwkvTokenizer(const TokenizerSpec& spec);

// The bytes of a stored text, which is the inside of a Python literal: \t, \n,
// \r and \xHH; a backslash before any other character stands for that one.
std::string UnescapeRwkv(std::string_view stored);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_RWKV_H_
