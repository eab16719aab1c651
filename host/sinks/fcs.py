"""Events as FCS 3.1, the file format of flow cytometry.

Spidlen et al. 2010, "Data File Standard for Flow Cytometry, version FCS 3.1", Cytometry A 77: 97-100.

The writers that can be installed hold all events in memory and store single precision, in which an index beyond 16
million or a time in nanoseconds is another number; so this one is ours. It stores double precision, little-endian, one
data set a file, and reads the events from the folder of parts as it goes.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sinks.events import parts, read_events
from cytogate.host.sinks.rows import NONE, EventColumns, EventFormat
from cytogate.host.stream.cells import Flag
from cytogate.host.stream.gating import Decision
from cytogate.model.command.files import whole_file
from cytogate.model.errors import InputError

TEXT_BEGIN = 256
"""First byte of the TEXT segment; the header ends at 58 and the standard leaves the rest to the writer."""
DELIMITER = "|"
HEADER_LIMIT = 99_999_999
"""Offsets beyond eight digits stand in the TEXT segment alone."""
OFFSET_DIGITS = 20
"""Numbers that depend on the length of the text are written at this width, so that it does not depend on them."""
CHECKSUM = b"00000000"
"""The standard's word for a CRC that was not computed."""
TICK_S = 1e-9


@dataclass(frozen=True)
class Parameter:
    """A column of an FCS file."""

    name: str
    """``$PnN``: short, unique, no commas."""
    long_name: str
    """``$PnS``: what it is, with its unit; of a number that stands for a name, all names. Some readers refuse a file
    in which a parameter has none."""


def parameters(rows: EventFormat) -> list[Parameter]:
    """Return the columns of an FCS file in order."""
    classes = _numbered(enumerate(rows.class_names))
    return [
        Parameter("Time", "Arrival since the first event (ns)"),
        Parameter("Index", "Number of the cell in its run"),
        *(
            Parameter(f"Logit_{number}_{name.replace(',', '_')}", f"Logit of class {name}")
            for number, name in enumerate(rows.class_names)
        ),
        Parameter("Class", f"Class: {classes}; {NONE} none"),
        Parameter("Score", "Score of the class"),
        Parameter("Decision", f"Decision: {_numbered(enumerate(Decision))}"),
        Parameter("Latency", "Arrival to decision (ns)"),
        Parameter("Flags", f"Flags, added up: {_numbered((flag.value, flag.name or '') for flag in Flag)}"),
        Parameter("Label", f"Label: {classes}; {NONE} none"),
        *(Parameter(each.short_name, each.long_name) for each in rows.features),
    ]


def write_fcs(path: Path, events: Path, rows: EventFormat) -> int:
    """Write all events of the folder ``events`` to the FCS file ``path``, which appears whole.

    Returns
    -------
    int
        How many events there are.

    Raises
    ------
    InputError
        If it cannot be written, or the parts change meanwhile.
    """
    columns, read = parameters(rows), parts(events)
    total, highest, first_ns, last_ns = _survey(read, rows, len(columns))
    text = _text(columns, rows, total, highest, first_ns, last_ns)
    data_begin = TEXT_BEGIN + len(text)
    data_end = data_begin + total * len(columns) * 8 - 1
    text = text.replace(b"B" * OFFSET_DIGITS, b"%0*d" % (OFFSET_DIGITS, data_begin))
    text = text.replace(b"E" * OFFSET_DIGITS, b"%0*d" % (OFFSET_DIGITS, data_end))
    in_header = (data_begin, data_end) if data_end <= HEADER_LIMIT else (0, 0)
    header = b"FCS3.1    " + b"".join(b"%8d" % place for place in (TEXT_BEGIN, data_begin - 1, *in_header, 0, 0))
    with whole_file(path) as partial, partial.open("wb") as file:
        file.write(header.ljust(TEXT_BEGIN) + text)
        came = 0
        for batch in read_events(read):
            file.write(_matrix(batch, rows, first_ns).astype("<f8").tobytes())
            came += len(batch.index)
        if came != total:
            raise InputError(f"{events}: {total:,} events became {came:,} while {path.name} was written; run it again")
        file.write(CHECKSUM)
    return total


