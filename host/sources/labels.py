"""Labels of a file as classes of a design: matched by name, never by the file's own order of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.file import did_you_mean


def labels_of_design(
    path: Path, labels: NDArray[np.int64] | None, names: tuple[str, ...] | None, class_names: tuple[str, ...]
) -> tuple[NDArray[np.int64] | None, str | None]:
    """Return labels (cells,) as indices of a design's ``class_names``, and what the user must be told of them.

    Parameters
    ----------
    labels
        (cells,) as the file ``path`` has them, indices of ``names`` where there are names.
    names
        The file's classes, in its own order; None if it names none.

    Returns
    -------
    labels
        None where the file has none, or where it is not certain which classes of the design they mean: then there is
        no accuracy, and a sentence says why.
    told
        One sentence, or None if there is nothing to say.
    """
    if labels is None:
        return None, None
    known = f"the design's {len(class_names)} classes {', '.join(class_names)}"
    if names is None:
        count = int(labels.max()) + 1
        if count == len(class_names):
            return labels, f"{path}: labels have no class_names; 0 to {count - 1} are taken for {known}, in this order"
        return None, (
            f"{path}: labels have no class_names, and 0 to {count - 1} are not as many as {known}; they are left out, "
            "and there is no accuracy: store class_names beside them"
        )
    unknown = [names[index] for index in np.unique(labels).tolist() if names[index] not in class_names]
    if unknown:
        return None, (
            f"{path}: labels name the class {unknown[0]}, which is not among {known}"
            f"{did_you_mean(unknown[0], class_names)}; they are left out, and there is no accuracy"
        )
    places = np.array([class_names.index(name) if name in class_names else -1 for name in names], np.int64)
    return places[labels], None
