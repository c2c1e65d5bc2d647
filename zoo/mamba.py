"""Mamba-1 (Gu and Dao, 2023) for training on one CPU core.

The whole mixer between the two large projections is one autograd function over scan.cpp. State is
carried from window to window without gradient.

Letters in shapes: B batch, T time, d model width, di = 2 d inner width, N states, r rank of dt, V vocabulary.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.cpp_extension import load

LANES = 16  # channels in a vector of scan.cpp
MATRIX_TYPE = torch.bfloat16  # of the factors in matrix products

kernels = load(
    name="braid_zoo_scan",
    sources=[str(Path(__file__).with_name("scan.cpp"))],
    extra_cflags=["-O3", "-march=native", "-fno-math-errno", "-std=c++20"],
)


@dataclass
class Config:
    vocab: int = 2048
    d: int = 256
    layers: int = 7
    N: int = 16
    conv: int = 4
    eps: float = 1e-5
    dropout: float = 0.0

    @property
    def di(self) -> int:
        return 2 * self.d

    @property
    def r(self) -> int:
        return math.ceil(self.d / 16)


def linear(x, w):
    """x [..., in] float32 times w [out, in] float32, multiplied as MATRIX_TYPE, result float32."""
    return F.linear(x.to(MATRIX_TYPE), w.to(MATRIX_TYPE)).float()


class Mixer(torch.autograd.Function):
    """xz [B,T,2di] -> y [B,T,di]: convolution, x_proj, dt_proj, scan and gate, with their backward."""

    @staticmethod
    def forward(ctx, xz, conv_w, conv_b, w_x, w_dt, b_dt, A, D, prefix, h0):
        x, next_prefix = kernels.conv_silu_forward(xz, prefix, conv_w, conv_b)
        r = w_dt.shape[1]
        xd = linear(x, w_x)  # [B,T,r+2N]: dt, B, C
        p = F.linear(xd[..., :r].to(MATRIX_TYPE), w_dt.to(MATRIX_TYPE)).float().add_(b_dt)  # [B,T,di]
        y, hT, saved = kernels.scan_forward(x, p, A, xd, D, xz, h0)
        ctx.save_for_backward(xz, conv_w, conv_b, w_x, w_dt, A, D, prefix, x, xd, p, saved)
        ctx.mark_non_differentiable(next_prefix, hT)
        return y, next_prefix, hT

    @staticmethod
    def backward(ctx, gy, _gprefix, _gh):
        xz, conv_w, conv_b, w_x, w_dt, A, D, prefix, x, xd, p, saved = ctx.saved_tensors
        r, di = w_dt.shape[1], x.shape[-1]
        gx, gp, gA, gBC, gD, gxz = kernels.scan_backward(gy.contiguous(), x, p, A, xd, D, xz, saved)
        gp_b = gp.view(-1, di).to(MATRIX_TYPE)
        g_b_dt = gp.view(-1, di).sum(0)
        g_w_dt = (gp_b.t() @ xd.view(-1, xd.shape[-1])[:, :r].to(MATRIX_TYPE)).float()
        gdt = gp_b @ w_dt.to(MATRIX_TYPE)  # [BT,r]
        gxd = torch.cat([gdt, gBC.view(gdt.shape[0], -1).to(MATRIX_TYPE)], dim=1)  # [BT,r+2N]
        g_w_x = (gxd.t() @ x.view(-1, di).to(MATRIX_TYPE)).float()
        gx += (gxd @ w_x.to(MATRIX_TYPE)).view_as(gx)
        g_conv_w, g_conv_b = kernels.conv_silu_backward(gx, gxz, xz, prefix, conv_w, conv_b)
        return gxz, g_conv_w, g_conv_b, g_w_x, g_w_dt, g_b_dt, gA, gD, None, None


class TiedLoss(torch.autograd.Function):
    """x [n,d], embedding [V,d], targets [n] (-1: none) -> mean cross-entropy in nats.

    Works through a few hundred rows at a time, so that the logits never leave the cache, and takes the
    gradient on the way.
    """

    @staticmethod
    def forward(ctx, x, embed, targets, rows=512):
        xb, eb = x.to(MATRIX_TYPE), embed.to(MATRIX_TYPE)
        gx, ge, total = torch.empty_like(xb), torch.zeros_like(embed), 0.0
        count = (targets >= 0).sum().item()
        for a in range(0, len(x), rows):
            part, t = xb[a : a + rows], targets[a : a + rows]
            mask, i = (t >= 0).float()[:, None], t.clamp(min=0)[:, None]
            logp = F.linear(part, eb).float().log_softmax(-1)  # [rows,V]
            total -= (logp.gather(1, i) * mask).sum().item()
            g = logp.exp_().scatter_add_(1, i, torch.full_like(mask, -1.0)).mul_(mask / count).to(MATRIX_TYPE)
            gx[a : a + rows] = g @ eb
            ge += (g.t() @ part).float()
        ctx.save_for_backward(gx, ge)
        return torch.tensor(total / count)

    @staticmethod
    def backward(ctx, g):
        gx, ge = ctx.saved_tensors
        return gx.float() * g, ge * g, None, None


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        di, r = c.di, c.r
        self.norm = nn.Parameter(torch.ones(c.d))
        self.w_in = nn.Parameter(torch.randn(2 * di, c.d) * c.d**-0.5)  # [2di,d]: x, then z
        self.conv_w = nn.Parameter((torch.rand(c.conv, di) * 2 - 1) * c.conv**-0.5)  # [4,di], last tap is now
        self.conv_b = nn.Parameter(torch.zeros(di))
        self.w_x = nn.Parameter(torch.randn(r + 2 * c.N, di) * di**-0.5)  # [r+2N,di]: dt, B, C
        self.w_dt = nn.Parameter((torch.rand(di, r) * 2 - 1) * r**-0.5)  # [di,r]
        dt = torch.exp(torch.rand(di) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
        self.b_dt = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # softplus^-1(dt)
        self.A_log = nn.Parameter(
            torch.log(torch.arange(1, c.N + 1).float())[:, None].repeat(1, di)
        )  # [N,di]
        self.D = nn.Parameter(torch.ones(di))
        self.w_out = nn.Parameter(torch.randn(c.d, di) * (di * 2 * c.layers) ** -0.5)  # [d,di]
        self.eps, self.dropout = c.eps, c.dropout

    def forward(self, x, state):
        """x [B,T,d], state (prefix [B,3,di], h [B,di/16,N,16]) -> same."""
        xz = linear(F.rms_norm(x, x.shape[-1:], self.norm, self.eps), self.w_in)
        y, prefix, h = Mixer.apply(
            xz,
            self.conv_w,
            self.conv_b,
            self.w_x,
            self.w_dt,
            self.b_dt,
            -torch.exp(self.A_log),
            self.D,
            *state
        )
        y = linear(y, self.w_out)
        if self.training and self.dropout:
            y = F.dropout(y, self.dropout)
        return x + y, (prefix, h)


class Mamba(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.embed = nn.Parameter(torch.randn(c.vocab, c.d) * 0.02)  # also the output matrix
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = nn.Parameter(torch.ones(c.d))

    def zero_state(self, batch: int):
        c = self.c
        return [
            (torch.zeros(batch, c.conv - 1, c.di), torch.zeros(batch, c.di // LANES, c.N, LANES))
            for _ in range(c.layers)
        ]

    def hidden(self, ids, state):
        """ids [B,T] -> normed output of the last layer [B,T,d], the next state."""
        x = F.embedding(ids, self.embed)
        after = []
        for layer, s in zip(self.layers, state):
            x, s = layer(x, s)
            after.append(s)
        return F.rms_norm(x, x.shape[-1:], self.norm, self.c.eps), after

    def forward(self, ids, state):
        """ids [B,T] -> logits [B,T,V], the next state."""
        x, after = self.hidden(ids, state)
        return linear(x, self.embed), after

    def loss(self, ids, targets, state):
        """ids, targets [B,T] -> mean loss in nats, the next state."""
        x, after = self.hidden(ids, state)
        return TiedLoss.apply(x.flatten(0, 1), self.embed, targets.flatten()), after
