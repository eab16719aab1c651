"""Bundles for emulated boards: a manifest and a hardware description as a build would give, and no bitstream."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from cytogate.model.interface.bundle import BITSTREAM, DESCRIPTION, Bundle, Manifest, write_bundle
from cytogate.sim.board.hwh import description

NO_BITSTREAM = "Synthetic: no bitstream. It runs on an emulated board alone.\n"


def write_synthetic(path: Path, manifest: Manifest) -> Bundle:
    """Write the bundle of a synthetic manifest."""
    if not manifest.synthetic:
        raise ValueError("a manifest of a real bitstream is not put beside none")
    with TemporaryDirectory(prefix="cytogate-") as temporary:
        files = {name: Path(temporary) / name for name in (BITSTREAM, DESCRIPTION)}
        files[BITSTREAM].write_text(NO_BITSTREAM, encoding="ascii")
        files[DESCRIPTION].write_text(description(manifest), encoding="ascii")
        return write_bundle(path, manifest, files)
