"""Files of microscope makers (CZI, ND2, LIF), through bioio, an extra: axes and scenes as the file declares them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.axes import IMAGES
from cytogate.model.files.container import check_part


class MicroscopeFile:
    """Such a file as a :class:`~cytogate.model.files.container.Container`.

    Parameters
    ----------
    reader
        Module of bioio's plugin for files of this kind, whatever their names end in.
    """

    names: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}

    def __init__(self, path: Path, reader: str) -> None:
        from bioio import BioImage

        self.path = path
        self.unnamed = SceneArray(path, BioImage(path, reader=importlib.import_module(reader).Reader))

    def array(self, name: str) -> None:
        """Nothing has a name in such a file."""

    def members(self, group: str) -> tuple[str, ...]:
        """Return nothing: there are no groups."""
        return ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Nothing has a name in such a file."""
        return iter(())

    def close(self) -> None:
        """Do nothing: a file is open only while it is read."""


class SceneArray:
    """All scenes of a file, which must be alike, one behind the other."""

    column_major = False

    def __init__(self, path: Path, image: Any) -> None:
        self._image = image
        kinds = set()
        for scene in range(len(image.scenes)):
            image.set_scene(scene)
            kinds.add((image.dims.order, tuple(map(int, image.shape)), np.dtype(image.dtype)))
        if len(kinds) != 1:
            raise InputError(f"{path}: its {len(image.scenes)} scenes are of different sizes; store those alike alone")
        ((axes, shape, self.dtype),) = kinds
        self.axes: str | None = IMAGES + axes
        self.shape = (len(image.scenes), *shape)
        check_part(path, "a frame", shape[-2:], self.dtype)

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part along any axis."""
        assert self.axes is not None
        scenes = range(start, stop) if axis == 0 else range(self.shape[0])
        chosen = {} if axis == 0 else {self.axes[axis]: slice(start, stop)}
        return np.stack([self._scene(scene, chosen) for scene in scenes])

    def _scene(self, scene: int, chosen: Mapping[str, slice]) -> NDArray:
        assert self.axes is not None
        self._image.set_scene(scene)
        lazy = self._image.get_image_dask_data(self.axes[1:], **chosen)
        values: NDArray = lazy.compute(scheduler="synchronous")
        return values
