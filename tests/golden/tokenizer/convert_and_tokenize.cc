// convert_and_tokenize: for tools/compare_tokenizer_json.py, which asks for
// thousands of tokenizers.
//
// On a line of standard input, FOLDER COUNT, separated by a tab; then COUNT
// texts, one a line, their bytes as two hexadecimal digits each. The folder is
// converted as `braid convert --vocab-only` does it, and the file is read as
// every command reads it. Answers, on standard output: "refused" and the
// message, separated by a tab, in place of everything else; or "accepted", then
// a line for each text: its tokens with spaces between, and, after tabs, the
// bytes that they decode to, with special tokens and without. What a template
// adds is added, and special tokens are recognised in the texts.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "braid/tokenizer.h"
#include "convert/conversion.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "tokenizer/load.h"

namespace braid {

namespace {

std::string FromHex(const std::string& line) {
  std::string text;
  for (size_t i = 0; i + 1 < line.size(); i += 2) {
    text.push_back(
        static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16)));
  }
  return text;
}

std::string ToHex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    hex += {kDigits[byte / 16], kDigits[byte % 16]};
  }
  return hex;
}

Result<std::unique_ptr<Tokenizer>> ConvertFolder(const std::string& folder) {
  BRAID_ASSIGN(
      const convert::Conversion conversion,
      convert::Conversion::Plan(folder, {.type = convert::OutputType::kAuto,
                                         .vocabulary_only = true}));
  BRAID_ASSIGN(const auto header, gguf::EncodeHeader(conversion.contents()));
  BRAID_ASSIGN(const gguf::File file, gguf::File::Parse(header.bytes));
  return LoadTokenizer(file);
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

void Answer(const std::string& folder, const std::vector<std::string>& texts) {
  const auto tokenizer = ConvertFolder(folder);
  if (!tokenizer.ok()) {
    std::cout << "refused\t" << OneLine(tokenizer.error().message) << '\n';
    return;
  }
  std::cout << "accepted\n";
  for (const std::string& text : texts) {
    const std::vector<TokenId> tokens = (*tokenizer)->Encode(text, {});
    std::string line;
    for (const TokenId token : tokens) {
      if (!line.empty()) line += ' ';
      line += std::to_string(token);
    }
    std::cout << line << '\t'
              << ToHex((*tokenizer)->Decode(tokens, {.special = true})) << '\t'
              << ToHex((*tokenizer)->Decode(tokens, {.special = false}))
              << '\n';
  }
}

}  // namespace

}  // namespace braid

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const size_t tab = line.find('\t');
    if (tab == line.npos) {
      std::cerr << "convert_and_tokenize: expected FOLDER, a tab and COUNT\n";
      return 2;
    }
    std::vector<std::string> texts(std::stoul(line.substr(tab + 1)));
    for (std::string& text : texts) {
      std::string hex;
      std::getline(std::cin, hex);
      text = braid::FromHex(hex);
    }
    braid::Answer(line.substr(0, tab), texts);
    std::cout << std::flush;
  }
}
