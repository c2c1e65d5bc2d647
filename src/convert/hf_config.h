// HfConfig: the hyper-parameters in a config.json, each bounded.
#ifndef BRAID_SRC_CONVERT_HF_CONFIG_H_
#define BRAID_SRC_CONVERT_HF_CONFIG_H_

#include <cstdint>
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

// A key may be several names, "num_hidden_layers|n_layer": the first that is
// there and not null counts. The first error is kept, and reading goes on with
// harmless values; ask status() at the end. Errors name the key.
class HfConfig {
 public:
  // Of a model with several parts, what its text part (text_config) says comes
  // first.
  explicit HfConfig(Json root);

  // The name in `architectures`; empty if there is none.
  std::string Architecture() const;

  bool Has(std::string_view key) const { return !Get(key).IsNull(); }
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

 private:
  Error Wrong(std::string_view key, std::string_view expected) const;

  Json root_;
  // The first error; reading is otherwise free of side effects.
  mutable Status status_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_HF_CONFIG_H_
