"""Products with constants as additions: what kernels share is added once.

A constant is a few signed powers of two (its nonadjacent form), a sum of products a sum of shifted values. Of two that
come together most often in the sums that are left, always at the same distance, one node is made that stands for both
from then on (R. Hartley, IEEE Trans. Circuits Syst. II 43, 677, 1996); what is left of each sum is added in pairs.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cytogate.model.contract.fixed_point import Codes, Format

MOST_DIGITS = 4000
"""Of kernels that are made of additions: more take minutes to share."""


@dataclass(frozen=True)
class Term:
    """A node's value, shifted and signed."""

    node: int
    shift: int
    sign: int


@dataclass(frozen=True)
class Sum:
    """``(first << first.shift) + or - (second << second.shift)``; the first one's sign is positive."""

    first: Term
    second: Term


@dataclass(frozen=True)
class AdderGraph:
    """Sums of values, each of two nodes before it; the values are the first nodes."""

    values: int
    sums: tuple[Sum, ...]
    outputs: tuple[Term | None, ...]
    """What each output is; none of a kernel of zeros."""

    def levels(self) -> list[int]:
        """Return of each node how many sums lie one behind the other ahead of it, its own among them."""
        levels = [0] * self.values
        for each in self.sums:
            levels.append(1 + max(levels[each.first.node], levels[each.second.node]))
        return levels

    def ranges(self, words: Format) -> list[tuple[int, int]]:
        """Return each node's smallest and largest value, of values in such words."""
        found = [(words.code_min, words.code_max)] * self.values
        for each in self.sums:
            one, other = (sorted(term.sign * code << term.shift for code in found[term.node]) for term in _both(each))
            found.append((one[0] + other[0], one[1] + other[1]))
        return found

    def latest(self) -> int:
        """Return the level at which all outputs are there."""
        levels = self.levels()
        return max((levels[term.node] for term in self.outputs if term is not None), default=0)


@dataclass(frozen=True)
class Additions:
    """What an engine adds up for each pixel of its stream: a graph of additions with its words, biases and registers.

    Values are taken into registers, each level of sums is one, and so are the outputs.
    """

    graph: AdderGraph
    words: Format
    """Of a value."""
    biases: tuple[int, ...]
    """Of each output, in its step."""
    shift: int
    """Zeros that are appended to a sum ahead of its bias."""
    sum_bits: int

    @property
    def clocks(self) -> int:
        """From a beat to its sums."""
        return self.graph.latest() + 2

    def node_bits(self) -> list[int]:
        """Return the bits of each node, sign included."""
        return [1 + max(most.bit_length(), (-least - 1).bit_length()) for least, most in self.graph.ranges(self.words)]

    def lives(self) -> list[int]:
        """Return for how many clocks each node's value is kept; 0 of a value that no output needs."""
        graph, levels, latest = self.graph, self.graph.levels(), self.graph.latest()
        lives = [0] * len(levels)
        used = [
            (term, levels[graph.values + place] - 1) for place, each in enumerate(graph.sums) for term in _both(each)
        ]
        used += [(term, latest) for term in graph.outputs if term is not None]
        for term, level in used:
            lives[term.node] = max(lives[term.node], level - levels[term.node] + 1)
        return lives


def _both(added: Sum) -> tuple[Term, Term]:
    return added.first, added.second


def digits(constant: int) -> Iterator[tuple[int, int]]:
    """Return shifts and signs of the powers of two that make up a constant, no two of them neighbors."""
    shift = 0
    while constant:
        if constant & 1:
            sign = 2 - (constant & 3)
            yield shift, sign
            constant -= sign
        constant >>= 1
        shift += 1


def count_digits(kernel: Codes) -> int:
    """Return how many signed powers of two a kernel is made of."""
    return sum(1 for constant in kernel.ravel().tolist() for _ in digits(constant))


def adder_graph(kernel: Codes) -> AdderGraph:
    """Return additions for a kernel (values, outputs); those of the last kernels are kept."""
    return _adder_graph(tuple(map(tuple, kernel.T.tolist())), len(kernel))


