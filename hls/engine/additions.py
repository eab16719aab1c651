"""The SystemVerilog of sums that are made of additions: a module an engine, its registers one behind the other."""

from __future__ import annotations

from cytogate.model.engines.adders import AdderGraph, Term
from cytogate.model.engines.engine import Additions


def additions_text(name: str, made: Additions) -> str:
    """Return a module ``name``: words of a pixel in, sums out ``made.clocks`` clocks later; time never stops."""
    graph, words = made.graph, made.words
    levels, latest, bits = graph.levels(), graph.latest(), made.node_bits()
    lives = made.lives()
    outputs = len(graph.outputs)
    lines = [
        f"// {len(graph.sums)} additions in place of products with constants: generated, not to be edited.",
        f"module {name} (",
        "    input  logic clk,",
        f"    input  logic [{graph.values * words.width - 1}:0] words,",
        f"    output logic [{outputs * made.sum_bits - 1}:0] sums",
        ");",
    ]
    for node in range(len(levels)):
        names = ", ".join(_named(node, age) for age in range(lives[node]))
        if names:
            lines.append(f"  logic signed [{bits[node] - 1}:0] {names};")
    lines.append("  always_ff @(posedge clk) begin")
    for node, level in enumerate(levels):
        if not lives[node]:
            continue
        if node < graph.values:
            word = f"words[{node * words.width}+:{words.width}]"
            lines.append(f"    {_named(node, 0)} <= " + (f"$signed({word});" if words.signed else f"{{1'b0, {word}}};"))
        else:
            added = graph.sums[node - graph.values]
            first, second = (
                _shifted(term, bits[node], level - 1 - levels[term.node]) for term in (added.first, added.second)
            )
            lines.append(f"    {_named(node, 0)} <= {first} {'+' if added.second.sign > 0 else '-'} {second};")
        lines += [f"    {_named(node, age)} <= {_named(node, age - 1)};" for age in range(1, lives[node])]
    for output, (term, bias) in enumerate(zip(graph.outputs, made.biases, strict=True)):
        lines.append(f"    sums[{output * made.sum_bits}+:{made.sum_bits}] <= {_sum(made, graph, term, bias, latest)};")
    return "\n".join([*lines, "  end", "endmodule", ""])


def _sum(made: Additions, graph: AdderGraph, term: Term | None, bias: int, latest: int) -> str:
    width = made.sum_bits
    if term is None:
        return _constant(bias, width)
    value = Term(term.node, term.shift + made.shift, term.sign)
    shifted = _shifted(value, width, latest - graph.levels()[term.node])
    if bias:
        return f"{_constant(bias, width)} {'+' if term.sign > 0 else '-'} {shifted}"
    return shifted if term.sign > 0 else f"-{shifted}"


def _shifted(term: Term, bits: int, age: int) -> str:
    """Return a node's value of ``age`` clocks ago, in so many bits."""
    value = f"{bits}'({_named(term.node, age)})"
    return f"({value} <<< {term.shift})" if term.shift else value


def _named(node: int, age: int) -> str:
    return f"n{node}" if age == 0 else f"n{node}_{age}"


def _constant(value: int, bits: int) -> str:
    return f"{bits}'sh{value & (1 << bits) - 1:x}"
