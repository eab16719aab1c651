"""Input of the vendor's tools: generated sources, and one Tcl file of settings with part and clock in it once.

A build is a folder: ``settings.tcl``, ``contract/`` (headers, package, tables), ``network/`` (of hls4ml), and one for
each step: ``retrieve_phase``, ``classify``, ``system``. The Tcl files of ``fpga/tcl`` are run in a step's folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cytogate.hls.contract.header import HEADER_NAME, write_header
from cytogate.hls.contract.package import PACKAGE_NAME, write_rtl_package
from cytogate.hls.engine import pipeline
from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.command.files import whole_file
from cytogate.model.contract.law import contract
from cytogate.model.design.boards import Board
from cytogate.model.design.design import HLS, Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.errors import InputError
from cytogate.model.interface.frame_layout import FrameLayout

TCL = FPGA / "tcl"
SETTINGS = "settings.tcl"
"""The phase retrieval in C++; the other one is ``rtl``."""
CLASSIFY, JOIN, SYSTEM = "classify", "join_field", "system"
CONTRACT, NETWORK = "contract", "network"
ROM_HEADER = "rom_folder.vh"
PINS = "pins.xdc"
IP = Path("project", "solution", "impl", "ip")
"""Where Vitis HLS leaves a kernel for Vivado, below its step."""
PLAIN_PATH = r"[A-Za-z0-9_./+-]+"


@dataclass(frozen=True)
class BoardBuild:
    """A design on a board, about to be built in a folder."""

    design: Design
    project: HlsProject
    folder: Path
    engines: EngineNetwork | None = None
    """Of a network in SystemVerilog; one by hls4ml is the project."""

    @property
    def board(self) -> Board:
        """The board of the design's chip."""
        return self.design.chip.on

    @property
    def front(self) -> str:
        """Name of the kernel before the network."""
        return contract(self.design).kernel

    @property
    def takes_holograms(self) -> bool:
        """Whether kernels of holograms are built, which are in C++ alone."""
        return isinstance(self.design.instrument, OffAxis)

    @property
    def hls_sources(self) -> dict[str, tuple[Path, ...]]:
        """C++ by the kernel that Vitis HLS makes of it, in the order of the steps."""
        before_the_network = (
            {self.front: (FPGA / "src" / f"{self.front}.cpp",)} if self.design.chip.kernel == HLS else {}
        )
        network = {CLASSIFY: (FPGA / "src" / "classify.cpp", *self.project.sources)} if self.engines is None else {}
        behind_it = {JOIN: (FPGA / "src" / f"{JOIN}.cpp",)} if self.takes_holograms else {}
        return {**before_the_network, **network, **behind_it}

    @property
    def hls_includes(self) -> tuple[Path, ...]:
        """Folders of C++ headers."""
        return (FPGA / "src", self.folder / CONTRACT, *self.project.includes)

    @property
    def rtl_sources(self) -> tuple[Path, ...]:
        """SystemVerilog and Verilog, the package first."""
        generated = self.folder / CONTRACT
        if self.engines is None:
            front = () if self.takes_holograms else (self.front,)
            blocks: tuple[str, ...] = ("stream_unit", *front, "kernel_registers")
            modules = rtl_sources(*blocks)
        else:
            blocks = ("stream_unit", pipeline.TOP)
            modules = rtl_sources("stream_unit", *pipeline.pipeline_modules(self.engines, self.design))
            modules += [generated / f"{name}.sv" for name in (pipeline.NETWORK, pipeline.TOP)]
        return (generated / PACKAGE_NAME, *modules, *(FPGA / "board" / f"{name}_block.v" for name in blocks))

    @property
    def constraints(self) -> tuple[Path, ...]:
        """Where pins lie, of a design that has some."""
        return () if self.engines is None else (self.folder / CONTRACT / PINS,)

    def write(self) -> None:
        """Write settings and generated sources into the folder."""
        generated = self.folder.resolve() / CONTRACT
        write_header(self.design, generated)
        write_rtl_package(self.design, generated)
        if self.engines is not None:
            pipeline.write_pipeline(self.engines, self.design, generated)
        for path in self.constraints:
            with whole_file(path) as partial:
                partial.write_text(self.pins_text(), encoding="ascii")
        with whole_file(generated / ROM_HEADER) as partial:
            partial.write_text(f'`define ROM_FOLDER "{generated}/"\n', encoding="ascii")
        with whole_file(self.folder / SETTINGS) as partial:
            partial.write_text(self.settings_text(), encoding="ascii")

    def pins_text(self) -> str:
        """Return the constraints of the trigger's pin; its register lies in the pad, as far from it in every build."""
        return (
            f"set_property -dict {{PACKAGE_PIN {self.board.trigger_pin} IOSTANDARD LVCMOS33}} [get_ports trigger]\n"
            "set_property IOB TRUE [get_ports trigger]\n"
        )

    def settings_text(self) -> str:
        """Return ``settings.tcl``."""
        generated, terms = self.folder / CONTRACT, contract(self.design)
        weights_word = int(self.project.weights_hash[:8], 16)
        sources = " ".join(f"{kernel} {_paths(paths)}" for kernel, paths in self.hls_sources.items())
        variables = {
            "part": self.board.part,
            "board_part": self.board.board_part,
            "processor": "ps7" if self.board.part.startswith("xc7z") else "ps8",
            "clock_mhz": f"{self.design.chip.clock_mhz:g}",
            "period_ns": f"{1e3 / self.design.chip.clock_mhz:.4f}",
            "port_bits": self.board.port_bits,
            "kernel": self.design.chip.kernel,
            "network": self.design.chip.network,
            "samples": self.design.chip.samples_per_clock,
            "front": self.front,
            "beat_bits": 8 * FrameLayout.of(self.design.camera, self.design.chip.samples_per_clock).beat_bytes,
            "pixel_bits": terms.network_channels * terms.pixel.width,
            # A parameter of the block design is a signed number.
            "weights_hash": weights_word - (weights_word >> 31 << 32),
            "hls_sources": f"{{{sources}}}",
            "hls_includes": _paths(self.hls_includes),
            "rtl_sources": _paths(self.rtl_sources),
            "constraints": _paths(self.constraints),
            "memories": _paths(sorted(generated.glob("*.mem"))),
            "rom_header": (generated / ROM_HEADER).resolve(),
            "ip_folders": _paths([self.folder / kernel / IP for kernel in self.hls_sources]),
            # Of the computer that builds: what it has built is no other on one with more cores.
            "jobs": "[exec nproc]",
        }
        return "\n".join(
            [
                f"# {self.design.name} on {self.board.title}: generated, not to be edited.",
                "namespace eval settings {",
                *(f"    variable {name} {value}" for name, value in variables.items()),
                "}",
                "",
            ]
        )

    def digest(self, step: str, release: str) -> str:
        """Return a hash of all that a step depends on: its sources, Tcl, settings and the tool's release."""
        generated = self.folder / CONTRACT
        if step == SYSTEM:
            scripts = [TCL / f"{name}.tcl" for name in ("system", "block_design", "implement")]
            files = [*self.rtl_sources, *self.constraints, *sorted(generated.glob("*.mem"))]
            files += [self.folder / kernel / IP / "component.xml" for kernel in self.hls_sources]
        else:
            scripts = [TCL / "kernel.tcl"]
            headers = (FPGA / "src").glob("*.hpp") if step == self.front else _all_headers(self.hls_includes)
            files = [*self.hls_sources[step], *sorted(headers), generated / HEADER_NAME]
        digest = hashlib.sha256(f"{release}\0{self.settings_text()}".encode())
        for path in (*scripts, *files):
            digest.update(f"\0{path}\0".encode() + path.read_bytes())
        return digest.hexdigest()


def require_plain_paths(output: Path) -> None:
    """Raise InputError if the folder of the builds or that of the sources has a name that scripts would take apart."""
    for path in (output.resolve(), FPGA.resolve()):
        if not re.fullmatch(PLAIN_PATH, str(path)):
            raise InputError(
                f"{path}: Vitis and Vivado need paths of letters, digits and ._+- alone; name another --output, "
                "or install Cytogate elsewhere"
            )


def _all_headers(folders: Sequence[Path]) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in {".h", ".hpp"})


def _paths(paths: Sequence[Path]) -> str:
    """Return a Tcl list of absolute paths, which hold nothing that Tcl would read."""
    return f"{{{' '.join(str(path.resolve()) for path in paths)}}}"
