# The block design `system`, one clock throughout:
#
#   memory -> axi_dma -> stream_unit -> front_end -> [narrow] -> classify -> stream_unit -> axi_dma -> memory
#
# where the front is the kernel before the network, retrieve_phase or encode_channels, in the cell front_end. A network in
# SystemVerilog is in that cell, too, from which the trigger goes to a pin. Kernels of holograms stand between the two
# sides of the registers in front_end, the network among them, and are calibrated by a DMA of their own:
#
#   memory -> calibration_dma -> retrieve_delay_core -> [records, and squares -> classify] -> join_field -> front_end
#
# The board's boot image sets up the processor. Its preset tells Vivado the same, so that memory and clocks are known
# here; a clock, ports and an interrupt come behind it, since it sets these, too.
# Cells are called as the host's driver looks for them.

namespace eval bd {
    proc ip {name kind {properties {}}} {
        create_bd_cell -type ip -vlnv $kind $name
        configure $name $properties
    }

    proc configure {name properties} {
        if {[llength $properties]} {
            set_property -dict $properties [get_bd_cells $name]
        }
    }

    proc block {name module properties} {
        create_bd_cell -type module -reference $module $name
        set_property -dict $properties [get_bd_cells $name]
    }

    proc bus {from to} {
        connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
    }

    proc net {from args} {
        foreach to $args {
            connect_bd_net [get_bd_pins $from] [get_bd_pins $to]
        }
    }
}

create_bd_design system

# The processor: its pins by what they are for.
if {$settings::processor eq "ps7"} {
    bd::ip processor xilinx.com:ip:processing_system7
    apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 \
        -config {make_external "FIXED_IO, DDR" apply_board_preset "1" Master "Disable" Slave "Disable"} \
        [get_bd_cells processor]
    bd::configure processor [list \
        CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $settings::clock_mhz \
        CONFIG.PCW_USE_M_AXI_GP0 1 \
        CONFIG.PCW_USE_S_AXI_HP0 1 \
        CONFIG.PCW_S_AXI_HP0_DATA_WIDTH $settings::port_bits \
        CONFIG.PCW_USE_FABRIC_INTERRUPT 1 \
        CONFIG.PCW_IRQ_F2P_INTR 1]
    set clock processor/FCLK_CLK0
    set reset processor/FCLK_RESET0_N
    set control processor/M_AXI_GP0
    set memory processor/S_AXI_HP0
    set interrupt processor/IRQ_F2P
    set port_clocks {processor/M_AXI_GP0_ACLK processor/S_AXI_HP0_ACLK}
    set address_bits 32
} else {
    bd::ip processor xilinx.com:ip:zynq_ultra_ps_e
    apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {apply_board_preset "1"} \
        [get_bd_cells processor]
    # Clock 0 from the PLL of which the driver knows the frequency; addresses beyond 2 GB, where buffers may lie.
    bd::configure processor [list \
        CONFIG.PSU__FPGA_PL0_ENABLE 1 \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__SRCSEL IOPLL \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $settings::clock_mhz \
        CONFIG.PSU__USE__M_AXI_GP0 1 \
        CONFIG.PSU__USE__M_AXI_GP1 0 \
        CONFIG.PSU__USE__M_AXI_GP2 0 \
        CONFIG.PSU__USE__S_AXI_GP2 1 \
        CONFIG.PSU__SAXIGP2__DATA_WIDTH $settings::port_bits \
        CONFIG.PSU__USE__IRQ0 1 \
        CONFIG.PSU__HIGH_ADDRESS__ENABLE 1]
    set clock processor/pl_clk0
    set reset processor/pl_resetn0
    set control processor/M_AXI_HPM0_FPD
    set memory processor/S_AXI_HP0_FPD
    set interrupt processor/pl_ps_irq0
    set port_clocks {processor/maxihpm0_fpd_aclk processor/saxihp0_fpd_aclk}
    # All that the processor can address, so that no address is cut to one that exists.
    set address_bits 40
}
bd::ip resets xilinx.com:ip:proc_sys_reset

