"""The SystemVerilog of a whole design, from frames to logits and trigger: its parts, joined."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cytogate.hls.engine.top import TOP as NETWORK
from cytogate.hls.engine.top import class_bits, modules, write_engine
from cytogate.model.command.files import refresh
from cytogate.model.contract.fixed_point import Format
from cytogate.model.contract.gate import LARGEST_CLASSES, MARGIN_BITS, EventFlag
from cytogate.model.contract.law import CausalContract, contract
from cytogate.model.contract.remarks import REMARK_BITS
from cytogate.model.contract.stage import Contract
from cytogate.model.design.design import KNOWN, Design
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.engines.planner import plan_engines
from cytogate.model.engines.upward import in_order_of_rows
from cytogate.model.errors import InputError
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.registers import BackgroundRegister, least_margin_offset
from cytogate.model.networks.operations import IntegerNetwork

TOP = "classify_cells"
CONTROL = "pipeline_control"


@dataclass(frozen=True)
class Core:
    """The data path of a kernel before the network, without its pins."""

    module: str
    parameters: tuple[str, ...] = ("WAITS(0)", "REMARKS(1)")
    """Besides the samples per clock."""
    ports: tuple[str, ...] = ()
    """Besides those that all have: those of its registers and of its remarks on frames, where it has any."""
    lacks: str = ""
    """What stands for those that it has not."""


SIGNS = "remark_valid", "remark_curled", "sign_valid", "sign_negative"
NO_REGISTERS = "  assign register_read_data = '0;\n"
NO_DOUBT = "  assign {remark_unsettled, remark_clipped, remark_half} = '0;\n"
NO_SIGNS = (
    "  assign {remark_valid, remark_curled, sign_valid, sign_negative} = {frame_ended, 1'b0, frame_ended, 1'b0};\n"
)
OF_RECURSION = (
    *SIGNS, "remark_unsettled", "remark_clipped", "remark_half",
    "rst_registers(!aresetn)", "register_write", "register_write_address(s_axil_awaddr)",
    "register_write_data(s_axil_wdata)", "register_read_address(s_axil_araddr)", "register_read_data",
)  # fmt: skip
CORES = {
    "retrieve_phase": Core("retrieval", ports=SIGNS, lacks=f"{NO_REGISTERS}{NO_DOUBT}"),
    "retrieve_two_sided": Core("two_sided_retrieval", ports=OF_RECURSION),
    "retrieve_causal": Core("causal_retrieval", ("REMARKS(1)",), ("m_axis_tuser()", *OF_RECURSION)),
    "encode_channels": Core("encoding", ("WAITS(0)",), lacks=f"{NO_REGISTERS}{NO_DOUBT}{NO_SIGNS}"),
}  # fmt: skip
"""By kernel before the network."""
LITE_IN = (
    "[7:0] s_axil_awaddr", "s_axil_awvalid", "[31:0] s_axil_wdata", "[3:0] s_axil_wstrb", "s_axil_wvalid",
    "s_axil_bready", "[7:0] s_axil_araddr", "s_axil_arvalid", "s_axil_rready",
)  # fmt: skip
LITE_OUT = (
    "s_axil_awready", "s_axil_wready", "[1:0] s_axil_bresp", "s_axil_bvalid", "s_axil_arready", "[31:0] s_axil_rdata",
    "[1:0] s_axil_rresp", "s_axil_rvalid",
)  # fmt: skip


def pipeline_engines(network: IntegerNetwork, design: Design, samples_per_clock: int) -> EngineNetwork:
    """Return the engines of a design's network, as they are planned for its board behind its frames.

    Raises
    ------
    InputError
        If there are none, or the gate behind them cannot tell their classes or margins.
    """
    turned = in_order_of_rows(network, design)
    found = plan_engines(design, turned, design.chip.on, samples_per_clock).engines(turned)
    logits, pixel, terms = found.logits.stream, found.entry, contract(design)
    taken = (pixel.rows, pixel.columns, pixel.channels), pixel.format
    given = terms.stage("network_input").shape, terms.pixel
    if _said(*taken) != _said(*given):
        raise InputError(f"network {network.name} takes {_said(*taken)}; design {design.name} gives {_said(*given)}")
    most = _most_classes(terms)
    if logits.channels > most:
        raise InputError(f"network {network.name} has {logits.channels} classes; the gate of this design knows {most}")
    if logits.format.width >= MARGIN_BITS:
        raise InputError(
            f"network {network.name}: logits of {logits.format.width} bits; the gate takes margins of {MARGIN_BITS} "
            "bits, one more than a logit's"
        )
    return found


def _most_classes(terms: Contract) -> int:
    """Return how many classes the gate tells apart: registers of a background leave room for fewer least margins."""
    if not isinstance(terms, CausalContract) and terms.design.chip.surface != KNOWN:
        return LARGEST_CLASSES
    return sum(least_margin_offset(index) < BackgroundRegister.CONTROL.offset for index in range(LARGEST_CLASSES))


def write_pipeline(network: EngineNetwork, design: Design, folder: Path) -> tuple[Path, Path]:
    """Write the top level, the network's, and their memory files; return the paths of both, the network's first."""
    path = folder / f"{TOP}.sv"
    refresh(path, pipeline_text(network, design))
    return write_engine(network, folder), path


def pipeline_modules(network: EngineNetwork, design: Design) -> tuple[str, ...]:
    """Return the modules of ``fpga/rtl`` that the top level and the network's instantiate."""
    return (CORES[contract(design).kernel].module, CONTROL, *modules(network))


