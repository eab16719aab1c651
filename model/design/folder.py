"""A design as files: a folder that a user owns, read and written.

``design.toml``
    Sections ``[instrument]``, ``[window]``, ``[network]`` and ``[chip]``, written by hand or by ``cytogate new``.
``network/``
    What training or adoption wrote: topology, weights, ``codes.toml`` of a bright-field instrument, and
    ``operating-point.toml`` where something is added to the logits.
``calibration/NNNN/``
    What ``cytogate calibrate`` wrote. Of an off-axis instrument: ``calibration.toml`` and ``reference.npy``, the
    reference field. Of a four-angle one whose law of phase retrieval takes a background: ``background.toml``. The
    highest number is in use, the ones before it are kept.
``record.json``
    Where the network comes from: data, seeds, versions, figures.

The designs that come with Cytogate are such folders, too.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from cytogate.model.design.design import (
    Calibration,
    Chip,
    Design,
    InputCodes,
    KnownBackground,
    Network,
    OperatingPoint,
    Window,
)
from cytogate.model.design.file import check_keys, did_you_mean, read_toml, shown, toml_of, typed
from cytogate.model.design.instruments import INSTRUMENTS, BrightField, NetworkInputs, OffAxis
from cytogate.model.design.quantities import rules
from cytogate.model.design.topologies import TOPOLOGIES, Published
from cytogate.model.errors import InputError

BUILTIN = Path(__file__).resolve().parent / "builtin"
DESIGN_FILE, NETWORK_FOLDER, RECORD_FILE, CODES_FILE = "design.toml", "network", "record.json", "codes.toml"
OPERATING_POINT_FILE = "operating-point.toml"
CALIBRATION_FOLDER, CALIBRATION_FILE, REFERENCE_FILE = "calibration", "calibration.toml", "reference.npy"
BACKGROUND_FILE = "background.toml"
QUANTIZED_WEIGHTS, FLOAT_WEIGHTS = "quantized.weights.h5", "float.weights.h5"
ADOPTED_TOPOLOGY = "quantized.json"
"""In the network's folder where the topology is "saved"."""
DEFAULT_DESIGN = "qatom128"


def builtin_names() -> tuple[str, ...]:
    """Return the names of the designs that come with Cytogate."""
    return tuple(sorted(path.parent.name for path in BUILTIN.glob(f"*/{DESIGN_FILE}")))


def load_design(given: str | Path, *, background: bool = True) -> Design:
    """Return a design by the name of a built-in one, by its folder, or by a file of TOML.

    Its folder is the one that was named, also where ``design.toml`` in it is a link to another design's.

    Parameters
    ----------
    background
        Whether the latest background of its folder is read, too; one that is to be measured need not suit the design.

    Raises
    ------
    InputError
        If there is none, or it breaks a rule; one sentence names file, key and what would be right.
    """
    try:
        path = _design_file(given)
        folder = path.parent.resolve()
        if path.name != DESIGN_FILE and (path.parent / DESIGN_FILE).exists():
            raise InputError(
                f"{path}: lies in the folder of another design, {path.parent / DESIGN_FILE}, whose network would be "
                "taken for its own; give it a folder of its own"
            )
        codes_file, point_file = (folder / NETWORK_FOLDER / name for name in (CODES_FILE, OPERATING_POINT_FILE))
        has_codes, has_point = codes_file.exists(), point_file.exists()
        latest, known = calibrations(folder)[-1:], calibrations(folder, BACKGROUND_FILE)[-1:]
    except OSError as error:
        raise InputError(f"{str(given)!r}: cannot be read: {error.strerror or error}") from error
    design = parse_design(read_toml(path), folder.name if path.name == DESIGN_FILE else path.stem, str(path))
    if design.codes is None and isinstance(design.instrument, BrightField) and has_codes:
        design = _with_section(design, "codes", InputCodes, codes_file)
    if design.operating_point is None and has_point:
        design = _with_section(design, "operating_point", OperatingPoint, point_file)
    if design.calibration is None and isinstance(design.instrument, OffAxis) and latest:
        design = _with_section(design, "calibration", Calibration, latest[0] / CALIBRATION_FILE)
        _check_version(design.calibrated.version, latest[0] / CALIBRATION_FILE)
    if background and design.background is None and design.chip.takes_background and known:
        design = _with_section(design, "background", KnownBackground, known[0] / BACKGROUND_FILE)
        assert design.background is not None
        _check_version(design.background.version, known[0] / BACKGROUND_FILE)
    return dataclasses.replace(design, folder=folder)


