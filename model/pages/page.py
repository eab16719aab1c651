"""The page of an experiment: paragraphs, tables and figures, as Markdown with CSV and PNG beside it, and as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cytogate.model.command.files import plain, whole_folder
from cytogate.model.command.outputs import check_folder
from cytogate.model.design.design import Design, Network
from cytogate.model.design.instruments import NetworkInputs
from cytogate.model.design.topologies import Saved
from cytogate.model.errors import InputError
from cytogate.model.evaluation.metrics import Interval
from cytogate.model.networks.saved import save_with_codes

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure as Plot
    from numpy.typing import NDArray

Value: TypeAlias = "str | int | float | Interval | None"
"""What stands in a table. A float is a share of 1, shown with three places; an Interval brings its ends along."""

DOTS_PER_INCH = 110
REPORT = "report.json"
"""Its presence marks a folder as a page."""


@dataclass(frozen=True)
class _Table:
    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, eq=False)
class _Quantized:
    model: keras.Model
    codes: tuple[NDArray[np.integer], ...]
    class_names: tuple[str, ...]

    def write(self, name: str, folder: Path) -> None:
        network = Network(self.class_names, Saved())
        save_with_codes(self.model, self.codes, Design(name, NetworkInputs(), network=network, folder=folder))


@dataclass
class Page:
    """A page in the making; nothing is written before :meth:`write`.

    Names of tables and figures become file names and keys of ``report.json``.
    """

    title: str
    simulated: bool
    """Whether its cells are; the page says so in its first line."""
    _parts: list[str] = field(default_factory=list)
    _tables: list[_Table] = field(default_factory=list)
    _plots: list[tuple[str, Plot]] = field(default_factory=list)
    _facts: dict[str, Any] = field(default_factory=dict)
    _quantized_network: _Quantized | None = None

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"## {text}")

    def text(self, paragraph: str) -> None:
        """Add a paragraph of Markdown."""
        self._parts.append(paragraph.strip())

    def table(self, name: str, caption: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Add a table; ``NAME.csv`` holds an estimate's value and, in columns of their own, its 95 % interval."""
        for row in rows:
            if len(row) != len(columns):
                raise ValueError(f"table {name}: a row of {len(row)} values under {len(columns)} columns")
        table = _Table(name, caption, tuple(columns), tuple(map(tuple, rows)))
        self._tables.append(table)
        self._parts.append(_markdown(table))

    def plot(self, name: str, caption: str, plot: Plot) -> None:
        """Add a figure as ``NAME.png``."""
        self._plots.append((name, plot))
        self._parts.append(f"![{caption}]({name}.png)\n\n*{caption}*")

    def fact(self, name: str, value: object) -> None:
        """Add to ``report.json`` what the page does not show in full: a dataclass, or what JSON knows."""
        self._facts[name] = value

    def quantized_network(
        self, model: keras.Model, codes: Sequence[NDArray[np.integer]], class_names: tuple[str, ...]
    ) -> None:
        """Add the trained quantized network, and codes (cells, ...) of some unseen cells for each of its inputs.

        The page's folder is then a design without an instrument, which ``cytogate csim --design`` takes.
        """
        self._quantized_network = _Quantized(model, tuple(codes), class_names)

    def write(self, folder: Path, record: dict[str, object]) -> None:
        """Write everything into ``folder``, which appears whole and replaces an earlier page of the experiment.

        ``record`` says how it was made; its ``command`` stands on the page too.
        """
        check_page(folder)
        with whole_folder(folder, replacing=True) as partial:
            (partial / "README.md").write_text(self._markdown(record), encoding="utf-8")
            for table in self._tables:
                _write_csv(table, partial / f"{table.name}.csv")
            for name, plot in self._plots:
                plot.savefig(partial / f"{name}.png", dpi=DOTS_PER_INCH)
            if self._quantized_network is not None:
                self._quantized_network.write(folder.name, partial)
            (partial / REPORT).write_text(self._json(record), encoding="utf-8")

    def _markdown(self, record: dict[str, object]) -> str:
        origin = "**Simulated cells**: nothing here compares with accuracies on real ones." if self.simulated else ""
        made = f"Made by `{record['command']}` in {record['minutes']:.1f} minutes."
        return "\n\n".join(part for part in (f"# {self.title}", origin, made, *self._parts) if part) + "\n"

    def _json(self, record: dict[str, object]) -> str:
        tables = {
            table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in self._tables
        }
        report = {"title": self.title, "simulated": self.simulated, **record, "tables": tables, "facts": self._facts}
        return json.dumps(report, indent=1, default=plain) + "\n"


def check_page(folder: Path) -> None:
    """Raise what :meth:`Page.write` would at the end of all work.

    Raises
    ------
    InputError
        If something else lies there, or the folder above cannot be written into.
    """
    if folder.exists() and not (folder / REPORT).exists():
        raise InputError(f"{folder}: exists and is no page of an experiment or a training; move it, or write elsewhere")
    check_folder(folder.parent)


def shown(value: Value) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, Interval):
        if value.value is None:
            return "-"
        return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def told_difference(difference: Interval) -> str:
    """Return a difference in words: how much, its interval, and whether it can be told from 0."""
    told = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
    return told if difference.is_above(0) or difference.is_below(0) else f"{told}, not told apart from none"


def _markdown(table: _Table) -> str:
    lines = [f"*{table.caption}* ([{table.name}.csv]({table.name}.csv))", ""]
    lines.append("| " + " | ".join(table.columns) + " |")
    lines.append("|" + "---|" * len(table.columns))
    lines += ["| " + " | ".join(map(shown, row)) + " |" for row in table.rows]
    return "\n".join(lines)


def _write_csv(table: _Table, path: Path) -> None:
    estimated = [any(isinstance(row[index], Interval) for row in table.rows) for index in range(len(table.columns))]
    header: list[str] = []
    for column, is_estimate in zip(table.columns, estimated, strict=True):
        header += [column, f"{column} low", f"{column} high"] if is_estimate else [column]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in table.rows:
            cells: list[object] = []
            for value, is_estimate in zip(row, estimated, strict=True):
                if not is_estimate:
                    cells.append(value)
                elif isinstance(value, Interval):
                    cells += [value.value, value.low, value.high]
                else:
                    cells += [value, None, None]
            writer.writerow(["" if cell is None else cell for cell in cells])


PACKAGES = ("cytogate", "keras", "qkeras-v3", "tensorflow", "numpy", "scikit-learn", "scikit-image")
