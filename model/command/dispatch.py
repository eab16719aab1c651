"""The ``cytogate`` command: finds the verbs that the rooms have registered and dispatches to one of them.

A verb is a :class:`Verb` registered in the entry-point group ``cytogate.verbs``. Its module stays cheap to
import: whatever is heavy is imported by the function that runs.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import NoReturn

from cytogate.model.command.extras import missing
from cytogate.model.command.requests import requests_to_end
from cytogate.model.command.terminal import spelled, take_any_name
from cytogate.model.errors import CheckFailed, InputError

GROUP = "cytogate.verbs"
OF_THE_SYSTEM = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EIO, errno.EFBIG,
    errno.EMFILE, errno.ENFILE,
}  # fmt: skip
"""What a disk or a system says that gives or takes nothing, even where it names no file."""
EXIT_DONE, EXIT_CHECK_FAILED, EXIT_BAD_INPUT, EXIT_CRASHED, EXIT_INTERRUPTED = 0, 1, 2, os.EX_SOFTWARE, 130


@dataclass(frozen=True)
class Verb:
    """One sub-command: a line of help, its arguments, and what it does."""

    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Says an option's default, unless there is none or its help has said so."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        told = action.help or ""
        return told if not action.default or "(default: " in told else super()._get_help_string(action)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one sentence, as every other fault is said."""

    def error(self, message: str) -> NoReturn:
        """Raise what is printed as one line."""
        raise InputError(f"{self.prog}: {message}; `{self.prog} --help` tells more")


def main(arguments: list[str] | None = None) -> int:
    """Run ``cytogate`` with ``arguments`` (default: the command line) and return its exit code."""
    take_any_name()
    parser = _Parser(prog="cytogate", description="Raw frames of cells to a class, bit for bit.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for entry in sorted(entry_points(group=GROUP), key=lambda found: found.name):
        verb: Verb = entry.load()
        sub = verbs.add_parser(
            entry.name,
            help=verb.summary,
            description=verb.summary,
            formatter_class=_Help,
        )
        verb.add_arguments(sub)
        sub.set_defaults(run=verb.run)
    try:
        chosen = parser.parse_args(arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    with requests_to_end() as requests:
        try:
            return _code_of(chosen)
        except KeyboardInterrupt:
            requests.end_process()
            print(f"cytogate {chosen.verb}: interrupted; what was finished is kept", file=sys.stderr)
            return EXIT_INTERRUPTED


def _code_of(chosen: argparse.Namespace) -> int:
    """Run the chosen verb and return the exit code; say in a sentence why it failed."""
    try:
        chosen.run(chosen)
    except InputError as error:
        print(f"cytogate {chosen.verb}: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except CheckFailed as error:
        print(f"cytogate {chosen.verb}: {error}", file=sys.stderr)
        return EXIT_CHECK_FAILED
    except BrokenPipeError:
        # Whoever read what is printed has gone, as `head` does; nothing more is to be written at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INTERRUPTED
    except Exception as error:
        told = _told(error, chosen.verb)
        if told is not None:
            print(f"cytogate {chosen.verb}: {told}", file=sys.stderr)
            return EXIT_BAD_INPUT
        traceback.print_exc()
        print(
            f"cytogate {chosen.verb}: this is a fault of Cytogate, not of what it was given; please report it, with "
            "the command and all lines above, as an issue of Cytogate's repository",
            file=sys.stderr,
        )
        return EXIT_CRASHED
    return EXIT_DONE


def _told(error: Exception, verb: str) -> str | None:
    """Return the sentence of an exception that is no fault of ours; None of one that is."""
    if isinstance(error, OSError) and error.filename is not None:
        names = [
            os.fsdecode(each) if isinstance(each, bytes) else str(each)
            for each in (error.filename, error.filename2)
            if each is not None
        ]
        return f"{spelled(' to '.join(names))}: cannot be written or read: {error.strerror}"
    if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM:
        return f"the disk: cannot be written or read: {error.strerror}"
    if isinstance(error, ImportError) and error.name is not None:
        return missing(error.name, verb)
    return None
