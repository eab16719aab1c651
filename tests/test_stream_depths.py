"""Streams of the depths that a project names: all layers at once, cell behind cell, and none waits for ever.

Which words a network of streams gives, and whether it locks up, does not depend on who runs when: one run tells.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cytogate.hls.network.convert import convert
from cytogate.hls.network.project import HlsProject
from cytogate.model.design.folder import load_design
from cytogate.model.networks.build import build as build_network
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_exactly, read_network
from cytogate.sim.csim.compile import build
from tests.layers import classifier, fire, residual
from tests.test_mask_moments_kernel import SMALL, with_topology

DESIGN = load_design("qatom64")
CELLS = 4
LOCKED = 3
BOUNDED = Path(__file__).parent / "bounded"
MAIN = """
int main() {
  hls::stream<input_t> pixels;
  hls::stream<result_t> results;
  for (int i = 0; i < kCells * %(pixels)d; ++i) {
    input_t pixel;
    for (unsigned channel = 0; channel < input_t::size; ++channel) pixel[channel].range() = i * 37 + channel;
    pixels.write(pixel);
  }
  cytogate_network(pixels, results);
  int count = 0;
  for (; !results.empty(); ++count) results.read();
  std::printf("%%d results, %%s\\n", count, pixels.empty() ? "no pixels" : "pixels");
}
"""

NETWORKS: dict[str, Callable[[], IntegerNetwork]] = {
    "residual": lambda: read_exactly(classifier(residual)),
    "fire": lambda: read_exactly(classifier(fire)),
    "contrast": lambda: read_network(build_network(with_topology("qatom64", SMALL), quantized=True)).network,
}


def at_once(project: HlsProject, pixels: int) -> str:
    """Return a project's top function with a thread a layer and streams of its depths, and a program around it."""
    text = project.sources[0].read_text(encoding="utf-8")
    text, streams = re.subn(r"#pragma HLS STREAM variable=(\w+) depth=(\d+)", r"\1.limit(\2);", text)
    head, layers = text.split("insert layers\n")
    layers, count = re.subn(
        r"^ +(\w+::\w+<.*>\(.*\)); //.*$",
        r"layers.emplace_back([&] { for (int cell = 0; cell < kCells; ++cell) \1; bounded::leave(); });",
        layers,
        flags=re.MULTILINE,
    )
    assert count > 4
    assert streams >= count - 1
    # All are counted before the first one runs.
    start = f"{{ std::lock_guard<std::mutex> lock(bounded::everything()); bounded::running() = {count}; }}\n"
    end = layers.rindex("}")
    layers = f"{start}{layers[:end]}for (auto& each : layers) each.join();\n}}\n"
    head = f"#include <thread>\n#include <vector>\nconstexpr int kCells = {CELLS};\n{head}insert layers\n"
    return f"{head}std::vector<std::thread> layers;\n{layers}{MAIN % {'pixels': pixels}}"


def outcome(text: str, project: HlsProject, folder: Path) -> subprocess.CompletedProcess[str]:
    """Compile and run."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "at_once.cpp"
    source.write_text(text, encoding="utf-8")
    program = build(folder / "at_once", [source], [BOUNDED, *project.includes], project.definitions, shared=False)
    return subprocess.run([program], capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_layer_waits_for_ever(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]()
    project = convert(network, DESIGN, tmp_path / "project")
    rows, columns, _ = network.inputs[0].shape
    found = outcome(at_once(project, rows * columns), project, tmp_path)
    assert (found.stdout, found.returncode) == (f"{CELLS} results, no pixels\n", 0)


def test_a_way_that_cannot_run_ahead_locks_up(tmp_path: Path) -> None:
    """A convolution keeps back more than a row; what goes past it must wait that long."""
    network = NETWORKS["residual"]()
    project = convert(network, DESIGN, tmp_path / "project")
    rows, columns, _ = network.inputs[0].shape
    text = at_once(project, rows * columns)
    assert f".limit({rows * columns});" in text
    found = outcome(text.replace(f".limit({rows * columns});", ".limit(2);"), project, tmp_path)
    assert (found.stdout, found.returncode) == ("locked\n", LOCKED)
