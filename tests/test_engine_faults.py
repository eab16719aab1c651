"""Each fault that is put into a module of the engines turns a comparison red."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cytogate.hls.engine.top import modules
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.errors import CheckFailed
from cytogate.sim.rtl.engines import EngineSimulation
from tests.test_engine_networks import drawn, words_of


@dataclass(frozen=True)
class Fault:
    """One change of one module."""

    module: str
    old: str
    new: str
    seeds: tuple[int, int]
    """Of drawn networks, each of which has to see it: the second one's pixels come side by side."""


FAULTS = {
    "no place is reserved": Fault("reserved_queue", ".take(reserve)", ".take(1'b0)", (33, 61)),
    "a full queue takes words": Fault("stream_queue", "!level[$clog2(DEPTH)]", "1'b1", (33, 34)),
    "a word is read twice": Fault("stream_fork", "in_ready ? '0 : taken | out_ready", "'0", (57, 16)),
    "a reader is left behind": Fault("stream_fork", "&(taken | out_ready)", "|out_ready", (57, 16)),
    "a pixel of a beat is lost": Fault("narrow_beats", "out_ready && last", "last", (37, 107)),
    "a column too many": Fault("crop_map", "< LEFT + OUT_BEATS", "<= LEFT + OUT_BEATS", (117, 68)),
    "words where zeros belong": Fault("pad_map", "within_map ? in_words : '0", "in_words", (27, 95)),
    "a map that is left early": Fault("pad_map", "== OUT_ROWS - 1 ? '0", "== ROWS - 1 ? '0", (27, 32)),
    "a window that comes early": Fault("sliding_window", "columns_in >= needed_columns", "1'b1", (33, 61)),
    "a row is overwritten": Fault("sliding_window", "32'(whole_rows) < BANKS", "32'(whole_rows) <= BANKS", (33, 61)),
    "rows below the map": Fault("sliding_window", "!row[ROW_BITS] && row < ROWS", "!row[ROW_BITS]", (57, 16)),
    "rows above the map": Fault("sliding_window", "!row[ROW_BITS] && row < ROWS", "row < ROWS", (57, 16)),
    "columns behind the map": Fault(
        "sliding_window", "column_inside[i] <= 32'(reach) + i < COLUMNS + STRIDE_COLUMNS", "column_inside[i] <= 1'b1",
        (57, 16),
    ),
    "columns of the row before": Fault("sliding_window", "fetched_first ? '0 : held", "held", (57, 73)),
    "rows of the cell before": Fault("sliding_window", "ROW_BITS'(ROWS) - first :", "next_first - first :", (57, 61)),
    "a window that does not wait": Fault("sliding_window", "!out_valid || out_ready", "1'b1", (33, 61)),
    "always the first columns of a beat": Fault(
        "sliding_window", "fetched_part  <= read_part", "fetched_part <= '0", (40, 98)
    ),
    "all parts of a row are written": Fault("row_memory", "write && 32'(write_part) == part", "write", (33, 73)),
    "halves to odd": Fault("round_word", "HALF != 0 && !above_odd", "HALF != 0 && above_odd", (54, 92)),
    "halves down": Fault(
        "round_word", "((value <<< APPENDED) + HALF) >>> CUT", "(value <<< APPENDED) >>> CUT", (48, 25)
    ),
    "the smallest word is symmetric": Fault("round_word", "OVERFLOW == 2 ?", "OVERFLOW == 1 ?", (6, 76)),
    "a slope is forgotten": Fault("round_word", "value[BITS-1] ? below : above", "above", (6, 34)),
    "a term is lost": Fault("adder_tree", "$signed(own[3*IN_BITS+:IN_BITS])", "$signed(own[0+:1])", (54, 58)),
    "a sum without a place": Fault(
        "weighted_sums", "in_valid && (available || !(first_step && last_beat))", "in_valid", (33, 61)
    ),
    "a bias for each beat": Fault("weighted_sums", "slice == 0 && beat == 0", "slice == 0", (33, 61)),
    "biases of the group before": Fault(
        "weighted_sums", ".CLOCKS(2 + TREE_CLOCKS)) group_delay", ".CLOCKS(3 + TREE_CLOCKS)) group_delay", (105, 34)
    ),
    "always the first channels": Fault("weighted_sums", "r*TOGETHER+g)*IN_BITS", "g)*IN_BITS", (96, 25)),
    "sums that are not shifted": Fault("weighted_sums", "<< SUM_SHIFT", "<< 0", (60, 58)),
    "pairs that borrow": Fault("multiply_pair", "product + HALF", "product", (33, 61)),
    "pairs with a wrong sign": Fault("multiply_pair", "!both[PRODUCT_BITS-1]", "both[PRODUCT_BITS-1]", (33, 61)),
    "a quotient that is rounded down": Fault("mean_word", " + 64'(COUNT) - 64'd1", "", (27, 73)),
    "means of no sign": Fault("mean_word", "negative ? -distance : distance", "distance", (27, 73)),
    "blocks that run together": Fault("pool_blocks", "first ? word : both", "both", (27, 70)),
    "words without signs": Fault("pool_word", "$signed(first) > $signed(second)", "first > second", (27, 61)),
    "sums that are read late": Fault("rounded_sums", ".CLOCKS(CLOCKS + 1)", ".CLOCKS(CLOCKS + 2)", (48, 92)),
    "sums that reserve no place": Fault("rounded_sums", ".reserve(taken)", ".reserve(1'b0)", (48, 92)),
    "a difference the other way": Fault(
        "join_words", "assign word = first - second", "assign word = second - first", (16, 80)
    ),
    "the other one's step": Fault("join_words", "<< SECOND_APPENDED", "<< FIRST_APPENDED", (24, 16)),
    "a word that is joined to none": Fault("join_words", "ready && second_valid", "ready", (129, 16)),
    "the mask's first code": Fault("mask_sums", "32'(code) >= MASK_CODE", "32'(code) > MASK_CODE", (9, 19)),
    "sums that do not stand": Fault("mask_sums", "row_valid && !stands && started", "row_valid && started", (9, 19)),
    "the smallest phase": Fault("mask_sums", "product > kept ?", "product < kept ?", (9, 19)),
    "centers cut off": Fault("mask_words", "(CENTER_BITS + 1)) + b", "(CENTER_BITS + 1))", (9, 19)),
    "always added": Fault("mask_words", "negate ? a - shifted : a + shifted", "a + shifted", (9, 19)),
    "a cut that is forgotten": Fault("mask_words", "+ (BITS'(dropped) << (FRACTION_BITS + 1))", "", (9, 19)),
    "always the first weights": Fault(
        "weight_rom", "word <= words[address];\n    end else", "word <= words[0];\n    end else", (33, 61)
    ),
    "another sum": Fault("mask_moments", ".number, .sum);", ".number(number ^ 5'd1), .sum);", (9, 19)),
    "the second logit": Fault("argmax", "place == 1 || logit > second", "logit > second", (33, 61)),
    "the last logit": Fault("argmax", "place == 0 || logit > largest", "1'b1", (33, 61)),
}  # fmt: skip


