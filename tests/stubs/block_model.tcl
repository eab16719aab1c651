# A model of block designs: cells with pins and buses, what they are connected to, and what may not be left open.
#
# A pin is {direction}, a bus {direction kind bits}; bits of an AXI4-Stream are TDATA's. An entry may depend on settings
# of its cell, which are read when it is asked for.

namespace eval model {
    # Cells: kind, settings by name. Connections: driver by load.
    variable cells {}
    variable drivers {}
    variable outside {}
    # Directions of ports.
    variable ports {}

    # Of each IP: settings with their defaults, input pins, output pins, slave buses and master buses.
    variable ips {
        xilinx.com:ip:processing_system7 {
            settings {PCW_FPGA0_PERIPHERAL_FREQMHZ 50 PCW_USE_M_AXI_GP0 0 PCW_USE_S_AXI_HP0 0 PCW_S_AXI_HP0_DATA_WIDTH 64
                PCW_USE_FABRIC_INTERRUPT 0 PCW_IRQ_F2P_INTR 0}
            in {M_AXI_GP0_ACLK PCW_USE_M_AXI_GP0 S_AXI_HP0_ACLK PCW_USE_S_AXI_HP0 IRQ_F2P PCW_IRQ_F2P_INTR}
            out {FCLK_CLK0 {} FCLK_RESET0_N {}}
            slave {S_AXI_HP0 {memory PCW_USE_S_AXI_HP0}}
            master {M_AXI_GP0 {memory PCW_USE_M_AXI_GP0} DDR {board {}} FIXED_IO {board {}}}
        }
        xilinx.com:ip:zynq_ultra_ps_e {
            settings {PSU__FPGA_PL0_ENABLE 0 PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 100
                PSU__CRL_APB__PL0_REF_CTRL__SRCSEL RPLL PSU__HIGH_ADDRESS__ENABLE 0 PSU__USE__M_AXI_GP0 1
                PSU__USE__M_AXI_GP1 1 PSU__USE__M_AXI_GP2 0 PSU__USE__S_AXI_GP2 0 PSU__SAXIGP2__DATA_WIDTH 128
                PSU__USE__IRQ0 1}
            in {maxihpm0_fpd_aclk PSU__USE__M_AXI_GP0 maxihpm1_fpd_aclk PSU__USE__M_AXI_GP1
                maxihpm0_lpd_aclk PSU__USE__M_AXI_GP2 saxihp0_fpd_aclk PSU__USE__S_AXI_GP2 pl_ps_irq0 PSU__USE__IRQ0}
            out {pl_clk0 PSU__FPGA_PL0_ENABLE pl_resetn0 {}}
            slave {S_AXI_HP0_FPD {memory PSU__USE__S_AXI_GP2}}
            master {M_AXI_HPM0_FPD {memory PSU__USE__M_AXI_GP0} M_AXI_HPM1_FPD {memory PSU__USE__M_AXI_GP1}
                M_AXI_HPM0_LPD {memory PSU__USE__M_AXI_GP2}}
        }
        xilinx.com:ip:proc_sys_reset {
            settings {}
            in {slowest_sync_clk {} ext_reset_in {}}
            out {peripheral_aresetn {} interconnect_aresetn {}}
        }
        xilinx.com:ip:axi_dma {
            settings {c_include_sg 1 c_include_s2mm 1 c_sg_include_stscntrl_strm 1 c_sg_length_width 14 c_addr_width 32
                c_m_axis_mm2s_tdata_width 32 c_m_axi_mm2s_data_width 32 c_mm2s_burst_size 16 c_m_axi_s2mm_data_width 32
                c_s2mm_burst_size 16}
            in {s_axi_lite_aclk {} m_axi_mm2s_aclk {} m_axi_s2mm_aclk c_include_s2mm m_axi_sg_aclk c_include_sg
                axi_resetn {}}
            out {mm2s_introut {} s2mm_introut c_include_s2mm}
            slave {S_AXI_LITE {memory {}} S_AXIS_S2MM {stream c_include_s2mm 32}}
            master {M_AXI_MM2S {memory {}} M_AXI_S2MM {memory c_include_s2mm} M_AXI_SG {memory c_include_sg}
                M_AXIS_MM2S {stream {} $c_m_axis_mm2s_tdata_width}
                M_AXIS_CNTRL {stream c_sg_include_stscntrl_strm 32}}
        }
        xilinx.com:ip:axi_intc {
            settings {C_IRQ_CONNECTION 0}
            in {s_axi_aclk {} s_axi_aresetn {} intr {}}
            out {irq C_IRQ_CONNECTION}
            slave {s_axi {memory {}}}
        }
        xilinx.com:ip:axis_dwidth_converter {
            settings {S_TDATA_NUM_BYTES 1 M_TDATA_NUM_BYTES 1 HAS_TLAST 0 HAS_TKEEP 1}
            in {aclk {} aresetn {}}
            slave {S_AXIS {stream {} 8*$S_TDATA_NUM_BYTES}}
            master {M_AXIS {stream {} 8*$M_TDATA_NUM_BYTES}}
        }
        xilinx.com:ip:smartconnect {settings {NUM_SI 1 NUM_MI 1} in {aclk {} aresetn {}}}
        xilinx.com:ip:xlconcat {settings {NUM_PORTS 1} out {dout {}}}
    }

