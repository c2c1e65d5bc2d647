// tokenize_lines VOCABULARY [PRE]: reads one text per line, its bytes as two
// hexadecimal digits each; writes its tokens with spaces between. Nothing is
// added to a text; special tokens in it are recognised.
#include <cstdio>
#include <iostream>
#include <string>

#include "tests/golden/tokenizer/vocabularies.h"

namespace {

std::string FromHex(const std::string& line) {
  std::string text;
  for (size_t i = 0; i + 1 < line.size(); i += 2) {
    text.push_back(
        static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16)));
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: tokenize_lines VOCABULARY [PRE] < HEX_LINES\n");
    return 2;
  }
  const auto tokenizer =
      braid::LoadVocabularyFile(argv[1], argc > 2 ? argv[2] : "");
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto tokens =
        (*tokenizer)->Encode(FromHex(line), {.add_special = false});
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::printf(i == 0 ? "%d" : " %d", tokens[i]);
    }
    std::printf("\n");
  }
  return 0;
}
