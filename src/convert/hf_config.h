// HfConfig: the hyper-parameters in a config.json, each bounded, and each
// accounted for: what nobody asked for can be listed.
#ifndef BRAID_SRC_CONVERT_HF_CONFIG_H_
#define BRAID_SRC_CONVERT_HF_CONFIG_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "json/json.h"

namespace braid::convert {

// More layers than any model has; lists of that length are made from a number.
inline constexpr int64_t kMaxLayers = 4096;

// The whole part of a number, in [0, 2^31).
int64_t ToCount(double number);

// A value for a message: 4, "silu", [1, 2]; long ones are cut.
std::string ValueText(const Json& value);

// A key may be a path, "rope_scaling.factor", and several names of one thing,
// "num_hidden_layers|n_layer": the first that is there and not null counts, and
// the others must not say something else. The first error is kept, and reading
// goes on with harmless values; ask status() at the end. Errors name the key.
// Not thread-safe.
class HfConfig {
 public:
  // Of a model with several parts, what its text part (text_config) says comes
  // first.
  explicit HfConfig(Json root);

  // What counts where the config has no value.
  void SetDefaults(Json defaults) { defaults_ = std::move(defaults); }

  // The name in `architectures`; empty if there is none.
  std::string Architecture() const;

  bool Has(std::string_view key) const { return !Get(key).IsNull(); }
  // As it is, with no check of other names.
  const Json& Get(std::string_view key) const;

  // An integer in [0, 2^31). Without a default a missing key is an error.
  int64_t Count(std::string_view key) const;
  int64_t Count(std::string_view key, int64_t if_missing) const;
  // The number of layers: from 1 to kMaxLayers.
  int64_t Layers(std::string_view key) const;
  // A finite number.
  double Number(std::string_view key) const;
  double Number(std::string_view key, double if_missing) const;
  bool Flag(std::string_view key, bool if_missing) const;
  std::string Text(std::string_view key, std::string_view if_missing) const;
  // A list; empty if missing.
  std::vector<std::string> Texts(std::string_view key) const;
  std::vector<double> Numbers(std::string_view key) const;
  std::vector<int64_t> Counts(std::string_view key) const;

  // Remembers an error that the family found, unless there was one before.
  void Fail(Error error) const;
  Status status() const { return status_; }

  // A key that has a value, and that no method above was asked for.
  struct Unread {
    std::string path;  // "rope_scaling.factor"
    const Json* value;
  };
  // In the order of the file. An object is looked into if one of its members
  // was asked for, and is one entry otherwise. null is no value, and neither
  // is an object or a list without elements.
  std::vector<Unread> UnreadKeys() const;

 private:
  Error Wrong(std::string_view key, std::string_view expected) const;
  // The value of one name; null if it is missing.
  const Json& Find(std::string_view name) const;
  // Fails if the names of `key` that are there differ.
  void CheckAgreement(std::string_view key) const;
  bool AskedWithin(const std::string& path) const;

  Json root_;
  Json defaults_;
  // The first error; reading is otherwise free of side effects.
  mutable Status status_;
  mutable std::set<std::string, std::less<>> asked_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_HF_CONFIG_H_
