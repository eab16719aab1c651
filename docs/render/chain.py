"""The signal chain in one drawing: the stages of the contract, with the formats that they have there."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from cytogate.model.contract.law import contract
from cytogate.model.contract.stage import Stage
from cytogate.model.design.folder import DEFAULT_DESIGN, load_design
from docs.render.text import Pages

STEPS = {
    "frames": "four frames of a cell",
    "binned": "crop, add 2x2 pixels",
    "gradient": "logarithm of opposing frames' ratio",
    "spectrum": "less surface; Fourier transform",
    "quotient": "divide by the derivative",
    "phase": "inverse transform, less offset",
    "network_input": "8-bit pixels",
}
"""What makes each stage of the default design."""
CHAIN = "explained/chain.svg"
WIDTH, HEIGHT, GAP, MARGIN, TOP = 196, 104, 30, 24, 64
A_ROW = 5


@dataclass(frozen=True)
class Box:
    """One station of the drawing."""

    name: str
    made: str
    what: str
    where: str


CAMERA, RETRIEVAL, NETWORK, HOST = "camera", "FPGA: phase retrieval", "FPGA: quantized network", "host computer"
COLORS = {CAMERA: "#e3e8ef", RETRIEVAL: "#d5e7f7", NETWORK: "#e2efd9", HOST: "#fbe8d3"}


def pages() -> Pages:
    """Return the drawing."""
    return {CHAIN: drawing().encode()}


def boxes() -> list[Box]:
    """Return the stations in order: the stages of the default design, then network and host."""
    design = load_design(DEFAULT_DESIGN)
    stages = contract(design).stages
    names = len(design.network.class_names)
    return [
        *(
            Box(each.name, STEPS[each.name], _format(each), CAMERA if each is stages[0] else RETRIEVAL)
            for each in stages
        ),
        Box("logits", "convolutions, dense layers", f"{names} classes", NETWORK),
        Box("class, score", "largest logit", f"one of {names}", HOST),
        Box("decision", "gates, coincidence, deadline", "sort, or do not sort", HOST),
    ]


def _format(stage: Stage) -> str:
    sign = "signed" if stage.format.signed else "unsigned"
    return f"{' x '.join(map(str, stage.shape))}, {stage.format.width} bits {sign}"


def drawing() -> str:
    """Return the chain as SVG, a row of stations after the other."""
    stations = boxes()
    rows = -(-len(stations) // A_ROW)
    width = 2 * MARGIN + A_ROW * WIDTH + (A_ROW - 1) * GAP
    height = TOP + rows * (HEIGHT + GAP) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="13">',
        f"<title>Signal chain of {DEFAULT_DESIGN}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#445"/></marker></defs>',
        *_legend(),
    ]
    for number, box in enumerate(stations):
        parts += _station(box, *_place(number))
        if number + 1 < len(stations):
            parts.append(_arrow(_place(number), _place(number + 1)))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> list[str]:
    parts, x = [], MARGIN
    for name, color in COLORS.items():
        parts.append(f'<rect x="{x}" y="20" width="16" height="16" fill="{color}" stroke="#889"/>')
        parts.append(f'<text x="{x + 24}" y="33">{escape(name)}</text>')
        x += 56 + 8 * len(name)
    return parts


def _place(number: int) -> tuple[int, int]:
    row, column = divmod(number, A_ROW)
    return MARGIN + column * (WIDTH + GAP), TOP + row * (HEIGHT + GAP)


def _station(box: Box, x: int, y: int) -> list[str]:
    lines = (
        (box.name, 24, 'font-weight="bold" font-size="15"'),
        (box.made, 52, 'font-size="12"'),
        (box.what, 80, 'font-size="12" fill="#345"'),
    )
    return [
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{COLORS[box.where]}" stroke="#889"/>',
        *(
            f'<text x="{x + WIDTH // 2}" y="{y + below}" text-anchor="middle" {style}>{escape(text)}</text>'
            for text, below, style in lines
        ),
    ]


def _arrow(before: tuple[int, int], after: tuple[int, int]) -> str:
    """Return an arrow to the right, or one around the end of a row."""
    (x, y), (right, below) = before, after
    if y == below:
        path = f"M{x + WIDTH} {y + HEIGHT // 2} H{right - 2}"
    else:
        middle = y + HEIGHT + GAP // 2
        path = f"M{x + WIDTH // 2} {y + HEIGHT} V{middle} H{right + WIDTH // 2} V{below - 2}"
    return f'<path d="{path}" fill="none" stroke="#445" stroke-width="1.5" marker-end="url(#end)"/>'
