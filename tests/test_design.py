"""Designs as files: read back as written, every key held to its rule, one sentence for whatever else lies there."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytogate.model.command.arguments import check_own
from cytogate.model.command.dispatch import main
from cytogate.model.design.boards import BOARDS, Board
from cytogate.model.design.design import Calibration, Chip, Design, InputCodes, Network, OperatingPoint, Window, binned
from cytogate.model.design.file import toml_of
from cytogate.model.design.folder import (
    BUILTIN,
    CODES_FILE,
    DESIGN_FILE,
    NETWORK_FOLDER,
    builtin_names,
    codes_text,
    design_of,
    design_text,
    load_design,
    parse_design,
)
from cytogate.model.design.instruments import BrightField, NetworkInputs, OffAxis
from cytogate.model.design.new import KINDS, new_design
from cytogate.model.design.quantities import Rule, rules
from cytogate.model.design.topologies import (
    PUBLISHED,
    TOPOLOGIES,
    Compact,
    Contrast,
    Meng2017,
    Published,
    Saved,
    Topology,
)
from cytogate.model.errors import InputError

BRIGHT = Design(
    "bright",
    instrument=BrightField(("bright field", "dark field"), 0.5, 0.4, 12, 70, 90),
    window=Window(40, 56, 1),
    network=Network(("G1", 'named "so", é'), Compact()),
    codes=InputCodes((120, 7), (0.25, 1e-5)),
    operating_point=OperatingPoint((-0.3, 1.0)),
)
OFF_AXIS = Design(
    "holo",
    instrument=OffAxis(),
    window=Window(128, 128, 2),
    network=Network(("a", "b"), Compact()),
    calibration=Calibration(3, -0.3, 0.24, 0.1, 39.7, 1.02),
)
"""Beside the built-in ones: another instrument, with the codes and offsets that a training has fitted."""
DESIGNS = {name: load_design(name) for name in builtin_names()} | {
    "bright": BRIGHT,
    "holo": OFF_AXIS,
    "inputs": Design("inputs", instrument=NetworkInputs(), network=Network(("a", "b"), Saved())),
    **{name: Design(name, network=Network(("a", "b"), Published(name, 0.5))) for name in PUBLISHED},
    "meng": Design("meng", network=Network(("a", "b"), Meng2017())),
    "rtl": Design("rtl", chip=Chip("zcu104", 187.5, "rtl", 8, 0.25)),
}
Tables = dict[str, Any]


def tables(design: Design) -> Tables:
    """The tables of a design's file."""
    return toml_of(design_text(design).encode("utf-8"), "here")


def refusal(read: Callable[[], object]) -> str:
    """The one sentence that something ends with."""
    with pytest.raises(InputError) as refused:
        read()
    said = str(refused.value)
    assert said.isprintable(), said
    return said


def refused(given: Tables) -> str:
    """The sentence for the tables of a file, which it names."""
    said = refusal(lambda: parse_design(given, "mine", "design.toml"))
    assert "design.toml" in said or "design mine" in said, said
    return said


# What is written is what is read.


@pytest.mark.parametrize("name", DESIGNS)
def test_a_written_design_is_read_back_equal(name: str, tmp_path: Path) -> None:
    design = DESIGNS[name]
    text = design_text(design)
    assert design_of(text.encode("utf-8"), design.name, "here") == design
    assert design_text(design_of(text.encode("utf-8"), design.name, "here")) == text
    (tmp_path / name).mkdir()
    (tmp_path / name / DESIGN_FILE).write_text(text, encoding="utf-8")
    found = load_design(tmp_path / name)
    assert (found, found.folder) == (design, tmp_path / name)


def test_built_in_designs_are_their_committed_files() -> None:
    assert set(builtin_names()) == {"five48", "qatom64", "qatom128", "qatom256", "student48"}
    for name in builtin_names():
        path = BUILTIN / name / DESIGN_FILE
        # What training has fitted lies beside the weights.
        by_hand = dataclasses.replace(load_design(name), codes=None, operating_point=None)
        assert path.read_text(encoding="utf-8") == design_text(by_hand)
        assert load_design(path) == load_design(BUILTIN / name) == load_design(name)
        assert load_design(name).folder == BUILTIN / name


def test_a_written_design_says_what_each_value_may_be() -> None:
    for design in DESIGNS.values():
        for line in design_text(design).splitlines():
            assert not line or line.startswith(("[", "#")) or re.fullmatch(r"\w+ = .+ # .+", line), line


# Every field of every section.


