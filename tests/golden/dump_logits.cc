// dump_logits MODEL.gguf IDS.txt OUT.f32 [f16|f32] [ENCODER_IDS.txt]
//
// Decodes the token ids of a text file (one per line) as one sequence and
// writes the logits of every position, [tokens][vocabulary] float32, so that
// zoo/ can hold them against a reference. The ids of a second file are the text
// that the encoder of an encoder-decoder reads.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "braid/engine.h"

namespace braid {
namespace {

Result<std::vector<TokenId>> ReadIds(const std::string& path) {
  std::ifstream stream(path);
  std::vector<TokenId> ids;
  for (TokenId token; stream >> token;) ids.push_back(token);
  if (ids.empty()) return Error{path + ": no token ids"};
  return ids;
}

// `encoder_path` may be empty.
Status Dump(const std::string& model_path, const std::string& ids_path,
            const std::string& out_path, KvType kv_type,
            const std::string& encoder_path) {
  auto model = Model::Load(model_path, {});
  if (!model.ok()) return model.error();
  auto engine = Engine::Create(*model, {.kv_type = kv_type});
  if (!engine.ok()) return engine.error();

  Batch batch;
  if (!encoder_path.empty()) {
    const auto encoder_ids = ReadIds(encoder_path);
    if (!encoder_ids.ok()) return encoder_ids.error();
    batch.AddEncoder(*encoder_ids, 0);
  }
  const auto ids = ReadIds(ids_path);
  if (!ids.ok()) return ids.error();
  for (const TokenId token : *ids) {
    batch.Add(token, batch.size(), 0, Want::kLogits);
  }
  const Status decoded = (*engine)->Decode(batch);
  if (!decoded.ok()) return decoded;

  std::ofstream out(out_path, std::ios::binary);
  for (int i = 0; i < batch.size(); ++i) {
    const auto logits = (*engine)->Logits(i);
    out.write(reinterpret_cast<const char*>(logits.data()),
              static_cast<std::streamsize>(logits.size_bytes()));
  }
  out.close();
  if (!out) return Error{out_path + ": cannot be written"};
  return {};
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  const std::string kv_type = argc >= 5 ? argv[4] : "f16";
  if (argc < 4 || argc > 6 || (kv_type != "f16" && kv_type != "f32")) {
    std::fprintf(stderr,
                 "usage: dump_logits MODEL.gguf IDS.txt OUT.f32 [f16|f32] "
                 "[ENCODER_IDS.txt]\n");
    return 1;
  }
  const braid::Status status =
      braid::Dump(argv[1], argv[2], argv[3],
                  kv_type == "f32" ? braid::KvType::kF32 : braid::KvType::kF16,
                  argc == 6 ? argv[5] : "");
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", status.error().message.c_str());
  return 1;
}
