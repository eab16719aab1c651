"""Verbs of this room."""

from __future__ import annotations

import argparse

from cytogate.model.command.dispatch import Verb


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _write_headers(arguments: argparse.Namespace) -> None:
    from cytogate.hls.contract.header import GENERATED, write_header
    from cytogate.model.design.design import DESIGNS

    for design in DESIGNS.values():
        print(write_header(design, GENERATED / design.name))


HEADER = Verb("Write the contract's C++ headers of the built-in designs.", _no_arguments, _write_headers)
