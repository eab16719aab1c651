"""A synthetic hardware description: what pynq needs to find the cells of a Cytogate design, made without Vivado.

It says so of itself wherever a real one names the tool. Addresses are those that Vivado gives by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.interface.axi_dma import LENGTH_BITS
from cytogate.model.interface.bundle import CALIBRATION_DMA, DMA, FRONT_END, INTERRUPTS, STREAM_UNIT, layout_of
from cytogate.model.interface.description import LENGTH_WIDTH

SYNTHETIC = "synthetic"
INTERRUPT_INPUTS = ("mm2s_introut", "s2mm_introut")
"""The DMA's interrupts by the controller's input."""
ADDRESSES = {
    DMA: 0xA000_0000, INTERRUPTS: 0xA001_0000, FRONT_END: 0xA002_0000, STREAM_UNIT: 0xA003_0000,
    CALIBRATION_DMA: 0xA004_0000,
}  # fmt: skip
ADDRESS_RANGE = 0x1_0000
BUSES = {
    DMA: "S_AXI_LITE", INTERRUPTS: "s_axi", FRONT_END: "s_axil", STREAM_UNIT: "s_axil", CALIBRATION_DMA: "S_AXI_LITE",
}  # fmt: skip
"""Names of the cells' register ports."""
CONCAT = "xlconcat"


@dataclass(frozen=True)
class Processor:
    """How a processing system appears in a hardware description."""

    kind: str
    version: str
    architecture: str
    """As Linux calls it there."""
    interrupt_port: str
    interrupt: int
    """First number of its interrupts from the programmable logic."""
    master: str
    clock_enable: str
    clock_divider: str
    clock_source: str
    clock_mhz: str
    pll: str
    """Value of the clock source: the PLL whose frequency is the board's."""


ZYNQ = Processor(
    "processing_system7", "5.5", "armv7l", "IRQ_F2P", 61, "M_AXI_GP0",
    "PCW_FPGA_FCLK{clock}_ENABLE", "PCW_FCLK{clock}_PERIPHERAL_DIVISOR{divider}",
    "PCW_FCLK{clock}_PERIPHERAL_CLKSRC", "PCW_ACT_FPGA{clock}_PERIPHERAL_FREQMHZ", "IO PLL",
)  # fmt: skip
ULTRASCALE = Processor(
    "zynq_ultra_ps_e", "3.5", "aarch64", "pl_ps_irq0", 121, "M_AXI_HPM0_FPD",
    "PSU__FPGA_PL{clock}_ENABLE", "PSU__CRL_APB__PL{clock}_REF_CTRL__DIVISOR{divider}",
    "PSU__CRL_APB__PL{clock}_REF_CTRL__SRCSEL", "PSU__CRL_APB__PL{clock}_REF_CTRL__ACT_FREQMHZ", "IOPLL",
)  # fmt: skip


def processor_of(design: Design) -> Processor:
    """Return the processing system of a design's board."""
    return ZYNQ if design.chip.on.part.startswith("xc7z") else ULTRASCALE