    proc add_ip {name kind} {
        variable cells
        variable ips
        if {[dict exists $cells $name]} {
            refuse "there is a cell $name already"
        }
        if {[dict exists $::catalog $kind]} {
            set cell {settings {} in {ap_clk {} ap_rst_n {}} slave {} master {}}
            set widths [dict create frame_beat $settings::beat_bits pixel_beat $settings::pixel_bits logit_beat 32 \
                record_beat 32 calibration_beat 64]
            # What a kernel reads of its streams no signature says.
            set reads {classify pixels join_field {records logits} retrieve_delay {frames calibration}}
            set top [lindex [split $kind :] 2]
            set inputs [expr {[dict exists $reads $top] ? [dict get $reads $top] : "frames"}]
            dict for {port type} [dict get $::catalog $kind] {
                set direction [expr {$port in $inputs ? "slave" : "master"}]
                dict set cell $direction $port [list stream {} [dict get $widths $type]]
            }
        } elseif {[dict exists $ips $kind]} {
            set cell [dict get $ips $kind]
        } else {
            refuse "the catalog has no $kind"
        }
        dict set cells $name [dict merge {in {} out {} slave {} master {}} $cell [list kind $kind]]
    }

    # Read a module's parameters and ports from its Verilog.
    proc add_module {name module} {
        variable cells
        foreach file $::files {
            if {[file extension $file] ni {.v .sv}} {
                continue
            }
            set text [contents $file]
            if {![regexp "\\nmodule $module\\s" $text]} {
                continue
            }
            if {[file extension $file] ne ".v"} {
                refuse "$module is no Verilog; a block design takes no other module"
            }
            set cell {kind module settings {} in {} out {} slave {} master {}}
            foreach {all parameter value} [regexp -all -inline {parameter integer (\w+) = (\w+)} $text] {
                dict set cell settings $parameter $value
            }
            foreach {all direction upper port} \
                [regexp -all -inline {(input|output)\s+wire\s+(?:\[([^\n]+):0\]\s+)?(\w+)} $text] {
                if {[regexp {^(\w+)_tdata$} $port -> bus]} {
                    set bits [string map {BEAT_BITS \$BEAT_BITS OUT_BITS \$OUT_BITS} $upper]+1
                    dict set cell [expr {$direction eq "input" ? "slave" : "master"}] $bus [list stream {} $bits]
                } elseif {[regexp {^(\w+)_awaddr$} $port -> bus]} {
                    dict set cell slave $bus {memory {}}
                } elseif {![string match *_t* $port] && ![string match s_axil_* $port]} {
                    dict set cell [expr {$direction eq "input" ? "in" : "out"}] $port {}
                }
            }
            dict set cells $name $cell
            return
        }
        refuse "no file that was added holds the module $module"
    }

    proc cell {name} {
        variable cells
        if {![dict exists $cells $name]} {
            refuse "there is no cell $name"
        }
        dict get $cells $name
    }

    proc configure {name setting value} {
        variable cells
        if {![dict exists [cell $name] settings $setting]} {
            refuse "[dict get [cell $name] kind] has no setting $setting"
        }
        dict set cells $name settings $setting $value
        record config $name $setting $value
    }

    # Settings of a cell are the board's again.
    proc preset {name} {
        variable cells
        variable ips
        dict set cells $name settings [dict get $ips [dict get [cell $name] kind] settings]
    }

    # Whether an entry is there by its cell's settings.
    proc is_there {name condition} {
        expr {$condition eq "" || [dict get [cell $name] settings $condition]}
    }

    # All pins of a cell in a direction.
    proc pins {name direction} {
        set found {}
        dict for {pin condition} [dict get [cell $name] $direction] {
            if {[is_there $name $condition]} {
                lappend found $pin
            }
        }
        set settings [dict get [cell $name] settings]
        if {[dict get [cell $name] kind] eq "xilinx.com:ip:xlconcat" && $direction eq "in"} {
            for {set index 0} {$index < [dict get $settings NUM_PORTS]} {incr index} {
                lappend found In$index
            }
        }
        return $found
    }

