"""The identity of a network: what tells two networks apart that compute different things."""

from __future__ import annotations

import hashlib
from dataclasses import fields

import numpy as np

from cytogate.model.contract.fixed_point import Format
from cytogate.model.networks.operations import Constants, IntegerNetwork


def identity(network: IntegerNetwork) -> str:
    """Return the SHA-256 of what a network computes: of its operations, their formats and constants, not of names."""
    digest = hashlib.sha256()
    numbers = {each.name: number for number, each in enumerate(network.operations)}
    for operation in network.operations:
        told = [type(operation).__name__, *(str(numbers[name]) for name in operation.reads)]
        for each in fields(operation):
            value = getattr(operation, each.name)
            if isinstance(value, Constants):
                told += [str(value.codes.shape), value.format.ap_type]
                digest.update(np.ascontiguousarray(value.codes, "<i8").tobytes())
            elif isinstance(value, Format):
                told.append(value.ap_type)
            elif each.name not in ("name", "reads", "entering"):
                told.append(str(value))
        digest.update("\n".join((*told, "")).encode("ascii"))
    return digest.hexdigest()
