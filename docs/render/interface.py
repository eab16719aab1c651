"""Render what chip and host agree on: register maps, the receipt of a batch, the bundle."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any

from cytogate.model.interface import bundle, registers
from docs.render.text import Pages, page, plain, said, table


def pages() -> Pages:
    """Return ``reference/registers.md`` and ``reference/bundle.md``."""
    return {"reference/registers.md": _registers(), "reference/bundle.md": _bundle()}


def _registers() -> bytes:
    return page(
        "Register map",
        plain(registers.__doc__ or ""),
        f"Each AXI4-Lite port has {registers.PORT_BYTES} bytes of addresses; a register has 32 bits.",
        "## Phase retrieval kernel",
        _map(registers.Register),
        _bits(registers.Control),
        _bits(registers.ErrorFlag),
        "## Stream unit",
        _map(registers.StreamRegister),
        _bits(registers.StreamControl),
        "## Receipt of a batch",
        plain(registers.ReceiptWord.__doc__ or ""),
        _values(registers.ReceiptWord, "word"),
        f"`MARK` is `0x{registers.RECEIPT_MARK:08X}`.",
    )


def _map(register_map: Any) -> str:
    rows = [(f"`0x{each.offset:02X}`", f"`{each.name}`", each.access.value, each.description) for each in register_map]
    return table(("offset", "name", "access", "what"), rows)


def _bits(flags: Any) -> str:
    return f"{plain(flags.__doc__ or '')}\n\n{_values(flags, 'bit value')}"


def _values(members: type[Enum], what: str) -> str:
    told = said(registers)
    rows = [(each.value, f"`{each.name}`", told.get((members.__name__, each.name), "")) for each in members]
    return table((what, "name", "what"), rows)


def _bundle() -> bytes:
    told = said(bundle)
    members = [(f"`{name}`", f"{most / 1024:,.0f} KiB") for name, most in bundle.LIMITS.items()]
    fields = [
        (f"`{each.name}`", told.get(("Manifest", each.name), ""), bundle._RULES[each.name][1])
        for each in dataclasses.fields(bundle.Manifest)
    ]
    return page(
        "Bundle",
        plain(bundle.__doc__ or ""),
        "## Members",
        table(("member", "largest size"), members),
        f"## `{bundle.MANIFEST}`",
        plain(bundle.Manifest.__doc__ or ""),
        table(("field", "what", "must be"), fields),
    )