    # All buses of a cell in a direction: kind and bits by name.
    proc buses {name direction} {
        set found {}
        set settings [dict get [cell $name] settings]
        dict for {bus entry} [dict get [cell $name] $direction] {
            lassign $entry kind condition bits
            if {[is_there $name $condition]} {
                dict with settings {}
                dict set found $bus [list $kind [expr [expr {$bits eq "" ? 0 : $bits}]]]
            }
        }
        if {[dict get [cell $name] kind] eq "xilinx.com:ip:smartconnect"} {
            lassign [expr {$direction eq "slave" ? {S NUM_SI} : {M NUM_MI}}] letter count
            for {set index 0} {$index < [dict get $settings $count]} {incr index} {
                dict set found [format %s%02d_AXI $letter $index] {memory 0}
            }
        }
        return $found
    }

    # Direction of a pin.
    proc pin {path} {
        lassign [split $path /] name pin
        foreach direction {in out} {
            if {$pin in [pins $name $direction]} {
                return $direction
            }
        }
        refuse "there is no pin $path"
    }

    # Direction, kind and bits of a bus.
    proc bus {path} {
        lassign [split $path /] name bus
        foreach direction {slave master} {
            set found [buses $name $direction]
            if {[dict exists $found $bus]} {
                return [list $direction {*}[dict get $found $bus]]
            }
        }
        refuse "there is no bus $path"
    }

    proc add_port {name direction} {
        variable ports
        dict set ports $name $direction
    }

    proc port {name} {
        variable ports
        if {![dict exists $ports $name]} {
            refuse "there is no port $name"
        }
        dict get $ports $name
    }

    proc connect_pins {from to} {
        variable ports
        set takes [expr {[dict exists $ports $to] ? [expr {[port $to] eq "O" ? "in" : "out"}] : [pin $to]}]
        if {[pin $from] ne "out" || $takes ne "in"} {
            refuse "$from does not drive $to"
        }
        drive $from $to
    }

    proc connect_buses {from to} {
        lassign [bus $from] direction kind bits
        lassign [bus $to] other_direction other_kind other_bits
        if {$direction ne "master" || $other_direction ne "slave" || $kind ne $other_kind} {
            refuse "$from ($direction $kind) does not go with $to ($other_direction $other_kind)"
        }
        drive $from $to
        drive $to $from
    }

    proc connect_outside {path} {
        drive outside $path
    }

    proc drive {from to} {
        variable drivers
        if {[dict exists $drivers $to]} {
            refuse "$to is connected to [dict get $drivers $to] already"
        }
        dict set drivers $to $from
    }

    # Nothing open, one clock, resets that are resets, and streams as wide on both sides.
    proc validate {} {
        variable cells
        variable drivers
        variable ports
        set clocks {}
        dict for {name direction} $ports {
            if {![dict exists $drivers $name]} {
                refuse "port $name is open"
            }
        }
        dict for {name cell} $cells {
            set source PSU__CRL_APB__PL0_REF_CTRL__SRCSEL
            if {[dict exists $cell settings $source] && [dict get $cell settings $source] ne "IOPLL"} {
                refuse "pl_clk0 comes from [dict get $cell settings $source], which no board file sets"
            }
            foreach direction {slave master} {
                dict for {bus entry} [buses $name $direction] {
                    if {![dict exists $drivers $name/$bus]} {
                        refuse "bus $name/$bus is open"
                    }
                    set bits [lindex $entry 1]
                    set other [dict get $drivers $name/$bus]
                    if {[lindex $entry 0] eq "stream" && $bits != [lindex [bus $other] 2]} {
                        refuse "$name/$bus has $bits bits and $other [lindex [bus $other] 2]"
                    }
                }
            }
            foreach pin [pins $name in] {
                if {![dict exists $drivers $name/$pin]} {
                    refuse "pin $name/$pin is open"
                }
                set driver [dict get $drivers $name/$pin]
                if {[regexp -nocase {clk$} $pin]} {
                    if {![regexp -nocase {clk_?\d?$} $driver]} {
                        refuse "$name/$pin is driven by $driver, which is no clock"
                    }
                    lappend clocks $driver
                } elseif {[regexp {reset_?n$|rst_n$} $pin] && ![regexp {resetn$} $driver]} {
                    refuse "$name/$pin is driven by $driver, which is no reset"
                }
            }
        }
        if {[llength [lsort -unique $clocks]] != 1} {
            refuse "there are several clocks: [lsort -unique $clocks]"
        }
    }
}
