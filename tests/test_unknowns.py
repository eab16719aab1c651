"""Nothing that a pin says depends on what nobody has written: Icarus Verilog starts every register and memory as X.

Verilator starts them at random instead (``test_nothing_depends_on_what_no_reset_sets``); X is seen even where random
states give the same. An ``if`` takes X for false, so a run without X is no proof; random states are the second opinion.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.engine.top import TOP, class_bits, modules, write_engine
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.contract.gate import decided
from cytogate.model.contract.law import contract
from cytogate.model.design.design import CAUSAL, RTL, TWO_SIDED, Design
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.packing import packed
from cytogate.model.retrieval import laws
from cytogate.sim.axi.levels import Level, leaving_values
from cytogate.sim.csim.network import extreme_codes
from cytogate.sim.rtl import engines as simulation
from tests import bright_fields, recursions, test_rtl, test_rtl_units
from tests.bright_fields import bright_field
from tests.conftest import REPOSITORY
from tests.phantoms import noise
from tests.test_engine_networks import drawn

pytestmark = pytest.mark.full
TINY = bright_field("tiny", 2, 8, (11, 14), (8, 8))
TIMEOUT_SECONDS = 1800
SAID = re.compile(r"sent (\d+) left (\d+) (?:read (\d+) )?checked (\d+) unknown (\d+)")


@dataclass(frozen=True)
class Said:
    """What a bench says at its end."""

    sent: int
    left: int
    checked: int
    """Pins that said something, in a clock each."""
    unknown: int


def simulated(bench: str, sources: list[Path], folder: Path, *, macros: tuple[str, ...], parameters: dict) -> str:
    """Compile and run a bench of ``tests/`` in ``folder``; return what it prints."""
    compiled = folder / "simulation.vvp"
    command = [
        "iverilog", "-g2012", "-DSYNTHESIS", *(f"-D{macro}" for macro in macros), "-s", bench,
        *(f"-P{bench}.{name}={value}" for name, value in parameters.items()), "-o", str(compiled),
        *map(str, sources), str(REPOSITORY / "tests" / f"{bench}.sv"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stderr[:2000]
    run = ["vvp", "-n", str(compiled)]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS).stdout


def said(printed: str) -> Said:
    found = SAID.search(printed)
    assert found, printed
    return Said(int(found[1]), int(found[2]), int(found[4]), int(found[5]))


def hexadecimal(rows: np.ndarray) -> str:
    """Return bytes (beats, bytes), the lowest first, a line a beat."""
    return "".join(f"{row[::-1].tobytes().hex()}\n" for row in rows)


def played(design: Design, samples: int, frames: np.ndarray, folder: Path, sources: list[Path]) -> tuple[Said, int]:
    """Play frames to a kernel; return what was said and how many values differ from the integer model's."""
    chip = dataclasses.replace(design.chip, kernel=RTL, samples_per_clock=samples)
    design = dataclasses.replace(design, chip=chip)
    package = write_rtl_package(design, folder)
    layout = FrameLayout.of(design.camera, samples)
    beats = packed(frames, layout).reshape(-1, layout.beat_bytes)
    lasts = (np.arange(1, len(beats) + 1) % layout.beats == 0).astype(np.uint8)
    (folder / "beats.hex").write_text(hexadecimal(np.concatenate([beats, lasts[:, None]], axis=1)), "ascii")
    due = leaving_values(laws.network_inputs(frames, design), design, Level.RTL) & 0xFF
    values = samples * contract(design).stage("network_input").shape[-1]
    wanted = due.size // values
    parameters = {
        "SAMPLES": samples, "COUNT": len(beats), "WANTED": wanted, "OUT_BITS": 8 * values,
        "CLOCKS": 40 * (len(beats) + wanted) + 20_000,
    }  # fmt: skip
    printed = simulated(
        "unknown_bench", [package, *sources], folder,
        macros=(f"KERNEL={contract(design).kernel}", f'ROM_FOLDER="{folder}/"'), parameters=parameters,
    )  # fmt: skip
    rows = (folder / "left.hex").read_text(encoding="ascii").split()
    mask = (1 << 8 * values) - 1
    left = [list((int(row, 16) & mask).to_bytes(values, "little")) for row in rows if not re.search("[xXzZ]", row)]
    found = np.array(left).reshape(-1)
    differ = int(np.count_nonzero(found != due.reshape(-1))) if found.size == due.size else due.size
    return said(printed), differ


