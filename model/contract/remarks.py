"""The remarks on a four-angle frame beside its phase, by every law: a clean edge, a curl, a negative phase.

``g`` are the contract's gradient codes, pixels of N x N, along x and along y.

* *half*: that of the window which starts at its clean edge. D sums the magnitudes of ``g[y,x] - g[y,x-8]`` over the
  first or the last 8 rows, x from 8 on, both axes: the light's own gradient is nearly the same eight pixels away, a
  cell's is not, and nothing has to be known of the light. Up where ``8 D(top) > 9 D(bottom)``, down where ``8
  D(bottom) > 9 D(top)``, else both. Measured on 60 simulated cells: within the frame D(top) over D(bottom) is .96 to
  1.05 at N = 128, .97 to 1.02 at N = 64, 1.01 to 1.04 at three times the shading; of cells that are cut at the top by
  100 raw pixels 2.3 and more (1.6 at three times the shading), at the bottom .77 and less.
* *curl*: gradients of one phase have none. B are sums of g over blocks of 8 x 8 pixels. About each corner of four
  blocks the turn is ``By(right) - By(left) - Bx(lower) + Bx(upper)``, of the two blocks on that side each, and the
  flow ``Bx(right) - Bx(left) + By(lower) - By(upper)``. T and F sum their magnitudes over the (N/8 - 1)^2 corners;
  the frame has a curl where ``16 T > 7 F``. No product is needed, no recursion and no surface. Measured on 40
  simulated cells of one run, N = 128: T / F of the right order of frames is at most .24 (.30 at three times the
  shading, or of cells cut by 100 raw pixels), of each of the 22 orders with a curl at least .49 on every cell; at N =
  64 at most .37 and at least .49, at N = 256 (16 cells) .25 and .54. Of fields without a cell it is .36 to .46. Where
  every frame has a shading of its own, 8 of 64 frames in the right order have a curl at N = 64 and 4 at N = 128, and
  2 of 1,408 in a wrong order have none.
* *negative*: the phase's largest and smallest code together are below zero. So it is, in the right order, of cells
  less dense than their medium alone; else + and - of both axes are exchanged, the one wrong order without a curl.

One frame proves no order: a field without a cell may have a curl. Of the latest :data:`ORDER_FRAMES` whole frames more
than half must.
"""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.contract.recursion import Half

CLEANER = (9, 8)
"""An edge is cleaner than the other one where its gradients change less, by more than 9 : 8."""
CLEANER_APART = 8
"""Pixels of a row between two gradients that are compared for it."""
CURL = (7, 16)
"""A frame has a curl where the turns are more than 7 : 16 of the flows."""
CURL_BLOCK = 8
"""Pixels along each axis of a block."""
ORDER_FRAMES = 16
"""Whole frames whose curls and signs are counted."""
REMARK_BITS = 4


@dataclass(frozen=True)
class Remark:
    """What is remarked on a frame."""

    half: Half = Half.BOTH
    """Which starts at the clean edge of the window; both where the law does not ask."""
    curled: bool = False
    """Whether its gradients have a curl."""
    negative: bool = False
    """Whether its phase is negative."""

    @property
    def code(self) -> int:
        """The remark as the chip says it, in :data:`REMARK_BITS` bits."""
        return self.half | self.curled << 2 | self.negative << 3

    @staticmethod
    def of(code: int) -> Remark | None:
        """Return the remark of a code; None if there is none with it."""
        half = code & 3
        return Remark(Half(half), bool(code >> 2 & 1), bool(code >> 3 & 1)) if half in tuple(Half) else None


NO_REMARK = Remark()
