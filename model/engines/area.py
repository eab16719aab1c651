"""Resources of a network's engines: multipliers and block RAM by rule, tables and registers fitted.

Multipliers and block RAM follow from the text of ``fpga/rtl``, by yosys's rules; registers are counted in it, too, but
for those that a multiplier takes in. Look-up tables are told per bit of what is added, chosen and stored; the figures
are those of yosys 0.70 for xc7, of single modules.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from cytogate.model.contract.mask_moments import LOG_FRACTION_BITS, TABLE_BITS
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import Area
from cytogate.model.engines.engine import INPUT, Engine, EngineNetwork, multipliers
from cytogate.model.engines.moments import FIELD_BITS
from cytogate.model.estimates.primitives import block_rams, dsps

LEAST_PRODUCT_BITS = 9
"""Of a product that takes a multiplier; shorter ones are logic."""
LUT_RAM_BITS, LUT_RAM_LUTS, LUT_RAM_WORDS = 6, 4, 32
"""Bits of a word in so many tables, and words (UG474, RAM32M)."""
ROM_WORDS = 64
"""Words of a bit in one table."""
SHALLOW_ROM_WORDS = 64
"""Up to these, ``weight_rom`` lies in tables."""
SUM_LUTS = 0.5
"""Per bit of a sum to which only a bias is added."""
DIFFERENT_BITS = 0.84
"""Share of the bits of weights that are not a copy of another one."""
POOL_LUTS = 1.95
"""Per bit: of two words the larger one, or their sum, or the first."""


def engine_areas(network: EngineNetwork) -> dict[str, Area]:
    """Return the area of each engine, and of forks and the decision, by name."""
    areas = {each.name: _AREAS[each.module](each.parameters, each) for each in network.engines}
    for name in (INPUT, *(each.name for each in network.engines)):
        readers = network.readers(name)
        if readers > 1:
            areas[f"{name}_fork"] = Area(lut=2.0 * readers, ff=float(readers))
    logits = network.logits.stream
    place = logits.channels.bit_length()
    areas["decision"] = Area(
        lut=logits.bits / 3 + 4.5 * logits.format.width, ff=logits.bits + 2.0 * logits.format.width + 3 + 2 * place
    )
    return areas


def network_area(network: EngineNetwork) -> Area:
    """Return the area of all engines together."""
    return sum(engine_areas(network).values(), Area())


Given = Mapping[str, int]


def _choice(ways: int) -> float:
    """Return the tables of a bit that is chosen among so many."""
    return 0.0 if ways == 1 else 1.0 if ways <= 4 else ways / 2


def _rom(bits: int, words: int) -> Area:
    """Return the area of a ``weight_rom``."""
    if words > SHALLOW_ROM_WORDS:
        return Area(bram36=block_rams(Buffer("weights", "", bits, words)))
    return Area(lut=_different(bits, words) * math.ceil(words / ROM_WORDS) if words > 2 else 0.0)


def _different(bits: int, words: int) -> float:
    """Return how many of a table's columns differ from one another: short columns repeat, small weights' signs, too."""
    return DIFFERENT_BITS * min(bits, 1 << min(words, 24))


def _memory(bits: int, words: int) -> float:
    """Return the tables of a memory that is read without a clock."""
    return float(math.ceil(bits / LUT_RAM_BITS) * LUT_RAM_LUTS * math.ceil(words / LUT_RAM_WORDS))


def _queue(bits: int, places: int) -> Area:
    level = places.bit_length()
    return Area(lut=_memory(bits, places) + 7 + 1.5 * level, ff=3.0 * level - 2 + (places == 2))


def _reserved(bits: int, places: int) -> Area:
    level = places.bit_length()
    return _queue(bits, places) + Area(lut=1.5 * level + 2, ff=level + 1.0)


def _tree(terms: int, bits: int, out_bits: int) -> Area:
    """Return the area of an ``adder_tree``."""
    lut = ff = 0
    while terms > 1:
        bits = min(bits + 2, out_bits)
        groups = [min(4, terms - start) for start in range(0, terms, 4)]
        lut += sum((group - 1) * bits for group in groups)
        ff += len(groups) * bits
        terms = len(groups)
    return Area(lut=float(lut), ff=float(ff))


def _rounded(given: Given, words: int) -> Area:
    """Return the tables of ``round_word``."""
    if not given.get("ROUNDS", 1):
        return Area()
    width = given.get("SUM_BITS", given.get("IN_BITS", 0))
    cut = max(given["SHIFT"], 0)
    limited = 0.0 if given["OVERFLOW"] == 0 else given["OUT_BITS"] + (width - cut) / 3
    return Area(lut=words * limited)


def _weighted_sums(given: Given, engine: Engine) -> Area:
    lanes, outputs, reuse, slices = given["LANES"], given["OUTPUTS"], given["REUSE"], given["SLICES"]
    together = outputs // reuse
    terms = (given["VALUES"] // outputs if given["DEPTHWISE"] else given["VALUES"]) // slices
    steps = reuse * slices * given["BEATS"]
    value_bits = given["IN_BITS"] + (not given["IN_SIGNED"])
    product_bits, sum_bits = value_bits + given["WEIGHT_BITS"], given["SUM_BITS"]
    multiplied = product_bits >= LEAST_PRODUCT_BITS or bool(given["PAIRS"])
    weights = _rom(together * terms * given["WEIGHT_BITS"], steps)
    biases = _rom(together * sum_bits, reuse)
    tree = _tree(terms, product_bits, sum_bits)
    sums = lanes * together
    values = lanes * terms * given["IN_BITS"] * (together if given["DEPTHWISE"] else 1)
    ways = reuse if given["DEPTHWISE"] else slices
    by_parts = given["BEATS"] * slices > 1
    area = weights + biases + _rounded(given, sums)
    area += Area(
        lut=sums * tree.lut + values * _choice(ways) + sums * sum_bits * (2 if by_parts else SUM_LUTS),
        ff=sums * (tree.ff + sum_bits + given["OUT_BITS"])
        + (reuse - 1) * sums * given["OUT_BITS"]
        + _operands(given, together * terms * given["WEIGHT_BITS"], values, steps)
        + (0 if multiplied else 2 * sums * terms * product_bits)
        + (_different(together * sum_bits, reuse) if reuse > 1 else 0),
        dsp=float(multipliers(engine) if multiplied else 0),
    )
    if not multiplied:
        area += Area(lut=sums * terms * value_bits * given["WEIGHT_BITS"] / 2)
    if by_parts:
        area += Area(lut=sums * _memory(sum_bits, reuse))
    counters = sum(count.bit_length() if count > 1 else 0 for count in (steps, given["BEATS"], reuse, slices))
    area += Area(lut=2.0 * counters + 6, ff=counters + 12.0)
    return area + _reserved(lanes * outputs * given["OUT_BITS"], given["DEPTH"])


def _operands(given: Given, weights: int, values: int, steps: int) -> float:
    """Return the registers ahead of multipliers, which take in those of one factor: of weights unless words are few."""
    if given["PAIRS"]:
        return _different(weights, steps) if steps > 2 else 0.0
    return float(values) if 4 < steps <= SHALLOW_ROM_WORDS else 0.0


def _rounded_sums(given: Given, engine: Engine) -> Area:
    assert engine.additions is not None
    made, words = engine.additions, given["WORDS"]
    pixels = words // len(made.biases)
    bits, lives, values = made.node_bits(), made.lives(), made.graph.values
    added = sum(
        bits[values + place] - max(each.first.shift, each.second.shift)
        for place, each in enumerate(made.graph.sums)
        if lives[values + place]
    )
    kept = sum(life * width for life, width in zip(lives, bits, strict=True))
    kept -= sum(life for life in lives[:values]) * (not made.words.signed)
    biased = sum(made.sum_bits - made.shift for bias in made.biases if bias)
    area = Area(lut=float(pixels * (added + biased)), ff=float(pixels * (kept + len(made.biases) * made.sum_bits)))
    area += _rounded(given, words) + Area(ff=words * given["OUT_BITS"] + given["CLOCKS"] + 1.0)
    return area + _reserved(words * given["OUT_BITS"], given["DEPTH"])


def _sliding_window(given: Given, engine: Engine) -> Area:
    bits, stride, rows = given["BITS"], given["STRIDE_COLUMNS"], given["KERNEL_ROWS"]
    banks, lanes = rows + given["STRIDE_ROWS"], max(given["PIXELS"], stride)
    depth = -(-given["COLUMNS"] // lanes)
    ahead, behind = (given["KERNEL_COLUMNS"] - 1 - given["LEFT"]) // stride, -(-given["LEFT"] // stride)
    columns = (ahead + 1 + behind) * stride - (behind * stride - given["LEFT"])
    parts = lanes // given["PIXELS"]
    row = Buffer("rows", "", given["PIXELS"] * bits, depth, banks * parts)
    if depth <= SHALLOW_ROW_WORDS:
        memory = Area(lut=banks * parts * _memory(given["PIXELS"] * bits, depth), ff=float(banks * lanes * bits))
    else:
        memory = Area(bram36=block_rams(row))
    chosen = rows * lanes * bits * (1 if banks <= 4 else banks / 2) + rows * stride * bits * max(1, lanes // stride / 2)
    # Counters of rows, banks, columns and addresses, and where each row of the window lies.
    bank_bits = (banks + rows).bit_length()
    control = 3 * ((given["ROWS"] + banks).bit_length() + 1) + (3 + rows) * bank_bits + rows
    control += 3 * (given["COLUMNS"] + given["OUT_COLUMNS"] * stride + lanes).bit_length() + 2 * depth.bit_length() + 8
    return memory + Area(lut=chosen + 1.4 * control, ff=float(rows * columns * bits + control))


SHALLOW_ROW_WORDS = 64
"""Up to these, a row's memory lies in tables."""