@dataclasses.dataclass(frozen=True)
class Field:
    """One key of one section of a design."""

    design: Design
    section: str
    name: str
    rule: Rule
    kind: Any

    def refused(self, value: Any) -> str:
        """The sentence for another value, which names section and key."""
        said = refused(self.having(value))
        assert f"[{self.section}]" in said
        assert re.search(rf"\b{self.name}\b", said), said
        return said

    def having(self, value: Any) -> Tables:
        """The tables of the design, but for this value."""
        found = tables(self.design)
        found[self.section][self.name] = value
        return found

    @property
    def given(self) -> Any:
        """The value that the design has."""
        return tables(self.design)[self.section][self.name]

    @property
    def item(self) -> Any:
        """Type of a value, or of the items of a list."""
        return self.kind.__args__[0] if get_origin(self.kind) is tuple else self.kind

    def wrapped(self, value: Any) -> Any:
        """A value of an item, in a list where that is asked for: behind a good one."""
        return [*self.given[:-1], value] if get_origin(self.kind) is tuple else value


def fields_of(design: Design, section: str, record: object) -> list[Field]:
    hints = get_type_hints(type(record))
    return [Field(design, section, name, rule, hints[name]) for name, rule in rules(type(record)).items()]


def all_fields() -> dict[str, Field]:
    """Each field of each section of each kind, by a name for pytest."""
    found: list[Field] = []
    qatom = DESIGNS["qatom128"]
    for design in (qatom, BRIGHT, OFF_AXIS):
        found += fields_of(design, "instrument", design.instrument)
    topologies: list[tuple[Design, Topology]] = [(qatom, Contrast()), (BRIGHT, Compact())]
    topologies.append((DESIGNS["meng"], Meng2017()))
    topologies.append((DESIGNS["dcae"], Published("dcae")))
    for design, topology in topologies:
        found += fields_of(design, "network", topology)
    found += fields_of(qatom, "network", qatom.network)
    found += fields_of(qatom, "window", qatom.window) + fields_of(qatom, "chip", qatom.chip)
    found += fields_of(BRIGHT, "codes", BRIGHT.codes)
    found += fields_of(BRIGHT, "operating_point", BRIGHT.operating_point)
    found += fields_of(OFF_AXIS, "calibration", OFF_AXIS.calibration)
    return {f"{each.design.name} {each.section} {each.name}": each for each in found}


FIELDS = all_fields()
each_field = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)


def test_no_field_is_left_out() -> None:
    """Each key of a written design is one of those, but for the two that choose."""
    for design in (DESIGNS["qatom128"], BRIGHT, OFF_AXIS):
        for section, keys in tables(design).items():
            held = {f"{design.name} {section} {key}" for key in keys} - {
                f"{design.name} instrument kind",
                f"{design.name} network topology",
            }
            # Sections that all kinds share are tried once.
            shared = {re.sub(r"^(qatom128|bright)(?= (window|network|chip) )", design.name, name) for name in FIELDS}
            assert held <= shared, held - shared


@each_field
def test_a_missing_key_is_named(field: Field) -> None:
    given = tables(field.design)
    del given[field.section][field.name]
    if field.rule.required:
        said = refused(given)
        assert f"[{field.section}] lacks {field.name} (" in said
        assert field.rule.says in said
    else:

        def record(design: Design) -> object:
            sections = {"instrument": design.instrument, "network": design.network.topology, "chip": design.chip}
            return sections[field.section]

        defaults = {each.name: each.default for each in dataclasses.fields(record(field.design))}  # type: ignore[arg-type]
        assert getattr(record(parse_design(given, field.design.name, "here")), field.name) == defaults[field.name]


@each_field
def test_a_misspelt_key_is_told_what_it_may_be(field: Field) -> None:
    given = tables(field.design)
    given[field.section][field.name + "s"] = given[field.section].pop(field.name)
    said = refused(given)
    assert f"[{field.section}] unknown key '{field.name}s'; did you mean '{field.name}'? Allowed: " in said


WRONG_TYPES: dict[Any, list[Any]] = {
    int: [True, 2.0, "2", None, [], {}, [8]],
    float: [True, "0.5", "0,5", None, [], {}, 2**60],
    str: [True, 1, 0.5, None, [], {}, ["hls"]],
    bool: [1, 0, 0.5, "true", None, [], {}],
}
NEEDED = {
    int: "a whole number is needed",
    float: "a number is needed",
    str: "a text in quotes is needed",
    bool: "true or false is needed",
}


