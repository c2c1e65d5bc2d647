"""RWKV-6 "Finch" (arXiv 2404.05892) and RWKV-7 "Goose" (arXiv 2503.14456) as the papers write them.

transformers lacks both. Float32 PyTorch, one position after another, under the publishers' tensor names:
RWKV-6 as the RWKV organisation ships it for transformers, RWKV-7 as fla-hub does. `make(config)` reads the
publisher's config.json; the model turns ids [B, T] into logits [B, T, vocabulary].

Letters of the papers: r receptance, k key, v value, w decay, g gate, a in-context learning rate; H heads of
N channels, C = H * N.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUP_NORM_EPS = 64e-5  # of the norm over each head's output, in both papers' code


def before(x: Tensor) -> Tensor:
    """The token shift: row t holds position t - 1, zeros before the first. x [B, T, C]"""
    return F.pad(x, (0, 0, 1, -1))


def vector(*shape: int, value: float = 0.5) -> nn.Parameter:
    return nn.Parameter(torch.full(shape, value))


# --- RWKV-6 ----------------------------------------------------------------------------------------


class TimeMix6(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        width = c["hidden_size"]
        mix_rank, decay_rank = (64, 128) if width == 4096 else (32, 64)
        self.size = c["head_size"]
        for name in ("x", "w", "k", "v", "r", "g"):
            setattr(self, f"time_maa_{name}", vector(1, 1, width))
        self.time_maa_w1 = vector(width, 5 * mix_rank)
        self.time_maa_w2 = vector(5, mix_rank, width)
        self.time_decay = vector(1, 1, width, value=-2.0)
        self.time_decay_w1 = vector(width, decay_rank)
        self.time_decay_w2 = vector(decay_rank, width)
        self.time_faaaa = vector(width // self.size, self.size)
        for name in ("receptance", "key", "value", "gate", "output"):
            setattr(self, name, nn.Linear(width, width, bias=False))
        self.ln_x = nn.GroupNorm(width // self.size, width, eps=1e-5 * c["head_size_divisor"] ** 2)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        delta = before(x) - x
        # Equation 14: how much of the position before each of the five inputs takes is a function of the data.
        mixed = torch.tanh((x + delta * self.time_maa_x) @ self.time_maa_w1).unflatten(-1, (5, -1))
        more = torch.einsum("btie,ied->ibtd", mixed, self.time_maa_w2)
        bases = (self.time_maa_w, self.time_maa_k, self.time_maa_v, self.time_maa_r, self.time_maa_g)
        xw, xk, xv, xr, xg = (x + delta * (base + m) for base, m in zip(bases, more, strict=True))

        def heads(y: Tensor) -> Tensor:
            return y.view(batch, length, -1, self.size)

        r, k, v = heads(self.receptance(xr)), heads(self.key(xk)), heads(self.value(xv))
        w = self.time_decay + torch.tanh(xw @ self.time_decay_w1) @ self.time_decay_w2
        decay = heads(torch.exp(-torch.exp(w)))

        # Equation 19. state [B, H, N of k, N of v]
        state = x.new_zeros(batch, k.shape[2], self.size, self.size)
        rows = []
        for t in range(length):
            kv = k[:, t, :, :, None] * v[:, t, :, None, :]
            rows.append((r[:, t, :, None, :] @ (self.time_faaaa[..., None] * kv + state)).flatten(1))
            state = decay[:, t, :, :, None] * state + kv
        y = self.ln_x(torch.stack(rows, 1).flatten(0, 1)).view(batch, length, width)
        return self.output(y * F.silu(self.gate(xg)))


class ChannelMix6(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        width = c["hidden_size"]
        inner = c["intermediate_size"] or int(width * 3.5) // 32 * 32
        self.time_maa_k, self.time_maa_r = vector(1, 1, width), vector(1, 1, width)
        self.key = nn.Linear(width, inner, bias=False)
        self.receptance = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        delta = before(x) - x
        key = torch.relu(self.key(x + delta * self.time_maa_k)).square()
        return torch.sigmoid(self.receptance(x + delta * self.time_maa_r)) * self.value(key)


class Block6(nn.Module):
    def __init__(self, c: dict, layer: int):
        super().__init__()
        width, eps = c["hidden_size"], c["layer_norm_epsilon"]
        if layer == 0:
            self.pre_ln = nn.LayerNorm(width, eps)
        self.ln1, self.attention = nn.LayerNorm(width, eps), TimeMix6(c)
        self.ln2, self.feed_forward = nn.LayerNorm(width, eps), ChannelMix6(c)


class Trunk6(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.embeddings = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.blocks = nn.ModuleList(Block6(c, i) for i in range(c["num_hidden_layers"]))
        self.ln_out = nn.LayerNorm(c["hidden_size"], c["layer_norm_epsilon"])


class Rwkv6(nn.Module):
    """The publisher's inference code halves the residual stream after every `rescale_every` layers, and
    with it all that later layers add. It is the same function but for the norms' epsilon."""

    def __init__(self, c: dict):
        super().__init__()
        self.rwkv = Trunk6(c)
        self.head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        self.rescale_every = c["rescale_every"]

    def forward(self, ids: Tensor) -> Tensor:
        blocks, scale = self.rwkv.blocks, 1.0
        x = blocks[0].pre_ln(self.rwkv.embeddings(ids))
        for i, block in enumerate(blocks, 1):
            x = x + block.attention(block.ln1(x)) * scale
            x = x + block.feed_forward(block.ln2(x)) * scale
            if not self.training and self.rescale_every and i % self.rescale_every == 0:
                x, scale = x / 2, scale / 2
        return self.head(self.rwkv.ln_out(x))


