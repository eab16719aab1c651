"""The open synthesis tools as callables: yosys area for xc7, place and route on an ECP5; each run once per content.

Both are deterministic programs of files, so what they found is kept under the hash of what they read, tool included.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cytogate.hls.contract.package import PACKAGE_NAME, write_rtl_package
from cytogate.hls.engine.top import TOP, modules, write_engine
from cytogate.hls.sources import rtl_sources
from cytogate.model.command.extras import not_installed
from cytogate.model.command.files import temporary_folder, whole_file
from cytogate.model.contract.law import contract
from cytogate.model.design.boards import Area
from cytogate.model.design.design import Design
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.errors import InputError
from cytogate.model.estimates.area import ModuleArea

BLOCKS = (
    "frame_input", "binning", "gradient", "corner_turn", "moments", "surface_fit", "transform", "normalize",
    "transpose", "surface_columns", "surface_subtract", "quotient", "phase_offset", "phase_code", "bright_field",
    "channel_codes", "frame_output", "status_registers", "sharpen", "row_queue", "background", "surface_lines",
    "mean_column", "mean_rows", "surface_trend", "cleaner_edge", "causal_lane", "row_pairs", "down_lane",
    "surface_response", "back_lane", "row_places", "phase_lines", "row_codes", "row_output", "frame_codes",
)  # fmt: skip
"""Modules that synthesis keeps whole, so that their area can be told apart; what is inside them is flattened."""
LINE_ENGINE = "transform"
ECP5_DEVICE = "LFE5U-85F, CABGA756, speed grade 6"
ECP5_OPTIONS = ("--85k", "--package", "CABGA756", "--speed", "6")
TARGET_MHZ = 200
"""What place and route tries for."""
SEED = 1
SCRIPT, RESULT = "steps.ys", "result"
VERSION_DEADLINE_S = 900
"""A first start compiles the tool, beside whatever else the machine does."""
SYNTHESIS_DEADLINE_S = 3600
PLACEMENT_DEADLINE_S = 3600

# Look-up tables that a memory primitive of the 7 series occupies (UG474, table 2-3), and halves of a block RAM.
LUTS = {"SRL16E": 1, "SRLC32E": 1, "RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4}
HALF_BRAMS = {"RAMB18E1": 1, "RAMB36E1": 2}


@dataclass(frozen=True)
class Synthesis:
    """What yosys counted."""

    tool: str
    area: Area
    modules: tuple[ModuleArea, ...]
    """Largest first, each without kept modules below it; variants (other sizes, other parameters) are rows of their
    own."""


@dataclass(frozen=True)
class Placement:
    """What place and route on an ECP5 reached: a figure of that silicon, not of a Xilinx device."""

    part: str
    """What was placed, pins left out."""
    tool: str
    device: str
    fmax_mhz: float


def tool(name: str) -> Path:
    """Return the program of an open tool, as PyPI brings it (``yowasp-NAME``) or as a system has it (``NAME``)."""
    beside_python = str(Path(sys.executable).parent)
    for each in (f"yowasp-{name}", name):
        for path in (beside_python, None):
            found = shutil.which(each, path=path)
            if found is not None:
                return Path(found)
    raise not_installed(f"yowasp-{name}")


def synthesize(design: Design, samples_per_clock: int, folder: Path) -> Synthesis:
    """Return the area of the kernel before the network on xc7 by yosys."""
    kernel = contract(design).kernel
    return synthesize_module(design, rtl_sources(kernel), kernel, {"SAMPLES": samples_per_clock}, folder)


def synthesize_module(
    design: Design, sources: Sequence[Path], top: str, parameters: Mapping[str, int], folder: Path
) -> Synthesis:
    """Return the area of module ``top`` of ``sources`` with ``parameters``; ``folder`` keeps it."""
    given = "".join(f" -chparam {name} {value}" for name, value in parameters.items())
    # A module without parameters keeps its name; one with parameters becomes a variant that remembers it.
    keep = "".join(
        f"setattr -mod -set keep_hierarchy 1 {block} A:hdlname=*{block}\n" for block in BLOCKS if block != top
    )
    script = (
        f"read_verilog -sv {_names(sources)}\n"
        f"hierarchy -top {top}{given}\n{keep}"
        f"synth_xilinx -family xc7 -top {top} -flatten\n"
        # Instances of a module are in the text alone.
        f"tee -q -o {RESULT} stat -json -tech xilinx\ntee -q -a {RESULT} stat\n"
    )
    yosys = tool("yosys")
    files = [*_contract_files(design, folder), *sources, _written(folder, script)]
    counted = _once([str(yosys), "-q", "-s", SCRIPT], files, folder, SYNTHESIS_DEADLINE_S)
    return _synthesis(counted.read_text(encoding="utf-8"), version(yosys))


def synthesize_engines(network: EngineNetwork, folder: Path) -> Synthesis:
    """Return the area of a network's engines on xc7 by yosys; ``folder`` keeps it, and receives what is generated."""
    top = write_engine(network, folder)
    sources = [*rtl_sources(*modules(network)), top]
    script = (
        # Modules are read when their parameters are known: files of memories are among them.
        f"read_verilog -sv -defer {' '.join(path.name for path in sources)}\n"
        f"hierarchy -top {TOP}\nsetattr -set keep_hierarchy 1 {TOP}/c:*_engine\n"
        # To yosys, a distributed ROM would be RAM; Vivado's word for what it calls logic.
        'setattr -set rom_style "logic" */a:rom_style=distributed\n'
        f"synth_xilinx -family xc7 -top {TOP} -flatten\n"
        f"tee -q -o {RESULT} stat -json -tech xilinx\ntee -q -a {RESULT} stat\n"
    )
    yosys = tool("yosys")
    files = [*sources, *sorted(folder.glob(f"{TOP}_*.mem")), _written(folder, script)]
    counted = _once([str(yosys), "-q", "-s", SCRIPT], files, folder, SYNTHESIS_DEADLINE_S)
    return _synthesis(counted.read_text(encoding="utf-8"), version(yosys))


