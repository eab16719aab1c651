"""QKeras's quantizers as fixed point: what they make of words, and constants on the grids that they put them on.

A quantizer is known by its exact class, and every one of its attributes is looked at: one that changes what it
computes, and is not understood here, is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Format, Overflow
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import qkeras
from cytogate.model.networks.operations import Constants, exact_format

CONSTANT_BITS = 16
"""Widest constants of a layer, sign included."""
MOST_BITS = 32
"""Of a quantizer."""
FINEST = 40
"""Bits behind the point at which a grid is looked for at most."""

_WITHOUT_EFFECT = {"built", "scale", "var_name", "use_ste", "use_variables", "freeze_scale", "default_alpha"}
"""Attributes that change how a network is trained, or follow from others."""


@dataclass(frozen=True)
class Quantized:
    """What a quantizer of activations does: rounding to a format, with a slope or an upper bound."""

    format: Format
    slope_shift: int = 0
    """Words below zero are first multiplied by ``2**-slope_shift``."""
    bound: int | None = None
    """Largest code, where it is below the format's."""
    steps: tuple[int, int] | None = None
    """The two values that it gives, of words below zero and of all others, where it gives no more; see ``format``."""
    threshold: float | None = None
    """Where it gives -1, 0 and 1 alone: the magnitude from which on words are none of 0."""
    line: tuple[float, float] | None = None
    """Factor and offset of what is rounded in a word's place, where QKeras's sigmoid of straight lines is within."""
    any_size: bool = False
    """Whether QKeras's values are exact however large words are."""

    @property
    def plain(self) -> bool:
        """Whether it is rounding to the format and nothing else."""
        bent = self.slope_shift or self.bound is not None or self.line not in (None, (1.0, 0.0))
        return not bent and self.steps is None and self.threshold is None


def quantized(quantizer: Any, layer: str) -> Quantized:
    """Return what a quantizer of ``layer`` makes of words.

    Raises
    ------
    InputError
        If it has no equivalent in fixed point.
    """
    reader = _READERS.get(type(quantizer))
    if reader is None:
        for known in _READERS:
            if isinstance(quantizer, known) and not type(quantizer).__module__.startswith("qkeras"):
                raise InputError(
                    f"layer {layer}: {type(quantizer).__name__} is a subclass of {known.__name__}, and what it changes "
                    f"is not known; use that one"
                )
        raise InputError(
            f"layer {layer}: {_named(quantizer)} is not among the quantizers of values that are read; use "
            f"quantized_bits or quantized_relu"
        )
    return reader(_Settings(quantizer, layer))


def constants(values: Any, quantizer: Any, layer: str, what: str) -> Constants:
    """Return weights as their quantizer leaves them, on the coarsest grid that holds them all.

    Scales that are powers of two, of channels, too, go into the grid.

    Raises
    ------
    InputError
        If they are not finite, are quantized only in part or by chance, lie on no grid, or need more than 16 bits.
    """
    if not np.isfinite(np.asarray(values)).all():
        raise InputError(f"layer {layer}: its {what} holds NaN or infinite values; train it anew")
    if quantizer is not None:
        _check_deterministic(quantizer, layer, what)
        try:
            values = quantizer(values)
        except Exception as error:
            reason = str(error) or f"{type(error).__name__} within QKeras"
            raise InputError(f"layer {layer}: {_named(quantizer)} cannot quantize its {what}: {reason}") from error
    try:
        return on_grid(np.asarray(values, np.float64), layer, f"{what} ({_named(quantizer)})")
    except InputError as error:
        if quantizer is None:
            raise InputError(
                f"layer {layer}: its {what} has no quantizer; give it one, such as quantized_bits(8, 0, alpha=1)"
            ) from error
        if getattr(quantizer, "alpha", None) == "auto":
            raise InputError(
                f"layer {layer}: {_named(quantizer)} scales its {what} by what is no power of two; use "
                f"alpha='auto_po2' or alpha=1"
            ) from error
        raise


