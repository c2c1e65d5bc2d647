// braid tokenize: text to token ids.
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/doubled_bos.h"
#include "apps/braid/prompts.h"
#include "apps/braid/text.h"
#include "apps/braid/text_input.h"
#include "braid/model.h"

namespace braid::cli {

namespace {

class Tokenize : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Group("Text")
        .Texts("-p, --prompt", "TEXT", "the text", &texts_)
        .Text("-f, --file", "FILE", "a file that is the text, byte for byte",
              &file_)
        .Switch("--stdin", "the text is standard input, byte for byte",
                &standard_input_)
        .Toggle("-e, --escape", "process \\n, \\t, \\\", \\\\, \\xHH in -p",
                &escape_)
        .Switch("--no-bos", "do not add what the vocabulary puts around a text",
                &add_special_, false)
        .Switch("--no-parse-special",
                "read the text of control tokens as plain text",
                &parse_special_, false);
    table.Group("Output")
        .Switch("--ids", "one list of ids: [1, 2, 3]", &ids_only_)
        .Switch("--show-count", "print the number of tokens too", &show_count_)
        .Switch("--log-disable", "accepted; there is no log", &log_disable_);
    model_.Declare(table);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    if (texts_.empty()) {
      return {{.names = "-e",
               .use = "on a text that is read byte for byte",
               .only_noted = true}};
    }
    return {};
  }

  Status Run() override {
    BRAID_ASSIGN(const std::string text, ReadInput());
    BRAID_ASSIGN(const std::string path, model_.Path());
    BRAID_ASSIGN(const std::unique_ptr<Tokenizer> tokenizer,
                 LoadTokenizer(path));
    NoteAll(tokenizer->notices());
    const std::vector<TokenId> tokens = tokenizer->Encode(
        text, {.add_special = add_special_, .parse_special = parse_special_});
    DoubledBosNote().Look(tokens, *tokenizer);
    std::string output =
        ids_only_ ? IdList(tokens) : PieceLines(tokens, *tokenizer);
    if (show_count_) {
      output += Format("Total number of tokens: {}\n", tokens.size());
    }
    Print(output);
    return {};
  }

 private:
  Result<std::string> ReadInput() const {
    const int sources = static_cast<int>(texts_.size()) +
                        (file_.empty() ? 0 : 1) + (standard_input_ ? 1 : 0);
    if (sources != 1) {
      return Error{Format("{} given; expected one of -p, -f and --stdin",
                          Counted(sources, "text"))};
    }
    if (standard_input_) return ReadExactly("-");
    if (!file_.empty()) return ReadExactly(file_);
    return escape_ ? ProcessEscapes(texts_[0]) : texts_[0];
  }

  // Other commands read a text file as plain UTF-8: who compares should know.
  static Result<std::string> ReadExactly(const std::string& path) {
    BRAID_ASSIGN(std::string bytes, ReadBytes(path));
    const Result<PlainText> plain = ToPlainText(bytes);
    const std::string was = plain.ok() ? plain->was : plain.error().message;
    if (!was.empty()) {
      Note(Format("{}: {}; read byte for byte\n",
                  path == "-" ? "standard input" : path, was));
    }
    return bytes;
  }

  static std::string IdList(const std::vector<TokenId>& tokens) {
    std::vector<std::string> ids;
    for (const TokenId token : tokens) ids.push_back(std::to_string(token));
    return Format("[{}]\n", Joined(ids, ", "));
  }

  // Ids to the right in six columns.
  static std::string PieceLines(const std::vector<TokenId>& tokens,
                                const Tokenizer& tokenizer) {
    std::string lines;
    for (const TokenId token : tokens) {
      const std::string id = std::to_string(token);
      lines.append(id.size() < 6 ? 6 - id.size() : 0, ' ');
      lines +=
          Format("{} -> '{}'\n", id, tokenizer.Piece(token, {.special = true}));
    }
    return lines;
  }

  ModelFlags model_;
  std::vector<std::string> texts_;
  std::string file_;
  bool standard_input_ = false;
  bool escape_ = true;
  bool add_special_ = true;
  bool parse_special_ = true;
  bool ids_only_ = false;
  bool show_count_ = false;
  bool log_disable_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeTokenize() { return std::make_unique<Tokenize>(); }

}  // namespace braid::cli