def pipeline_text(network: EngineNetwork, design: Design) -> str:
    """Return the top level: raw frames in; logits, events and the trigger out; registers."""
    samples, core = network.entry.pixels, CORES[contract(design).kernel]
    logits, classes = network.logits.stream, class_bits(network)
    beat = 8 * FrameLayout.of(design.camera, samples).beat_bytes
    taken = (f"[{beat - 1}:0] s_axis_tdata", "s_axis_tvalid", "s_axis_tlast", "m_axis_tready")
    given = (
        "s_axis_tready", "[31:0] m_axis_tdata", "m_axis_tvalid", "m_axis_tlast", "event_valid",
        f"[{len(EventFlag) - 1}:0] event_flags", f"[{REMARK_BITS - 1}:0] event_remark",
        f"[{classes - 1}:0] event_class",
        f"[{logits.format.width}:0] event_margin", "[31:0] event_clock", "trigger",
    )  # fmt: skip
    ports = [*(f"    input  logic {name}" for name in ("aclk", "aresetn", *taken, *LITE_IN))]
    ports += [f"    output logic {name}" for name in (*given, *LITE_OUT)]
    joined = ",\n".join(ports)
    parameters = ", ".join(f".{each}" for each in (f"SAMPLES({samples})", *core.parameters))
    own = "".join(f",\n      .{each}" for each in core.ports)
    return f"""\
// Design {design.name} from raw frames to logits and trigger: generated from its parts, not to be edited.
module {TOP} (
{joined}
);
  logic rst, frames_valid, frames_ready, frame_ended, frame_intact, too_short, too_long;
  logic pixels_valid, pixels_ready, decision_valid, decision_ready;
  logic register_write, remark_valid, remark_unsettled, remark_clipped, remark_curled, sign_valid, sign_negative;
  logic [1:0] remark_half;
  logic [31:0] now, register_read_data;
  logic [{network.entry.bits - 1}:0] pixels;
  logic [{classes - 1}:0] decision_class;
  logic [{logits.format.width}:0] decision_margin;
  logic [{logits.bits - 1}:0] decision_logits;

  // Malformed frames go on, too: control knows which they are.
  {core.module} #({parameters}) {core.module} (
      .clk(aclk), .rst, .now, .s_axis_tdata, .s_axis_tvalid(frames_valid), .s_axis_tready(frames_ready), .s_axis_tlast,
      .m_axis_tdata(pixels), .m_axis_tvalid(pixels_valid), .m_axis_tready(pixels_ready), .m_axis_tlast(),
      .frame_ended, .frame_intact, .too_short, .too_long, .frame_left(), .frame_arrived(){own}
  );
{core.lacks}  {NETWORK} network (
      .clk(aclk), .rst, .in_valid(pixels_valid), .in_ready(pixels_ready), .in_words(pixels),
      .out_valid(decision_valid), .out_ready(decision_ready), .out_class(decision_class),
      .out_margin(decision_margin), .out_logits(decision_logits)
  );
  {CONTROL} #(
      .CLASSES({logits.channels}), .LOGIT_BITS({logits.format.width}), .IS_SIGNED({int(logits.format.signed)})
  ) control (.*);
endmodule
"""


def _said(shape: tuple[int, ...], words: Format) -> str:
    """Return what pixels are, for a sentence."""
    return f"{' x '.join(map(str, shape))} codes of {words.width} bits{' with sign' if words.signed else ''}"
