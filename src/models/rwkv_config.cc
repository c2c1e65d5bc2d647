#include "models/rwkv_config.h"

#include "base/format.h"

namespace braid {

int ReadWkvHeadSize(ConfigReader& reader, int width) {
  const int head_size = reader.Count("wkv.head_size");
  if (width % head_size != 0) {
    reader.Refuse(
        "wkv.head_size",
        Format("{} does not divide embedding_length {}", head_size, width));
  }
  const int shifts = reader.Count("token_shift_count", 2);
  if (shifts != 2) {
    reader.Refuse("token_shift_count",
                  Format("{} is not supported; supported is 2", shifts));
  }
  return head_size;
}

}  // namespace braid