def description(design: Design, length_bits: int = LENGTH_BITS) -> str:
    """Return the hardware description of a design whose DMA has so many length bits."""
    processor = processor_of(design)
    root = ElementTree.Element("EDKSYSTEM", EDWVERSION="1.2", TIMESTAMP=SYNTHETIC, VIVADOVERSION=SYNTHETIC)
    ElementTree.SubElement(root, "SYSTEMINFO", NAME="cytogate", DEVICE=design.chip.on.part, BOARD=design.chip.board)
    ElementTree.SubElement(root, "EXTERNALPORTS")
    ElementTree.SubElement(root, "EXTERNALINTERFACES")
    modules = ElementTree.SubElement(root, "MODULES")
    takes_holograms = isinstance(design.instrument, OffAxis)
    cells = [name for name in ADDRESSES if takes_holograms or name != CALIBRATION_DMA]
    _processor(modules, processor, design.chip.clock_mhz, cells)
    beat_bits = layout_of(design).beat_bytes * 8
    dma = _module(modules, DMA, "xilinx.com:ip:axi_dma:7.1", {
        "c_include_sg": 0, "c_micro_dma": 0, LENGTH_WIDTH: length_bits,
        "c_include_mm2s": 1, "c_include_mm2s_dre": 0, "c_m_axi_mm2s_data_width": beat_bits,
        "c_include_s2mm": 1, "c_include_s2mm_dre": 0, "c_m_axi_s2mm_data_width": 32,
    }, BUSES[DMA])  # fmt: skip
    for number, name in enumerate(INTERRUPT_INPUTS):
        _port(dma, name, "O", [(CONCAT, f"In{number}")])
    concat = _module(modules, CONCAT, "xilinx.com:ip:xlconcat:2.1", {"NUM_PORTS": len(INTERRUPT_INPUTS)})
    for number, name in enumerate(INTERRUPT_INPUTS):
        _port(concat, f"In{number}", "I", [(DMA, name)])
    _port(concat, "dout", "O", [(INTERRUPTS, "intr")])
    controller = _module(modules, INTERRUPTS, "xilinx.com:ip:axi_intc:4.1", {}, BUSES[INTERRUPTS])
    _port(controller, "intr", "I", [(CONCAT, "dout")])
    _port(controller, "irq", "O", [(processor.kind, processor.interrupt_port)])
    if takes_holograms:
        _module(modules, CALIBRATION_DMA, "xilinx.com:ip:axi_dma:7.1", {
            "c_include_sg": 0, "c_micro_dma": 0, LENGTH_WIDTH: length_bits,
            "c_include_mm2s": 1, "c_include_mm2s_dre": 0, "c_m_axi_mm2s_data_width": 64, "c_include_s2mm": 0,
        }, BUSES[CALIBRATION_DMA])  # fmt: skip
    for name in (FRONT_END, STREAM_UNIT):
        _module(modules, name, f"xilinx.com:module_ref:{name}:1.0", {}, BUSES[name])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _processor(modules: ElementTree.Element, processor: Processor, mhz: float, cells: Iterable[str]) -> None:
    clocks: dict[str, object] = {}
    for clock in range(4):
        clocks[processor.clock_enable.format(clock=clock)] = int(clock == 0)
        clocks[processor.clock_source.format(clock=clock)] = processor.pll
        clocks[processor.clock_mhz.format(clock=clock)] = f"{mhz:g}"
        for divider in range(2):
            clocks[processor.clock_divider.format(clock=clock, divider=divider)] = 1 if divider else 10
    vlnv = f"xilinx.com:ip:{processor.kind}:{processor.version}"
    module = _module(modules, processor.kind, vlnv, clocks, processor.master, role="MASTER")
    _port(module, processor.interrupt_port, "I", [(INTERRUPTS, "irq")])
    memory_map = ElementTree.SubElement(module, "MEMORYMAP")
    for name in cells:
        base = ADDRESSES[name]
        ElementTree.SubElement(
            memory_map,
            "MEMRANGE",
            ADDRESSBLOCK="Reg",
            BASEVALUE=f"0x{base:08X}",
            HIGHVALUE=f"0x{base + ADDRESS_RANGE - 1:08X}",
            INSTANCE=name,
            MASTERBUSINTERFACE=processor.master,
            MEMTYPE="REGISTER",
            SLAVEBUSINTERFACE=BUSES[name],
        )


def _module(
    modules: ElementTree.Element,
    name: str,
    vlnv: str,
    parameters: Mapping[str, object],
    bus: str = "",
    role: str = "SLAVE",
) -> ElementTree.Element:
    kind = vlnv.split(":")[2]
    module = ElementTree.SubElement(modules, "MODULE", FULLNAME=f"/{name}", INSTANCE=name, MODTYPE=kind, VLNV=vlnv)
    listed = ElementTree.SubElement(module, "PARAMETERS")
    for key, value in parameters.items():
        ElementTree.SubElement(listed, "PARAMETER", NAME=key, VALUE=str(value))
    ElementTree.SubElement(module, "PORTS")
    interfaces = ElementTree.SubElement(module, "BUSINTERFACES")
    if bus:
        ElementTree.SubElement(interfaces, "BUSINTERFACE", NAME=bus, TYPE=role, VLNV="xilinx.com:interface:aximm:1.0")
    return module


def _port(module: ElementTree.Element, name: str, direction: str, connections: Iterable[tuple[str, str]]) -> None:
    ports = module.find("PORTS")
    assert ports is not None
    port = ElementTree.SubElement(ports, "PORT", NAME=name, DIR=direction, SIGIS="INTERRUPT")
    listed = ElementTree.SubElement(port, "CONNECTIONS")
    for instance, other in connections:
        ElementTree.SubElement(listed, "CONNECTION", INSTANCE=instance, PORT=other)