@each_field
def test_a_value_of_another_type_is_refused(field: Field) -> None:
    for wrong in WRONG_TYPES[field.item]:
        assert NEEDED[field.item] in field.refused(field.wrapped(wrong)), wrong
    if get_origin(field.kind) is tuple:
        assert "; a list is needed" in field.refused(field.given[0])
        assert "is empty; at least one entry is needed" in field.refused([])


@each_field
def test_a_whole_number_is_a_number_too(field: Field) -> None:
    rule = field.rule
    if field.item is not float:
        return
    assert rule.low is not None
    assert rule.high is not None
    whole = min(math.ceil(rule.low), math.floor(rule.high))
    if whole < rule.low:
        return
    found = parse_design(field.having(field.wrapped(whole)), field.design.name, "here")
    network = found.network
    sections = (getattr(found, field.section), network.topology if field.section == "network" else None)
    (value,) = (getattr(each, field.name) for each in sections if each is not None and field.name in rules(type(each)))
    assert type(value if not isinstance(value, tuple) else value[-1]) is float


@each_field
def test_the_range_ends_where_it_says(field: Field) -> None:
    rule = field.rule
    if rule.choices:
        for wrong in {int: [-1, 0, 10**6], str: ["", "none", "KV260\n"]}[field.item]:
            assert re.search(r"it must be .+ or .+", field.refused(field.wrapped(wrong)))
        return
    if field.item in (str, bool):
        return
    assert rule.low is not None
    assert rule.high is not None
    assert rule.low < rule.high
    step = 1 if field.item is int else 1e-9 * abs(rule.high)
    wrong_values: list[Any] = [rule.low - step, rule.high + step, rule.low - abs(rule.high)]
    if field.item is float:
        wrong_values += [math.nan, math.inf, -math.inf]
    for wrong in wrong_values:
        said = field.refused(field.wrapped(field.item(wrong)))
        assert f"it must be {rule.low:g} to {rule.high:g}" in said
    for record in (type(field.design.instrument), type(field.design.network.topology), Window, Network, Chip):
        if rules(record).get(field.name) is rule:
            assert rule.fault(field.name, field.item(rule.low)) is None
            assert rule.fault(field.name, field.item(rule.high)) is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("wavelength_um", 850, "850 looks like nanometres: write wavelength_um = 0.85"),
        ("wavelength_um", 633.0, "633 looks like nanometres: write wavelength_um = 0.633"),
        ("wavelength_um", 5.32e-7, "5.32e-07 looks like metres: write wavelength_um = 0.532"),
        ("pixel_pitch_x_um", 160, "160 looks like nanometres: write pixel_pitch_x_um = 0.16"),
    ],
)
def test_other_units_are_guessed(key: str, value: float, said: str) -> None:
    assert said in FIELDS[f"qatom128 instrument {key}"].refused(value)


@pytest.mark.parametrize("where", ["bright instrument channels", "qatom128 network class_names"])
@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", ""], "'' ?; names have 1 to 100 printable letters"),
        (["a", "b\nc"], r"'b\\nc'; names have 1 to 100"),
        (["a", "b\x1b[2J"], "names have 1 to 100 printable letters"),
        (["a", "b\u202e"], "names have 1 to 100 printable letters"),
        (["a", " b"], "no space at an end"),
        (["a", "n" * 101], "names have 1 to 100"),
        (["a", "b", "a"], "holds 'a' twice; names must differ"),
    ],
)
def test_names_that_are_none(where: str, names: list[str], said: str) -> None:
    assert re.search(said.replace("'' ?", "''"), FIELDS[where].refused(names))


def test_numbers_of_names() -> None:
    classes = FIELDS["qatom128 network class_names"]
    assert "class_names holds 1 classes; 2 to 256 are supported" in refused(classes.having(["a"]))
    assert "holds 257 classes" in refused(classes.having([f"c{number}" for number in range(257)]))
    parse_design(classes.having([f"{number:0100}" for number in range(256)]), "mine", "here")
    assert Design("kept", NetworkInputs(), network=Network(("share of round ones",), Saved())).network.classes == 1
    with pytest.raises(InputError, match="class_names holds 257 classes; 1 to 256"):
        Design("kept", NetworkInputs(), network=Network(tuple(f"c{number}" for number in range(257)), Saved()))
    assert "channels has 9 names; a cell has 1 to 8 frames" in FIELDS["bright instrument channels"].refused(
        list("abcdefghi")
    )


# Sections, and what sections say of each other.


