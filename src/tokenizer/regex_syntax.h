// Regular expressions as `tokenizers` understands them (Oniguruma, with the
// syntax of Ruby) written as PCRE2 does.
#ifndef BRAID_SRC_TOKENIZER_REGEX_SYNTAX_H_
#define BRAID_SRC_TOKENIZER_REGEX_SYNTAX_H_

#include <string>
#include <string_view>

#include "braid/result.h"

namespace braid {

// What differs between the two is rewritten: ^ and $ are of lines, (?m) lets .
// match newlines, \h is a hexadecimal digit, \w has marks and, outside of
// classes, ²³¹¼½¾, \s lacks U+180E, [a[bc]] is a union, {,n} begins at 0, +
// behind an interval repeats it; groups capture nothing.
//
// Errors name the construct and where it is. Refused: intersections and
// negated classes inside classes, POSIX brackets, \W and \H in a class, back
// references, calls, conditions, absent operators, \G \K \R \X, options in the
// middle of a group, (?x), properties other than general categories and some
// scripts, a quantifier on a quantifier; and without regard to case, letters
// outside ASCII, letters that together fold to one ("ss", "ff", "st"), and
// properties of case.
//
// Both have Unicode data of their own: characters younger than Unicode 14 may
// be in other classes. Time O(expression.size()).
Result<std::string> TranslateRegex(std::string_view expression);

// May a match be of no characters, whatever the text? Errors and time as above.
Result<bool> MayMatchNothing(std::string_view expression);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_REGEX_SYNTAX_H_
