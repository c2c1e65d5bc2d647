"""Checks scan.cpp, forward and backward, against the formulas in plain autograd. Run: python test_scan.py"""

import torch
import torch.nn.functional as F

import mamba


def formulas(xz, conv_w, conv_b, w_x, w_dt, b_dt, A, D, prefix, h0):
    """What mamba.Mixer computes. xz [B,T,2di], prefix [B,3,di], h0 [B,di/16,N,16] -> y [B,T,di]"""
    B, T, _ = xz.shape
    di, r, N = len(D), w_dt.shape[1], len(A)
    z = xz[..., di:]
    x = torch.cat([prefix, xz[..., :di]], 1)
    x = F.silu(sum(conv_w[k] * x[:, k : k + T] for k in range(4)) + conv_b)
    xd = F.linear(x, w_x)
    dt = F.softplus(F.linear(xd[..., :r], w_dt) + b_dt)
    b, c = xd[..., r : r + N], xd[..., r + N :]
    h = h0.permute(0, 2, 1, 3).reshape(B, N, di)
    ys = []
    for t in range(T):
        h = torch.exp(dt[:, t, None, :] * A) * h + (dt[:, t] * x[:, t])[:, None, :] * b[:, t, :, None]
        ys.append((h * c[:, t, :, None]).sum(1) + D * x[:, t])
    return torch.stack(ys, 1) * F.silu(z)


def main() -> None:
    mamba.MATRIX_TYPE = torch.float32
    torch.manual_seed(0)
    c = mamba.Config(d=32)
    m, B, T = mamba.Layer(c), 2, 70
    prefix, h0 = torch.randn(B, 3, c.di), torch.randn(B, c.di // 16, c.N, 16)
    inputs = {"xz": torch.randn(B, T, 2 * c.di)}
    inputs |= {n: getattr(m, n).data for n in ("conv_w", "conv_b", "w_x", "w_dt", "b_dt")}
    inputs |= {"A": -0.7 * m.A_log.data.exp(), "D": m.D.data}
    inputs = {n: p.clone().requires_grad_() for n, p in inputs.items()}
    weight = torch.randn(B, T, c.di)
    want = formulas(*inputs.values(), prefix, h0)
    got = mamba.Mixer.apply(*inputs.values(), prefix, h0)[0]
    pairs = [("y", want, got)]
    for (name, p), a, b in zip(
        inputs.items(),
        torch.autograd.grad((want * weight).sum(), list(inputs.values())),
        torch.autograd.grad((got * weight).sum(), list(inputs.values())),
    ):
        pairs.append((name, a, b))
    for name, a, b in pairs:
        error = ((a - b).norm() / a.norm()).item()
        print(f"{name:7s} {error:.1e}")
        assert error < 2e-5, name


if __name__ == "__main__":
    main()