@pytest.mark.parametrize("section", ["instrument", "window", "network", "chip"])
def test_a_missing_or_misspelt_section_is_named(section: str) -> None:
    given = tables(DESIGNS["qatom128"])
    table = given.pop(section)
    assert f"lacks the section [{section}]" in refused(given)
    misspelt = section[:-1] + "e"
    assert f"unknown key '{misspelt}'; did you mean '{section}'?" in refused({**given, misspelt: table})
    for wrong in (3, [table], "x"):
        assert "a table with keys is needed" in refused({**given, section: wrong})


@pytest.mark.parametrize(("section", "key"), [("instrument", "kind"), ("network", "topology")])
def test_what_is_chosen_is_one_of_a_list(section: str, key: str) -> None:
    given = tables(DESIGNS["qatom128"])
    right = given[section].pop(key)
    assert f"[{section}] lacks {key}: one of {right}" in refused(given).replace(
        "contrast, meng2017, compact", "contrast"
    )
    for wrong in ("", 3, True, ["x"], {}):
        given[section][key] = wrong
        assert "; known are " in refused(given)
    given[section][key] = right + "s"
    assert f"did you mean '{right}'?; known are " in refused(given)


def changed(name: str, **sections: Tables) -> Tables:
    """Tables of a design, some keys of which are others."""
    given = tables(DESIGNS[name])
    for section, keys in sections.items():
        given.setdefault(section, {}).update(keys)
    return given