def _pool(given: Given, count: int) -> tuple[Area, int, int]:
    """Return registers, multipliers and rounding of a pooling, and the bits that are kept of a word and leave."""
    kept = given["BITS"] + ((count - 1).bit_length() if given["MEAN"] else 0)
    divided = bool(given["MEAN"]) and count & (count - 1) != 0
    channels, width = given["CHANNELS"], kept + given["APPENDED"]
    multiplied = dsps(width + 1, width + 2) if divided else 0
    signs = 2 * channels * given["OUT_BITS"] if given["MEAN"] and given["IS_SIGNED"] else 0
    leaves = 0 if multiplied else min(kept, given["OUT_BITS"])
    area = Area(lut=float(signs), ff=channels * (kept + leaves) + 4.0, dsp=float(channels * multiplied))
    return area + _reserved(channels * given["OUT_BITS"], given["DEPTH"]), kept, channels


def _pool_blocks(given: Given, engine: Engine) -> Area:
    area, kept, channels = _pool(given, given["KERNEL_ROWS"] * given["KERNEL_COLUMNS"])
    blocks = given["OUT_COLUMNS"]
    memory = Area(ff=float(channels * kept)) if blocks == 1 else Area(lut=_memory(channels * kept, blocks))
    return area + memory + Area(lut=POOL_LUTS * channels * kept + 35, ff=30.0)