# The DMA, a beat of all channels of SAMPLES pixels to the kernels and 32 bits back.
set beat_bits $settings::beat_bits
set front $settings::front
bd::ip axi_dma xilinx.com:ip:axi_dma [list \
    CONFIG.c_include_sg 0 \
    CONFIG.c_sg_include_stscntrl_strm 0 \
    CONFIG.c_sg_length_width 26 \
    CONFIG.c_addr_width $address_bits \
    CONFIG.c_m_axis_mm2s_tdata_width $beat_bits \
    CONFIG.c_m_axi_mm2s_data_width [expr {max($beat_bits, $settings::port_bits)}] \
    CONFIG.c_mm2s_burst_size 16 \
    CONFIG.c_m_axi_s2mm_data_width 32 \
    CONFIG.c_s2mm_burst_size 16]
set holograms [expr {$front eq "retrieve_delay"}]
bd::ip to_memory xilinx.com:ip:smartconnect [list CONFIG.NUM_SI [expr {2 + $holograms}] CONFIG.NUM_MI 1]
bd::ip to_registers xilinx.com:ip:smartconnect [list CONFIG.NUM_SI 1 CONFIG.NUM_MI [expr {4 + $holograms}]]
bd::ip axi_intc xilinx.com:ip:axi_intc {CONFIG.C_IRQ_CONNECTION 1}
bd::ip interrupts xilinx.com:ip:xlconcat {CONFIG.NUM_PORTS 2}

# The kernels between the two sides of the stream unit.
bd::block stream_unit stream_unit_block [list CONFIG.SAMPLES $settings::samples CONFIG.BEAT_BITS $beat_bits \
    CONFIG.WEIGHTS_HASH $settings::weights_hash]
set kernel_clocks {}
set kernel_resets {}
if {$settings::network eq "rtl"} {
    bd::block front_end classify_cells_block [list CONFIG.BEAT_BITS $beat_bits]
    create_bd_port -dir O trigger
    connect_bd_net [get_bd_pins front_end/trigger] [get_bd_ports trigger]
} elseif {$holograms} {
    bd::block front_end kernel_registers_block [list CONFIG.BEAT_BITS $beat_bits CONFIG.OUT_BITS 32]
    bd::ip calibration_dma xilinx.com:ip:axi_dma [list \
        CONFIG.c_include_sg 0 \
        CONFIG.c_sg_include_stscntrl_strm 0 \
        CONFIG.c_include_s2mm 0 \
        CONFIG.c_sg_length_width 26 \
        CONFIG.c_addr_width $address_bits \
        CONFIG.c_m_axis_mm2s_tdata_width 64 \
        CONFIG.c_m_axi_mm2s_data_width $settings::port_bits \
        CONFIG.c_mm2s_burst_size 16]
    bd::ip retrieve_delay_core cytogate:kernels:retrieve_delay:1.0
    bd::ip classify cytogate:kernels:classify:1.0
    bd::ip join_field cytogate:kernels:join_field:1.0
    bd::bus front_end/m_core retrieve_delay_core/frames
    bd::bus calibration_dma/M_AXIS_MM2S retrieve_delay_core/calibration
    bd::bus retrieve_delay_core/records join_field/records
    bd::bus retrieve_delay_core/pixels classify/pixels
    bd::bus classify/logits join_field/logits
    bd::bus join_field/packet front_end/s_core
    foreach kernel {retrieve_delay_core classify join_field} {
        bd::net front_end/core_aresetn $kernel/ap_rst_n
        lappend kernel_clocks $kernel/ap_clk
    }
    lappend kernel_clocks calibration_dma/s_axi_lite_aclk calibration_dma/m_axi_mm2s_aclk
} elseif {$settings::kernel eq "rtl"} {
    bd::block front_end ${front}_block [list CONFIG.SAMPLES $settings::samples CONFIG.BEAT_BITS $beat_bits \
        CONFIG.OUT_BITS [expr {$settings::samples * $settings::pixel_bits}]]
} else {
    bd::block front_end kernel_registers_block [list CONFIG.BEAT_BITS $beat_bits CONFIG.OUT_BITS $settings::pixel_bits]
    bd::ip ${front}_core cytogate:kernels:$front:1.0
    bd::bus front_end/m_core ${front}_core/frames
    bd::bus ${front}_core/pixels front_end/s_core
    bd::net front_end/core_aresetn ${front}_core/ap_rst_n
    lappend kernel_clocks ${front}_core/ap_clk
}
lappend kernel_clocks front_end/aclk
lappend kernel_resets front_end/aresetn
# Whether logits leave front_end: the network is in it, or between its sides.
set to_logits [expr {$settings::network eq "rtl" || $holograms}]
if {!$to_logits} {
    bd::ip classify cytogate:kernels:classify:1.0
    lappend kernel_clocks classify/ap_clk
    lappend kernel_resets classify/ap_rst_n
}