@pytest.mark.parametrize(
    ("design", "samples", "cells"),
    [
        (TINY, 4, 3), (bright_fields.TWO, 2, 4), (bright_fields.NARROW, 1, 4), (test_rtl.arriving(64), 4, 2),
        (test_rtl.SIXTEEN_BITS, 1, 1), (recursions.arriving(64, TWO_SIDED), 4, 2),
        (recursions.arriving(64, CAUSAL), 2, 2),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)  # fmt: skip
def test_no_unknown_reaches_the_pins_of_a_kernel(design: Design, samples: int, cells: int, tmp_path: Path) -> None:
    frames = noise(design, cells, seed=3) if design.retrieves_phase else bright_fields.frames_of(design, cells)
    found, differ = played(design, samples, frames, tmp_path, rtl_sources(contract(design).kernel))
    assert found.unknown == 0
    assert differ == 0
    assert found.sent == cells * FrameLayout.of(design.camera, samples).beats
    assert found.checked > 3 * found.sent


FAULTS = {
    "a place that no reset sets": ("frame_output.sv", "if (rst) place <= '0;\n    else if (read)", "if (read)"),
    "a word that is read before it is written": ("ring.sv", "read_address  <= '0;", "read_address  <= 1;"),
    "a beat that no reset sets": ("frame_input.sv", "      beat      <= '0;\n", ""),
}  # fmt: skip


@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    """As an X at a pin; or, where an ``if`` takes X for false, as frames that never come."""
    module, right, wrong = FAULTS[name]
    text = (FPGA / "rtl" / module).read_text(encoding="ascii")
    assert text.count(right) == 1
    changed = tmp_path / module
    changed.write_text(text.replace(right, wrong), encoding="ascii")
    sources = [changed if path.name == module else path for path in rtl_sources("encode_channels")]
    found, differ = played(TINY, 4, bright_fields.frames_of(TINY, 3), tmp_path, sources)
    assert found.unknown > 0 or differ > 0


@pytest.mark.parametrize("seed", [9, 24, 33, 48, 61])
def test_no_unknown_leaves_the_engines_of_a_network(seed: int, tmp_path: Path) -> None:
    network, engines = drawn(seed)
    codes = extreme_codes(network.inputs[0].shape, network.inputs[0].format, 4, seed=seed)[:4]
    entry, logits, classes = engines.entry, engines.logits.stream, class_bits(engines)
    beats = simulation._packed(codes.reshape(len(codes) * entry.beats, -1), entry.format.width)
    (tmp_path / "beats.hex").write_text(hexadecimal(beats), encoding="ascii")
    top = write_engine(engines, tmp_path, f"{TOP}_0")
    parameters = {
        "COUNT": len(beats), "WANTED": len(codes), "IN_BITS": entry.bits, "LOGITS": logits.bits, "CLASS": classes,
        "MARGIN": logits.format.width + 1, "CLOCKS": 400_000,
    }  # fmt: skip
    macros = (f"ENGINES={TOP}_0", f'ROM_FOLDER="{tmp_path}/"')
    printed = simulated(
        "unknown_engines", [top, *rtl_sources(*modules(engines))], tmp_path, macros=macros, parameters=parameters
    )
    found = said(printed)
    assert (found.sent, found.left, found.unknown) == (len(beats), len(codes), 0)
    rows = (tmp_path / "left.bin").read_text(encoding="ascii").split()
    bits = np.array([[int(bit) for bit in reversed(row)] for row in rows], np.uint8)
    wanted = network.compute([codes])[network.logits.name]
    indices, margins = decided(wanted)
    assert np.array_equal(simulation._codes(bits[:, : logits.bits], logits.format), wanted)
    assert np.array_equal(simulation._unsigned(bits[:, logits.bits : logits.bits + classes]), indices)
    assert np.array_equal(simulation._unsigned(bits[:, logits.bits + classes :]), margins)


@dataclass(frozen=True)
class UnknownUnits:
    """The units, played by Icarus Verilog: an unknown bit counts 128, so that no word with one equals what is due."""

    folder: Path

    def play(self, clocks: int, fields: dict[test_rtl_units.Field, np.ndarray]) -> np.ndarray:
        """Play fields as :meth:`tests.test_rtl_units.Units.play` does."""
        folder = self.folder
        (folder / "in.hex").write_text(hexadecimal(test_rtl_units.sent(clocks, fields)), encoding="ascii")
        package = write_rtl_package(test_rtl_units.DESIGN, folder)
        test_rtl_units.write_twiddles(folder)
        simulated(
            "unknown_bus", [package, REPOSITORY / "tests" / "rtl_units.sv", *rtl_sources("retrieve_phase")], folder,
            macros=(f'ROM_FOLDER="{folder}/"',), parameters={"CLOCKS": clocks},
        )  # fmt: skip
        rows = (folder / "out.bin").read_text(encoding="ascii").split()
        text = np.array([list(reversed(row)) for row in rows])
        came = np.where(text == "1", 1, np.where(text == "0", 0, 128)).astype(np.uint8)
        came[:2] = 0  # within the reset nothing has a meaning
        return came


QUICK = ("rounding", "forward 8", "inverse 8", "corner turn", "transpose")
"""Of the units' checks; Icarus Verilog takes minutes for thousands of clocks of all units."""


@pytest.mark.parametrize("name", QUICK)
def test_no_unknown_leaves_a_unit(name: str, tmp_path: Path) -> None:
    words, differ = test_rtl_units.CHECKS[name](UnknownUnits(tmp_path))  # type: ignore[arg-type]
    assert words >= 320
    assert differ == 0, f"{differ} of {words} values differ or are unknown"