def _check_version(version: int, path: Path) -> None:
    """Raise an :class:`InputError` where a file of a calibration has another number than its folder."""
    if version != int(path.parent.name):
        raise InputError(f"{path}: version is {version}; that of its folder is {int(path.parent.name)}")


def _with_section(design: Design, name: str, section: type, path: Path) -> Design:
    """Return the design with a section that has a file of its own."""
    found: Any = typed(section, read_toml(path), f"{path}:")
    try:
        return dataclasses.replace(design, **{name: found})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _design_file(given: str | Path) -> Path:
    """Return the file of TOML that a name, a folder or a file means."""
    text, path = str(given), Path(given)
    builtin = text in builtin_names()
    if builtin and not (path / DESIGN_FILE).exists():
        path = BUILTIN / text
    elif builtin:
        raise InputError(f"{text} is a built-in design and a folder here; write ./{text} for the folder")
    if path.is_dir():
        if not (path / DESIGN_FILE).exists():
            raise InputError(f"{path}: holds no {DESIGN_FILE}; `cytogate new` writes one")
        return path / DESIGN_FILE
    if path.exists():
        return path
    name = text if text.isprintable() else repr(text)
    raise InputError(
        f"there is no design named {name}{did_you_mean(text, builtin_names())}; built-in are "
        f"{', '.join(builtin_names())}, and `cytogate new` makes a folder for one of your own"
    )


def design_of(content: bytes, name: str, where: str) -> Design:
    """Return the design of the bytes of a ``design.toml``, such as a bundle carries."""
    return parse_design(toml_of(content, where), name, where)


def parse_design(given: dict[str, Any], name: str, where: str) -> Design:
    """Return the design of the tables of a ``design.toml``; ``where`` names it in errors."""
    check_keys(given, ["instrument", "window", "network", "chip", *_FITTED], f"{where}:")
    for section in ("instrument", "network", "chip"):
        if section not in given:
            raise InputError(f"{where}: lacks the section [{section}]")
    instrument_type = _chosen(INSTRUMENTS, given["instrument"], "kind", f"{where}: [instrument]")
    without_camera = instrument_type is NetworkInputs
    if "window" not in given and not without_camera:
        raise InputError(f"{where}: lacks the section [window]")
    topology_type = _chosen(TOPOLOGIES, given["network"], "topology", f"{where}: [network]")
    in_network = given["network"]
    check_keys(in_network, ["topology", "class_names", *rules(topology_type)], f"{where}: [network]")
    own = {key: value for key, value in in_network.items() if key in rules(topology_type)}
    names = {key: value for key, value in in_network.items() if key == "class_names"}
    named = {"name": in_network["topology"]} if topology_type is Published else {}
    topology = typed(topology_type, own, f"{where}: [network]", **named)
    network = typed(Network, names, f"{where}: [network]", topology=topology)
    try:
        return Design(
            name=name,
            instrument=typed(instrument_type, given["instrument"], f"{where}: [instrument]", ignored=("kind",)),
            window=Window() if without_camera else typed(Window, given["window"], f"{where}: [window]"),
            network=network,
            chip=typed(Chip, given["chip"], f"{where}: [chip]"),
            **{
                key: typed(section, given[key], f"{where}: [{key}]") for key, section in _FITTED.items() if key in given
            },
        )
    except InputError as error:
        told = str(error)
        raise InputError(told if told.startswith(where) else f"{where}: {told}") from error


def design_text(design: Design) -> str:
    """Return the ``design.toml`` of a design, commented; reading it gives the same design."""
    sections = [
        "# A design of Cytogate. Lengths are at the sample.",
        *_section("instrument", design.instrument, {"kind": (design.instrument.kind, _KINDS_TOLD)}),
    ]
    if not isinstance(design.instrument, NetworkInputs):
        sections += _section("window", design.window)
    topology = design.network.topology
    told = f"one of {', '.join(TOPOLOGIES)}"
    sections += _section("network", design.network, {"topology": (topology.name, told)})
    sections += _lines(topology)
    sections += _section("chip", design.chip)
    for name in _FITTED:
        if getattr(design, name) is not None:
            sections += _section(name, getattr(design, name))
    return "\n".join(sections) + "\n"