CONTRADICTIONS: dict[str, tuple[Tables, str]] = {
    "window larger than the frame": (
        changed("qatom128", instrument={"rows": 255}),
        r"frames of 255x305 pixels hold no window of 256x256 \(128x128 pixels, binned 2x2\)",
    ),
    "window larger than the frame in one direction": (
        changed("bright", window={"columns": 91}),
        "frames of 70x90 pixels hold no window of 40x91",
    ),
    "phase of an oblong window": (changed("qatom128", window={"rows": 64}), "a window of 64x128; .* 64x64, 128x128"),
    "phase of another size": (
        changed("qatom128", window={"rows": 96, "columns": 96}),
        "a window of 96x96; phase retrieval is built for 64x64, 128x128, 256x256",
    ),
    "four samples a clock of C++": (
        changed("qatom128", chip={"samples_per_clock": 4}),
        "samples_per_clock is 4; kernel hls takes one, kernel rtl up to 8",
    ),
    "codes of frames whose phase is retrieved": (
        changed("qatom128", codes={"offset": [1], "gain": [1.0]}),
        "codes belong to a bright-field instrument",
    ),
    "codes of other channels": (
        changed("bright", codes={"offset": [1], "gain": [1.0]}),
        "codes of 1 offsets and 1 gains for 2 channels",
    ),
    "an operating point of other classes": (
        changed("bright", operating_point={"offsets": [0.0, 1.0, 2.0]}),
        "an operating point of 3 offsets for 2 classes; one a class is needed",
    ),
    "inputs from elsewhere for a topology that is built": (
        changed("inputs", network={"topology": "compact"}),
        'kind "network-inputs" goes with topology "saved"',
    ),
    "a window that is no square of the map": (
        changed("holo", window={"rows": 64}),
        r"a window of 64x128; cells are cut from a map of 256x256 pixels \(hologram_size / binning\)",
    ),
    "a sideband that the map has no room for": (
        changed("holo", window={"binning": 4}, calibration={"sideband_radius": 0.13}),
        "radius 0.13 cycles a pixel does not fit a map of 128x128 pixels; take a smaller binning than 4, or a radius "
        "of 0.123 at most",
    ),
    "a sideband that reaches the zero order": (
        changed("holo", calibration={"carrier_x": 0.01, "carrier_y": 0.19}),
        "the disk reaches the zero order unless it is below half of that",
    ),
    "padding beyond half": (
        changed("holo", instrument={"rows": 255}),
        "hologram_size is 512 for holograms of 255x512 pixels; padding must not exceed half of it",
    ),
    "a calibration of another kind": (
        changed("bright", calibration=tables(OFF_AXIS)["calibration"]),
        "a calibration belongs to an off-axis instrument",
    ),
    "codes of holograms": (
        changed("holo", codes={"offset": [1], "gain": [1.0]}),
        "codes belong to a bright-field instrument",
    ),
    "an optical constant of another kind": (
        changed("bright", instrument={"wavelength_um": 0.85}),
        r"\[instrument\] unknown key 'wavelength_um'. Allowed: channels",
    ),
    "a size of another topology": (
        changed("bright", network={"first_kernel": 4}),
        r"\[network\] unknown key 'first_kernel'.*Allowed: topology, class_names, filters, kernel",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_sections_that_contradict_each_other(case: str) -> None:
    given, said = CONTRADICTIONS[case]
    assert re.search(said, refused(given)), refused(given)


def test_a_chip_on_another_board() -> None:
    """At that board's clock, and still of a kernel that takes so many samples."""
    own = Chip("kv260", 125.0, "rtl", 4)
    assert own.on_board(None) == own == own.on_board("kv260")
    assert own.on_board("pynq-z2") == Chip("pynq-z2", BOARDS["pynq-z2"].clock_mhz, "rtl", 4)
    assert own.on_board(None, "hls", 1).kernel == "hls"
    with pytest.raises(InputError, match="samples_per_clock is 4; kernel hls takes one"):
        own.on_board(None, "hls")


def test_binned_frames_see_the_same_field() -> None:
    for name in (*builtin_names(), "bright"):
        design = DESIGNS[name]
        arriving = binned(design)
        assert (arriving.camera.rows, arriving.camera.columns) == (design.window.rows, design.window.columns)
        assert arriving.pixel_um == pytest.approx(design.pixel_um)
        assert (arriving.crop, arriving.name) == ((0, 0), f"{name}-binned")


def test_a_design_of_another_kind_says_what_is_needed() -> None:
    assert refusal(lambda: BRIGHT.four_angle).endswith('is of kind "bright-field"; this needs one of kind "four-angle"')
    assert "has no instrument" in refusal(lambda: DESIGNS["inputs"].camera)


# Files that are none.


TEXT = design_text(DESIGNS["qatom128"])


def content(value: bytes, folder: Path) -> Design:
    """The design of a folder whose file has this content."""
    (folder / DESIGN_FILE).write_bytes(value)
    return load_design(folder)


@pytest.mark.parametrize(
    "saved",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode("utf-8"),
        TEXT.replace("vacuum", "Vakuum-Länge").encode(),
    ],
    ids=["byte order mark", "Windows lines", "comment in another language"],
)
def test_files_of_other_editors_are_read(saved: bytes, tmp_path: Path) -> None:
    assert dataclasses.replace(content(saved, tmp_path), name="qatom128") == DESIGNS["qatom128"]


NO_DESIGNS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", r"lacks the section \[instrument\]"),
    "UTF-16": (TEXT.encode("utf-16"), "is saved as UTF-16; save it as UTF-8"),
    "UTF-16 the other way": (b"\xfe\xff" + TEXT.encode("utf-16-be"), "is saved as UTF-16; save it as UTF-8"),
    "Latin-1": (TEXT.replace("vacuum", "Länge").encode("latin-1"), "line 5 is not UTF-8; save the file as UTF-8"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "is saved as UTF-16; save it as UTF-8"),
    "the other way without a mark": (TEXT.encode("utf-16-be"), "is saved as UTF-16; save it as UTF-8"),
    "decimal comma": (
        TEXT.replace("= 1.064", "= 1,064").encode(),
        r"cannot be read as TOML: line 5 has a decimal comma; write 1\.064 for 1,064$",
    ),
    "no equals sign": (TEXT.replace("na = 0.55", "na 0.55").encode(), r"cannot be read as TOML: .*line 6"),
    "a key twice": (TEXT.replace("na = 0.55 ", "na = 0.55\nna = 0.5").encode(), "cannot be read as TOML"),
    "a section twice": (TEXT.encode() + b"[window]\n", "cannot be read as TOML"),
    "nested 500 deep": (b"a = " + b"[" * 500 + b"]" * 500, "unknown key 'a'|nested too deeply"),
    "nested 100,000 deep": (b"a = " + b"[" * 100_000 + b"]" * 100_000, "cannot be read as TOML: nested too deeply"),
    "two megabytes": (b"# nothing\n" * 200_000, "has more than 1048576 bytes"),
    "binary": (bytes(range(256)) * 4, "cannot be read as TOML|is not UTF-8"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(512), "line 1 is not UTF-8"),
    "a number of 5,000 digits": (b"a = " + b"9" * 5_000, "cannot be read as TOML"),
    "a key of 5,000 letters": (b"k" * 5_000 + b" = 1", "unknown key 'kkkk"),
    "a date": (TEXT.replace("na = 0.55", "na = 2026-11-27").encode(), r"\[instrument\] na is .*; a number is needed"),
}


