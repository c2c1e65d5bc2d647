#!/usr/bin/env python3
"""Writes the keys of transformers' configuration classes, for a test.

usage: make_config_keys.py > tests/data/config_keys.json

Needs the Python package transformers, without a framework. For each
architecture that `braid convert` knows and transformers has, what a new
configuration of its class says of itself: every key, with its default. The
test src/convert/config_keys_test.cc asks the converter about each.
"""

import json
import pathlib
import re
import sys

import transformers

# An architecture of src/convert/families.cc -> the model_type of transformers.
MODEL_TYPES = {
    "BertForMaskedLM": "bert",
    "BertForSequenceClassification": "bert",
    "BertModel": "bert",
    "DeepseekV2ForCausalLM": "deepseek_v2",
    "DeepseekV3ForCausalLM": "deepseek_v3",
    "FalconH1ForCausalLM": "falcon_h1",
    "FalconMambaForCausalLM": "falcon_mamba",
    "Gemma2ForCausalLM": "gemma2",
    "Gemma3ForCausalLM": "gemma3_text",
    "Gemma3ForConditionalGeneration": "gemma3",
    "GraniteMoeHybridForCausalLM": "granitemoehybrid",
    "JambaForCausalLM": "jamba",
    "Lfm2ForCausalLM": "lfm2",
    "LlamaForCausalLM": "llama",
    "Mamba2ForCausalLM": "mamba2",
    "MambaForCausalLM": "mamba",
    "MistralForCausalLM": "mistral",
    "MixtralForCausalLM": "mixtral",
    "NemotronHForCausalLM": "nemotron_h",
    "NomicBertModel": "nomic_bert",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3_5ForCausalLM": "qwen3_5_text",
    "Qwen3_5ForConditionalGeneration": "qwen3_5",
    "Qwen3_5MoeForCausalLM": "qwen3_5_moe_text",
    "Qwen3_5MoeForConditionalGeneration": "qwen3_5_moe",
    "SmolLM3ForCausalLM": "smollm3",
    "T5EncoderModel": "t5",
    "T5ForConditionalGeneration": "t5",
    "UMT5EncoderModel": "umt5",
    "UMT5ForConditionalGeneration": "umt5",
}
# Those whose code lies beside the weights, or with their authors.
ELSEWHERE = {"MambaLMHeadModel", "OpenELMForCausalLM", "RWKV7ForCausalLM",
             "Rwkv6ForCausalLM"}


def families():
    """The architectures that the converter's table names."""
    source = pathlib.Path(__file__).parents[1] / "src/convert/families.cc"
    return set(re.findall(r'^    {"(\w+)", "', source.read_text(), re.M))


def main():
    known = set(MODEL_TYPES) | ELSEWHERE
    if families() != known:
        sys.exit(f"families.cc and this script differ: {families() ^ known}")
    configs = {}
    for architecture, model_type in MODEL_TYPES.items():
        config = transformers.CONFIG_MAPPING[model_type]()
        configs[architecture] = json.loads(config.to_json_string(
            use_diff=False)) | {"architectures": [architecture]}
    json.dump({"transformers": transformers.__version__, "configs": configs},
              sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
