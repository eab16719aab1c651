"""Place of a cell on its hologram's map, as columns of the events."""

from __future__ import annotations

from cytogate.model.contract.off_axis import CENTER
from cytogate.model.features.cell_features import FeatureColumn
from cytogate.model.interface.answers import FoundCell

PLACE_FEATURES = (
    FeatureColumn("center_y", "px", "Row of the cell's center on the map"),
    FeatureColumn("center_x", "px", "Column of the cell's center on the map"),
    FeatureColumn("cell_area", "px^2", "Pixels of the cell on the map"),
)


def place_of(cell: FoundCell) -> dict[str, float]:
    """Return the values of :data:`PLACE_FEATURES` by name."""
    row, column = (CENTER.step * code for code in cell.center)
    return {"center_y": row, "center_x": column, "cell_area": float(cell.area)}
