// What config.json may say beside what a family reads: a table of keys that
// change nothing, one of keys that must have a certain value, and one of flags
// that the tensors must bear out. A key in none of them is refused, so that
// nothing that a model needs is dropped in silence.
#ifndef BRAID_SRC_CONVERT_CONFIG_KEYS_H_
#define BRAID_SRC_CONVERT_CONFIG_KEYS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "convert/checkpoint.h"
#include "convert/hf_config.h"

namespace braid::convert {

// In these tables `architectures` lists values of general.architecture, and
// every list separates its words by spaces. An empty list of architectures
// means all of them.

// Keys without effect on what a model computes.
struct SilentKeys {
  std::string_view architectures;
  std::string_view reason;
  std::string_view keys;  // "*" at the end of one: whatever follows
};
std::span<const SilentKeys> SilentKeyTable();

// A key that changes what a model computes, where Braid knows one way.
struct FixedKey {
  std::string_view architectures;
  std::string_view key;
  std::string_view values;  // as in JSON, strings without quotes
};
std::span<const FixedKey> FixedKeyTable();

// A flag that says whether there are certain tensors.
struct ShownFlag {
  std::string_view architectures;
  std::string_view key;
  std::string_view tensor;  // a part of their names
};
std::span<const ShownFlag> ShownFlagTable();

// nullptr if the key, a path, changes something.
const SilentKeys* FindSilent(std::string_view architecture,
                             std::string_view key);

// The keys of a config that nobody has read and no table here has.
std::vector<HfConfig::Unread> UnknownKeys(const HfConfig& config,
                                          std::string_view architecture);

// Call it when a family has read all that it wants. `checkpoint` may be
// nullptr: then flags are not compared with tensors. Keys in `ignored` pass
// whatever they say. Errors name the first key that does not pass, and its
// value.
Status CheckKeys(const HfConfig& config, std::string_view architecture,
                 const Checkpoint* checkpoint,
                 const std::vector<std::string>& ignored);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_CONFIG_KEYS_H_