def place_line_engine(design: Design, folder: Path) -> Placement:
    """Return the clock that one lane's transform reaches after place and route on an ECP5."""
    sources = [*_contract_files(design, folder), *rtl_sources(LINE_ENGINE)]
    return _place("line engine", f"read_verilog -sv {_names(rtl_sources(LINE_ENGINE))}", LINE_ENGINE, sources, folder)


def place_engines(part: str, network: EngineNetwork, folder: Path) -> Placement:
    """Return the clock that engines reach after place and route on an ECP5; ``folder`` receives what is generated."""
    top = write_engine(network, folder)
    sources = [*rtl_sources(*modules(network)), top]
    read = (
        f"read_verilog -sv -defer {' '.join(path.name for path in sources)}\nhierarchy -top {TOP}\n"
        'setattr -set rom_style "logic" */a:rom_style=distributed'
    )
    return _place(part, read, TOP, [*sources, *sorted(folder.glob(f"{TOP}_*.mem"))], folder)


def _place(part: str, read: str, top: str, files: Sequence[Path], folder: Path) -> Placement:
    yosys, nextpnr = tool("yosys"), tool("nextpnr-ecp5")
    script = f"{read}\nsynth_ecp5 -top {top}\nwrite_json {RESULT}\n"
    given = [*files, _written(folder, script)]
    netlist = _once([str(yosys), "-q", "-s", SCRIPT], given, folder, SYNTHESIS_DEADLINE_S)
    command = [
        str(nextpnr), "-q", *ECP5_OPTIONS, "--json", netlist.name, "--report", RESULT, "--freq", str(TARGET_MHZ),
        "--timing-allow-fail", "--out-of-context", "--seed", str(SEED),
    ]  # fmt: skip
    placed = _once(command, [netlist], folder, PLACEMENT_DEADLINE_S)
    clocks = json.loads(placed.read_text(encoding="utf-8"))["fmax"]
    return Placement(part, version(nextpnr), ECP5_DEVICE, min(float(clock["achieved"]) for clock in clocks.values()))