@pytest.mark.parametrize("case", NO_DESIGNS)
def test_files_that_are_no_design_are_one_sentence(case: str, tmp_path: Path) -> None:
    saved, pattern = NO_DESIGNS[case]
    said = refusal(lambda: content(saved, tmp_path))
    assert said.startswith(str(tmp_path / DESIGN_FILE))
    assert re.search(pattern, said), said
    assert len(said) < 600


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / DESIGN_FILE)
    assert refusal(lambda: load_design(tmp_path)) == f"{tmp_path / DESIGN_FILE}: is a pipe or a device, not a file"


def outcome(read: Callable[[], Design]) -> Design | str:
    """A design or the sentence that refuses it; any other end is an error."""
    try:
        return read()
    except InputError as error:
        said = str(error)
        assert said.isprintable(), said
        return said


@given(st.binary(max_size=200))
def test_any_bytes_are_a_design_or_one_sentence(value: bytes) -> None:
    assert isinstance(outcome(lambda: design_of(value, "mine", "design.toml")), str)


@given(st.integers(0, len(TEXT) - 1), st.binary(min_size=1, max_size=3), st.integers(0, 20))
def test_any_damage_is_a_design_or_one_sentence(at: int, by: bytes, gone: int) -> None:
    saved = TEXT.encode()
    outcome(lambda: design_of(saved[:at] + by + saved[at + gone :], "mine", "design.toml"))


leaves = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner)),
    max_leaves=8,
)
keys = st.one_of(st.sampled_from(sorted({each.name for each in FIELDS.values()} | {"kind", "topology"})), st.text())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(DESIGNS)),
    st.lists(
        st.tuples(st.sampled_from(["instrument", "window", "network", "chip", "codes"]), keys, values), max_size=3
    ),
)
def test_any_tables_are_a_design_or_one_sentence(name: str, changes: list[tuple[str, str, Any]]) -> None:
    """What is accepted is read back as written, whatever was put into a good design."""
    given = tables(DESIGNS[name])
    for section, key, value in changes:
        given.setdefault(section, {})[key] = value
    found = outcome(lambda: parse_design(given, "mine", "design.toml"))
    if isinstance(found, Design):
        assert design_of(design_text(found).encode("utf-8"), "mine", "here") == found


@given(st.dictionaries(st.text(max_size=12), values, max_size=4))
def test_any_other_tables_are_one_sentence(given: Tables) -> None:
    assert isinstance(outcome(lambda: parse_design(given, "mine", "design.toml")), str)


# Where a design is found.


