"""Gates and ledger: every decision by its rule, quantiles within the error that is stated."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytogate.host.stream.gating import Decision, Gates, LiveGates, ScoreKind, read_gates, winner
from cytogate.host.stream.ledger import LONGEST_NS, RELATIVE_ERROR, Histogram, Ledger, Span
from cytogate.model.errors import InputError

NAMES = ("MCF7", "OAC", "THP1")
SURE = [0.0, 5.0, 0.0]


@pytest.mark.parametrize(
    ("gates", "logits", "how", "decision"),
    [
        (Gates({"OAC": 0.9}), SURE, {}, Decision.SORT),
        (Gates({"OAC": 0.999}), SURE, {}, Decision.REJECTED),
        (Gates({"MCF7": 0.0}), SURE, {}, Decision.UNWANTED),
        (Gates(), SURE, {}, Decision.UNWANTED),
        (Gates({"OAC": 0.9}), None, {}, Decision.LOST),
        (Gates({"OAC": 0.9}), SURE, {"coincident": True}, Decision.COINCIDENT),
        (Gates({"OAC": 0.9}), SURE, {"trusted": False}, Decision.UNTRUSTED),
        (Gates({"OAC": 0.9}, deadline_ms=1.0), SURE, {"latency_ns": 1_000_001}, Decision.LATE),
        (Gates({"OAC": 0.9}, deadline_ms=1.0), SURE, {"latency_ns": 1_000_000}, Decision.SORT),
        (Gates({"OAC": 5.0}, ScoreKind.MARGIN), SURE, {}, Decision.SORT),
        (Gates({"OAC": 5.1}, ScoreKind.MARGIN), SURE, {}, Decision.REJECTED),
    ],
)
def test_decision(gates: Gates, logits: list[float] | None, how: dict[str, bool | int], decision: Decision) -> None:
    facts: dict[str, bool | int] = {"coincident": False, "trusted": True, "latency_ns": 0} | how
    verdict = gates.judge(logits, NAMES, **facts)  # type: ignore[arg-type]
    assert verdict.decision is decision
    assert verdict.class_index == (None if logits is None else 1)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=9))
def test_scores_are_softmax_and_margin(logits: list[float]) -> None:
    chosen, share = winner(logits, ScoreKind.SOFTMAX)
    weights = np.exp(np.array(logits) - max(logits))
    assert chosen == int(np.argmax(logits))
    assert share == pytest.approx(float(weights.max() / weights.sum()), rel=1e-12)
    _, margin = winner(logits, ScoreKind.MARGIN)
    assert margin == (math.inf if len(logits) == 1 else sorted(logits)[-1] - sorted(logits)[-2])


def test_gates_are_read(tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    path.write_text('score = "margin"\ncoincidence_us = 50\ndeadline_ms = 20\n[thresholds]\nMCF7 = 3\nTHP1 = 2.5\n')
    assert read_gates(path) == Gates({"MCF7": 3.0, "THP1": 2.5}, ScoreKind.MARGIN, 50.0, 20.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treshold = 1", "treshold is no gate"),
        ('score = "best"', "score is 'best'; it must be softmax or margin"),
        ("thresholds = 3", "must be a table"),
        ("[thresholds]\nMCF7 = 1.5", "a softmax is 0 to 1"),
        ("[thresholds]\nMCF7 = nan", "must be a number"),
        ("[thresholds]\nMCF7 = true", "must be a number"),
        ("[thresholds]\nMCF7 = 1" + "0" * 310, r"is 10+\.\.\.; it must be a number"),
        ("deadline_ms = 1" + "0" * 310, r"is 10+\.\.\.; it must be a number"),
        *(
            (f"{name} = {value}", rf"{name} is .*; it must be (from [\d.e-]+ to [\d.e+]+|a number)")
            for name in ("coincidence_us", "deadline_ms", "trigger_delay_us", "trigger_width_us")
            for value in ("0", "-0.0", "-1", "1e-320", "1e308", "inf", "nan", "1" + "0" * 310)
        ),
        *(
            (f'score = "{score}"\n[thresholds]\nMCF7 = {value}', f"(a {score} is 0 to {most}|must be a number)")
            for score, most in (("softmax", "1"), ("margin", r"1e\+09"))
            for value in ("-1e-320", "1e308", "inf", "-inf", "nan")
        ),
        ("coincidence_us = 2000\ndeadline_ms = 1", "would be late"),
        ("score = ", "cannot be read as TOML"),
    ],
)
def test_gates_that_make_no_sense_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as refusal:
        read_gates(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("score", list(ScoreKind))
def test_a_zero_has_no_sign(score: ScoreKind, tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(f'score = "{score}"\n[thresholds]\nMCF7 = -0.0\n')
    assert str(read_gates(path).thresholds["MCF7"]) == "0.0"


def test_gates_change_from_one_cell_to_the_next() -> None:
    first, second = Gates({"MCF7": 0.5}), Gates({"MCF7": 0.7})
    live = LiveGates(first, NAMES)
    assert [live.for_cell(index) for index in (10, 11)] == [first, first]
    live.change(second)
    assert live.for_cell(12) is second
    assert live.record == ((10, first), (12, second))
    with pytest.raises(InputError, match="the class HeLa"):
        live.change(Gates({"HeLa": 0.5}))
    assert live.gates is second


@given(st.lists(st.integers(0, LONGEST_NS), min_size=1, max_size=300), st.sampled_from([0.0, 0.5, 0.99, 0.999, 1.0]))
def test_quantiles_within_the_stated_error(durations: list[int], share: float) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    true = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    found = histogram.quantile_ns(share)
    assert true <= found <= max(true * (1 + RELATIVE_ERROR), true)
    assert found <= histogram.max_ns == max(durations)
    assert histogram.count == len(durations)


def test_every_bucket_edge_is_right() -> None:
    """Around all powers of two, where the width of buckets changes: none lower than true, none too high."""
    compared = 0
    for power in range(LONGEST_NS.bit_length()):
        for duration in range(max(0, 2**power - 3), min(2**power + 4, LONGEST_NS + 1)):
            histogram = Histogram()
            histogram.record(duration)
            histogram.record(LONGEST_NS)
            assert duration <= histogram.quantile_ns(0.5) <= duration * (1 + RELATIVE_ERROR)
            compared += 1
    assert compared > 250


def test_histogram_takes_what_is_out_of_range() -> None:
    histogram = Histogram()
    for duration in (-5, 0, 10 * LONGEST_NS):
        histogram.record(duration)
    assert histogram.count == 3
    assert histogram.max_ns == 10 * LONGEST_NS
    assert histogram.quantile_ns(0.0) == 0
    assert Histogram().quantile_ns(0.5) == 0


def test_ledger_adds_up() -> None:
    ledger = Ledger()
    ledger.record(1_000, 3_000, 7_000, 7_500, None)
    ledger.record(1_000, 3_000, 7_000, 7_500, 6_500)
    ledger.record(1_000, 3_000, 7_000, 7_501, 6_500)
    found = {span: ledger.histogram(span).max_ns for span in Span}
    assert found == {
        Span.QUEUE: 2_000,
        Span.TRANSFER: 4_000,
        Span.RETRIEVAL: 0,
        Span.TRIGGER: 0,
        Span.DECISION: 501,
        Span.TOTAL: 6_501,
    }
    assert ledger.misses == 1
    assert set(ledger.summaries()) == {"queue", "transfer", "decision", "total"}