def on_grid(values: NDArray[np.float64], layer: str, what: str) -> Constants:
    """Return real values as codes of the coarsest grid of powers of two that holds all of them exactly."""
    fraction = _fraction_bits(values)
    if fraction is None:
        raise InputError(
            f"layer {layer}: its {what} lies on no grid of powers of two; quantize it, for example by "
            f"quantized_bits(8, 0, alpha=1) or with alpha='auto_po2'"
        )
    codes = np.rint(values * 2.0**fraction).astype(np.int64)
    words = exact_format(int(codes.min(initial=0)), int(codes.max(initial=0)), fraction)
    if words.width > CONSTANT_BITS + (not words.signed):
        raise InputError(
            f"layer {layer}: its {what} needs {words.width} bits; at most {CONSTANT_BITS} are supported: use fewer, or "
            f"scales that lie closer together, such as those of alpha=1 or 'auto_po2'"
        )
    return Constants(codes, words)


def _fraction_bits(values: NDArray[np.float64]) -> int | None:
    """Return the bits behind the point of the coarsest grid with all values on it; negative where steps exceed 1."""
    nonzero = values[values != 0]
    if not nonzero.size:
        return 0
    mantissas, exponents = np.frexp(nonzero)
    # A float64 is an integer of 53 bits times a power of two; its trailing zeros tell the grid.
    integers = np.abs(np.ldexp(mantissas, 53)).astype(np.int64)
    zeros = np.log2((integers & -integers).astype(np.float64)).astype(np.int64)
    fraction = int((53 - exponents - zeros).max())
    return fraction if fraction <= FINEST else None


def _check_deterministic(quantizer: Any, layer: str, what: str) -> None:
    if getattr(quantizer, "use_stochastic_rounding", False):
        raise InputError(f"layer {layer}: {_named(quantizer)} of its {what} rounds by chance; hardware does not")
    noise = float(getattr(quantizer, "qnoise_factor", 1.0))
    if noise != 1:
        raise InputError(
            f"layer {layer}: {_named(quantizer)} of its {what} has qnoise_factor {noise:g}, which lets a part of the "
            f"float values through; set it to 1"
        )
    if type(quantizer) not in _OF_CONSTANTS:
        known = ", ".join(sorted(kind.__name__ for kind in _OF_CONSTANTS))
        raise InputError(
            f"layer {layer}: {_named(quantizer)} of its {what} is not known to give the same values each time; "
            f"use one of {known}"
        )


_OF_CONSTANTS = {
    qkeras.quantized_bits,
    qkeras.quantizers.quantized_linear,
    qkeras.quantized_po2,
    qkeras.quantized_relu,
    qkeras.quantized_relu_po2,
    qkeras.quantized_ulaw,
    qkeras.quantized_tanh,
    qkeras.quantized_sigmoid,
    qkeras.ternary,
    qkeras.binary,
    # By chance in training alone, which no layer tells them of.
    qkeras.stochastic_ternary,
    qkeras.stochastic_binary,
}