def saved(design: Design, folder: Path) -> Path:
    """Write a design into a new folder and return it."""
    folder.mkdir(parents=True)
    (folder / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    return folder


def test_a_design_by_name_by_folder_and_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = dataclasses.replace(DESIGNS["rtl"], name="mine")
    saved(mine, Path("mine"))
    (tmp_path / "other.toml").write_text(design_text(mine), encoding="utf-8")
    for name in ("mine", "./mine", "mine/", "mine/design.toml", Path("mine"), tmp_path / "mine"):
        found = load_design(name)
        assert (found, found.name, found.folder) == (mine, "mine", tmp_path / "mine")
    assert load_design("other.toml") == dataclasses.replace(mine, name="other")
    monkeypatch.chdir("mine")
    assert load_design(".") == load_design("design.toml") == mine


def test_a_design_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal(lambda: load_design("qatom12"))
    assert said.startswith("there is no design named qatom12; did you mean 'qatom128'?; built-in are five48, qatom")
    assert "`cytogate new` makes a folder" in said
    for name in ("", "mine/design.toml", "n" * 300, "no\0name", "two\nlines"):
        refusal(lambda name=name: load_design(name))
    Path("empty").mkdir()
    assert refusal(lambda: load_design("empty")) == "empty: holds no design.toml; `cytogate new` writes one"
    Path("folder/design.toml").mkdir(parents=True)
    assert "cannot be read: Is a directory" in refusal(lambda: load_design("folder"))
    Path("dangling.toml").symlink_to("nowhere")
    assert "there is no design named dangling.toml" in refusal(lambda: load_design("dangling.toml"))


def test_a_folder_named_like_a_built_in_design_must_be_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = dataclasses.replace(DESIGNS["qatom64"], name="qatom128", folder=None)
    saved(mine, Path("qatom128"))
    assert refusal(lambda: load_design("qatom128")) == (
        "qatom128 is a built-in design and a folder here; write ./qatom128 for the folder"
    )
    assert load_design("./qatom128") == mine
    # A folder of that name that is no design, such as one of outputs, is in nobody's way.
    Path("qatom64").mkdir()
    assert load_design("qatom64") == DESIGNS["qatom64"]


def test_a_folder_that_cannot_name_a_design(tmp_path: Path) -> None:
    for name in ("my design", "-x", "ä", "n" * 101):
        folder = saved(DESIGNS["rtl"], tmp_path / name)
        assert "a design cannot be named" in refusal(lambda folder=folder: load_design(folder))


def test_fitted_codes_lie_beside_the_network(tmp_path: Path) -> None:
    bare = dataclasses.replace(BRIGHT, codes=None)
    folder = saved(bare, tmp_path / "bright")
    assert load_design(folder).codes is None
    (folder / NETWORK_FOLDER).mkdir()
    path = folder / NETWORK_FOLDER / CODES_FILE
    assert BRIGHT.codes is not None
    path.write_text(codes_text(BRIGHT.codes), encoding="utf-8")
    assert load_design(folder) == BRIGHT
    path.write_text("offset = [1, 2]\ngain = [1.0]\n", encoding="utf-8")
    assert str(path) in refusal(lambda: load_design(folder))
    path.write_text("offset = [1, 2]\n", encoding="utf-8")
    assert f"{path}: lacks gain" in refusal(lambda: load_design(folder))


# Beginning one.


def new(*arguments: object) -> object:
    """Run the verb and return its exit code."""
    return main(["new", *map(str, arguments)])


def test_a_new_design_has_what_was_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames of another size bring the window along: all of a bright field, what phase retrieval is built for."""
    frame = ("--rows", 66, "--columns", 600, "--adc-bits", 10, "--pitch-um", 0.25, "--classes", "G1,S,G2")
    assert new(tmp_path / "bright", "--kind", "bright-field", "--channels", "bright,dark,red", *frame) == 0
    bright = load_design(tmp_path / "bright")
    assert bright.instrument == BrightField(("bright", "dark", "red"), 0.25, 0.25, 10, 66, 600)
    assert bright.window == Window(66, 512, 1)
    assert bright.network.class_names == ("G1", "S", "G2")
    assert new(tmp_path / "four", "--rows", 128, "--columns", 160, "--adc-bits", 12) == 0
    four = load_design(tmp_path / "four")
    assert (four.camera.rows, four.camera.columns, four.camera.adc_bits) == (128, 160, 12)
    assert four.window == Window(128, 128, 1)
    assert new(tmp_path / "large", "--rows", 400, "--columns", 300) == 0
    assert load_design(tmp_path / "large").window == Window(128, 128, 2)
    capsys.readouterr()
    for words, told in (
        (("--channels", "a,b"), "kind 'four-angle' has no choice of channels"),
        (("--rows", 28, "--columns", 28), "frames of 28x28 pixels hold no window of 256x256"),
        (("--adc-bits", 7), "adc_bits"),
        (("--kind", "bright-field", "--channels", "a,a"), "channels holds 'a' twice"),
    ):
        assert new(tmp_path / "none", *words) == 2
        assert told in capsys.readouterr().err
        assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_design_of_each_kind(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new(tmp_path / "mine", "--kind", kind) == 0
    assert f"written: {tmp_path / 'mine' / DESIGN_FILE}" in capsys.readouterr().out
    found = load_design(tmp_path / "mine")
    assert (found.instrument.kind, found.name, found.codes) == (kind, "mine", None)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [DESIGN_FILE]


@pytest.mark.parametrize("like", [*builtin_names(), "folder"])
def test_a_new_design_like_another(like: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its choices, and neither its network nor what was fitted to its cells."""
    monkeypatch.chdir(tmp_path)
    saved(BRIGHT, Path("folder"))
    assert new("deep/mine", "--like", like) == 0
    other = load_design(like)
    assert load_design("deep/mine") == dataclasses.replace(other, name="mine", codes=None, operating_point=None)
    assert [path.name for path in Path("deep/mine").iterdir()] == [DESIGN_FILE]


def test_a_design_of_an_adopted_network_is_begun_like_another(tmp_path: Path) -> None:
    saved(DESIGNS["inputs"], tmp_path / "inputs")
    new_design(tmp_path / "mine", str(tmp_path / "inputs"), KINDS[0])
    assert load_design(tmp_path / "mine").network == DESIGNS["inputs"].network


def test_what_lies_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cells.h5").write_bytes(b"cells")
    assert new(tmp_path / "mine") == 0
    written = (tmp_path / "mine" / DESIGN_FILE).read_bytes()
    assert new(tmp_path / "mine", "--like", "qatom64") == 2
    assert capsys.readouterr().err.endswith("design.toml: is there already; edit it, or name another folder\n")
    assert (tmp_path / "mine" / DESIGN_FILE).read_bytes() == written
    assert (tmp_path / "mine" / "cells.h5").read_bytes() == b"cells"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two words"], "'two words' cannot name a design"),
        (["-x-"], "the following arguments are required: FOLDER"),
        (["mine", "--like", "qatom12"], "there is no design named qatom12; did you mean 'qatom128'?"),
        (["mine", "--kind", "dark-field"], "invalid choice: 'dark-field'"),
        (["mine", "--kind", "bright-field", "--like", "qatom64"], "not allowed with argument"),
        (["file/mine"], "cannot be written: "),
        (["file"], "cannot be written: "),
    ],
)
def test_a_new_design_that_cannot_be(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"mine")
    assert new(*arguments) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