def changed(fault: Fault) -> str:
    """Return a module's text with a fault."""
    text = (FPGA / "rtl" / f"{fault.module}.sv").read_text(encoding="ascii")
    assert text.count(fault.old) == 1, f"{fault.module} has {fault.old!r} {text.count(fault.old)} times"
    return text.replace(fault.old, fault.new)


def unseen_by(fault: Fault, folder: Path) -> list[int]:
    """Return the seeds of a fault's networks whose comparison it leaves green."""
    wrong = folder / f"{fault.module}.sv"
    wrong.write_text(changed(fault), encoding="ascii")
    pairs = [drawn(seed) for seed in fault.seeds]
    for _, engines in pairs:
        assert wrong.name in {path.name for path in rtl_sources(*modules(engines))}
    used = rtl_sources(*sorted({module for _, engines in pairs for module in modules(engines)}))
    sources = [wrong if path.name == wrong.name else path for path in used]
    simulation = EngineSimulation([engines for _, engines in pairs], folder / "build", sources)
    unseen = []
    for number, (seed, (network, _)) in enumerate(zip(fault.seeds, pairs, strict=True)):
        try:
            words_of(simulation, number, network)
            unseen.append(seed)
        except (AssertionError, CheckFailed):
            pass
    simulation.close()
    return unseen


def test_every_fault_has_its_place() -> None:
    assert len(FAULTS) == sum(changed(fault) != "" for fault in FAULTS.values())


@pytest.mark.full
@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    assert not unseen_by(FAULTS[name], tmp_path)
