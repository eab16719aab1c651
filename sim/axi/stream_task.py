"""Task of the stream unit's bench, through the task's folder: no simulator."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cytogate.model.command.files import whole_file


@dataclass(frozen=True)
class StreamTask:
    """The unit's geometry at its pins."""

    beat_bytes: int
    """Of the input stream."""
    frame_beats: int
    constants: dict[str, int]
    """What read-only registers hold for ever, by name."""

    def write(self, folder: Path) -> None:
        """Write ``stream.json`` into ``folder``."""
        with whole_file(folder / "stream.json") as partial:
            partial.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> StreamTask:
        """Return the task in ``folder``."""
        return StreamTask(**json.loads((folder / "stream.json").read_text(encoding="utf-8")))