def codes_text(codes: InputCodes) -> str:
    """Return ``codes.toml``, which training writes beside the weights."""
    return "\n".join(["# Codes of the network's input; fitted to training cells.", *_lines(codes)]) + "\n"


def operating_point_text(point: OperatingPoint) -> str:
    """Return ``operating-point.toml``, which training writes beside the weights."""
    return "\n".join(["# Added to the logits; chosen on validation cells.", *_lines(point)]) + "\n"


def calibrations(folder: Path, file: str = CALIBRATION_FILE) -> list[Path]:
    """Return the folders of the calibrations of a design's folder that hold such a file, the latest last."""
    found = (folder / CALIBRATION_FOLDER).glob(f"[0-9][0-9][0-9][0-9]/{file}")
    return sorted(each.parent for each in found)


def next_calibration(design: Design) -> tuple[int, Path]:
    """Return number and folder of a design's next calibration, of whichever instrument the ones before it are.

    Raises
    ------
    InputError
        If the design exists in memory alone.
    """
    folder = design.folder
    if folder is None:
        raise InputError(f"design {design.name} exists in memory alone; `cytogate new` makes a folder")
    taken = calibrations(folder) + calibrations(folder, BACKGROUND_FILE)
    version = 1 + max((int(each.name) for each in taken), default=0)
    return version, folder / CALIBRATION_FOLDER / f"{version:04d}"


def background_text(background: KnownBackground) -> str:
    """Return ``background.toml``, which ``cytogate calibrate`` writes; reading it gives the same values, bit by bit."""
    return "\n".join(["# Measured by `cytogate calibrate`.", *_lines(background)]) + "\n"


def calibration_text(calibration: Calibration) -> str:
    """Return ``calibration.toml``, which ``cytogate calibrate`` writes."""
    return "\n".join(["# Measured by `cytogate calibrate`.", *_lines(calibration)]) + "\n"


def write_background(design: Design, folder: Path) -> None:
    """Write the background of a design, if it has one, as that of its calibration into another design's folder."""
    if design.background is not None:
        place = folder / CALIBRATION_FOLDER / f"{design.background.version:04d}"
        place.mkdir(parents=True)
        (place / BACKGROUND_FILE).write_text(background_text(design.background), encoding="utf-8")


def network_folder(design: Design) -> Path:
    """Return where the trained network of a design lies.

    Raises
    ------
    InputError
        If the design exists in memory alone.
    """
    if design.folder is None:
        raise InputError(f"design {design.name} has no folder, so no trained network")
    return design.folder / NETWORK_FOLDER


_FITTED: dict[str, type] = {
    "codes": InputCodes, "operating_point": OperatingPoint, "calibration": Calibration, "background": KnownBackground,
}  # fmt: skip
"""Sections that training and calibration fit, by their names, which are those of the design's fields."""
_KINDS_TOLD = "one of " + ", ".join(INSTRUMENTS)


def _chosen(known: dict[str, Any], given: Any, key: str, where: str) -> Any:
    if not isinstance(given, dict):
        raise InputError(f"{where} is no table; a table with keys is needed")
    if key not in given:
        raise InputError(f"{where} lacks {key}: one of {', '.join(known)}")
    name = given[key]
    if not isinstance(name, str) or name not in known:
        raise InputError(
            f"{where} {key} is {shown(name)}{did_you_mean(str(name), known)}; known are {', '.join(known)}"
        )
    return known[name]


def _section(name: str, section: Any, first: dict[str, tuple[str, str]] | None = None) -> list[str]:
    head = [_line(key, value, says) for key, (value, says) in (first or {}).items()]
    return ["", f"[{name}]", *head, *_lines(section)]


def _lines(section: Any) -> list[str]:
    return [_line(name, getattr(section, name), _comment(rule)) for name, rule in rules(type(section)).items()]


def _comment(rule: Any) -> str:
    if rule.choices:
        return f"{rule.says}: {', '.join(map(str, rule.choices))}"
    return rule.says if rule.low is None else f"{rule.says}: {rule.low:g} to {rule.high:g}"


def _line(name: str, value: Any, says: str) -> str:
    return f"{name} = {_toml(value)}".ljust(40) + f"  # {says}"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # TOML's basic strings escape as JSON's do.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)
