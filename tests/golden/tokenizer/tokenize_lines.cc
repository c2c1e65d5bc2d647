// tokenize_lines VOCABULARY [PRE] [--plain] [--decode]: reads one text per
// line, its bytes as two hexadecimal digits each; writes its tokens with spaces
// between and, with --decode, a tab and the bytes that they decode to. Nothing
// is added to a text; special tokens in it are recognised, unless --plain.
//
// tokenize_lines VOCABULARY PRE --time FILE: the speed on a file, as a whole
// and line by line.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

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

void PrintHex(const std::string& text) {
  for (const char c : text) {
    std::printf("%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
}

double MegabytesPerSecond(const std::vector<std::string>& parts,
                          const braid::Tokenizer& tokenizer) {
  double best = 0;
  for (int run = 0; run < 3; ++run) {
    size_t bytes = 0;
    const std::clock_t start = std::clock();
    for (const std::string& part : parts) {
      bytes += part.size();
      tokenizer.Encode(part, {.add_special = false});
    }
    const double seconds =
        static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = std::max(best, static_cast<double>(bytes) / seconds / 1e6);
  }
  return best;
}

void PrintSpeed(const char* path, const braid::Tokenizer& tokenizer) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  std::string whole;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line + "\n");
    whole += lines.back();
  }
  std::printf("braid, whole: %.2f MB/s; lines: %.2f MB/s\n",
              MegabytesPerSecond({whole}, tokenizer),
              MegabytesPerSecond(lines, tokenizer));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: tokenize_lines VOCABULARY [PRE] [--plain] "
                 "[--decode] < HEX_LINES\n"
                 "       tokenize_lines VOCABULARY PRE --time FILE\n");
    return 2;
  }
  const auto tokenizer =
      braid::LoadVocabularyFile(argv[1], argc > 2 ? argv[2] : "");
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 1;
  }
  const std::vector<std::string_view> flags(argv + std::min(argc, 3),
                                            argv + argc);
  if (flags.size() == 2 && flags[0] == "--time") {
    PrintSpeed(argv[4], **tokenizer);
    return 0;
  }
  const auto has = [&flags](std::string_view flag) {
    return std::ranges::find(flags, flag) != flags.end();
  };
  const braid::EncodeOptions options = {.add_special = false,
                                        .parse_special = !has("--plain")};
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto tokens = (*tokenizer)->Encode(FromHex(line), options);
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::printf(i == 0 ? "%d" : " %d", tokens[i]);
    }
    if (has("--decode")) {
      std::printf("\t");
      PrintHex((*tokenizer)->Decode(tokens, {}));
    }
    std::printf("\n");
  }
  return 0;
}