# --- RWKV-7 ----------------------------------------------------------------------------------------


class LowRank(nn.Module):
    """width -> rank -> width with a function between; the bias is the papers' w0, a0, v0."""

    def __init__(self, width: int, rank: int, between: nn.Module, bias: bool = True):
        super().__init__()
        self.lora = nn.Sequential(
            nn.Linear(width, rank, bias=False), between, nn.Linear(rank, width, bias=bias)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.lora(x)


class TimeMix7(nn.Module):
    def __init__(self, c: dict, layer: int):
        super().__init__()
        width, self.size = c["hidden_size"], c["head_dim"]
        for name in "rwkvag":
            setattr(self, f"x_{name}", vector(1, 1, width))
        self.k_k, self.k_a = vector(width, value=0.85), vector(width, value=1.0)
        self.r_k = vector(width // self.size, self.size, value=0.0)
        for name in "rkvo":
            setattr(self, f"{name}_proj", nn.Linear(width, width, bias=False))
        self.w_lora = LowRank(width, c["decay_low_rank_dim"], nn.Tanh())
        self.a_lora = LowRank(width, c["a_low_rank_dim"], nn.Identity())
        self.g_lora = LowRank(width, c["gate_low_rank_dim"], nn.Sigmoid(), bias=False)
        if layer > 0:  # layer 0 has the values that the others look back to
            self.v_lora = LowRank(width, c["v_low_rank_dim"], nn.Identity())
        self.g_norm = nn.GroupNorm(width // self.size, width, eps=GROUP_NORM_EPS)

    def forward(self, x: Tensor, v_first: Tensor | None) -> tuple[Tensor, Tensor]:
        batch, length, width = x.shape
        delta = before(x) - x
        xr, xw, xk, xv, xa, xg = (x + delta * getattr(self, f"x_{name}") for name in "rwkvag")
        r, k, v = self.r_proj(xr), self.k_proj(xk), self.v_proj(xv)
        if v_first is None:
            v_first = v
        else:
            v = v + (v_first - v) * torch.sigmoid(self.v_lora(xv))
        w = torch.exp(-0.606531 * torch.sigmoid(self.w_lora(xw)))  # exp(-1/2) in the paper, rounded in code
        a = torch.sigmoid(self.a_lora(xa))

        def heads(y: Tensor) -> Tensor:
            return y.view(batch, length, -1, self.size)

        removal = F.normalize(heads(k * self.k_k), dim=-1, eps=1e-12)
        k = k * (1 + (a - 1) * self.k_a)
        r, k, v, w, a = map(heads, (r, k, v, w, a))

        # The generalised delta rule. state [B, H, N of v, N of k]
        state = x.new_zeros(batch, k.shape[2], self.size, self.size)
        rows = []
        for t in range(length):
            kappa = removal[:, t, :, :, None]
            state = (
                state * w[:, t, :, None, :]
                - (state @ kappa) * (removal * a)[:, t, :, None, :]
                + v[:, t, :, :, None] * k[:, t, :, None, :]
            )
            rows.append((state @ r[:, t, :, :, None]).flatten(1))
        y = self.g_norm(torch.stack(rows, 1).flatten(0, 1)).view(batch, length, -1, self.size)
        y = y + v * (r * k * self.r_k).sum(-1, keepdim=True)
        return self.o_proj(y.flatten(2) * self.g_lora(xg)), v_first


class ChannelMix7(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        width, inner = c["hidden_size"], c["intermediate_size"]
        self.x_k = vector(width)
        self.key = nn.Linear(width, inner, bias=False)
        self.value = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.value(torch.relu(self.key(x + (before(x) - x) * self.x_k)).square())


class Block7(nn.Module):
    def __init__(self, c: dict, layer: int):
        super().__init__()
        width, eps = c["hidden_size"], c["norm_eps"]
        if layer == 0:
            self.pre_norm = nn.LayerNorm(width, eps)
        self.attn_norm, self.attn = nn.LayerNorm(width, eps), TimeMix7(c, layer)
        self.ffn_norm, self.ffn = nn.LayerNorm(width, eps), ChannelMix7(c)


class Trunk7(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.embeddings = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Block7(c, i) for i in range(c["num_hidden_layers"]))
        self.norm = nn.LayerNorm(c["hidden_size"], c["norm_eps"])


class Rwkv7(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.model = Trunk7(c)
        self.lm_head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        layers, v_first = self.model.layers, None
        x = layers[0].pre_norm(self.model.embeddings(ids))
        for layer in layers:
            mixed, v_first = layer.attn(layer.attn_norm(x), v_first)
            x = x + mixed
            x = x + layer.ffn(layer.ffn_norm(x))
        return self.lm_head(self.model.norm(x))


def make(config: dict) -> nn.Module:
    return {"rwkv6": Rwkv6, "rwkv7": Rwkv7}[config["model_type"]](config)
