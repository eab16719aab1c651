"""Opening a path as the container that it is, by its content and not by its name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import h5py

from cytogate.model.errors import InputError
from cytogate.model.files.container import Container, reading
from cytogate.model.files.foreign import HEAD_BYTES, foreign, kind_of
from cytogate.model.files.guard import open_guarded
from cytogate.model.files.hdf5 import Hdf5File
from cytogate.model.files.mat import MatFile, is_mat
from cytogate.model.files.microscope import MicroscopeFile
from cytogate.model.files.npy import MAGIC as NPY_MAGIC
from cytogate.model.files.npy import NpyFile
from cytogate.model.files.npz import NpzFile
from cytogate.model.files.tiff import MAGICS, TiffStack
from cytogate.model.files.zarr import METADATA, ZarrFolder, is_zarr, was_zarr

ZIP_MAGIC, HDF5_MAGIC = b"PK", b"\x89HDF"


def open_container(path: Path, channels: tuple[str, ...] = ()) -> Container:
    """Open a file or folder: a Zarr, any other folder as one of pictures, a file as what its first bytes say.

    ``channels`` are those of a cell where each picture of a folder may be one of them.

    Raises
    ------
    InputError
        Where there is nothing, it is of no kind that is read, or damaged.
    """
    try:
        if path.is_dir():
            if is_zarr(path):
                return open_guarded(path)
            if was_zarr(path):
                raise InputError(
                    f"{path}: its root holds none of {', '.join(METADATA)}, one of which every Zarr has: it was not "
                    "copied whole"
                )
            # Pillow is not on every board.
            from cytogate.model.files.pictures import PictureFolder

            with reading(path):
                return PictureFolder(path, channels)
        if not path.is_file():
            raise InputError(f"{path}: there is no such file or folder")
        with path.open("rb"):
            return open_guarded(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def parsed(path: Path) -> Container:
    """Open a Zarr folder or a file as what its first bytes say, in this process; may raise anything."""
    if path.is_dir():
        return ZarrFolder(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(ZIP_MAGIC):
        return ZarrFolder(path) if is_zarr(path) else NpzFile(path)
    if head.startswith(MAGICS):
        return TiffStack(path)
    if head.startswith(NPY_MAGIC):
        return NpyFile(path)
    if is_mat(head):
        return MatFile(path)
    # Some programs put a block of their own in front of HDF5.
    if head.startswith(HDF5_MAGIC) or h5py.is_hdf5(path):
        return Hdf5File(path)
    kind = kind_of(head)
    if kind is not None and kind.reader and find_spec(kind.reader) is not None:
        return MicroscopeFile(path, kind.reader)
    raise InputError(foreign(path, head))
