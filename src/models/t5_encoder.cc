#include "models/t5_encoder.h"

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"

namespace braid {

Result<nn::T5StackConfig> ReadT5Stack(ConfigReader& reader,
                                      const ModelShape& shape) {
  nn::T5StackConfig stack;
  stack.layers = shape.layers;
  stack.hidden = reader.Count("feed_forward_length");
  stack.norm_epsilon = shape.norm_epsilon;
  stack.buckets = reader.Count("attention.relative_buckets_count");
  nn::AttentionConfig& attention = stack.attention;
  attention.width = shape.width;
  attention.heads = reader.Count("attention.head_count");
  attention.kv_heads = attention.heads;
  attention.key_dim = reader.Count("attention.key_length");
  attention.value_dim = reader.Count("attention.value_length");
  attention.scale = 1.0f;
  constexpr int kMostBuckets = 128;  // one for every distance and direction
  if (stack.buckets < nn::BucketedBias::kLeastBuckets ||
      stack.buckets > kMostBuckets) {
    reader.Refuse("attention.relative_buckets_count",
                  Format("{} is not in [{}, {}]", stack.buckets,
                         nn::BucketedBias::kLeastBuckets, kMostBuckets));
  }
  BRAID_TRY(reader.status());
  return stack;
}

Result<T5EncoderConfig> T5EncoderConfig::Read(ConfigReader& reader) {
  T5EncoderConfig config;
  config.shape = ReadShape(reader);
  BRAID_ASSIGN(config.stack, ReadT5Stack(reader, config.shape));
  return config;
}

Rows T5EncoderModel::Forward(Pass& pass) const {
  const Rows x = embedding_(pass.compute, pass.tokens);  // {rows, d_model}
  encoder_(pass, x);
  return x;
}

void T5EncoderModel::Head(Compute& /*compute*/, ConstRows /*x*/,
                          Rows /*logits*/) const {
  BRAID_CHECK(false);
}

}  // namespace braid
