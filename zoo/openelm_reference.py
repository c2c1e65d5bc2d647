"""OpenELM (arXiv 2404.14619, section 2), which transformers lacks: float32 PyTorch, the publisher's names.

Every layer has its own number of query heads, key heads and its own MLP width; queries and keys pass an
RMS norm per head before the rotation; the output layer is the embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RmsNorm(nn.Module):
    def __init__(self, width: int, eps: float = 1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x: Tensor, base: float) -> Tensor:
    """x [heads, T, size]: turns the pairs (i, i + size / 2) of position t by t * base^(-2i/size)."""
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] * base ** (-torch.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


class Attention(nn.Module):
    def __init__(self, c: dict, layer: int):
        super().__init__()
        self.heads, self.kv_heads = c["num_query_heads"][layer], c["num_kv_heads"][layer]
        self.size, self.base = c["head_dim"], float(c["rope_freq_constant"])
        rows = (self.heads + 2 * self.kv_heads) * self.size
        self.qkv_proj = nn.Linear(c["model_dim"], rows, bias=False)
        self.q_norm, self.k_norm = RmsNorm(self.size), RmsNorm(self.size)
        self.out_proj = nn.Linear(self.heads * self.size, c["model_dim"], bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [B, T, width]
        b, t, _ = x.shape
        qkv = self.qkv_proj(x).view(b, t, -1, self.size).transpose(1, 2)
        q, k, v = qkv.split([self.heads, self.kv_heads, self.kv_heads], 1)
        q, k = rotate(self.q_norm(q), self.base), rotate(self.k_norm(k), self.base)
        k, v = (m.repeat_interleave(self.heads // self.kv_heads, 1) for m in (k, v))
        scores = q @ k.transpose(-1, -2) * self.size**-0.5
        scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), -torch.inf)
        return self.out_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1))


class Mlp(nn.Module):
    def __init__(self, c: dict, layer: int):
        super().__init__()
        divisor = c["ffn_dim_divisor"]
        wanted = c["ffn_multipliers"][layer] * c["model_dim"]
        width = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
        if width < 0.9 * wanted:  # rounding may not take away more than a tenth
            width += divisor
        self.proj_1 = nn.Linear(c["model_dim"], 2 * width, bias=False)
        self.proj_2 = nn.Linear(width, c["model_dim"], bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.proj_1(x).chunk(2, -1)
        return self.proj_2(F.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, c: dict, layer: int):
        super().__init__()
        self.attn_norm, self.attn = RmsNorm(c["model_dim"]), Attention(c, layer)
        self.ffn_norm, self.ffn = RmsNorm(c["model_dim"]), Mlp(c, layer)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.attn_norm(x))
        return x + self.ffn(self.ffn_norm(x))


class Transformer(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.token_embeddings = nn.Embedding(c["vocab_size"], c["model_dim"])
        self.layers = nn.ModuleList(Layer(c, i) for i in range(c["num_transformer_layers"]))
        self.norm = RmsNorm(c["model_dim"])


class Model(nn.Module):
    """config: the publisher's config.json. forward: ids [B, T] -> logits [B, T, vocabulary]."""

    def __init__(self, config: dict):
        super().__init__()
        self.transformer = Transformer(config)

    def forward(self, ids: Tensor) -> Tensor:
        t = self.transformer
        x = t.token_embeddings(ids)
        for layer in t.layers:
            x = layer(x)
        return t.norm(x) @ t.token_embeddings.weight.T


def make(config: dict) -> Model:
    return Model(config)
