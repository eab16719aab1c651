"""Labels of cells or images, the names of their classes, and the groups that they come from; all optional.

``labels`` are integers, or names; ``class_names`` a list of names; ``groups`` an integer or a name a cell (donor, day,
run). Each is an array of the file or one of its attributes.

Of holograms, which hold several cells, ``labels`` say of what all cells on one are; where they are mixed, each cell is
marked: ``cell_field`` (cells,), the number of its hologram from 0, ``cell_center`` (cells, 2), row and column on it,
and ``cell_label``, integers or names, with ``cell_class_names``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import Container, check_part, reading

SIMULATED = "simulated"
"""Attribute of files of simulated cells."""
HIGHEST_LABEL = (1 << 16) - 1
"""Numbers of classes beyond this are not believed."""
PART = "part"
"""Array (cells,) of the parts of a published split, which `cytogate import` writes."""
LABELS, CLASS_NAMES, GROUPS = "labels", "class_names", "groups"
CELL_FIELD, CELL_CENTER, CELL_LABEL, CELL_CLASS_NAMES = "cell_field", "cell_center", "cell_label", "cell_class_names"


@dataclass(frozen=True, eq=False)
class Labels:
    """What a file says of its items."""

    labels: NDArray[np.int64] | None
    """(items,) at least 0; indices of ``class_names`` where there are names."""
    class_names: tuple[str, ...] | None
    """None where the file names no classes."""
    groups: NDArray | None
    """(items,) integers or strings."""


def read_labels(container: Container, count: int, what: str, group: str = "") -> Labels:
    """Read and check what a container says of its ``count`` items, which are called ``what`` ("cell").

    Arrays in ``group``, where the items lie, come before those of the root.

    Raises
    ------
    InputError
        Where labels or groups are not one an item, a label has no name, or names are no names or not different.
    """
    found = _labels(container, count, what, group, (LABELS, CLASS_NAMES))
    return dataclasses.replace(found, groups=_member(container, GROUPS, count, what, group))


def says_simulated(container: Container) -> bool:
    """Return whether a container says that its cells are simulated.

    Raises
    ------
    InputError
        Where it says so in another way than by true or false.
    """
    with reading(container.path, f"attribute {SIMULATED}"):
        value = np.asarray(container.attributes.get(SIMULATED, False))
    if value.size != 1 or value.dtype.kind not in "biu":
        raise InputError(f"{container.path}: attribute {SIMULATED} is {value.tolist()!r}; true or false is needed")
    return bool(value.item())


@dataclass(frozen=True, eq=False)
class Marks:
    """Cells that are marked on holograms."""

    field: NDArray[np.int64]
    """(cells,) number of the hologram, from 0."""
    center: NDArray[np.float64]
    """(cells, 2) row and column."""
    found: Labels


def read_marks(container: Container, fields: int, size: tuple[int, int]) -> Marks | None:
    """Read and check which cells are marked on ``fields`` holograms of ``size`` (rows, columns); None: none are.

    Raises
    ------
    InputError
        Where one of the arrays is missing, is not one a cell, or a cell lies on no hologram.
    """
    arrays = {name: container.array(name) for name in (CELL_FIELD, CELL_CENTER, CELL_LABEL)}
    missing = [name for name, array in arrays.items() if array is None]
    if len(missing) == len(arrays):
        return None
    if missing:
        raise InputError(
            f"{container.path}: cells are marked without {missing[0]}; {', '.join(arrays)} are needed, one a cell"
        )
    center_array = arrays[CELL_CENTER]
    assert center_array is not None
    shape = center_array.shape
    if len(shape) != 2 or shape[1] != 2 or center_array.dtype.kind not in "iuf":
        raise InputError(
            f"{container.path}: {CELL_CENTER} is {center_array.dtype.name} {shape}; (cells, 2) rows and columns needed"
        )
    if not shape[0]:
        raise InputError(f"{container.path}: {CELL_CENTER} is empty; no cell is marked")
    check_part(container.path, CELL_CENTER, shape, center_array.dtype)
    count = shape[0]
    center = np.asarray(center_array.read(0, count), np.float64)
    field = _member(container, CELL_FIELD, count, "marked cell", "")
    assert field is not None
    if field.dtype.kind not in "iu":
        raise InputError(f"{container.path}: {CELL_FIELD} are {field.dtype.name}; numbers of holograms are needed")
    outside = (field < 0) | (field >= fields) | ~((center >= 0) & (center <= np.array(size) - 1)).all(axis=1)
    if outside.any():
        wrong = int(np.argmax(outside))
        raise InputError(
            f"{container.path}: marked cell {wrong} lies at {center[wrong, 0]:g}, {center[wrong, 1]:g} on hologram "
            f"{field[wrong]}; there are {fields} of {size[0]}x{size[1]}, and both are counted from 0"
        )
    labels = _labels(container, count, "marked cell", "", (CELL_LABEL, CELL_CLASS_NAMES))
    return Marks(field.astype(np.int64), center, labels)


def translated(container: Container, found: Labels, wanted: tuple[str, ...]) -> NDArray[np.int64] | None:
    """Return labels as indices of the class names ``wanted``, found by name.

    Raises
    ------
    InputError
        Where labels have no names, which may not be guessed, or a name is not among ``wanted``.
    """
    unknown = [name for name in found.class_names or () if name not in wanted]
    if unknown:
        raise InputError(
            f"{container.path}: class {unknown[0]} is unknown to the network, which knows {', '.join(wanted)}"
        )
    if found.labels is None:
        return None
    if found.class_names is None:
        raise InputError(
            f"{container.path}: labels have no class_names, and which of the network's classes ({', '.join(wanted)}) "
            "a number means may not be guessed; store class_names, in the order of the labels, beside them"
        )
    return np.array([wanted.index(name) for name in found.class_names], np.int64)[found.labels]


def matched(
    container: Container, found: Labels, wanted: tuple[str, ...]
) -> tuple[NDArray[np.int64] | None, str | None]:
    """Return labels as indices of a design's classes, found by name, and what must be told of them.

    Numbers without names are believed where they are as many as the design has classes; otherwise, and where a name is
    not the design's, there are no labels and so no accuracy.
    """
    labels = found.labels
    if labels is not None and found.class_names is None and int(labels.max()) + 1 == len(wanted):
        names = ", ".join(wanted)
        return labels, f"{container.path}: labels have no class_names; they are taken for {names}, in this order"
    try:
        return translated(container, found, wanted), None
    except InputError as error:
        return None, f"no accuracy: {error}"


def _labels(container: Container, count: int, what: str, group: str, called: tuple[str, str]) -> Labels:
    """Return labels and names of classes, which are ``called`` so; without groups."""
    name, of_names = called
    names = _class_names(container, of_names, group)
    labels = _member(container, name, count, what, group)
    if labels is not None and labels.dtype.kind == "U":
        labels, names = _numbered(container, labels, names, what)
    if labels is not None:
        _check_range(container, labels, names, what)
        labels = labels.astype(np.int64)
    return Labels(labels, names, None)


def _member(container: Container, name: str, count: int, what: str, group: str) -> NDArray | None:
    """Return labels or groups: integers or strings, one an item."""
    values = _values(container, name, group)
    if values is None:
        return None
    if values.ndim != 1 or values.dtype.kind not in "iuU":
        raise InputError(
            f"{container.path}: {name} are {values.dtype.name} of shape {values.shape}; "
            f"({count},) integers or names needed"
        )
    if len(values) != count:
        raise InputError(f"{container.path}: there are {len(values)} {name} for {count} {what}s")
    return values


def _class_names(container: Container, name: str, group: str) -> tuple[str, ...] | None:
    values = _values(container, name, group)
    if values is None:
        return None
    if values.ndim != 1 or values.dtype.kind != "U" or not values.size:
        raise InputError(
            f"{container.path}: {name} are {values.dtype.name} of shape {values.shape}; a list of names is needed"
        )
    names = tuple(map(str, values))
    if len(set(names)) < len(names):
        raise InputError(f"{container.path}: {name} {', '.join(names)} are not different names; one is there twice")
    return names


def _values(container: Container, name: str, group: str) -> NDArray | None:
    """Return a whole array of one axis, or an attribute; text as ``str``."""
    array = (container.array(f"{group}/{name}") if group else None) or container.array(name)
    values: Any
    if array is None:
        if name not in container.attributes:
            return None
        values = np.asarray(container.attributes[name])
    else:
        long = [axis for axis, length in enumerate(array.shape) if length != 1]
        # MATLAB's vectors have two axes.
        axis = (long or [0])[0] if array.column_major and len(long) <= 1 else 0
        if len(array.shape) != 1 and not (array.column_major and len(long) <= 1):
            return np.broadcast_to(np.empty((), array.dtype), array.shape)
        check_part(container.path, name, array.shape, array.dtype)
        values = array.read(0, array.shape[axis], axis).ravel()
        if array.column_major and values.dtype.kind == "f" and (values == np.rint(values)).all():
            # Numbers are doubles in MATLAB.
            values = values.astype(np.int64)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if values.dtype.kind == "O" and all(isinstance(each, str) for each in values.ravel()):
        # A list of strings as an attribute of HDF5.
        values = values.astype(str)
    return values


def _numbered(
    container: Container, labels: NDArray, names: tuple[str, ...] | None, what: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return names as indices of ``names``, or of all that occur, in the order of the alphabet."""
    known = tuple(map(str, np.unique(labels))) if names is None else names
    unknown = ~np.isin(labels, known)
    if unknown.any():
        wrong = int(np.argmax(unknown))
        raise InputError(
            f"{container.path}: the label of {what} {wrong} is {labels[wrong]}; class_names are {', '.join(known)}"
        )
    return np.array([known.index(each) for each in labels], np.int64), known


def _check_range(container: Container, labels: NDArray, names: tuple[str, ...] | None, what: str) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > (HIGHEST_LABEL if names is None else len(names) - 1):
        wrong = int(np.argmax(labels == (low if low < 0 else high)))
        range_ = f"0 to {HIGHEST_LABEL}" if names is None else f"0 to {len(names) - 1}, for {', '.join(names)}"
        raise InputError(f"{container.path}: the label of {what} {wrong} is {labels[wrong]}; it must be {range_}")
