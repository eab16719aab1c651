"""Files of microscope makers, with a stand-in for bioio, an extra that brings half a gigabyte along."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files import opening
from cytogate.model.files.frames import open_frames

TRUTH: NDArray[np.uint8] = np.random.default_rng(5).integers(1, 200, (6, 4, 7, 9), np.uint8)
CAMERA = FourAngle(rows=7, columns=9)
BEGINS = {"czi": b"ZISRAWFILE" + bytes(512), "nd2": b"\xda\xce\xbe\x0a" + bytes(512), "lif": b"\x70\0\0\0" + bytes(512)}


class Lazy:
    """What dask gives."""

    def __init__(self, values: NDArray) -> None:
        self._values = values

    def compute(self, scheduler: str) -> NDArray:
        assert scheduler == "synchronous"
        return self._values


class BioImage:
    """As much of bioio's image as is used."""

    held: tuple[NDArray, ...] = ()
    """(T, C, Z, Y, X) of each scene."""

    def __init__(self, path: Path, reader: object) -> None:
        assert path.exists()
        assert reader == f"reader of {path.name}"
        self.scenes = tuple(f"Image:{number}" for number in range(len(self.held)))
        self.set_scene(0)

    def set_scene(self, scene: int) -> None:
        self._scene = self.held[scene]
        self.shape, self.dtype = self._scene.shape, self._scene.dtype
        self.dims = SimpleNamespace(order="TCZYX")

    def get_image_dask_data(self, order: str, **chosen: slice) -> Lazy:
        assert order == self.dims.order
        return Lazy(self._scene[tuple(chosen.get(letter, slice(None)) for letter in order)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of each kind, in a process that has bioio."""
    image = ModuleType("bioio")
    image.BioImage = BioImage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bioio", image)
    monkeypatch.setattr(opening, "open_guarded", opening.parsed)
    monkeypatch.setattr(opening, "find_spec", lambda name: sys.modules.get(name))
    for kind, begins in BEGINS.items():
        plugin = ModuleType(f"bioio_{kind}")
        plugin.Reader = f"reader of cells.{kind}"  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"bioio_{kind}", plugin)
        (tmp_path / f"cells.{kind}").write_bytes(begins)
    return tmp_path


WAYS = {
    "cells are times": (TRUTH[:, :, None],),
    "cells are planes": (TRUTH.swapaxes(0, 1)[None],),
    "cells are scenes": tuple(TRUTH[:, None, :, None]),
    "frames are times": (TRUTH.reshape(24, 1, 1, 7, 9),),
}


@pytest.mark.parametrize("kind", BEGINS)
@pytest.mark.parametrize("way", WAYS)
def test_cells_as_the_file_declares_them(way: str, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BioImage, "held", WAYS[way])
    path = folder / f"cells.{kind}"
    if way == "frames are times":
        with pytest.raises(InputError, match=r"are not 4 channels \(C\) of cells"):
            open_frames(path, CAMERA)
        return
    with open_frames(path, CAMERA) as frames:
        np.testing.assert_array_equal(frames.read(0, frames.cells), TRUTH)
        np.testing.assert_array_equal(frames.read(4, 5), TRUTH[4:5])


def test_scenes_of_other_sizes_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BioImage, "held", (TRUTH[:, :, None], TRUTH[:2, :, None]))
    with pytest.raises(InputError, match="its 2 scenes are of different sizes"):
        open_frames(folder / "cells.czi", CAMERA)


@pytest.mark.parametrize("kind", BEGINS)
def test_without_bioio_it_is_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / "cells").write_bytes(BEGINS[kind])
    with pytest.raises(InputError, match=r"file; pip install 'cytogate\[microscopes\]' brings what reads it, or conv"):
        open_frames(tmp_path / "cells", CAMERA)
