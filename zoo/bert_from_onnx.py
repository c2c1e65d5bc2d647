"""Unpacks a BERT that ONNX Runtime's dynamic quantisation rounded to 8 bits into a Hugging Face folder.

    python bert_from_onnx.py MODEL.onnx TOKENIZER_FOLDER OUT --heads 12

Some packages carry an encoder only in this form. Every weight comes out as the float32 value that its 8 bits stand
for, so that `braid convert` and sentence-transformers start from the same numbers; activations are not rounded any
more. What is expected are transformers' names below one prefix, as torch.onnx.export keeps them; the matrices of the
products lost theirs, and get them back from the product that reads them. The number of heads is in no tensor.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file

PRODUCT = "/MatMul_output_0_output_quantized"  # what the quantiser calls the output of a product


def read_weights(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """The tensors by their names in a BertModel, in float32; matrices are {out, in}."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    quantized = "_quantized"

    def decode(name: str) -> np.ndarray:
        steps = stored[name + quantized].astype(np.float32) - stored[name + "_zero_point"].astype(np.float32)
        return steps * stored[name + "_scale"]

    embeddings = [name for name in stored if name.endswith("word_embeddings.weight" + quantized)]
    if len(embeddings) != 1:
        raise SystemExit(f"expected one quantised table of word embeddings, found {len(embeddings)}")
    prefix = embeddings[0].split("embeddings.")[0]

    weights = {}
    for name, values in stored.items():
        if name.startswith(prefix) and values.dtype == np.float32 and values.ndim == 1:
            weights[name.removeprefix(prefix)] = values.copy()
        elif name.startswith(prefix) and name.endswith(".weight" + quantized):
            weights[name.removeprefix(prefix).removesuffix(quantized)] = decode(name.removesuffix(quantized))
    for node in graph.node:
        if node.op_type == "MatMulInteger" and node.input[1] in stored:
            path = node.output[0].removesuffix(PRODUCT).strip("/").replace("/", ".")
            matrix = decode(node.input[1].removesuffix(quantized))
            weights[path.removeprefix(prefix) + ".weight"] = np.ascontiguousarray(matrix.T)
    return weights


def config_of(weights: dict[str, np.ndarray], heads: int) -> dict[str, object]:
    """config.json, from the shapes; dropout is left at none, and the epsilon is BERT's."""
    vocabulary, width = weights["embeddings.word_embeddings.weight"].shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": width,
        "intermediate_size": weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        "num_hidden_layers": 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.")),
        "num_attention_heads": heads,
        "max_position_embeddings": weights["embeddings.position_embeddings.weight"].shape[0],
        "type_vocab_size": weights["embeddings.token_type_embeddings.weight"].shape[0],
        "vocab_size": vocabulary,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", type=Path)
    ap.add_argument("tokenizer", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("--heads", type=int, required=True)
    args = ap.parse_args()

    weights = read_weights(onnx.load(args.model).graph)
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(weights, args.out / "model.safetensors")
    (args.out / "config.json").write_text(json.dumps(config_of(weights, args.heads), indent=2) + "\n")
    for file in args.tokenizer.iterdir():
        shutil.copy(file, args.out)
    print(f"{args.out}: {len(weights)} tensors, {sum(values.size for values in weights.values())} values")


if __name__ == "__main__":
    main()
