"""Reads a model file of rwkv.cpp (RWKV-6 or RWKV-7, vocabulary: bytes) and writes a GGUF file, or the logits
of rwkv_reference.py on its (dequantised) weights.

    python rwkv_to_gguf.py tiny-rwkv-6v0-3m-Q5_1.bin --gguf OUT.gguf
    python rwkv_to_gguf.py tiny-rwkv-6v0-3m-Q5_1.bin --text PROMPT.txt --logits OUT.f32

The container: six int32 (magic "ggmf", version 101, vocabulary, width, layers, type), then tensors: number of
dimensions, length of the name, type (int32), dimensions, innermost first (int32), the name, the data.
Quantised tensors keep their blocks, which are those of GGUF.
"""

import argparse
import struct
from pathlib import Path

import gguf
import numpy as np
import torch

import rwkv_reference

HEADER = struct.Struct("<6i")
MAGIC, VERSION = 0x67676D66, 101
TYPES = {
    0: gguf.GGMLQuantizationType.F32,
    1: gguf.GGMLQuantizationType.F16,
    2: gguf.GGMLQuantizationType.Q4_0,
    3: gguf.GGMLQuantizationType.Q4_1,
    7: gguf.GGMLQuantizationType.Q5_0,
    8: gguf.GGMLQuantizationType.Q5_1,
    9: gguf.GGMLQuantizationType.Q8_0,
}
NORM_EPSILON = 1e-5

NAMES = {  # of a layer, without .weight; both generations
    "ln1": "attn_norm",
    "ln2": "attn_norm_2",
    "att.ln_x": "time_mix_ln",
    "att.time_maa_x": "time_mix_lerp_x",
    "att.time_maa_w1": "time_mix_w1",
    "att.time_maa_w2": "time_mix_w2",
    "att.time_faaaa": "time_mix_first",
    "att.time_decay": "time_mix_decay",
    "att.time_decay_w1": "time_mix_decay_w1",
    "att.time_decay_w2": "time_mix_decay_w2",
    "att.x_rwkvag": "time_mix_lerp_fused",
    "ffn.time_maa_k": "channel_mix_lerp_k",
    "ffn.time_maa_r": "channel_mix_lerp_r",
    "ffn.x_k": "channel_mix_lerp_k",
}
NAMES |= {f"att.time_maa_{i}": f"time_mix_lerp_{i}" for i in "wkvrg"}
NAMES |= {f"att.{m}{i}": f"time_mix_{m}{i}" for m in "wavg" for i in "012"}
NAMES |= {f"att.{m}": f"time_mix_{m}" for m in ("k_k", "k_a", "r_k")}
NAMES |= {f"att.{m}": f"time_mix_{m}" for m in ("receptance", "key", "value", "gate", "output")}
NAMES |= {f"ffn.{m}": f"channel_mix_{m}" for m in ("receptance", "key", "value")}
WHOLE = {"emb": "token_embd", "blocks.0.ln0": "token_embd_norm", "ln_out": "output_norm", "head": "output"}
VECTORS = ("lerp", "decay.", "_w0", "_a0", "_v0", "k_k", "k_a", "r_k")


class Container:
    """tensors: name -> (type, shape with the outermost dimension first, data as it is stored)"""

    def __init__(self, path: Path):
        data = path.read_bytes()
        magic, version, self.vocabulary, self.width, self.layers, _ = HEADER.unpack_from(data)
        if (magic, version) != (MAGIC, VERSION):
            raise ValueError(f"{path}: not a file of rwkv.cpp, version {VERSION}")
        self.tensors = {}
        at = HEADER.size
        while at < len(data):
            dimensions, length, kind = struct.unpack_from("<3i", data, at)
            shape = struct.unpack_from(f"<{dimensions}i", data, at + 12)[::-1]
            at += 12 + 4 * dimensions
            name = data[at : at + length].decode()
            at += length
            block, size = gguf.GGML_QUANT_SIZES[TYPES[kind]]
            count = int(np.prod(shape)) // block * size
            self.tensors[name] = (TYPES[kind], shape, np.frombuffer(data, np.uint8, count, at))
            at += count
        self.is_v7 = "blocks.0.att.r_k" in self.tensors
        heads = self.tensors["blocks.0.att." + ("r_k" if self.is_v7 else "time_faaaa")][1]
        self.head_size = heads[1]  # {heads, size} or {heads, size, 1}

    def values(self, name: str) -> np.ndarray:
        kind, shape, data = self.tensors[name]
        rows = data.reshape(*shape[:-1], -1)
        return gguf.dequantize(rows, kind).reshape(shape) if kind != 0 else data.view(np.float32).reshape(shape)


def target_name(name: str) -> str:
    stem, _, end = name.rpartition(".") if name.endswith((".weight", ".bias")) else (name, "", "weight")
    if stem in WHOLE:
        return f"{WHOLE[stem]}.{end}"
    _, layer, part = stem.split(".", 2)
    return f"blk.{layer}.{NAMES[part]}.{end}"