class _Settings:
    """Attributes of a quantizer, of which each must be looked at."""

    def __init__(self, quantizer: Any, layer: str) -> None:
        self._quantizer, self.layer = quantizer, layer
        self._left = {name: value for name, value in vars(quantizer).items() if name.lstrip("_") not in _WITHOUT_EFFECT}
        self.must_be(use_stochastic_rounding=(False,), qnoise_factor=(1,))

    def take(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self._left.pop(name, default)

    def whole(self, name: str) -> int:
        """Return an attribute that is a whole number."""
        value = float(np.asarray(self.take(name)))
        if not -MOST_BITS <= value <= MOST_BITS or value != int(value):
            raise InputError(
                f"layer {self.layer}: {self.named} has {name} {value:g}; a whole number up to {MOST_BITS} is needed"
            )
        return int(value)

    def must_be(self, **allowed: tuple[Any, ...]) -> None:
        """Refuse another value of attributes than those that change nothing."""
        for name, values in allowed.items():
            value = self.take(name, values[0])
            if not any(value is each or (np.ndim(value) == 0 and value == each) for each in values):
                due = " or ".join(map(repr, values))
                raise InputError(f"layer {self.layer}: {self.named} has {name} {value!r}; only {due} is supported")

    def must_be_hard(self) -> None:
        """Refuse another sigmoid in QKeras than the one of straight lines that are exact."""
        if qkeras.quantizers._sigmoid is not qkeras.quantizers.hard_sigmoid:
            raise InputError(
                f"layer {self.layer}: QKeras's sigmoid within {self.named} is not the one of "
                f"set_internal_sigmoid('hard'), which alone is exact in fixed point"
            )

    @property
    def bounded(self) -> bool:
        """Whether QKeras lets a tanh bound words before it makes others of them: without a scale."""
        return self._quantizer.alpha is None

    def done(self) -> None:
        """Refuse an attribute that nobody has looked at."""
        for name in self._left:
            raise InputError(f"layer {self.layer}: {self.named} has an attribute {name} that is not known here")

    @property
    def named(self) -> str:
        """The quantizer in words."""
        return _named(self._quantizer)


def _bits(settings: _Settings) -> Quantized:
    bits, integer = settings.whole("bits"), settings.whole("integer")
    negative, symmetric = bool(settings.take("keep_negative")), bool(settings.take("symmetric"))
    settings.must_be(
        alpha=(None, 1, 1.0), scale_axis=(None,), elements_per_scale=(None,), min_po2_exponent=(None,),
        max_po2_exponent=(None,), post_training_scale=(None,),
    )  # fmt: skip
    settings.done()
    return _two_complement(settings, bits, integer, negative=negative, symmetric=symmetric)


def _linear(settings: _Settings) -> Quantized:
    bits, integer = settings.whole("_bits"), settings.whole("_integer")
    negative, symmetric = bool(settings.take("_keep_negative")), bool(settings.take("symmetric"))
    settings.must_be(alpha=(None, 1, 1.0), _scale_axis=(None,), _use_stochastic_rounding=(False,))
    # It follows from the width.
    settings.take("quantization_scale")
    settings.done()
    if bits - negative < 1:
        raise InputError(f"layer {settings.layer}: {settings.named} of 1 bit is not exact; use quantized_bits")
    return _two_complement(settings, bits, integer, negative=negative, symmetric=symmetric)


def _binary(settings: _Settings) -> Quantized:
    settings.must_be(
        alpha=(None, 1, 1.0), bits=(1,), scale_axis=(None,), elements_per_scale=(None,), min_po2_exponent=(None,),
        max_po2_exponent=(None,), training=(False,),
    )  # fmt: skip
    for name in ("temperature", "use_real_sigmoid"):
        # Of training.
        settings.take(name)
    low = 0 if settings.take("use_01") else -1
    words = Format(2, 2) if low else Format(1, 1, signed=False)
    bounded = settings.bounded
    settings.done()
    return Quantized(words, steps=(low, 1), any_size=bounded)


def _ternary(settings: _Settings) -> Quantized:
    settings.must_be(alpha=(None, 1, 1.0), bits=(2,))
    for name in ("number_of_unrolls", "temperature", "use_real_sigmoid"):
        # Of constants that are scaled, and of training.
        settings.take(name)
    threshold, usual = settings.take("threshold"), settings.take("default_threshold")
    threshold = float(usual if threshold is None else threshold)
    bounded = settings.bounded
    settings.done()
    return Quantized(Format(2, 2, overflow=Overflow.SATURATE_SYMMETRIC), threshold=threshold, any_size=bounded)


def _tanh(settings: _Settings) -> Quantized:
    bits, symmetric = settings.whole("bits"), bool(settings.take("symmetric"))
    settings.must_be(use_real_tanh=(False, 0))
    settings.must_be_hard()
    settings.done()
    if bits - symmetric < 1:
        raise InputError(f"layer {settings.layer}: {settings.named} holds no value but zero")
    overflow = Overflow.SATURATE_SYMMETRIC if symmetric else Overflow.SATURATE
    return Quantized(Format(bits, 1, overflow=overflow), line=(1.0, 0.0))


def _sigmoid(settings: _Settings) -> Quantized:
    bits = settings.whole("bits")
    settings.must_be(use_real_sigmoid=(False, 0), symmetric=(False, 0))
    settings.must_be_hard()
    settings.done()
    return Quantized(Format(bits, 0, signed=False), line=(0.5, 0.5))


def _two_complement(settings: _Settings, bits: int, integer: int, *, negative: bool, symmetric: bool) -> Quantized:
    if bits - negative < 1:
        if not negative:
            raise InputError(f"layer {settings.layer}: {settings.named} holds no value but zero")
        return Quantized(Format(2, 2), steps=(-1, 1))
    words = Format(bits, integer + negative, negative)
    if symmetric and negative:
        words = replace(words, overflow=Overflow.SATURATE_SYMMETRIC)
    return Quantized(words)


def _relu(settings: _Settings) -> Quantized:
    bits, integer = settings.whole("bits"), settings.whole("integer")
    settings.must_be(use_sigmoid=(0, False))
    if integer < 0:
        raise InputError(
            f"layer {settings.layer}: QKeras does not compute {settings.named} with integer below 0; use quantized_bits"
        )
    slope, bound = float(settings.take("negative_slope")), settings.take("relu_upper_bound")
    clipped = settings.take("is_quantized_clip")
    settings.done()
    if slope:
        mantissa, exponent = math.frexp(slope)
        if mantissa != 0.5 or exponent > 0:
            raise InputError(
                f"layer {settings.layer}: a slope of {slope:g} is no shift of bits; use a power of two below 1"
            )
        if bound is not None and not clipped:
            raise InputError(f"layer {settings.layer}: {settings.named} has a slope and a bound; leave one of them")
        if 1 - exponent > bits - 1:
            raise InputError(
                f"layer {settings.layer}: {settings.named} ends negative values at {-slope * 2.0**integer:g}, between "
                f"two of its steps of {2.0 ** (integer + 1 - bits):g}; use {2 - exponent} bits or more, or a "
                f"negative_slope of {2.0 ** (1 - bits):g} or more"
            )
        return Quantized(Format(bits, integer + 1), slope_shift=1 - exponent)
    words = Format(bits, integer, signed=False)
    # QKeras heeds the bound only where it does not clip to its own range.
    if bound is None or clipped or bound >= words.max:
        return Quantized(words)
    code = float(bound) / words.step
    if code != int(code) or code < 1:
        raise InputError(
            f"layer {settings.layer}: the upper bound {bound:g} of {settings.named} is no multiple of its step "
            f"{words.step:g}"
        )
    return Quantized(words, bound=int(code))


_READERS: dict[type, Callable[[_Settings], Quantized]] = {
    qkeras.quantized_bits: _bits,
    qkeras.quantizers.quantized_linear: _linear,
    qkeras.quantized_relu: _relu,
    qkeras.binary: _binary,
    qkeras.stochastic_binary: _binary,
    qkeras.ternary: _ternary,
    qkeras.stochastic_ternary: _ternary,
    qkeras.quantized_tanh: _tanh,
    qkeras.quantized_sigmoid: _sigmoid,
}


def _named(quantizer: Any) -> str:
    """Return a quantizer in words."""
    if quantizer is None:
        return "no quantizer"
    try:
        return str(quantizer)
    except Exception:
        # Some of QKeras's cannot say it with every setting.
        return type(quantizer).__name__
