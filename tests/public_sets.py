"""Small folders in the published form of each public set, of random pixels that are known."""

from __future__ import annotations

import csv
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
from numcodecs import Blosc
from numpy.typing import NDArray
from PIL import Image

from cytogate.model.sets import bsccm

CHANNELS = ("Brightfield", "DF_50", "DPC_Bottom", "DPC_Left", "DPC_Right", "DPC_Top", "LED119")
"""Some of the 23, in the published order."""
ARMS = ("DPC_Right", "DPC_Left", "DPC_Top", "DPC_Bottom")
"""Bright at a cell's left, right, upper and lower edge: +x, -x, +y, -y."""
GATES = (
    "CD3_hi_CD_16_lo", "CD16_hi_CD45_mid", "CD16_hi_CD45_lomid", "CD16_hi_CD45_lo", "CD16_lo_CD45_lo",
    "CD16_none_CD45_mid_and_hi", "CD45_mid_CD_16_mid", "CD45_hi_CD_16_lo", "CD45_hi_CD_16_mid", "CD45_hi_CD_16_hi",
)  # fmt: skip
THREE = {0: 0, 1: 1, 2: 1, 3: 1, 7: 2, 8: 2, 9: 2}
"""Lymphocytes, granulocytes and monocytes by the numbers of the gates."""
LINES = ("H69", "H358", "H520", "H526", "H1975", "H2170", "HCC827")
STAGES = ("G1", "S", "G2", "Prophase", "Metaphase", "Anaphase", "Telophase")


@dataclass
class Truth:
    """What a folder holds, in the order in which a reader finds it."""

    folder: Path
    frames: list[NDArray] = field(default_factory=list)
    """Of each cell (channels, rows, columns)."""
    labels: list[int] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def write_bsccm(folder: Path, cells: int = 24, side: int = 128, dtype: type = np.uint16) -> Truth:
    """Cells of ten gates one after the other on two slides, 3 fields each; every eleventh is in no gate."""
    truth = Truth(folder)
    folder.mkdir(parents=True)
    mnist = side == 28
    described = {"channel_names": list(CHANNELS), "pixel_size_um": 0.2, "wavelength_nm": 515}
    (folder / bsccm.METADATA).write_text(json.dumps({"name": "BSCCM", "led_array": described}), encoding="utf-8")
    images = zarr.open_group(str(folder / bsccm.IMAGES), mode="w", zarr_format=2)
    index = [["global_index", "fov_center_x", "fov_center_y", "batch", "antibodies", "data_path"]]
    markers = [["global_index", "CD45_full_model_unmixed", *(bsccm.GATED + gate for gate in GATES)]]
    random = rng()
    for number in range(cells):
        # A random part of a larger set does not count from 0.
        name, gate = 7 * number + 3, number % (len(GATES) + 1)
        path = f"antibodies_all/batch_0/slide_replicate_{number % 2}"
        pixels = random.integers(0, 250 if mnist else 4000, (len(CHANNELS), side, side)).astype(dtype)
        chunk = 96 if mnist else side
        images.create_array(
            f"{path}/led_array/cell_{name}", data=pixels, chunks=(1, chunk, chunk),
            compressors=Blosc(cname="zstd", clevel=9, shuffle=Blosc.SHUFFLE),
        )  # fmt: skip
        x, y = f"-455{number % 3}.5", "354.25"
        index.append([str(name), x, y, "0", "all", path])
        markers.append([str(name), "1.5", *(str(place == gate) for place in range(len(GATES)))])
        if gate < len(GATES):
            truth.frames.append(pixels[[CHANNELS.index(arm) for arm in ARMS]])
            truth.labels.append(gate)
            truth.groups.append(f"{path} {x} {y}")
    for rows, file in ((index, bsccm.INDEX), (markers, bsccm.MARKERS)):
        with (folder / file).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
    return truth


def in_three(truth: Truth) -> Truth:
    """Return the cells of the three classes alone."""
    kept = [number for number, label in enumerate(truth.labels) if label in THREE]
    return Truth(
        truth.folder,
        [truth.frames[number] for number in kept],
        [THREE[truth.labels[number]] for number in kept],
        [truth.groups[number] for number in kept],
    )


