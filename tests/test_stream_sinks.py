"""Sinks: what is written is read back by public readers, whole, and a run goes on where it stopped."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import BinaryIO

import flowio
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import tifffile
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.host.sinks import events as events_module
from cytogate.host.sinks import fcs as fcs_module
from cytogate.host.sinks.events import CSV, PARQUET, EventFolder, parts, read_events, read_written, recorded_run
from cytogate.host.sinks.fcs import fcs_total, write_fcs
from cytogate.host.sinks.gate_log import GateLog, described, last_gates
from cytogate.host.sinks.images import ImageFolder
from cytogate.host.sinks.parquet_parts import MEANING_KEY, RUN_KEY
from cytogate.host.sinks.rows import NONE, EventColumns, EventFormat
from cytogate.host.stream.cells import WHOLE_FILE, Arrival, Event, Flag, SourceCell
from cytogate.host.stream.gating import Decision, Gates, LiveGates, Verdict
from cytogate.host.stream.neighbors import Moment
from cytogate.host.stream.run_folder import run_folder
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import features_of
from cytogate.model.files.frames import open_frames
from tests.streams import CLASSES, LOGIT_STEP, small_frames

ROWS = EventFormat("a1b2", CLASSES, LOGIT_STEP)


@pytest.fixture(params=[PARQUET, CSV])
def suffix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Kind of the parts; CSV where pyarrow is not installed."""
    if request.param == CSV:
        monkeypatch.setattr(events_module, "find_spec", lambda name: None)
    return str(request.param)


def event(
    index: int,
    origin: str = "list",
    lost: bool = False,
    codes: Sequence[int] = (3, -70, 1999),
    features: Mapping[str, float] | None = None,
) -> Event:
    cell = SourceCell(origin, index, small_frames(1, seed=index)[0], label=index % 3)
    arrived_ns = 10**15 + 1000 * index
    arrival = Arrival(index, cell, Moment(arrived_ns))
    logits = None if lost else np.array(codes, np.int64) + index % 100
    result = Result(index, logits, arrived_ns + 100, arrived_ns + 900, "stalled" if lost else None)
    verdict = (
        Verdict(Decision.LOST, None, None) if lost else Verdict(list(Decision)[index % 6], index % 3, 1 / (index + 1))
    )
    flags = Flag.LOST if lost else Flag.SATURATED
    return Event(arrival, result, verdict, flags, arrived_ns + 950, features=features or {})


def written(folder: Path, count: int, flush_every: int = 7) -> list[Event]:
    sink = EventFolder(folder, ROWS)
    made = [event(index, lost=index % 5 == 4) for index in range(count)]
    for each in made:
        sink.write(each)
        if each.arrival.index % flush_every == flush_every - 1:
            sink.flush()
    sink.flush()
    return made


def test_parquet_is_read_back_by_public_readers(tmp_path: Path) -> None:
    made = written(tmp_path, 40)
    assert len(parts(tmp_path)) == 6
    table = ds.dataset(tmp_path, format="parquet").to_table().sort_by("index")
    assert table.schema.metadata[RUN_KEY] == b"a1b2"
    meaning = json.loads(table.schema.metadata[MEANING_KEY])
    assert meaning["class_names"] == list(CLASSES)
    assert meaning["flags"]["SATURATED"] == 4
    rows = table.to_pylist()
    frame = pd.read_parquet(tmp_path).sort_values("index")
    assert len(rows) == len(frame) == 40
    compared = 0
    for each, row, (_, other) in zip(made, rows, frame.iterrows(), strict=True):
        lost = each.logits is None
        expected = {
            "index": each.arrival.index,
            "origin": "list",
            "position": each.arrival.cell.position,
            "logits": None if each.logits is None else each.logits.tolist(),
            "class": None if lost else CLASSES[each.arrival.index % 3],
            "score": each.verdict.score,
            "decision": str(each.decision),
            "latency_ns": None if lost else 950,
            "queue_ns": 100,
            "transfer_ns": 800,
            "flags": int(each.flags),
            "label": CLASSES[each.arrival.index % 3],
            "reason": "stalled" if lost else None,
        }
        assert {key: row[key] for key in expected} == expected
        assert other["index"] == each.arrival.index
        assert other["decision"] == str(each.decision)
        compared += len(expected)
    assert compared == 40 * 13
    gaps = frame["time"].diff().dropna().unique()
    assert gaps.tolist() == [pd.Timedelta(1000, "ns")]


