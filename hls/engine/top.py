"""The SystemVerilog of a network's engines: a top level that chains instances, and the memory files they read."""

from __future__ import annotations

import re
from pathlib import Path

from cytogate.hls.engine.additions import additions_text
from cytogate.hls.engine.memories import memory_text
from cytogate.model.command.files import refresh
from cytogate.model.engines.engine import INPUT, Engine, EngineNetwork, Memory, Stream

TOP = "network_engine"
LINE = 118
"""Characters of a line."""


def write_engine(network: EngineNetwork, folder: Path, top: str = TOP) -> Path:
    """Write the top level, a module ``top``, and its memory files into ``folder``; return the top level's path."""
    for engine in network.engines:
        for memory in engine.memories:
            refresh(folder / _memory_name(network, top, engine, memory), memory_text(memory))
    path = folder / f"{top}.sv"
    refresh(path, top_text(network, top))
    return path


def modules(network: EngineNetwork) -> tuple[str, ...]:
    """Return the modules that the top level instantiates."""
    forks = {"stream_fork"} if any(network.readers(name) > 1 for name in _streams(network)) else set()
    decision = {"argmax"} if network.decides else set()
    return tuple(sorted({each.module for each in network.engines} | forks | decision | {"tap"}))


def top_text(network: EngineNetwork, top: str = TOP) -> str:
    """Return the top level: a cell's pixels in, its logits and class out, valid and ready on both sides.

    Of the first engines alone, which decide nothing, the words of the last one leave.
    """
    leaves = (
        [f"[{class_bits(network) - 1}:0] out_class", f"[{network.logits.stream.format.width}:0] out_margin",
         f"[{network.logits.stream.bits - 1}:0] out_logits"]
        if network.decides
        else [f"[{network.logits.stream.bits - 1}:0] out_words"]
    )  # fmt: skip
    lines = [
        f"// Network {network.name} as engines, chained: generated from its quantized form, not to be edited.",
        f"module {top} (",
        "    input  logic clk,",
        "    input  logic rst,",
        "    input  logic in_valid,",
        "    output logic in_ready,",
        f"    input  logic [{network.entry.bits - 1}:0] in_words,",
        "    output logic out_valid,",
        "    input  logic out_ready,",
        ",\n".join(f"    output logic {each}" for each in leaves),
        ");",
    ]
    if network.readers(INPUT) > 1:
        lines += _fork(network, INPUT)
    for engine in network.engines:
        lines += ["", *_signals(network, engine), *_instance(network, engine, top)]
        if engine.operation is not None:
            lines += _tap(network, engine)
        if network.readers(engine.name) > 1:
            lines += _fork(network, engine.name)
    sums = [
        additions_text(_additions(network, top, each), each.additions)
        for each in network.engines
        if each.additions is not None
    ]
    end = _decision(network) if network.decides else _words(network)
    return "\n".join([*lines, "", *end, "endmodule", "", *sums])


def class_bits(network: EngineNetwork) -> int:
    """Return the bits of a class's number: one more than the classes is a number that the chip counts to."""
    return network.logits.stream.channels.bit_length()


def _decision(network: EngineNetwork) -> list[str]:
    name, stream = _identifier(network, network.logits.name), network.logits.stream
    given = [
        f".CLASSES({stream.channels})",
        f".BITS({stream.format.width})",
        f".IS_SIGNED({int(stream.format.signed)})",
    ]
    ports = [".clk", ".rst", *(f".in_{end}({name}_{end})" for end in ("valid", "ready", "words"))]
    ports += [f".out_{end}" for end in ("valid", "ready", "class", "margin", "logits")]
    return ["  argmax #(", *_wrapped(given), "  ) decision (", *_wrapped(ports), "  );"]


def _words(network: EngineNetwork) -> list[str]:
    name = _identifier(network, network.logits.name)
    return [
        f"  assign out_valid = {name}_valid;",
        f"  assign {name}_ready = out_ready;",
        f"  assign out_words = {name}_words;",
    ]


def _streams(network: EngineNetwork) -> list[str]:
    return [INPUT, *(each.name for each in network.engines)]


def _identifier(network: EngineNetwork, name: str) -> str:
    """Return the name of a stream as SystemVerilog spells names: by its number no other's, nor a port's."""
    if name == INPUT:
        return "in"
    number = next(place for place, each in enumerate(network.engines) if each.name == name)
    return f"e{number}_{re.sub(r'[^0-9A-Za-z]+', '_', name)}"


def _memory_name(network: EngineNetwork, top: str, engine: Engine, memory: Memory) -> str:
    return f"{top}_{_identifier(network, engine.name)}_{memory.parameter.lower()}.mem"