def write_mat(path: Path, name: str, values: NDArray) -> None:
    """Write a variable (rows, columns, cells) as MATLAB does with -v7.3."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset(name, data=values.T, chunks=True, compression="gzip")
        file[name].attrs["MATLAB_class"] = np.bytes_("double" if values.dtype.kind == "f" else values.dtype.name)


def write_cytomad(folder: Path, scaled: bool = True, cells: int = 3) -> Truth:
    """Seven lines on three of seven days each, as the loader lists them, in three parts."""
    days = {"H69": "134", "H358": "125", "H520": "367", "H526": "256", "H1975": "346", "H2170": "137", "HCC827": "126"}
    truth, random = Truth(folder), rng()
    for day in range(1, 8):
        for line in sorted(days):
            for part in ("Train", "Valid", "Test") if str(day) in days[line] else ():
                values = random.integers(0, 4000, (2, 12, 10, cells)).astype(np.float64)
                if scaled:
                    values = values / 1000 - 1
                place = folder / "7LungCancerDataset" / f"Batch{day}" / line / part
                for name, each in zip(("BF", "QPI"), values, strict=True):
                    write_mat(place / f"{line}_{name}.mat", name, each)
                truth.frames += [values[..., cell] for cell in range(cells)]
                truth.labels += [LINES.index(line)] * cells
                truth.groups += [f"Batch{day}"] * cells
                truth.parts += [part.lower()] * cells
    return truth


def write_idx(path: Path, values: NDArray, kind: int = 8) -> None:
    header = bytes((0, 0, kind, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + values.tobytes())


def write_lymphomnist(folder: Path, train: int = 20, test: int = 7, side: int = 64) -> Truth:
    truth, raw, random = Truth(folder), folder / "LymphoMNIST" / "raw", rng()
    raw.mkdir(parents=True)
    for part, count in (("train", train), ("test", test)):
        images = random.integers(0, 250, (count, side, side)).astype(np.uint8)
        labels = (np.arange(count) % 3).astype(np.uint8)
        write_idx(raw / f"{part}_images", images)
        write_idx(raw / f"{part}_labels", labels)
        truth.frames += list(images[:, None])
        truth.labels += labels.tolist()
        truth.parts += [part] * count
    return truth


def write_jpeg(path: Path, seed: int, side: int, **options: Any) -> NDArray[np.uint8]:
    """Write a random gray picture, and return what a decoder makes of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng(seed).integers(20, 230, (side, side)).astype(np.uint8)).save(path, "JPEG", **options)
    with Image.open(path) as picture:
        return np.array(picture)


def write_meng2018(folder: Path, cells: int = 4, spelling: str = "code") -> Truth:
    """Four kinds of cells in three parts, with lists as the code or as the page of the data spells them."""
    truth = Truth(folder)
    names = ("MB231", "MCF7", "PBMC", "THP1")
    lists = {"code": ("Train.txt", "Valid.txt", "Test.txt"), "page": ("train.txt", "val.txt", "test.txt")}[spelling]
    for part, listed in zip(("train", "valid", "test"), lists, strict=True):
        lines = []
        for number in range(cells * len(names)):
            label = number % len(names)
            path = f"{part}/{names[label]}_{number:02d}.jpg"
            truth.frames.append(write_jpeg(folder / path, len(truth.frames), 128)[None])
            truth.labels.append(label)
            truth.parts.append(part)
            lines.append(f"{path} {label}")
        (folder / listed).write_text("\n".join(lines) + "\n", encoding="utf-8")
    named = "labels.txt" if spelling == "code" else "label.txt"
    (folder / named).write_text("".join(f"{name} {at}\n" for at, name in enumerate(names)), encoding="utf-8")
    return truth


def write_bbbc048(folder: Path, cells: int = 3) -> Truth:
    """Three channels of each cell; numbers run on through the stages, and beyond ten."""
    truth, number = Truth(folder), 8
    for label, stage in enumerate(STAGES):
        for _ in range(cells):
            place = folder / "CellCycle" / stage
            truth.frames.append(write_jpeg(place / f"{number}_Ch3.ome.jpg", number, 66)[None])
            for channel in (4, 6):
                write_jpeg(place / f"{number}_Ch{channel}.ome.jpg", 1000 * channel + number, 66)
            truth.labels.append(label)
            number += 1
    return truth