def version(program: Path) -> str:
    """Return a tool's name and version in its own words."""
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=VERSION_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{program} --version did not end within {VERSION_DEADLINE_S} s; install it anew") from error
    found = re.search(r"(?:Yosys |nextpnr-)[\d.]+[^\s)]*", done.stdout + done.stderr)
    if found is None:
        raise InputError(f"{program} does not say its version; install it anew")
    return found.group()


def _synthesis(counted: str, tool_version: str) -> Synthesis:
    """Read yosys's JSON, and behind it the same as text: a section a module, a line a submodule."""
    found, end = json.JSONDecoder().raw_decode(counted)
    instances = dict.fromkeys(found["modules"], 0)
    for section in re.split(r"^=== ", counted[end:], flags=re.MULTILINE)[1:]:
        if not section.startswith("design hierarchy"):
            for number, name in re.findall(r"^ +(\d+) +(\S+)$", section, re.MULTILINE):
                for known in found["modules"]:
                    if known in (name, f"\\{name}"):
                        instances[known] += int(number)
    rows = [
        ModuleArea(_plain_name(name), max(1, instances[name]), _area(module["num_cells_by_type"]))
        for name, module in found["modules"].items()
    ]
    rows.sort(key=lambda row: row.instances * row.area.lut, reverse=True)
    return Synthesis(tool_version, _area(found["design"]["num_cells_by_type"]), tuple(rows))


def _area(cells: Mapping[str, int]) -> Area:
    logic = sum(count for name, count in cells.items() if re.fullmatch(r"LUT[1-6]", name))
    return Area(
        lut=float(logic + sum(count * LUTS.get(name, 0) for name, count in cells.items())),
        ff=float(sum(count for name, count in cells.items() if re.fullmatch(r"FD[RSCP]E(_1)?", name))),
        dsp=float(cells.get("DSP48E1", 0)),
        bram36=sum(count * HALF_BRAMS.get(name, 0) for name, count in cells.items()) / 2,
    )


def _plain_name(name: str) -> str:
    r"""Return ``transform`` of yosys's ``$paramod$0dc0\transform`` or ``$paramod\transform\SAMPLES=s32'...``."""
    return re.sub(r"^\$paramod(\$[0-9a-f]+)?", "", name).lstrip("\\").split("\\")[0]


def _once(command: Sequence[str], files: Sequence[Path], folder: Path, deadline_s: int) -> Path:
    """Return the result of a command on copies of ``files``; what was found before is taken as it is.

    The copies lie side by side in a folder of their own: tools compiled to WebAssembly see nothing outside the folder
    that they are started in.
    """
    program = Path(command[0])
    digest = hashlib.sha256("\0".join((version(program), *command[1:])).encode())
    for path in files:
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    kept = folder / f"{program.name}-{digest.hexdigest()[:16]}"
    if kept.exists():
        return kept
    with temporary_folder(folder) as place:
        for path in files:
            shutil.copy(path, place)
        _run(command, place, deadline_s)
        (place / RESULT).replace(kept)
    return kept


def _contract_files(design: Design, folder: Path) -> list[Path]:
    package = write_rtl_package(design, folder)
    return [package, *sorted(folder.glob("*.mem"))]


def _written(folder: Path, script: str) -> Path:
    with whole_file(folder / SCRIPT) as partial:
        partial.write_text(script, encoding="ascii")
    return folder / SCRIPT


def _names(sources: Sequence[Path]) -> str:
    return " ".join((PACKAGE_NAME, *(path.name for path in sources)))


def _run(command: Sequence[str], folder: Path, deadline_s: int) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=deadline_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{Path(command[0]).name} did not finish within {deadline_s} s") from error
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        errors = [line for line in said if "ERROR" in line] or said[-3:]
        raise InputError(f"{Path(command[0]).name} failed: {'; '.join(errors[:3])}")