def write_gguf(model: Container, path: Path) -> None:
    arch = "rwkv7" if model.is_v7 else "rwkv6"
    shapes = {target_name(name): tensor[1] for name, tensor in model.tensors.items()}
    first = "blk.1."  # layer 0 of RWKV-7 has no time_mix_v
    writer = gguf.GGUFWriter(path, arch)
    writer.add_block_count(model.layers)
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(model.width)
    writer.add_feed_forward_length(shapes[first + "channel_mix_key.weight"][0])
    writer.add_head_count(0)
    writer.add_layer_norm_eps(NORM_EPSILON)
    writer.add_wkv_head_size(model.head_size)
    if model.is_v7:
        writer.add_decay_lora_rank(shapes[first + "time_mix_w1.weight"][0])
        writer.add_iclr_lora_rank(shapes[first + "time_mix_a1.weight"][0])
        writer.add_value_residual_mix_lora_rank(shapes[first + "time_mix_v1.weight"][0])
        writer.add_gate_lora_rank(shapes[first + "time_mix_g1.weight"][0])
    else:
        writer.add_time_mix_extra_dim(shapes[first + "time_mix_w2.weight"][2])
        writer.add_time_decay_extra_dim(shapes[first + "time_mix_decay_w1.weight"][0])
        writer.add_rescale_every_n_layers(0)
    writer.add_tokenizer_model("rwkv")
    writer.add_token_list([f"\\x{byte:02x}" for byte in range(model.vocabulary)])
    writer.add_token_types([gguf.TokenType.NORMAL] * model.vocabulary)
    for name, (kind, shape, data) in model.tensors.items():
        target = target_name(name)
        if kind != gguf.GGMLQuantizationType.F32:
            writer.add_tensor(target, data.reshape(*shape[:-1], -1), raw_dtype=kind)
            continue
        values = model.values(name)
        if target.endswith("lerp_fused.weight"):
            values = values.reshape(-1, 1, 1, model.width)
        elif target.endswith("first.weight"):
            values = values.reshape(-1, model.head_size)
        elif any(part in target for part in VECTORS):
            values = values.reshape(-1)
        writer.add_tensor(target, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference6(model: Container) -> torch.nn.Module:
    config = {
        "model_type": "rwkv6",
        "vocab_size": model.vocabulary,
        "hidden_size": model.width,
        "num_hidden_layers": model.layers,
        "head_size": model.head_size,
        "head_size_divisor": 8,
        "intermediate_size": model.tensors["blocks.0.ffn.key.weight"][1][0],
        "layer_norm_epsilon": NORM_EPSILON,
        "rescale_every": 0,
    }
    reference = rwkv_reference.make(config)
    renamed = (("rwkv.embeddings", "emb"), ("pre_ln", "ln0"), ("attention", "att"), ("feed_forward", "ffn"))
    state = {}
    for name, parameter in reference.state_dict().items():
        source = name
        for theirs, ours in renamed:
            source = source.replace(theirs, ours)
        values = torch.from_numpy(model.values(source.removeprefix("rwkv.")).copy())
        # The reference multiplies from the right.
        if name.endswith(("time_maa_w2",)):
            values = values.transpose(1, 2)
        elif name.endswith(("_w1", "_w2")):
            values = values.T
        state[name] = values.reshape(parameter.shape)
    reference.load_state_dict(state)
    return reference


def reference7(model: Container) -> torch.nn.Module:
    def rank(which: str) -> int:
        return model.tensors[f"blocks.1.att.{which}1"][1][0]

    config = {
        "model_type": "rwkv7",
        "vocab_size": model.vocabulary,
        "hidden_size": model.width,
        "num_hidden_layers": model.layers,
        "head_dim": model.head_size,
        "intermediate_size": model.tensors["blocks.0.ffn.key.weight"][1][0],
        "norm_eps": NORM_EPSILON,
        "decay_low_rank_dim": rank("w"),
        "a_low_rank_dim": rank("a"),
        "v_low_rank_dim": rank("v"),
        "gate_low_rank_dim": rank("g"),
    }
    reference = rwkv_reference.make(config)
    renamed = {"model.embeddings": "emb", "lm_head": "head", "model.norm": "ln_out", "model.layers": "blocks"}
    renamed |= {"pre_norm": "ln0", "attn_norm": "ln1", "ffn_norm": "ln2", "attn.g_norm": "attn.ln_x"}
    renamed |= {"attn.": "att.", "r_proj": "receptance", "k_proj": "key", "v_proj": "value", "o_proj": "output"}
    for which in "wavg":
        renamed |= {f"{which}_lora.lora.0.weight": f"{which}1", f"{which}_lora.lora.2.weight": f"{which}2"}
        renamed[f"{which}_lora.lora.2.bias"] = f"{which}0"
    state = {}
    for name, parameter in reference.state_dict().items():
        source = name
        for theirs, ours in renamed.items():
            source = source.replace(theirs, ours)
        if name.split(".")[-1] in [f"x_{i}" for i in "rwkvag"] and ".attn." in name:
            values = model.values(source[: source.rindex("x_")] + "x_rwkvag")["rwkvag".index(name[-1])]
        else:
            values = model.values(source)
        state[name] = torch.from_numpy(np.array(values)).reshape(parameter.shape)
    reference.load_state_dict(state)
    return reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--gguf", type=Path, help="write the model here")
    parser.add_argument("--text", type=Path, help="the prompt: its bytes are the tokens")
    parser.add_argument("--logits", type=Path, help="write the reference's logits here, [bytes][vocabulary] float32")
    arguments = parser.parse_args()
    model = Container(arguments.model)
    if arguments.gguf:
        write_gguf(model, arguments.gguf)
    if arguments.logits:
        torch.set_num_threads(1)
        ids = torch.tensor([list(arguments.text.read_bytes())])
        reference = (reference7 if model.is_v7 else reference6)(model).eval()
        with torch.no_grad():
            reference(ids)[0].numpy().astype(np.float32).tofile(arguments.logits)


if __name__ == "__main__":
    main()
