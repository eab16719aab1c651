"""Bundles for emulated boards: design, network and a hardware description as a build would give, and no bitstream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cytogate.model.command.files import temporary_folder
from cytogate.model.design.design import Design
from cytogate.model.interface.bundle import BITSTREAM, DESCRIPTION, Bundle, Manifest, write_bundle
from cytogate.sim.board.hwh import description

NO_BITSTREAM = "Synthetic: no bitstream. It runs on an emulated board alone.\n"


def write_synthetic(path: Path, manifest: Manifest, design: Design, network: Mapping[str, Path]) -> Bundle:
    """Write the bundle of a synthetic manifest.

    Parameters
    ----------
    network
        Files of the design's network by member name, see
        :func:`~cytogate.model.interface.bundle.network_members`.
    """
    if not manifest.synthetic:
        raise ValueError("a manifest of a real bitstream is not put beside none")
    with temporary_folder() as temporary:
        made = {name: temporary / name for name in (BITSTREAM, DESCRIPTION)}
        made[BITSTREAM].write_text(NO_BITSTREAM, encoding="ascii")
        made[DESCRIPTION].write_text(description(design), encoding="ascii")
        return write_bundle(path, manifest, design, {**made, **network})