def test_csv_is_read_back_by_public_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column as Parquet has it; a logit in a column of its own."""
    features = features_of(FourAngle.channels, phase=True)
    form = EventFormat("a1b2", ("a,b", 'quo"ted', "new\nline"), LOGIT_STEP, {"source": "f\u00fc"}, features)
    made = [event(index, 'a, #2 "b"\n', index % 5 == 4, features={"area": index / 3}) for index in range(40)]

    def sink(folder: Path) -> None:
        events = EventFolder(folder, form)
        events._epoch_ns = 12345
        for each in made:
            events.write(each)
        events.flush()

    sink(tmp_path / "parquet")
    monkeypatch.setattr(events_module, "find_spec", lambda name: None)
    sink(tmp_path / "csv")
    (path,) = parts(tmp_path / "csv")
    head = json.loads(path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "))
    assert (head["run"], head["request"], head["rows_before"]) == ("a1b2", {"source": "f\u00fc"}, 0)
    assert head["features"]["dry_mass"]["unit"] == "pg"
    frame = pd.read_csv(path, comment="#", float_precision="round_trip")
    due = ds.dataset(tmp_path / "parquet", format="parquet").to_table().to_pandas()
    for place, name in enumerate(form.class_names):
        due[f"logit {name}"] = [np.nan if each is None else each[place] for each in due["logits"]]
    due["time"] = due["time"].astype("int64")
    frame["time"] = pd.to_datetime(frame["time"]).astype("int64")
    assert set(frame) == set(due) - {"logits"}
    for name in frame:
        assert [None if pd.isna(each) else each for each in frame[name]] == [
            None if pd.isna(each) else each for each in due[name]
        ], name
    first, again = (next(read_events(parts(tmp_path / kind))) for kind in ("parquet", "csv"))
    for column in fields(first):
        one, other = getattr(first, column.name), getattr(again, column.name)
        if column.name == "features":
            assert {name: values.tolist() for name, values in one.items()} == {
                name: values.tolist() for name, values in other.items()
            }
        else:
            assert np.array_equal(np.asarray(one), np.asarray(other)), column.name


def test_a_run_goes_on_in_the_kind_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(events_module, "find_spec", lambda name: None)
        written(tmp_path / "csv", 3)
        assert "pyarrow is not installed" in str(EventFolder(tmp_path / "csv", ROWS).told)
    assert "as the run began" in str(EventFolder(tmp_path / "csv", ROWS).told)
    written(tmp_path / "parquet", 3)
    assert EventFolder(tmp_path / "parquet", ROWS).told is None
    monkeypatch.setitem(events_module.KINDS, PARQUET, "no_such_module_is_installed")
    with pytest.raises(InputError, match="need pyarrow, which is not installed; give another folder"):
        read_written(tmp_path / "parquet", "a1b2")


def test_a_part_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = EventFolder(tmp_path, ROWS)
    sink.write(event(0))
    sink.flush()
    sink.write(event(1))

    def broken(table: object, where: BinaryIO, **options: object) -> None:
        where.write(b"PAR1 half")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", broken)
        with pytest.raises(InputError, match="no space left"):
            sink.flush()
    assert [path.name for path in tmp_path.iterdir()] == ["part-000000000000.parquet"]
    # Nothing of it is forgotten.
    sink.flush()
    assert read_written(tmp_path, "a1b2").rows == 2


def test_many_rows_are_not_kept_in_memory(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "ROWS_A_PART", 10)
    sink = EventFolder(tmp_path, ROWS)
    for index in range(35):
        sink.write(event(index))
    assert [path.name for path in parts(tmp_path)] == [f"part-{index:012d}{suffix}" for index in (0, 10, 20)]


def test_what_is_written_is_known_again(suffix: str, tmp_path: Path) -> None:
    sink = EventFolder(tmp_path, ROWS)
    for index, (origin, position) in enumerate([("a", 0), ("a", 1), ("bad", WHOLE_FILE), ("b", 0), ("a", 7)]):
        made = event(index)
        cell = SourceCell(origin, position, None)
        sink.write(Event(Arrival(index + 100, cell, Moment(0)), None, made.verdict, made.flags, 1))
    sink.flush()
    found = read_written(tmp_path, "a1b2")
    assert (found.rows, found.next_index, found.told) == (5, 105, ())
    assert {origin: each.position for origin, each in found.progress.items()} == {"a": 8, "bad": 0, "b": 1}
    assert [path.suffix for path in tmp_path.iterdir()] == [suffix]
    assert read_written(tmp_path / "nothing", "a1b2").next_index == 0


def test_parts_of_another_run_are_refused(suffix: str, tmp_path: Path) -> None:
    written(tmp_path, 3)
    with pytest.raises(InputError, match="this part is of another run"):
        read_written(tmp_path, "ffff")


def flipped(content: bytes, name: str) -> bytes:
    """Damage the last byte of a column, which the file's end says nothing of."""
    if content.startswith(b"#"):
        place = len(content) - 20
        return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    group = pq.read_metadata(pa.BufferReader(content)).row_group(0)
    (column,) = (each for each in map(group.column, range(group.num_columns)) if each.path_in_schema == name)
    begin = column.dictionary_page_offset or column.data_page_offset
    place = begin + column.total_compressed_size - 1
    return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "latency": lambda content: flipped(content, "latency_ns"),
    "missing": lambda content: None,
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("which", range(6))
def test_a_damaged_part_costs_that_part_and_is_told(how: str, which: int, suffix: str, tmp_path: Path) -> None:
    """Wherever it is: the others stay, the reading of events meets no damage, and what is lost is counted."""
    written(tmp_path, 40)
    part = parts(tmp_path)[which]
    damaged = DAMAGES[how](part.read_bytes())
    part.unlink() if damaged is None else part.write_bytes(damaged)
    rows = 5 if which == 5 else 7
    for _ in range(2):
        found = read_written(tmp_path, "a1b2")
        assert (found.rows, sum(len(each.index) for each in read_events(parts(tmp_path)))) == (40 - rows, 40 - rows)
        # What is lost at the end is streamed once more, and stands then where it stood.
        assert (found.next_index, found.rows_before) == ((35, 35) if which == 5 else (40, 40))
        assert found.progress["list"].position == found.next_index
        said = [f"{rows} events of this run are lost before"] if which < 5 else []
        if damaged is not None:
            said = [f"damaged, and set aside as _damaged-{part.name}", *said]
            damaged = None
        assert len(found.told) == len(said)
        assert all(each in told for each, told in zip(said, found.told, strict=True))