def _signals(network: EngineNetwork, engine: Engine) -> list[str]:
    name, stream = _identifier(network, engine.name), engine.stream
    shape = f"{stream.rows} x {stream.columns} x {stream.channels}"
    return [
        f"  // {engine.name}: {shape} words of {stream.format.width} bits",
        f"  logic {name}_valid, {name}_ready;",
        f"  logic [{stream.bits - 1}:0] {name}_words;",
    ]


def _instance(network: EngineNetwork, engine: Engine, top: str) -> list[str]:
    name = _identifier(network, engine.name)
    lines: list[str] = []
    given = [f".{key}({value})" for key, value in engine.parameters.items()]
    given += [f'.{each.parameter}("{_memory_name(network, top, engine, each)}")' for each in engine.memories]
    ports = [".clk", ".rst"]
    sides = ("in",) if len(engine.reads) == 1 else ("first", "second")
    for place, (side, source) in enumerate(zip(sides, engine.reads, strict=True)):
        valid, ready, words = _read(network, engine, place, source)
        ports += [f".{side}_valid({valid})", f".{side}_ready({ready})"]
        if engine.additions is None:
            ports += [f".{side}_words({words})"]
        else:
            ports += [f".sums({name}_sums)"]
            lines = _sums(network, network.stream(source), engine, words, top)
    ports += [f".out_{end}({name}_{end})" for end in ("valid", "ready", "words")]
    return [*lines, f"  {engine.module} #(", *_wrapped(given), f"  ) {name}_engine (", *_wrapped(ports), "  );"]


def _sums(network: EngineNetwork, read: Stream, engine: Engine, words: str, top: str) -> list[str]:
    """Return the additions of each pixel of a beat."""
    assert engine.additions is not None
    name, bits = _identifier(network, engine.name), len(engine.additions.biases) * engine.additions.sum_bits
    return [
        f"  logic [{read.bits - 1}:0] {name}_read;",
        f"  logic [{read.pixels * bits - 1}:0] {name}_sums;",
        f"  assign {name}_read = {words};",
        *(
            f"  {_additions(network, top, engine)} {name}_additions_{pixel} (.clk, .words({name}_read"
            f"[{pixel * read.pixel_bits}+:{read.pixel_bits}]), .sums({name}_sums[{pixel * bits}+:{bits}]));"
            for pixel in range(read.pixels)
        ),
    ]


def _additions(network: EngineNetwork, top: str, engine: Engine) -> str:
    """Return the name of the module of an engine's additions."""
    return f"{top}_{_identifier(network, engine.name)}_additions"


def _read(network: EngineNetwork, engine: Engine, place: int, source: str) -> tuple[str, str, str]:
    """Return the valid, ready and words that an engine sees of a stream."""
    name = _identifier(network, source)
    if network.readers(source) == 1:
        return f"{name}_valid", f"{name}_ready", f"{name}_words"
    number = 0
    for each in network.engines:
        if each is engine:
            break
        number += each.reads.count(source)
    number += engine.reads[:place].count(source)
    bits = network.stream(source).bits
    words = f"{name}_fork_words[{number * bits}+:{bits}]"
    return f"{name}_fork_valid[{number}]", f"{name}_fork_ready[{number}]", words


def _fork(network: EngineNetwork, source: str) -> list[str]:
    name, readers, bits = _identifier(network, source), network.readers(source), network.stream(source).bits
    ports = [".clk", ".rst", *(f".in_{end}({name}_{end})" for end in ("valid", "ready", "words"))]
    ports += [f".out_{end}({name}_fork_{end})" for end in ("valid", "ready", "words")]
    return [
        f"  logic [{readers - 1}:0] {name}_fork_valid, {name}_fork_ready;",
        f"  logic [{readers * bits - 1}:0] {name}_fork_words;",
        f"  stream_fork #(.BITS({bits}), .READERS({readers})) {name}_fork (",
        *_wrapped(ports),
        "  );",
    ]


def _tap(network: EngineNetwork, engine: Engine) -> list[str]:
    name = _identifier(network, engine.name)
    parameters = f'.STAGE("{engine.operation}"), .BITS({engine.stream.bits})'
    ports = f".clk, .valid({name}_valid && {name}_ready), .word({name}_words)"
    return [f"  tap #({parameters}) {name}_tap (", f"      {ports}", "  );"]


def _wrapped(parts: list[str]) -> list[str]:
    """Return parts, divided by commas, in lines."""
    lines = [""]
    for number, part in enumerate(parts):
        piece = part if number == len(parts) - 1 else f"{part},"
        if lines[-1] and len(lines[-1]) + len(piece) > LINE - 6:
            lines.append("")
        lines[-1] += f" {piece}" if lines[-1] else piece
    return [f"      {line}" for line in lines]