def test_a_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for a user who is not the superuser, to whom modes say nothing."""
    kept = Path.mkdir

    def refuse(path: Path, *arguments: Any, **others: Any) -> None:
        if path.name == "mine":
            raise PermissionError(13, "Permission denied", str(path))
        kept(path, *arguments, **others)

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert new(tmp_path / "mine") == 2
    assert capsys.readouterr().err.endswith("mine/design.toml: cannot be written: Permission denied\n")
    assert not list(tmp_path.iterdir())


def test_a_link_to_another_design_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """What is trained there is not the other's."""
    other = saved(DESIGNS["qatom64"], tmp_path / "other")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / DESIGN_FILE).symlink_to(other / DESIGN_FILE)
    for way in (tmp_path / "mine", tmp_path / "mine" / DESIGN_FILE):
        assert (load_design(way).folder, load_design(way).name) == (tmp_path / "mine", "mine")
    (tmp_path / "linked").symlink_to(tmp_path / "mine")
    assert load_design(tmp_path / "linked").folder == tmp_path / "mine"


def test_two_designs_have_no_network_in_common(tmp_path: Path) -> None:
    mine = saved(DESIGNS["qatom64"], tmp_path / "mine")
    for variant in (mine / "variant.toml", tmp_path / "alone.toml"):
        variant.write_text(design_text(DESIGNS["qatom64"]), encoding="utf-8")
    assert refusal(lambda: load_design(mine / "variant.toml")) == (
        f"{mine / 'variant.toml'}: lies in the folder of another design, {mine / DESIGN_FILE}, whose network would be "
        "taken for its own; give it a folder of its own"
    )
    assert "move it to alone/design.toml and name that folder" in refusal(
        lambda: check_own(load_design(tmp_path / "alone.toml"))
    )
    check_own(load_design(mine))


@pytest.mark.parametrize("verb", [["train", "--input"], ["calibrate", "--input"], ["adopt"]])
@pytest.mark.parametrize("way", ["name", "folder", "file", "link"])
def test_a_built_in_design_is_left_as_it_is(
    way: str, verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whichever name it is called."""
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to(BUILTIN / "qatom64")
    given = {"name": "qatom64", "folder": str(BUILTIN / "qatom64"), "file": str(BUILTIN / "qatom64" / DESIGN_FILE)}
    assert main([*verb, "absent", "--design", given.get(way, way)]) == 2
    assert "qatom64 comes with Cytogate and is left as it is; `cytogate new" in capsys.readouterr().err


def test_topologies_are_those_that_a_file_may_name() -> None:
    for name in TOPOLOGIES:
        given = tables(DESIGNS["inputs"] if name == Saved.name else DESIGNS["qatom128"])
        given["network"] = {"topology": name, "class_names": ["a", "b"]}
        assert parse_design(given, "mine", "here").network.topology.name == name


@pytest.mark.parametrize(
    ("board", "clock_mhz", "made"),
    [("zcu104", 200.0, "187.5 or 214.286"), ("kv260", 187.5, "166.667 or 200"), ("pynq-z2", 999.0, "500 or 1000")],
)
def test_a_clock_that_the_board_does_not_make_is_refused(board: str, clock_mhz: float, made: str) -> None:
    with pytest.raises(InputError, match=rf"^clock_mhz is {clock_mhz:g}; the 1\d00 MHz .* divide to {made}$"):
        Chip(board, clock_mhz)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_board_makes_its_own_clock(board: Board) -> None:
    assert board.makes(board.clock_mhz)
    assert board.clock_near(board.clock_mhz) == pytest.approx(board.clock_mhz)