def _pool_windows(given: Given, engine: Engine) -> Area:
    area, kept, channels = _pool(given, given["COUNT"])
    return area + Area(lut=POOL_LUTS * (given["COUNT"] - 1) * channels * kept)


def _round_words(given: Given, engine: Engine) -> Area:
    cut = max(given["SHIFT"], 0)
    added = 0 if given["ROUNDING"] == 0 or cut == 0 else given["IN_BITS"] - cut
    return (
        _rounded(given, given["WORDS"])
        + Area(lut=float(given["WORDS"] * added))
        + _queue(given["WORDS"] * given["OUT_BITS"], 2)
    )


def _stream_queue(given: Given, engine: Engine) -> Area:
    return _queue(given["BITS"], given["DEPTH"])


def _join_words(given: Given, engine: Engine) -> Area:
    words = given["PIXELS"] * given["OUT_CHANNELS"]
    per_bit = (1.0, 1.0, 1.5, 1.5, 0.0)[given["OPERATION"]]
    return Area(lut=per_bit * words * given["OUT_BITS"]) + _queue(words * given["OUT_BITS"], 2)


def _crop_map(given: Given, engine: Engine) -> Area:
    counters = given["ROWS"].bit_length() + given["BEATS"].bit_length()
    return Area(lut=0.7 * counters, ff=float(counters))


def _pad_map(given: Given, engine: Engine) -> Area:
    rows, columns = (
        given["TOP"] + given["ROWS"] + given["BOTTOM"], given["LEFT"] + given["COLUMNS"] + given["RIGHT"],
    )  # fmt: skip
    counters = rows.bit_length() + columns.bit_length()
    return Area(lut=given["BITS"] + 2.0 * counters, ff=float(counters))


def _narrow_beats(given: Given, engine: Engine) -> Area:
    place = (given["PIXELS"] - 1).bit_length()
    return Area(lut=given["BITS"] * math.ceil(given["PIXELS"] / 4) + place + 1.0, ff=float(place))


def _mask_moments(given: Given, engine: Engine) -> Area:
    power, row, cell, register = given["POWER_BITS"], given["ROW_BITS"], given["SUM_BITS"], given["REGISTER_BITS"]
    code, pixels = given["BITS"] + 1, given["PIXELS"]
    dsp = pixels * (2 * dsps(power, code) + dsps(code, code)) + dsps(row, power)
    dsp += dsps(register, given["QUOTIENT_BITS"] + 1) + 2 * dsps(17, 17)
    roms = _rom(pixels * 4 * power, given["COLUMNS"] // pixels) + _rom(4 * power, given["ROWS"])
    roms += _rom(sum(FIELD_BITS), given["INSTRUCTIONS"]) + _rom(LOG_FRACTION_BITS, 1 << TABLE_BITS)
    sums = pixels * MOMENTS_PIXEL_LUTS * row + MOMENTS_LUTS * register + cell
    return roms + Area(lut=float(sums), ff=MOMENTS_PIXEL_FFS * pixels * row + MOMENTS_FFS * register, dsp=float(dsp))


MOMENTS_PIXEL_LUTS, MOMENTS_LUTS = 10.0, 45.0
MOMENTS_PIXEL_FFS, MOMENTS_FFS = 4.0, 20.0
"""Of the moments: per pixel of a beat and bit of a row's sums, and per bit of a register."""

_AREAS = {
    "crop_map": _crop_map,
    "join_words": _join_words,
    "mask_moments": _mask_moments,
    "narrow_beats": _narrow_beats,
    "pad_map": _pad_map,
    "pool_blocks": _pool_blocks,
    "pool_windows": _pool_windows,
    "round_words": _round_words,
    "rounded_sums": _rounded_sums,
    "sliding_window": _sliding_window,
    "stream_queue": _stream_queue,
    "weighted_sums": _weighted_sums,
}
"""By an engine's module."""
