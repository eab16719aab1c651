"""The lock on Optuna's journal, which also mends what a killed process has left of it."""

from __future__ import annotations

from pathlib import Path

from optuna.storages.journal import JournalFileOpenLock

from cytogate.model.command.locks import FileLock


class JournalLock(JournalFileOpenLock):
    """Who may write to Optuna's journal; a line that a killed process has left half written is cut off."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal
        self._lock = FileLock(journal.with_suffix(".lock"))

    def acquire(self) -> bool:
        """Wait until the journal can be written."""
        self._lock.acquire()
        with self._journal.open("rb+") as file:
            written = file.read()
            whole = written.rfind(b"\n") + 1
            if whole < len(written):
                file.truncate(whole)
        return True

    def release(self) -> None:
        """Let others write."""
        self._lock.release()
