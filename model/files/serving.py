"""The process that parses files for another one; see :mod:`~cytogate.model.files.guard`, which starts it."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import mmap
import os
import resource
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.requests import leave_requests_to_parent
from cytogate.model.errors import InputError
from cytogate.model.files.container import MAX_PART_BYTES, Container, DamagedPartError, StoredArray, damage
from cytogate.model.files.guard import READER_BYTES, READER_S, SIZE_PER_S
from cytogate.model.files.opening import parsed


def serve(channel_number: int, shared_number: int) -> None:
    """Answer questions from one end of a socket, until the other is closed; both numbers are open descriptors."""
    # The caller finishes what was read.
    leave_requests_to_parent()
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (READER_BYTES, READER_BYTES))
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    files: dict[int, _ServedFile] = {}
    shared = mmap.mmap(shared_number, MAX_PART_BYTES)
    with socket.socket(fileno=channel_number) as channel, channel.makefile("rwb") as stream:
        for line in stream:
            question = json.loads(line)
            # Where a path that is not absolute was meant, which may no longer be where the caller works.
            with contextlib.suppress(OSError):
                os.chdir(question["folder"])
            seconds = READER_S
            if question["file"] in files:
                seconds += files[question["file"]].size // SIZE_PER_S
            elif question["what"] == "open":
                seconds += _size(Path(question["path"])) // SIZE_PER_S
            # From now on: the limit counts what the process has computed since it began.
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, hard))
            answer, values = _answer(files, question)
            # What one file has taken and not given back must not be lacking to the next.
            answer["full"] = _held() > READER_BYTES // 2
            if values is not None:
                np.ndarray(values.shape, values.dtype, shared)[...] = values
                answer |= {"shape": list(values.shape), "dtype": values.dtype.str}
            stream.write(json.dumps(answer).encode() + b"\n")
            stream.flush()


def _held() -> int:
    """Return the bytes of memory that this process has of its own, as RLIMIT_DATA counts them."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()


class _ServedFile:
    """An open file and those of its arrays that were asked for."""

    def __init__(self, path: Path, container: Container) -> None:
        self.container, self.size = container, _size(path)
        self._arrays: dict[str | None, StoredArray | None] = {None: container.unnamed}

    def array(self, name: str | None) -> StoredArray | None:
        if name not in self._arrays:
            assert name is not None
            self._arrays[name] = self.container.array(name)
        return self._arrays[name]

    def read(self, name: str | None, start: int, stop: int, axis: int) -> NDArray:
        array = self.array(name)
        if array is None:
            raise DamagedPartError("the file was changed while it was read")
        return array.read(start, stop, axis)


def _answer(files: dict[int, _ServedFile], question: dict[str, Any]) -> tuple[dict[str, Any], NDArray | None]:
    """Return the answer to a question, and the array that goes with it."""
    try:
        answer, values = _tried(files, question)
        if values is not None and values.nbytes > MAX_PART_BYTES:
            raise DamagedPartError(f"{values.nbytes} bytes are to be read at once; {MAX_PART_BYTES} are the most")
        return answer, values
    except InputError as error:
        return {"refused": str(error)}, None
    except ImportError as error:
        return {"missing": error.name, "sentence": str(error)}, None
    except MemoryError:
        return {"no_memory": True}, None
    except Exception as error:
        return {"damaged": damage(error)}, None


def _tried(files: dict[int, _ServedFile], question: dict[str, Any]) -> tuple[dict[str, Any], NDArray | None]:
    what, number = question["what"], question["file"]
    if what == "open":
        path = Path(question["path"])
        container = parsed(path)
        files[number] = _ServedFile(path, container)
        described = {"names": list(container.names), "attributes": list(container.attributes)}
        return {**described, "unnamed": _description(container.unnamed)}, None
    file = files[number]
    if what == "array":
        return {"found": _description(file.array(question["name"]))}, None
    if what == "members":
        return {"found": list(file.container.members(question["group"]))}, None
    if what == "listing":
        return {"found": [(name, list(map(int, shape))) for name, shape in file.container.listing()]}, None
    if what == "attribute":
        return {}, _plain(file.container.attributes[question["name"]])
    if what == "read":
        return {}, file.read(question["name"], *question["span"])
    assert what == "close", what
    files.pop(number).container.close()
    return {}, None


def _description(array: StoredArray | None) -> dict[str, Any] | None:
    if array is None:
        return None
    shape = list(map(int, array.shape))
    return {"shape": shape, "dtype": array.dtype.str, "axes": array.axes, "column_major": array.column_major}


def _plain(value: Any) -> NDArray:
    """Return an attribute as an array of numbers or text."""
    values = np.asarray(value)
    if values.dtype.kind == "O" and all(isinstance(each, str) for each in values.ravel()):
        # A list of strings as an attribute of HDF5.
        values = values.astype(str)
    if values.dtype.kind not in "biufSU":
        raise DamagedPartError(f"an attribute is of the type {values.dtype}; numbers or text are needed")
    return values


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