def fcs_total(path: Path) -> int | None:
    """Return the number of events of a file that :func:`write_fcs` wrote; None if there is no such file."""
    try:
        with path.open("rb") as file:
            header = file.read(TEXT_BEGIN)
            first, last = int(header[10:18]), int(header[18:26])
            file.seek(first)
            words = file.read(last - first + 1).decode("utf-8").split(DELIMITER)
            return int(words[words.index("$TOT") + 1])
    except (OSError, ValueError, IndexError):
        return None


def _survey(read: Sequence[Path], rows: EventFormat, columns: int) -> tuple[int, NDArray[np.float64], int, int]:
    """Return the number of events, the highest value of each column, and the first and last arrival in ns."""
    total, highest, first_ns, last_ns = 0, np.zeros(columns), 0, 0
    for batch in read_events(read):
        first, last = int(batch.time_ns.min()), int(batch.time_ns.max())
        first_ns = min(first_ns, first) if total else first
        last_ns = max(last_ns, last)
        total += len(batch.index)
        highest = np.maximum(highest, _matrix(batch, rows, 0).max(axis=0))
    # Doubles hold the distance exactly, the time of day not.
    highest[0] = last_ns - first_ns
    return total, highest, first_ns, last_ns


def _matrix(batch: EventColumns, rows: EventFormat, first_ns: int) -> NDArray[np.float64]:
    """Return the values of a batch: (events, columns)."""
    numbers = (
        batch.time_ns - first_ns,
        batch.index,
        *(batch.logits.T * rows.logit_step),
        batch.classes,
        batch.score,
        batch.decision,
        batch.latency_ns,
        batch.flags,
        batch.label,
        *(batch.features[each.name] for each in rows.features),
    )
    return np.stack([np.asarray(column, np.float64) for column in numbers], axis=1)


def _text(
    columns: Sequence[Parameter],
    rows: EventFormat,
    total: int,
    highest: NDArray[np.float64],
    first_ns: int,
    last_ns: int,
) -> bytes:
    """Return the TEXT segment, with placeholders for where the data begin and end."""
    begin, end = (datetime.datetime.fromtimestamp(ns / 1e9, datetime.timezone.utc) for ns in (first_ns, last_ns))
    keywords = [
        ("$BEGINANALYSIS", "0"),
        ("$BEGINDATA", "B" * OFFSET_DIGITS),
        ("$BEGINSTEXT", "0"),
        ("$BTIM", f"{begin:%H:%M:%S}.{begin.microsecond // 10_000:02d}"),
        ("$BYTEORD", "1,2,3,4"),
        ("$CYT", "Cytogate"),
        ("$DATATYPE", "D"),
        ("$DATE", f"{begin:%d-%b-%Y}".upper()),
        ("$ENDANALYSIS", "0"),
        ("$ENDDATA", "E" * OFFSET_DIGITS),
        ("$ENDSTEXT", "0"),
        ("$ETIM", f"{end:%H:%M:%S}.{end.microsecond // 10_000:02d}"),
        ("$MODE", "L"),
        ("$NEXTDATA", "0"),
        ("$PAR", str(len(columns))),
        ("$TIMESTEP", f"{TICK_S:g}"),
        ("$TOT", str(total)),
        ("CYTOGATE RUN", rows.run),
        ("CYTOGATE CLASSES", _numbered(enumerate(rows.class_names))),
        ("CYTOGATE DECISIONS", _numbered(enumerate(Decision))),
        ("CYTOGATE FLAGS", _numbered((flag.value, flag.name or "") for flag in Flag)),
        *_column_keywords(columns, highest),
    ]
    # Doubled delimiters are read differently by different readers: better none within a value. None may be empty.
    words = [word for name, value in keywords for word in (name, value.replace(DELIMITER, " ") or " ")]
    return (DELIMITER + DELIMITER.join(words) + DELIMITER).encode("utf-8")


def _column_keywords(columns: Sequence[Parameter], highest: NDArray[np.float64]) -> Iterator[tuple[str, str]]:
    for number, (column, most) in enumerate(zip(columns, highest, strict=True), start=1):
        yield f"$P{number}N", column.name
        yield f"$P{number}S", column.long_name
        yield f"$P{number}B", "64"
        yield f"$P{number}E", "0,0"
        # Readers take it for a range of display.
        yield f"$P{number}R", str(max(1, int(np.ceil(most)) + 1))


def _numbered(names: Iterable[tuple[int, str]]) -> str:
    return "; ".join(f"{number} {name}" for number, name in names)
