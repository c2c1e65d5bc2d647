// Text -> JSON.
#ifndef BRAID_APPS_BRAID_JSON_TEXT_H_
#define BRAID_APPS_BRAID_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace braid::cli {

// `text` as a JSON string, quotes included. JSON is UTF-8: every byte that is
// part of no valid character becomes U+FFFD.
std::string JsonText(std::string_view text);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_JSON_TEXT_H_