bd::bus axi_dma/M_AXIS_MM2S stream_unit/s_dma
bd::bus stream_unit/m_frames front_end/s_axis
if {$to_logits} {
    bd::bus front_end/m_axis stream_unit/s_logits
} elseif {$settings::samples > 1} {
    # The network takes one pixel a beat.
    set pixel_bytes [expr {$settings::pixel_bits / 8}]
    bd::ip narrow xilinx.com:ip:axis_dwidth_converter [list \
        CONFIG.S_TDATA_NUM_BYTES [expr {$pixel_bytes * $settings::samples}] CONFIG.M_TDATA_NUM_BYTES $pixel_bytes \
        CONFIG.HAS_TLAST 1 CONFIG.HAS_TKEEP 0]
    bd::bus front_end/m_axis narrow/S_AXIS
    bd::bus narrow/M_AXIS classify/pixels
    lappend kernel_clocks narrow/aclk
    lappend kernel_resets narrow/aresetn
} else {
    bd::bus front_end/m_axis classify/pixels
}
if {!$to_logits} {
    bd::bus classify/logits stream_unit/s_logits
}
bd::bus stream_unit/m_dma axi_dma/S_AXIS_S2MM

bd::bus axi_dma/M_AXI_MM2S to_memory/S00_AXI
bd::bus axi_dma/M_AXI_S2MM to_memory/S01_AXI
bd::bus to_memory/M00_AXI $memory

bd::bus $control to_registers/S00_AXI
bd::bus to_registers/M00_AXI axi_dma/S_AXI_LITE
bd::bus to_registers/M01_AXI axi_intc/s_axi
bd::bus to_registers/M02_AXI stream_unit/s_axil
bd::bus to_registers/M03_AXI front_end/s_axil
if {$holograms} {
    bd::bus calibration_dma/M_AXI_MM2S to_memory/S02_AXI
    bd::bus to_registers/M04_AXI calibration_dma/S_AXI_LITE
    bd::net resets/peripheral_aresetn calibration_dma/axi_resetn
}

bd::net axi_dma/mm2s_introut interrupts/In0
bd::net axi_dma/s2mm_introut interrupts/In1
bd::net interrupts/dout axi_intc/intr
bd::net axi_intc/irq $interrupt

bd::net $clock {*}$port_clocks resets/slowest_sync_clk axi_dma/s_axi_lite_aclk axi_dma/m_axi_mm2s_aclk \
    axi_dma/m_axi_s2mm_aclk to_memory/aclk to_registers/aclk axi_intc/s_axi_aclk stream_unit/aclk {*}$kernel_clocks
bd::net $reset resets/ext_reset_in
bd::net resets/peripheral_aresetn axi_dma/axi_resetn to_memory/aresetn to_registers/aresetn axi_intc/s_axi_aresetn \
    stream_unit/aresetn
# Half a frame left in the network would shift all later ones: what stands in the data path is reset together.
bd::net stream_unit/stream_aresetn {*}$kernel_resets

assign_bd_address
if {$settings::processor eq "ps8"} {
    # A buffer at an address that the DMA does not know would never arrive.
    set spaces {axi_dma/Data_MM2S axi_dma/Data_S2MM}
    if {$holograms} {
        lappend spaces calibration_dma/Data_MM2S
    }
    foreach space $spaces {
        if {![llength [get_bd_addr_segs -quiet $space/SEG_processor_HP0_DDR_HIGH]]} {
            error "$space does not reach memory beyond 2 GB"
        }
    }
}
validate_bd_design
save_bd_design
# One synthesis of everything: modules see the header that says where their tables lie.
set_property synth_checkpoint_mode None [get_files system.bd]
generate_target all [get_files system.bd]
