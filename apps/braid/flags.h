// FlagTable: the flags of one command, declared once. The same table parses the
// command line, prints --help (help.h) and completes in the shell
// (completion.h).
//
//   FlagTable table;
//   table.Group("Text")
//       .Texts("-p, --prompt", "TEXT", "a prompt", &prompts)
//       .Integer("-n, --predict", "N", "tokens", &tokens, {-1, 1 << 30});
//   BRAID_ASSIGN(const bool help, table.Parse(arguments));
//
// Defaults are what the variables hold when they are declared. One dash and two
// mean the same: -temp, --temp, --m and -m are all understood, and a value may
// follow after "=" or as the next argument. A flag is given once, unless it
// collects: which of two would count, a reader could not see. What follows "--"
// is no flag, whatever it starts with.
#ifndef BRAID_APPS_BRAID_FLAGS_H_
#define BRAID_APPS_BRAID_FLAGS_H_

#include <concepts>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/braid/flag_values.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "base/try.h"
#include "braid/result.h"

namespace braid::cli {

struct Flag {
  std::string group;               // its heading in --help
  std::vector<std::string> names;  // with dashes, as --help shows them
  // Placeholder of its value; empty: a switch; in brackets: one of the choices
  // or none.
  std::string value;
  std::string help;
  std::string default_text;          // empty: none is shown
  std::vector<std::string> choices;  // of its value; empty: anything
  bool repeatable = false;
  // Takes the value, or for a switch the name it was given by. Errors do not
  // name the flag.
  std::function<Status(std::string_view)> set;
};

// An argument without a dash. They are told apart by their order, so only the
// last ones may be optional.
struct Argument {
  std::string placeholder;
  std::string help;
  std::vector<std::string> choices;  // empty: anything
  bool required;
  std::string* target;
  bool* given = nullptr;  // if it matters that the text may be empty
};

// The variables that are declared must outlive the table. Not thread-safe.
class FlagTable {
 public:
  // Flags that follow belong under this heading.
  FlagTable& Group(std::string title);

  // `names` are separated by ", ", short ones first.
  FlagTable& Text(std::string_view names, std::string value, std::string help,
                  std::string* target);
  // May be given several times.
  FlagTable& Texts(std::string_view names, std::string value, std::string help,
                   std::vector<std::string>* target);
  FlagTable& Number(std::string_view names, std::string value, std::string help,
                    float* target, Range<double> range);
  // Comma-separated.
  FlagTable& Integers(std::string_view names, std::string value,
                      std::string help, std::vector<int>* target,
                      Range<int> range);
  template <std::signed_integral T>
  FlagTable& Integer(std::string_view names, std::string value,
                     std::string help, T* target, Range<T> range);
  // -t: 0 or -1 sets 0, one per core.
  FlagTable& Threads(int* target);
  template <class T>
  FlagTable& Choice(std::string_view names, std::string value, std::string help,
                    T* target, std::vector<std::pair<std::string, T>> choices);
  // Without a value: sets the target to `meaning`.
  FlagTable& Switch(std::string_view names, std::string help, bool* target,
                    bool meaning = true);
  // A switch whose long names may also be given with "no-" before them.
  FlagTable& Toggle(std::string_view names, std::string help, bool* target);

  FlagTable& Positional(Argument argument);

  // A flag of other programs (known_flags.h): help and completion do not show
  // it, it may be given several times, and `value` is as in Flag.
  FlagTable& Foreign(std::string_view names, std::string value,
                     std::function<Status(std::string_view)> set);

  // Sets the variables. True: the user asked for help, and nothing else
  // matters. Errors name the flag, what was given and what is expected.
  Result<bool> Parse(std::span<const std::string> arguments);

  // After Parse: how the user wrote the flag that has this name, if at all.
  std::optional<std::string> GivenAs(std::string_view name) const;

  // Is `name` a flag of this table, a foreign one not counted?
  bool Has(std::string_view name) const;

  const std::vector<Flag>& flags() const { return flags_; }
  const std::vector<Argument>& positionals() const { return positionals_; }

 private:
  FlagTable& Add(std::string_view names, std::string value, std::string help,
                 std::string default_text,
                 std::function<Status(std::string_view)> set);
  // nullptr if there is none.
  const Flag* Find(std::string_view name) const;

  std::string group_;
  std::vector<Flag> flags_;
  std::vector<Flag> foreign_;
  std::vector<Argument> positionals_;
  std::vector<std::pair<const Flag*, std::string>> given_;
};

// ---- The rest is implementation.

template <std::signed_integral T>
FlagTable& FlagTable::Integer(std::string_view names, std::string value,
                              std::string help, T* target, Range<T> range) {
  return Add(names, std::move(value), std::move(help), Format("{}", *target),
             [target, range](std::string_view text) -> Status {
               BRAID_ASSIGN(const int64_t number,
                            ParseInteger(text, {range.low, range.high}));
               *target = static_cast<T>(number);
               return {};
             });
}

template <class T>
FlagTable& FlagTable::Choice(std::string_view names, std::string value,
                             std::string help, T* target,
                             std::vector<std::pair<std::string, T>> choices) {
  std::string default_text;
  std::vector<std::string> texts;
  for (const auto& [text, meaning] : choices) {
    if (meaning == *target) default_text = text;
    texts.push_back(text);
  }
  const std::string expected = Joined(texts, ", ");
  Add(names, std::move(value), Format("{}; one of {}", help, expected),
      default_text,
      [target, choices = std::move(choices),
       expected](std::string_view given) -> Status {
        for (const auto& [text, meaning] : choices) {
          if (text != given) continue;
          *target = meaning;
          return {};
        }
        return Error{Format("'{}' is none of {}", given, expected)};
      });
  flags_.back().choices = std::move(texts);
  return *this;
}

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_FLAGS_H_
