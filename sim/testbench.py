"""The plain C++ test bench: vectors on disk, a program with an exit code, no Python in the loop.

The same program is the C-simulation's test bench in Vitis HLS.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.sim.csim.compile import build
from cytogate.sim.csim.kernels import LOGITS, chain_build

TIMEOUT_SECONDS = 600


def write_vectors(design: Design, folder: Path, cells: Iterable[dict[str, Codes]]) -> int:
    """Write expected codes, stage by stage, as little-endian 32-bit integers in stream order; return the cells."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.bin"):
        stale.unlink()
    count = 0
    for cell in cells:
        count += 1
        words = {row.name: row.to_stream(cell[row.name]) for row in contract(design).recorded}
        for name, codes in {**words, LOGITS: cell[LOGITS]}.items():
            with (folder / f"{name}.bin").open("ab") as file:
                file.write(codes.astype("<i4").tobytes())
    return count


def build_testbench(design: Design, project: HlsProject, folder: Path) -> Path:
    """Compile the bench into ``folder`` and return the program; it takes the folder of vectors as its argument."""
    files = chain_build(design, folder, project)
    bench = FPGA / "tb" / "chain_tb.cpp"
    return build(folder / "chain_tb", [bench, *files.sources], files.includes, files.definitions, shared=False)


def run_testbench(program: Path, vectors: Path) -> str:
    """Run the bench over ``vectors`` and return what it printed.

    Raises
    ------
    CheckFailed
        If it exits with anything but 0.
    """
    try:
        done = subprocess.run(
            [str(program), str(vectors)], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CheckFailed(f"test bench: did not end within {TIMEOUT_SECONDS} s") from error
    if done.returncode:
        raise CheckFailed(f"test bench: exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout
