"""The C++ of the moments of the phase mask against their law, and in whole networks in C-simulation."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.network.moments import HEADERS, LAW, SOURCE, write_headers
from cytogate.model.command.cpp import compiler
from cytogate.model.contract.mask_moments import EMPTY_CODE, FEATURES, MASK_CODE, mask_moments
from cytogate.model.design.design import Design
from cytogate.model.design.folder import load_design
from cytogate.model.design.topologies import Contrast
from cytogate.model.networks.build import build as build_network
from cytogate.model.networks.folding import start_folded
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_network
from cytogate.sim.csim.compile import ap_types, build
from cytogate.sim.csim.network import compare_logits

SIZES = ((1, 1), (2, 1), (1, 5), (7, 9), (24, 17), (48, 48), (96, 64), (256, 31), (256, 256))
"""Rows and columns."""
CHANNELS = 2
BENCH = """
#include <cstdint>
#include "nnet_utils/mask_moments.hpp"
#include "ap_fixed.h"
namespace {
template <class T, unsigned N>
struct group {
  typedef T value_type;
  static const unsigned size = N;
  T data[N];
  T& operator[](unsigned i) { return data[i]; }
  const T& operator[](unsigned i) const { return data[i]; }
};
using pixel = group<ap_ufixed<8, 0>, %(channels)d>;
using words = group<ap_fixed<10, 4>, %(features)d>;
template <int Rows, int Columns>
int run(const std::int32_t* phase, std::int32_t* found) {
  hls::stream<pixel> pixels;
  hls::stream<words> results;
  for (int i = 0; i < Rows * Columns; ++i) {
    pixel each;
    // Of the other channels nothing may be read.
    for (unsigned channel = 0; channel < pixel::size - 1; ++channel) each[channel].range() = 255 - i %% 3;
    each[pixel::size - 1].range() = phase[i];
    pixels.write(each);
  }
  cytogate::mask_moments<Rows, Columns>(pixels, results);
  if (!pixels.empty() || results.empty()) return 1;
  words result = results.read();
  for (unsigned i = 0; i < words::size; ++i) {
    ap_int<10> code;
    code.range() = result[i].range();
    found[i] = code;
  }
  return !results.empty();
}
}
"""


def bench_text() -> str:
    """Return a bench with a function a size."""
    functions = [
        f'extern "C" int moments_{rows}x{columns}(const std::int32_t* phase, std::int32_t* found) '
        f"{{ return run<{rows}, {columns}>(phase, found); }}\n"
        for rows, columns in SIZES
    ]
    return BENCH % {"channels": CHANNELS, "features": len(FEATURES)} + "".join(functions)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the bench and its headers."""
    folder = tmp_path_factory.mktemp("mask_moments")
    (folder / HEADERS).mkdir()
    write_headers(folder)
    (folder / "bench.cpp").write_text(bench_text(), encoding="ascii")
    return folder


@pytest.fixture(scope="module")
def library(bench: Path) -> ctypes.CDLL:
    """Return the bench, compiled."""
    return ctypes.CDLL(str(build(bench / "bench.so", [bench / "bench.cpp"], [bench], shared=True)))