@lru_cache(maxsize=32)
def _adder_graph(columns: tuple[tuple[int, ...], ...], values: int) -> AdderGraph:
    return _Sharing(columns, values).graph()


Place = tuple[int, int]
"""A node and a shift."""
Pattern = tuple[int, int, int, int]
"""Two nodes, how much further the second one is shifted, and the product of their signs."""


class _Sharing:
    """Sums of a kernel, while nodes are made of what they have in common."""

    def __init__(self, columns: Sequence[Sequence[int]], values: int) -> None:
        self._values = values
        self._sums: list[Sum] = []
        self._levels = [0] * self._values
        self._made: dict[Sum, int] = {}
        self._left: list[dict[Place, int]] = [
            {(value, shift): sign for value, constant in enumerate(column) for shift, sign in digits(constant)}
            for column in columns
        ]
        self._counts: Counter[Pattern] = Counter()

    def graph(self) -> AdderGraph:
        for terms in self._left:
            places = list(terms)
            for number, place in enumerate(places):
                for other in places[:number]:
                    self._counts[_pattern(place, other, terms)] += 1
        heap = [(-count, pattern) for pattern, count in self._counts.items() if count > 1]
        heapq.heapify(heap)
        while heap:
            count, pattern = heapq.heappop(heap)
            if self._counts[pattern] != -count:
                continue
            for changed in self._share(pattern):
                if self._counts[changed] > 1:
                    heapq.heappush(heap, (-self._counts[changed], changed))
        return self._finished()

    def _share(self, pattern: Pattern) -> set[Pattern]:
        """Put a node in place of two terms wherever they come together; return the patterns whose counts changed."""
        first, second, distance, signs = pattern
        made = None
        changed: set[Pattern] = set()
        for terms in self._left:
            for node, shift in [place for place in terms if place[0] == first]:
                one, other = (node, shift), (second, shift + distance)
                if one not in terms or other not in terms or one == other or terms[one] * terms[other] != signs:
                    continue
                start = min(shift, shift + distance)
                if made is None:
                    made = self._node(Term(first, shift - start, 1), Term(second, shift + distance - start, signs))
                sign = terms[one]
                changed |= self._take(terms, one) | self._take(terms, other)
                changed |= self._put(terms, (made, start), sign)
        self._counts.pop(pattern, None)
        return changed - {pattern}

    def _node(self, first: Term, second: Term) -> int:
        added = Sum(first, second)
        if added not in self._made:
            self._made[added] = self._values + len(self._sums)
            self._sums.append(added)
            self._levels.append(1 + max(self._levels[first.node], self._levels[second.node]))
        return self._made[added]

    def _take(self, terms: dict[Place, int], place: Place) -> set[Pattern]:
        patterns = [_pattern(place, other, terms) for other in terms if other != place]
        for pattern in patterns:
            self._counts[pattern] -= 1
        del terms[place]
        return set(patterns)

    def _put(self, terms: dict[Place, int], place: Place, sign: int) -> set[Pattern]:
        assert place not in terms
        terms[place] = sign
        patterns = [_pattern(place, other, terms) for other in terms if other != place]
        for pattern in patterns:
            self._counts[pattern] += 1
        return set(patterns)

    def _finished(self) -> AdderGraph:
        outputs: list[Term | None] = []
        for terms in self._left:
            waiting = [(self._levels[node], node, shift, sign) for (node, shift), sign in terms.items()]
            heapq.heapify(waiting)
            while len(waiting) > 1:
                (_, node, shift, sign), (_, other, further, its) = heapq.heappop(waiting), heapq.heappop(waiting)
                start = min(shift, further)
                made = self._node(Term(node, shift - start, 1), Term(other, further - start, sign * its))
                heapq.heappush(waiting, (self._levels[made], made, start, sign))
            outputs.append(Term(*waiting[0][1:]) if waiting else None)
        return AdderGraph(self._values, tuple(self._sums), tuple(outputs))


def _pattern(place: Place, other: Place, terms: dict[Place, int]) -> Pattern:
    first, second = sorted((place, other))
    return first[0], second[0], second[1] - first[1], terms[place] * terms[other]
