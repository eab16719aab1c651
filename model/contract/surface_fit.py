"""The least-squares surface of a frame's border, as exact integer moments and gains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cytogate.model.contract.fixed_point import BORDER, GRADIENT, SURFACE_COEFFICIENT_FRACTION, TWIDDLE, Codes, Gain


@dataclass(frozen=True)
class SurfaceFit:
    """Constants of the least-squares surface ``c1 + cu s + cv t + cuu s^2 + cvv t^2 + cuv s t`` on the border.

    ``s = u / N`` with the odd integers ``u = 2 x - (N - 1)``, ``t`` likewise along y. On a square border
    ``1, u, v, uv, u^2 - v^2`` and ``u^2 + v^2 - kappa`` are orthogonal, so each coefficient is one exact integer moment
    times one gain. ``kappa`` is kept to 1/16: what is left of the mean in the last moment is below a gradient step.
    """

    mean: Gain
    linear: Gain
    twist: Gain
    """For s t."""
    saddle: Gain
    """For s^2 - t^2."""
    bowl: Gain
    """For s^2 + t^2 - kappa."""
    kappa_16ths: int
    kappa: int
    """kappa / N^2 as a code of :data:`TWIDDLE`."""
    coefficient_bits: int
    """Width that holds every coefficient of every frame."""

    @staticmethod
    def of(size: int) -> SurfaceFit:
        """Return the constants for frames of ``size`` x ``size``."""
        u = 2 * np.arange(size, dtype=np.int64) - (size - 1)
        edge = np.minimum(np.arange(size), size - 1 - np.arange(size)) < BORDER
        border = edge[:, None] | edge[None, :]
        v, u = (axis[border] for axis in np.broadcast_arrays(u[:, None], u[None, :]))
        bowl = u * u + v * v
        kappa_16ths = round(16 * int(bowl.sum()) / len(u))
        unit = float(1 << SURFACE_COEFFICIENT_FRACTION)
        bowl_energy = float(np.square(bowl - kappa_16ths / 16).sum())
        mean = Gain.of(unit / len(u))
        linear = Gain.of(unit * size / float(np.square(u).sum()))
        twist = Gain.of(unit * size**2 / float(np.square(u * v).sum()))
        saddle = Gain.of(unit * size**2 / float(np.square(u * u - v * v).sum()))
        bowl_gain = Gain.of(unit * size**2 / (16 * bowl_energy))
        kappa = int(TWIDDLE.encode(kappa_16ths / 16 / size**2))

        # A moment is largest where the gradient takes its extreme with the sign of the polynomial everywhere.
        def largest(polynomial: Codes, gain: Gain) -> float:
            return float(np.abs(polynomial).sum()) * -GRADIENT.code_min * gain.value + 1

        of_bowl = largest(16 * bowl - kappa_16ths, bowl_gain)
        bound: float = max(
            largest(np.ones_like(u), mean) + of_bowl * kappa * TWIDDLE.step + 1,
            largest(u, linear),
            largest(u * v, twist),
            of_bowl + largest(u * u - v * v, saddle),
        )
        return SurfaceFit(
            mean,
            linear,
            twist,
            saddle,
            bowl_gain,
            kappa_16ths,
            kappa,
            coefficient_bits=math.ceil(bound).bit_length() + 1,
        )