def maps(rows: int, columns: int, count: int) -> np.ndarray:
    """Return maps of the phase (cells, rows, columns): noise, discs, ellipses with dots, and extremes."""
    rng = np.random.default_rng(rows * 1000 + columns)
    down, along = np.mgrid[:rows, :columns]
    found = [np.full((rows, columns), code) for code in (0, 255, EMPTY_CODE, MASK_CODE - 1, MASK_CODE)]
    for place in ((0, 0), (0, -1), (-1, 0), (-1, -1), (rows // 2, columns // 2)):
        one = np.full((rows, columns), EMPTY_CODE)
        one[place] = 255
        found.append(one)
    # All weight far from the center: the largest sums.
    border = (down % (rows - 1 or 1) == 0) | (along % (columns - 1 or 1) == 0)
    corners = (down % (rows - 1 or 1) == 0) & (along % (columns - 1 or 1) == 0)
    found += [np.where(each, 255, 0) for each in (border, corners, down == along, down < rows // 2, along == 0)]
    for number in range(count - len(found)):
        if number % 4 == 0:
            low, high = sorted(rng.integers(0, 256, 2))
            found.append(rng.integers(low, high + 1, (rows, columns)))
            continue
        y, x = rng.uniform(-0.2, 1.2, 2) * (rows, columns)
        a, b = rng.uniform(0.05, 0.7, 2) * (rows, columns)
        inside = ((down - y) / a) ** 2 + ((along - x) / b) ** 2 < 1
        lit = rng.integers(MASK_CODE, 256) if number % 4 == 1 else rng.integers(MASK_CODE - 2, 256, (rows, columns))
        found.append(np.where(inside, lit, rng.integers(0, MASK_CODE)))
    return np.stack(found).astype(np.int32)


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_words_are_those_of_the_law(rows: int, columns: int, library: ctypes.CDLL) -> None:
    given = maps(rows, columns, 40 if rows * columns > 10_000 else 250)
    found = np.zeros((len(given), len(FEATURES)), np.int32)
    function = library[f"moments_{rows}x{columns}"]
    for phase, words in zip(given, found, strict=True):
        assert function(phase.ctypes.data_as(ctypes.c_void_p), words.ctypes.data_as(ctypes.c_void_p)) == 0
    due = mask_moments(given)
    assert len(np.unique(due, axis=0)) > len(given) // 2 or rows * columns < 10, "equal words would prove little"
    assert np.array_equal(found, due)


def test_the_layer_is_cpp_14(bench: Path) -> None:
    command = [compiler(), "-std=c++14", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas",
               "-Wno-unused-label", "-fsyntax-only", "-isystem", str(ap_types()), f"-I{bench}"]  # fmt: skip
    refusal = subprocess.run([*command, str(bench / "bench.cpp")], capture_output=True, text=True, check=False).stderr
    assert refusal == ""
    for header in (SOURCE, LAW):
        code = re.sub("//.*", "", (bench / HEADERS / header).read_text(encoding="ascii"))
        assert "constexpr" in code
        assert re.findall(r"\b(?:float|double|new|malloc|vector)\b", code) == []


SMALL = Contrast(filters=(4, 4, 6), dense=8)


def with_topology(name: str, topology: Contrast) -> Design:
    """Return a design of ours with a network of contrasts."""
    design = load_design(name)
    return replace(design, network=replace(design.network, topology=topology))


def pixels(size: int, cells: int) -> np.ndarray:
    """Return codes (cells, size, size, channels) of cells in an empty field, and of what no instrument should deliver.

    Of the latter: noise, both extremes, a single pixel, and a mask at the border of the part that is looked at.
    """
    rng = np.random.default_rng(size)
    down, along = np.mgrid[:size, :size]
    found = []
    for number in range(cells):
        codes = rng.integers(118, 138, (size, size, 5))
        y, x = size / 2 + rng.uniform(-0.2, 0.2, 2) * size
        inside = np.hypot(down - y, along - x) < size * (0.02 + 0.3 * number / cells)
        codes[inside, :4] = rng.integers(0, 256, (inside.sum(), 4))
        codes[..., 4] = np.where(inside, rng.integers(36, 256, (size, size)), rng.integers(28, 36, (size, size)))
        found.append(codes)
    one, edge = np.full((size, size, 5), 32), np.full((size, size, 5), 32)
    one[size // 2, size // 2] = 255
    edge[:, : size // 8 + 2, 4] = 77
    full = [np.full((size, size, 5), code) for code in (0, 255)]
    return np.stack([*found, rng.integers(0, 256, (size, size, 5)), *full, one, edge])


def untrained(design: Design) -> IntegerNetwork:
    """Return the network of a design as the float one starts it, whose normalizations are drawn at random."""
    rng = np.random.default_rng(3)
    quantized, given = build_network(design, quantized=True), build_network(design, quantized=False)
    for layer in given.layers:
        if "normalization" in layer.name:
            gamma, beta, mean, variance = layer.get_weights()
            near_one = [rng.uniform(0.5, 1.5, each.shape) for each in (gamma, variance)]
            about_zero = [rng.normal(0, 0.3, each.shape) for each in (beta, mean)]
            layer.set_weights([near_one[0], *about_zero, near_one[1]])
    start_folded(quantized, given, (pixels(design.size, 8) / 256).astype(np.float32))
    return read_network(quantized).network


@pytest.mark.parametrize(
    ("name", "topology", "cells", "until"),
    [
        pytest.param("qatom64", SMALL, 16, "logits", id="small"),
        *(
            pytest.param(f"qatom{size}", Contrast(), cells, until, id=f"{until} of {size}", marks=pytest.mark.full)
            for size, cells in ((64, 16), (128, 8), (256, 3))
            for until in ("joined", "logits")
        ),
    ],
)
def test_networks_of_contrasts_are_equal_in_c_simulation(
    name: str, topology: Contrast, cells: int, until: str, builds: Path
) -> None:
    """In the logits, and in what comes ahead of the dense layers: means and moments, joined."""
    design = with_topology(name, topology)
    network, codes = untrained(design).until(until), pixels(design.size, cells)
    due = network.classify(codes)
    assert len(np.unique(due, axis=0)) > cells, "words that are all one would prove nothing"
    found = compare_logits(network, [codes], design, builds / "contrast" / f"{name}_{topology.dense}_{until}")
    assert (found.values, found.differing, found.first) == (due.size, 0, "")
