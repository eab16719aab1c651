"""The SystemVerilog of the laws with a recursion under test: designs, frames, comparisons and faults."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.contract.background import Background
from cytogate.model.contract.law import contract, recursion_contract
from cytogate.model.design.design import CAUSAL, KNOWN, TWO_SIDED, Design, Window
from cytogate.model.design.instruments import FourAngle
from cytogate.model.retrieval.recursion import integer
from cytogate.model.retrieval.remarks import cleaner_halves
from cytogate.sim.rtl.simulation import Played, RtlSimulation
from tests.phantoms import bumps, extremes, noise


def by_law(design: Design, law: str) -> Design:
    chip = dataclasses.replace(design.chip, retrieval=law)
    return dataclasses.replace(design, name=f"{design.name}_{law}", chip=chip)


def knowing(design: Design) -> Design:
    """Return the two-sided design whose registers may hold a surface of empty fields."""
    chip = dataclasses.replace(design.chip, surface=KNOWN)
    return dataclasses.replace(design, name=f"{design.name}_known", chip=chip)


def arriving(size: int, law: str) -> Design:
    """A design whose frames arrive at N x N, so that nothing but the kernel sets the pace."""
    instrument = FourAngle(rows=size, columns=size)
    return by_law(Design(f"arriving{size}", window=Window(size, size, 1), instrument=instrument), law)


SIXTEEN_BITS = Design(
    "sixteen_bits", window=Window(64, 64, 2), instrument=FourAngle(adc_bits=16, rows=150, columns=133)
)
"""Binning; logarithms cut to the ROM's address; a window that no beat of several pixels begins with."""


def simulation(design: Design, samples: int, builds: Path) -> RtlSimulation:
    return RtlSimulation(design, builds / f"rtl_{design.name}", samples)


def frames_of(design: Design) -> np.ndarray:
    """Cells, extremes, noise, cells: more than eight, after which the background's limit halves."""
    cells, _ = bumps(design, 4, seed=20, shading=0.05)
    extreme = [*extremes(design).values(), in_quarters(design)]
    return np.concatenate([cells[:2], *extreme, noise(design, 2, seed=21), cells[2:]])


def in_quarters(design: Design) -> np.ndarray:
    """One frame (1, 4, rows, columns) with all light on opposite quarters, along both axes.

    The inverse transform saturates: words of 2^24.5 at N = 64, where it holds 2^24.
    """
    camera, quarter = design.four_angle, design.size * design.binning // 4
    y, x = np.mgrid[: camera.rows, : camera.columns]
    lit = np.stack([x // quarter % 2, y // quarter % 2]).astype(np.uint16)
    frames = np.stack([lit[0], 1 - lit[0], lit[1], 1 - lit[1]])[None]
    return frames * np.uint16(2**camera.adc_bits - 1)


def cut_frames(design: Design) -> np.ndarray:
    """Cells at the top, within the frame and at the bottom, then extremes: frames of every half, one after another."""
    cells, _ = bumps(design, 6, seed=24, shading=0.05)
    shift = design.camera.rows // 2
    moved = [np.roll(cell, by, axis=-2) for cell, by in zip(cells, (-shift, 0, shift, 0, shift, -shift), strict=True)]
    return np.concatenate([moved, *extremes(design).values(), noise(design, 2, seed=21)])


def known_of(design: Design) -> Background:
    """A surface that is no frame's own in any coefficient."""
    fits = integer.retrieve(frames_of(design), design).stages["gradient"][:2]
    surface = integer.border_fits(fits, recursion_contract(design))[0]
    return Background(surface + np.arange(12).reshape(6, 2) * 37 - 200)


def halves_of(frames: np.ndarray, design: Design) -> np.ndarray:
    return cleaner_halves(integer.retrieve(frames, design).stages["gradient"])


def differing(
    kernel: RtlSimulation, frames: np.ndarray, played: Played, known: Background | None = None
) -> dict[str, tuple[int, int]]:
    """Values that differ and values compared by stage, of frames that are the last ones since reset."""
    causal = kernel.design.chip.retrieval == CAUSAL
    exact = integer.retrieve(frames, kernel.design, known).stages
    if causal:
        exact["rows"] = exact["rows"][..., :1, :]
    heard = kernel.stages(len(frames))
    heard["network_input"] = played.pixels if causal else played.pixels[:, ::-1]
    assert list(heard) == [stage.name for stage in contract(kernel.design).stages if stage.name != "frames"]
    assert {name: codes.shape for name, codes in heard.items()} == {name: exact[name].shape for name in heard}
    return {name: (int(np.count_nonzero(codes != exact[name])), codes.size) for name, codes in heard.items()}


def compare(kernel: RtlSimulation, frames: np.ndarray, played: Played, known: Background | None = None) -> int:
    """Return the number of words that were compared and equal; fail on any that differ."""
    found = differing(kernel, frames, played, known)
    assert {name: wrong for name, (wrong, _) in found.items() if wrong} == {}
    beats = kernel.design.size**2 // kernel.samples_per_clock
    assert np.array_equal(np.flatnonzero(played.lasts), np.arange(len(frames)) * beats + beats - 1)
    assert not played.malformed.any()
    assert kernel.violations == 0
    return sum(size for _, size in found.values())


@dataclasses.dataclass(frozen=True)
class Fault:
    """One change of one module that frames would have to notice."""

    module: str
    old: str
    new: str
    samples: int = 2


def faulty(fault: Fault, law: str, folder: Path) -> RtlSimulation:
    text = (FPGA / "rtl" / fault.module).read_text(encoding="ascii")
    assert text.count(fault.old) == 1, f"{fault.module} has {fault.old!r} {text.count(fault.old)} times"
    changed = folder / fault.module
    changed.write_text(text.replace(fault.old, fault.new), encoding="ascii")
    design = arriving(64, law)
    if law == TWO_SIDED:
        design = knowing(design)
    sources = [changed if path.name == fault.module else path for path in rtl_sources(contract(design).kernel)]
    return RtlSimulation(design, folder / "build", fault.samples, sources)
