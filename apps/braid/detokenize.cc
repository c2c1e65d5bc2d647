// braid detokenize: token ids to text.
#include <limits>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/text_input.h"
#include "braid/model.h"

namespace braid::cli {

namespace {

// Ids separated by blanks, commas or line breaks, in brackets or not.
Result<std::vector<TokenId>> ParseIds(std::string_view text, int vocabulary) {
  constexpr std::string_view kBetween = " ,[]\t\r\n";
  std::vector<TokenId> ids;
  for (size_t begin = text.find_first_not_of(kBetween);
       begin != std::string_view::npos;
       begin = text.find_first_not_of(kBetween, begin)) {
    const size_t end =
        std::min(text.find_first_of(kBetween, begin), text.size());
    BRAID_ASSIGN(const int64_t id, ParseInteger(text.substr(begin, end - begin),
                                                {0, vocabulary - 1}));
    ids.push_back(static_cast<TokenId>(id));
    begin = end;
  }
  return ids;
}

class Detokenize : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Positional({.placeholder = "IDS",
                      .help = "token ids, separated by blanks or commas, in "
                              "brackets or not: '[1, 2, 3]'",
                      .choices = {},
                      .required = false,
                      .target = &ids_});
    table.Group("Text")
        .Switch("--stdin", "the ids are standard input", &standard_input_)
        .Switch("--special", "write control tokens as their text", &special_);
    model_.Declare(table);
    return table;
  }

  Status Run() override {
    if (ids_.empty() != standard_input_) {
      return Error{"expected IDS or --stdin, one of them"};
    }
    if (standard_input_) {
      BRAID_ASSIGN(ids_, ReadBytes("-"));
    }
    BRAID_ASSIGN(const std::string path, model_.Path());
    BRAID_ASSIGN(const std::unique_ptr<Tokenizer> tokenizer,
                 LoadTokenizer(path));
    NoteAll(tokenizer->notices());
    BRAID_ASSIGN(const std::vector<TokenId> ids,
                 ParseIds(ids_, tokenizer->vocabulary_size()));
    Print(tokenizer->Decode(ids, {.special = special_}));
    return {};
  }

 private:
  ModelFlags model_;
  std::string ids_;
  bool standard_input_ = false;
  bool special_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeDetokenize() {
  return std::make_unique<Detokenize>();
}

}  // namespace braid::cli