@pytest.mark.parametrize(
    "error", [OSError(24, "Too many open files"), PermissionError(13, "Permission denied"), MemoryError()], ids=repr
)
def test_a_part_that_the_system_does_not_give_is_left_where_it_is(
    error: Exception, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, 14)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def refusing(path: Path) -> None:
        raise error

    with monkeypatch.context() as context:
        context.setattr(events_module._kind(suffix), "read", refusing)
        for reading in (lambda: read_written(tmp_path, "a1b2"), lambda: recorded_run(tmp_path)):
            with pytest.raises((InputError, MemoryError)) as refused:
                reading()
            if isinstance(error, OSError):
                assert str(refused.value).endswith(f"cannot be read: {error.strerror}")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert read_written(tmp_path, "a1b2").rows == 14


def test_a_part_holds_all_events_of_an_arrival(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever it is written, and wherever it ends: what lacks its last event is left to the run that goes on."""
    monkeypatch.setattr(events_module, "ROWS_A_PART", 4)
    sink = EventFolder(tmp_path, ROWS)
    cells, stored = [1, 3, 2, 6, 1, 2], []
    for index, count in enumerate(cells):
        for number in range(count):
            sink.write(replace(event(index), is_last=number == count - 1))
            if number % 2:
                sink.flush()
            stored = [each for columns in read_events(parts(tmp_path)) for each in columns.index.tolist()]
            assert all(stored.count(each) == cells[each] for each in set(stored))
    sink.write(replace(event(len(cells)), is_last=False))
    sink.flush()
    assert [each for columns in read_events(parts(tmp_path)) for each in columns.index.tolist()] == [
        index for index, count in enumerate(cells) for _ in range(count)
    ]
    assert read_written(tmp_path, "a1b2").next_index == len(cells)


def expected_columns(made: Sequence[Event]) -> NDArray[np.float64]:
    rows = []
    for each in made:
        codes = np.zeros(3) if each.logits is None else each.logits * LOGIT_STEP
        chosen = each.verdict.class_index
        label = each.arrival.cell.label
        rows.append(
            [
                each.arrival.arrived_ns - made[0].arrival.arrived_ns,
                each.arrival.index,
                *codes,
                NONE if chosen is None else chosen,
                each.verdict.score or 0,
                list(Decision).index(each.decision),
                0 if chosen is None else each.decided_ns - each.arrival.arrived_ns,
                int(each.flags),
                NONE if label is None else label,
            ]
        )
    return np.array(rows, np.float64)


def test_fcs_is_read_back_by_flowio(suffix: str, tmp_path: Path) -> None:
    made = written(tmp_path / "events", 40)
    assert {part.suffix for part in parts(tmp_path / "events")} == {suffix}
    path = tmp_path / "events.fcs"
    assert write_fcs(path, tmp_path / "events", ROWS) == 40
    data = flowio.FlowData(path)
    assert data.version == "3.1"
    assert data.event_count == 40
    logits = ["Logit_0_MCF7", "Logit_1_OAC", "Logit_2_THP1"]
    names = ["Time", "Index", *logits, "Class", "Score", "Decision", "Latency", "Flags", "Label"]
    assert data.pnn_labels == names
    assert data.text["cytogate decisions"].startswith("0 sort; 1 unwanted; 2 rejected;")
    assert data.text["cytogate classes"] == "0 MCF7; 1 OAC; 2 THP1"
    expected = expected_columns(made)
    found = np.array(data.events).reshape(40, -1)
    np.testing.assert_array_equal(found, expected)
    assert found.size == 440
    assert data.text["timestep"] == "1e-09"
    assert data.text["cytogate run"] == "a1b2"
    assert all(float(most) > high for most, high in zip(data.pnr_values, expected.max(axis=0), strict=True))


def test_fcs_says_in_words_what_every_parameter_is(tmp_path: Path) -> None:
    written(tmp_path / "events", 3)
    write_fcs(tmp_path / "events.fcs", tmp_path / "events", ROWS)
    data = flowio.FlowData(tmp_path / "events.fcs")
    said = dict(zip(data.pnn_labels, data.pns_labels, strict=True))
    assert all(said.values())
    assert said["Class"] == said["Label"].replace("Label", "Class") == "Class: 0 MCF7; 1 OAC; 2 THP1; -1 none"
    assert said["Logit_1_OAC"] == "Logit of class OAC"
    assert said["Latency"] == "Arrival to decision (ns)"
    assert "4 SATURATED" in said["Flags"]


def test_features_are_columns_where_an_event_carries_them(tmp_path: Path) -> None:
    """In Parquet with units, null where there is none; in FCS as parameters with long names, 0 where there is none."""
    features = features_of(FourAngle.channels, phase=True)
    rows = EventFormat("a1b2", CLASSES, LOGIT_STEP, features=features)
    sink = EventFolder(tmp_path / "events", rows)
    carried = {feature.name: 1.5 * number for number, feature in enumerate(features)}
    for index, values in enumerate([carried, {}, {"area": 2.5, "dry_mass": float("nan")}]):
        sink.write(event(index, features=values))
    sink.flush()
    table = pq.read_table(parts(tmp_path / "events")[0])
    nothing = dict.fromkeys(carried)
    expected = [carried, nothing, nothing | {"area": 2.5}]
    assert table.select(list(carried)).to_pylist() == expected
    field = table.schema.field("dry_mass")
    assert field.metadata[b"unit"] == b"pg"
    assert field.metadata[b"long_name"].startswith(b"Dry mass of the cell")
    write_fcs(tmp_path / "events.fcs", tmp_path / "events", rows)
    data = flowio.FlowData(tmp_path / "events.fcs")
    assert data.pnn_labels[-len(features) :] == [feature.short_name for feature in features]
    assert data.pns_labels[-len(features) :] == [feature.long_name for feature in features]
    found = np.array(data.events).reshape(3, -1)[:, -len(features) :]
    np.testing.assert_array_equal(found, [[row[name] or 0 for name in carried] for row in expected])


def test_fcs_segments_lie_where_the_header_says(tmp_path: Path) -> None:
    written(tmp_path / "events", 10)
    path = tmp_path / "events.fcs"
    write_fcs(path, tmp_path / "events", ROWS)
    content = path.read_bytes()
    assert content[:10] == b"FCS3.1    "
    text_begin, text_end, data_begin, data_end, *analysis = (int(content[at : at + 8]) for at in range(10, 58, 8))
    assert analysis == [0, 0]
    assert (content[text_begin : text_begin + 1], content[text_end : text_end + 1]) == (b"|", b"|")
    assert data_begin == text_end + 1
    assert data_end - data_begin + 1 == 10 * 11 * 8
    assert content[data_end + 1 :] == b"00000000"


@pytest.mark.parametrize("fault", ["a part comes", "a part is shorter"])
def test_fcs_is_of_the_parts_that_were_there_as_it_began(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process adds a part between the two readings, or one has lost rows."""
    folder, path, passes = tmp_path / "events", tmp_path / "events.fcs", list[int]()
    written(folder, 10)

    def reading(*given: list[Path]) -> Iterator[EventColumns]:
        passes.append(0)
        read = list(read_events(*given))
        if fault == "a part comes" and len(passes) == 1:
            sink = EventFolder(folder, ROWS, 10)
            sink.write(event(10))
            sink.flush()
        yield from read[: None if fault == "a part comes" or len(passes) == 1 else -1]

    monkeypatch.setattr(fcs_module, "read_events", reading)
    if fault == "a part comes":
        assert write_fcs(path, folder, ROWS) == fcs_total(path) == flowio.FlowData(path).event_count == 10
        assert len(parts(folder)) == 3
    else:
        with pytest.raises(InputError, match=r"10 events became 7 while events.fcs was written"):
            write_fcs(path, folder, ROWS)
        assert not path.exists()
    assert len(passes) == 2


def test_no_total_is_read_from_what_is_no_fcs(tmp_path: Path) -> None:
    path = tmp_path / "events.fcs"
    written(tmp_path / "events", 3)
    write_fcs(path, tmp_path / "events", ROWS)
    content = path.read_bytes()
    assert fcs_total(path) == 3
    for damaged in (b"", b"FCS3.1", content[:300], content.replace(b"$TOT", b"$TOO"), bytes(500), b"\xff" * 500):
        path.write_bytes(damaged)
        assert fcs_total(path) is None
    path.unlink()
    assert fcs_total(path) is None


def test_fcs_keeps_large_numbers(suffix: str, tmp_path: Path) -> None:
    """Single precision would make another index and another time of these."""
    sink = EventFolder(tmp_path / "events", ROWS)
    for index in (16_777_217, 2**40 + 1):
        sink.write(event(index))
    sink.flush()
    write_fcs(tmp_path / "events.fcs", tmp_path / "events", ROWS)
    found = np.array(flowio.FlowData(tmp_path / "events.fcs").events).reshape(2, -1)
    assert found[:, 1].tolist() == [16_777_217, 2**40 + 1]
    assert found[1, 0] == 1000 * (2**40 + 1 - 16_777_217)


def test_fcs_header_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where offsets exceed eight digits they stand in the text alone."""
    made = written(tmp_path / "events", 10)
    monkeypatch.setattr(fcs_module, "HEADER_LIMIT", 1000)
    write_fcs(tmp_path / "events.fcs", tmp_path / "events", ROWS)
    assert (tmp_path / "events.fcs").read_bytes()[26:42] == b"       0       0"
    # The reader takes the zeros for a mistake, since the file is in truth a small one.
    data = flowio.FlowData(tmp_path / "events.fcs", ignore_offset_discrepancy=True)
    found = np.array(data.events).reshape(10, -1)
    np.testing.assert_array_equal(found, expected_columns(made))


def test_fcs_text_survives_names_with_delimiters(suffix: str, tmp_path: Path) -> None:
    rows = EventFormat("a1b2", ("a|b", "c/d, e", "f\u00fc"), LOGIT_STEP)
    sink = EventFolder(tmp_path / "events", rows)
    sink.write(event(0))
    sink.flush()
    write_fcs(tmp_path / "events.fcs", tmp_path / "events", rows)
    assert flowio.FlowData(tmp_path / "events.fcs").pnn_labels[2:5] == [
        "Logit_0_a b",
        "Logit_1_c/d_ e",
        "Logit_2_f\u00fc",
    ]


def test_images_of_chosen_classes_are_read_by_our_own_reader(tmp_path: Path) -> None:
    sink = ImageFolder(tmp_path, CLASSES, ["OAC"], most=2)
    for index in range(9):
        sink.write(event(index, lost=index == 1))
    sink.flush()
    files = sorted(tmp_path.rglob("*"))
    assert [str(path.relative_to(tmp_path)) for path in files] == [
        "OAC",
        "OAC/000000000004.tif",
        "OAC/000000000007.tif",
    ]
    with open_frames(files[1], FourAngle(rows=8, columns=8)) as found:
        np.testing.assert_array_equal(found.read(0, 1)[0], small_frames(1, seed=4)[0])
    with tifffile.TiffFile(files[2]) as file:
        assert json.loads(file.pages[0].description)["class"] == "OAC"  # type: ignore[union-attr]
    again = ImageFolder(tmp_path, CLASSES, ["OAC"], most=3)
    for index in (10, 13):
        again.write(event(index))
    assert len(list(tmp_path.rglob("*.tif"))) == 3
    with pytest.raises(InputError, match="images of the class HeLa"):
        ImageFolder(tmp_path, CLASSES, ["HeLa"], most=1)


def test_images_of_each_class_have_a_folder_of_their_own(tmp_path: Path) -> None:
    """In whatever letters, and on a disk that knows no capitals."""
    names = ("红细胞", "白细胞", "Ж", "Я", "CD4+", "CD4/", "cd4_", "../x")
    sink = ImageFolder(tmp_path / "images", names, names, most=9)
    for index in range(len(names)):
        given = event(index)
        sink.write(replace(given, verdict=replace(given.verdict, class_index=index)))
    found = {}
    for path in tmp_path.rglob("*.tif"):
        with tifffile.TiffFile(path) as file:
            found[json.loads(file.pages[0].description)["class"]] = path.parent  # type: ignore[union-attr]
    assert set(found) == set(names)
    assert len({folder.name.casefold() for folder in found.values()}) == len(names)
    assert {folder.parent for folder in found.values()} == {tmp_path / "images"}
    assert found["红细胞"].name == "红细胞"


def test_a_run_folder_knows_its_run(tmp_path: Path) -> None:
    folder, request = tmp_path / "run", {"source": "a.h5", "gates": {"thresholds": {"OAC": 0.5}}, "coincidence": None}
    with run_folder(folder, request) as first:
        assert not first.resumed
        with pytest.raises(InputError, match="another stream writes"), run_folder(folder, request):
            pass
    with run_folder(folder, request) as second:
        assert second.resumed
        assert second.run == first.run
    with (
        pytest.raises(InputError, match=r"whose source was 'a.h5', not 'b.h5'; choose another folder"),
        run_folder(folder, request | {"source": "b.h5"}),
    ):
        pass
    described = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(described | {"format": 1}))
    with pytest.raises(InputError, match="the record of a run of another release"), run_folder(folder, request):
        pass
    for damaged in (b"", b"[]", b'{"format": 2, "run"', b"\xff\0"):
        (folder / "run.json").write_bytes(damaged)
        with run_folder(folder, request) as anew:
            assert not anew.resumed
            assert "damaged, and there are no events; the run begins anew" in str(anew.told)
    sink = EventFolder(folder / "events", EventFormat("a1b2", CLASSES, LOGIT_STEP, request))
    sink.write(event(0))
    sink.flush()
    (folder / "run.json").write_bytes(b"")
    with (
        pytest.raises(InputError, match=r"whose source was 'a.h5', not 'b.h5'; choose another folder"),
        run_folder(folder, request | {"source": "b.h5"}),
    ):
        pass
    with run_folder(folder, request) as mended:
        assert (mended.resumed, mended.run) == (True, "a1b2")
        assert "damaged; written again as the events have it" in str(mended.told)
    with run_folder(folder, request) as again:
        assert (again.run, again.told) == ("a1b2", None)
    (folder / "run.json").unlink()
    with pytest.raises(InputError, match=r"holds events but no run.json"), run_folder(folder, request):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), run_folder(tmp_path / "file", request):
        pass


def test_the_log_of_gates_tells_of_every_event_that_is_written(tmp_path: Path) -> None:
    """Through moves, half a line that a power cut left, and a run that goes on behind what was kept of it."""
    path, first, judged = tmp_path / "gates.jsonl", Gates({"OAC": 0.5}), dict[int, Gates]()
    for begin, end, torn in ((0, 6, True), (4, 9, False), (9, 10, False)):
        live = LiveGates(first, CLASSES)
        log = GateLog(path, live)
        for index in range(begin, end):
            if index % 3 == 2:
                live.move({"MCF7": index / 10})
            judged[index] = live.for_cell(index)
            log.write(event(index))
            assert last_gates(path) == described(judged[index])
        if torn:
            path.write_bytes(path.read_bytes() + b'{"index": 6, "gat')
    said = dict[int, object]()
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            said |= dict.fromkeys(range(told["index"], 10), told["gates"])
    assert said == {index: described(gates) for index, gates in judged.items()}
    assert len({json.dumps(gates) for gates in said.values()}) == 4
    with pytest.raises(InputError, match="cannot be written"):
        GateLog(tmp_path / "none" / "gates.jsonl", live).write(event(9))
