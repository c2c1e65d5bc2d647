#!/usr/bin/env python3
"""Derives the polynomials of src/kernels/element_functions.h.

Fits by Remez exchange in double precision, relative error, lowest coefficient
fixed where it must be exact; then rounds to float32 from the lowest coefficient up, refitting the
others after each step, so that a later coefficient absorbs what rounding an
earlier one cost. Prints C++ constants and the error that the rounded
polynomial reaches in exact arithmetic. Needs no packages.

Usage: python3 tools/fit_polynomials.py
"""

import math
import struct

GRID = 4001


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def solve(rows):
    """Gaussian elimination with pivoting of an augmented matrix."""
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(n):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def evaluate(coefficients, x):
    value = 0.0
    for c in reversed(coefficients):
        value = value * x + c
    return value


def relative_errors(coefficients, target, grid):
    return [evaluate(coefficients, x) / target(x) - 1 for x in grid]


def alternation(errors, count):
    """Indices of `count` extrema of alternating sign, or None."""
    peaks = []
    for i, error in enumerate(errors):
        if peaks and (error > 0) == (errors[peaks[-1]] > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > count:
        ends = (0, len(peaks) - 1)
        peaks.pop(min(ends, key=lambda e: abs(errors[peaks[e]])))
    return peaks if len(peaks) == count else None


def remez(target, fixed, degree, low, high):
    """Coefficients, the first of them `fixed`, of the polynomial with the
    smallest largest |p(x) / target(x) - 1| over [low, high]."""
    free = degree + 1 - len(fixed)
    grid = [low + (high - low) * i / (GRID - 1) for i in range(GRID)]
    grid = [x for x in grid if abs(x) > 1e-9]  # exact at 0 already
    points = [round((1 - math.cos(math.pi * i / free)) / 2 * (len(grid) - 1))
              for i in range(free + 1)]  # where a Chebyshev polynomial peaks
    for _ in range(50):
        system = []
        for sign, i in enumerate(points):
            x = grid[i]
            scale = 1 / target(x)
            system.append([x ** (len(fixed) + j) * scale for j in range(free)]
                          + [(-1.0) ** sign,
                             1 - evaluate(fixed, x) * scale])
        coefficients = fixed + solve(system)[:free]
        moved = alternation(relative_errors(coefficients, target, grid),
                            free + 1)
        if moved is None or moved == points:
            break
        points = moved
    return coefficients


def fit_float32(target, first, degree, low, high):
    """`first`: the lowest coefficient, or None if it is fitted, too."""
    fixed = [] if first is None else [first]
    while len(fixed) <= degree:
        fitted = remez(target, fixed, degree, low, high)
        fixed.append(float32(fitted[len(fixed)]))
    grid = [low + (high - low) * i / 100000 for i in range(100001)]
    return fixed, max(map(abs, relative_errors(fixed, target, grid)))


def show(name, coefficients, error):
    print(f"// {name}: relative error {error:.2g}")
    for i, c in enumerate(coefficients):
        print(f"//   c{i} = {c:.9g}f  ({c.hex()})")


def two_atanh_over(z):
    """2 atanh(s) / s with z = s^2."""
    if z < 1e-9:
        return 2.0 + z * (2 / 3)
    s = math.sqrt(z)
    return 2 * math.atanh(s) / s


def tanh_over(z):
    """tanh(x) / x with z = x^2."""
    if z < 1e-9:
        return 1.0 - z / 3
    x = math.sqrt(z)
    return math.tanh(x) / x


NORMAL_TAIL_STEP = float32(0.3)
NORMAL_TAIL_END = 13.3  # exp(-a^2 / 2) is 0 in float32 from there on


def normal_tail(t):
    """(1 - Phi(a)) exp(a^2 / 2) / t with t = 1 / (1 + NORMAL_TAIL_STEP a),
    Phi being the normal distribution function."""
    z = (1 / t - 1) / NORMAL_TAIL_STEP / math.sqrt(2)
    return math.erfc(z) * math.exp(z * z) / 2 / t


def main():
    show("2^r on [-1/2, 1/2]",
         *fit_float32(lambda r: 2.0 ** r, 1.0, 6, -0.5, 0.5))
    show("2 atanh(s) / s in z = s^2 on [0, 1/9]",
         *fit_float32(two_atanh_over, 2.0, 5, 0.0, 1 / 9))
    show("tanh(x) / x in z = x^2 on [0, 0.625^2]",
         *fit_float32(tanh_over, 1.0, 5, 0.0, 0.625 ** 2))
    show("(1 - Phi(a)) exp(a^2 / 2) / t in t = 1 / (1 + 0.3 a) for a >= 0",
         *fit_float32(normal_tail, None, 9,
                      1 / (1 + NORMAL_TAIL_STEP * NORMAL_TAIL_END), 1.0))
    high = float32(math.log2(math.e))
    # log2(e) is its double plus 2.0355e-17.
    low = float32(math.log2(math.e) - high + 2.0355273740931033e-17)
    show("log2(e) = c0 + c1", [high, low],
         abs((high + low) / math.log2(math.e) - 1))


if __name__ == "__main__":
    main()
