"""The latency ledger: where a cell's time goes, in memory that does not grow.

Durations are counted in buckets whose width is a fixed share of their value (a logarithmic histogram with linear
sub-buckets, as HdrHistogram's): a quantile is the upper edge of its bucket, above the true value by at most
:data:`RELATIVE_ERROR`, and never below it. Maxima are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytogate.host.text_enum import TextEnum

SUB_BUCKET_BITS = 7
RELATIVE_ERROR = 2.0**-SUB_BUCKET_BITS
"""Largest share by which a quantile exceeds the true value: 0.8%."""
LONGEST_NS = (1 << 44) - 1
"""Almost five hours; longer durations are counted as this long."""
_BUCKETS = (LONGEST_NS.bit_length() - SUB_BUCKET_BITS + 1) << SUB_BUCKET_BITS


class Span(TextEnum):
    """A part of a cell's way; ``TOTAL`` is the sum of queue, transfer and decision."""

    QUEUE = "queue"
    """From arrival until the cell's batch is handed to the DMA."""
    TRANSFER = "transfer"
    """From there until the batch has come back; phase retrieval and network are part of it."""
    RETRIEVAL = "retrieval"
    """Of the transfer: a frame's last beat into the phase retrieval to its last beat out, by the kernel's counter, of
    the last frame of each batch; an emulated kernel may count no clocks. The network has no counter: it is the rest of
    the transfer, together with the DMA."""
    TRIGGER = "trigger"
    """Of the transfer: a frame's last beat into the chip to its trigger's pulse, by the chip's clock, of each cell that
    the chip's gate has sorted."""
    DECISION = "decision"
    """From the result to the verdict."""
    TOTAL = "total"


@dataclass(frozen=True)
class Summary:
    """A span summed up, in microseconds; quantiles as the module's first lines say."""

    cells: int
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float


class Histogram:
    """Durations of any number, counted."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)
        self._max_ns = 0

    @property
    def count(self) -> int:
        """How many durations were recorded."""
        return int(self._counts.sum())

    @property
    def max_ns(self) -> int:
        """The longest, exactly; 0 if there is none."""
        return self._max_ns

    def record(self, duration_ns: int) -> None:
        """Count one duration; a negative one, which a stepped clock may give, as 0."""
        self._counts[_bucket(min(max(duration_ns, 0), LONGEST_NS))] += 1
        self._max_ns = max(self._max_ns, duration_ns)

    def quantile_ns(self, share: float) -> int:
        """Return a duration that at least ``share`` (0 to 1) of all do not exceed; 0 if there is none.

        Above the smallest such duration by at most :data:`RELATIVE_ERROR`, and never above the maximum.
        """
        count = self.count
        if not count:
            return 0
        rank = max(1, int(np.ceil(share * count)))
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(_upper_edge(bucket), self._max_ns)

    def summary(self) -> Summary:
        """Return the figures that a report shows."""
        p50, p99, p999 = (self.quantile_ns(share) / 1e3 for share in (0.5, 0.99, 0.999))
        return Summary(self.count, p50, p99, p999, self._max_ns / 1e3)


class Ledger:
    """Histograms of all spans, and the decisions that missed their deadline."""

    def __init__(self) -> None:
        self._histograms = {span: Histogram() for span in Span}
        self.misses = 0
        """Cells whose total exceeded the deadline."""

    def record(self, arrived_ns: int, sent_ns: int, received_ns: int, decided_ns: int, deadline_ns: int | None) -> None:
        """Enter a cell that has a result, and its deadline if it had one."""
        self.record_span(Span.QUEUE, sent_ns - arrived_ns)
        self.record_span(Span.TRANSFER, received_ns - sent_ns)
        self.record_span(Span.DECISION, decided_ns - received_ns)
        self.record_span(Span.TOTAL, decided_ns - arrived_ns)
        self.misses += deadline_ns is not None and decided_ns - arrived_ns > deadline_ns

    def record_span(self, span: Span, duration_ns: int) -> None:
        """Enter a duration of one span."""
        self._histograms[span].record(duration_ns)

    def histogram(self, span: Span) -> Histogram:
        """Return the histogram of ``span``."""
        return self._histograms[span]

    def summaries(self) -> dict[str, Summary]:
        """Return the spans of which anything is known, by name."""
        return {span.value: each.summary() for span, each in self._histograms.items() if each.count}


def _bucket(duration_ns: int) -> int:
    """Return the bucket's number: the exponent above the sub-bucket's bits, and those bits behind the leading one."""
    shift = max(0, duration_ns.bit_length() - SUB_BUCKET_BITS - 1)
    return (shift << SUB_BUCKET_BITS) + (duration_ns >> shift)


def _upper_edge(bucket: int) -> int:
    """Return the longest duration in a bucket."""
    exponent, mantissa = divmod(bucket, 1 << SUB_BUCKET_BITS)
    shift = max(0, exponent - 1)
    lowest = (mantissa + ((1 << SUB_BUCKET_BITS) if exponent else 0)) << shift
    return lowest + (1 << shift) - 1
