"""A generated HLS project of a network: its files, names and formats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from cytogate.model.contract.fixed_point import Format

NETWORK_HEADER = "network.hpp"


@dataclass(frozen=True)
class HlsProject:
    """A project that hls4ml wrote for Vitis HLS.

    Its folder holds ``firmware/`` (the network's C++) and ``network.hpp``, by which ``fpga/src/classify.hpp`` finds the
    network's top function and types.
    """

    folder: Path
    top: str
    """Name of the network's top function."""
    logits: Format
    """Format of a logit."""
    shape: tuple[int, ...]
    """Of the logits: a vector, but in proofs of a network's beginning."""
    weights_hash: str
    """The network's identity: 64 hexadecimal digits. Host and chip know each other's network by it."""
    input_types: tuple[str, ...] = ("input_t",)
    """Types of the words of each input's stream, in the order of the model's inputs."""

    @property
    def classes(self) -> int:
        """Logits of a cell."""
        return math.prod(self.shape)

    @property
    def sources(self) -> tuple[Path, ...]:
        """C++ to compile."""
        return (self.folder / "firmware" / f"{self.top}.cpp",)

    @property
    def includes(self) -> tuple[Path, ...]:
        """Folders of its headers."""
        return (self.folder, self.folder / "firmware")

    @property
    def definitions(self) -> tuple[str, ...]:
        """Macros of a C-simulation, which loads its weights from a folder of text files."""
        return (f'WEIGHTS_DIR="{self.folder.resolve() / "firmware" / "weights"}"',)


def network_header(project: HlsProject) -> str:
    """Return the text of ``network.hpp``."""
    streams = ["pixels", *(f"pixels_{index}" for index in range(2, len(project.input_types) + 1))]
    parameters = [f"hls::stream<{words}>& {name}" for words, name in zip(project.input_types, streams, strict=True)]
    return "\n".join(
        [
            f"// Names the network of {project.top} for the classification kernel: generated, not to be edited.",
            "#pragma once",
            "",
            f'#include "firmware/{project.top}.h"',
            "",
            "namespace network {",
            "",
            *(f"using ::{words};" for words in project.input_types),
            "using ::result_t;",
            f"constexpr int kLogitBits = {project.logits.width};",
            f"using logit_code = {'ap_int' if project.logits.signed else 'ap_uint'}<kLogitBits>;",
            "",
            f"inline void run({', '.join(parameters)}, hls::stream<result_t>& logits) {{",
            f"  ::{project.top}({', '.join(streams)}, logits);",
            "}",
            "",
            "}  // namespace network",
            "",
        ]
    )
