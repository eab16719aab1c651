# Stands for Vivado: executes a Tcl script in batch mode against a small model of its block designs.
#
# The model knows the pins of the few IPs that are used and the properties that may be set; pins of modules are read from
# their Verilog, those of kernels from what the stand-in for Vitis HLS has left. It proves order, names, files, widths and
# that nothing is left open; nothing about Vivado itself.
source [file join [file dirname [info script]] common.tcl]
source [file join [file dirname [info script]] block_model.tcl]

set ::state {}
set ::files {}
set ::file_properties {}
set ::catalog {}

proc needs {command args} {
    foreach earlier $args {
        if {$earlier ni $::state} {
            refuse "$command comes before $earlier"
        }
    }
    lappend ::state $command
}

# Project.

proc create_project {args} {
    set given [parse create_project $args -part -force]
    known_part [dict get $given -part]
    needs create_project
    lassign [dict get $given rest] ::project ::project_folder
    record create_project $::project [dict get $given -part]
}

proc get_board_parts {args} {
    set pattern [dict get [parse get_board_parts $args {} {-quiet -latest_file_version}] rest]
    set known {tul.com.tw:pynq-z2:part0:1.0 xilinx.com:kv260_som:part0:1.4 xilinx.com:zcu104:part0:1.1}
    expr {[fault] eq "no_board_file" ? {} : [lsearch -all -inline -glob $known $pattern]}
}

proc set_msg_config {args} {
    needs set_msg_config create_project
    set given [parse set_msg_config $args {-id -new_severity} {}]
    record set_msg_config [dict get $given -id] [dict get $given -new_severity]
}

proc add_files {args} {
    needs add_files create_project
    set files [lindex [dict get [parse add_files $args -fileset -norecurse] rest] 0]
    if {![llength $files]} {
        refuse "add_files was given no file"
    }
    must_exist $files
    foreach file $files {
        lappend ::files $file
        record add_files [file tail $file]
    }
}

proc get_files {name} {
    foreach file $::files {
        if {$file eq $name || [file tail $file] eq $name} {
            return [list file $file]
        }
    }
    refuse "no file $name was added"
}

proc current_project {} {
    return {project {}}
}

proc current_fileset {} {
    return {fileset sources_1}
}

proc update_ip_catalog {} {
    needs update_ip_catalog ip_repo_paths
    foreach folder $::ip_folders {
        must_exist [file join $folder component.xml]
        set ports [lassign [contents [file join $folder component.xml]] kind]
        dict set ::catalog $kind $ports
    }
    record update_ip_catalog {*}[dict keys $::catalog]
}

# Properties.

proc set_property {args} {
    set given [parse set_property $args {} -dict]
    if {[dict exists $given -dict]} {
        lassign [dict get $given rest] properties object
    } else {
        lassign [dict get $given rest] name value object
        set properties [list $name $value]
    }
    lassign $object kind target
    foreach {name value} $properties {
        switch -glob $kind:$name {
            project:ip_repo_paths { set ::ip_folders $value; needs ip_repo_paths create_project }
            project:board_part { needs board_part create_project; record board_part $value }
            fileset:top { needs top make_wrapper; record top $value }
            file:file_type - file:is_global_include - file:synth_checkpoint_mode {
                record property [file tail $target] $name $value
                dict set ::file_properties [file tail $target] $name $value
            }
            cell:CONFIG.* {
                model::configure $target [string range $name 7 end] $value
                if {[string match "CONFIG.*FREQMHZ" $name]} { set ::timed [list $name $value] }
            }
            default { refuse "$kind has no property $name" }
        }
    }
}

proc get_property {name object} {
    lassign $object kind run
    if {$kind ne "run" || $name ni {PROGRESS STATUS}} {
        refuse "$kind has no property $name"
    }
    set broken [expr {[fault] eq "stuck_$run"}]
    expr {$name eq "PROGRESS" ? $broken ? "52%" : "100%" : $broken ? "place_design ERROR" : "Complete!"}
}

# Block design.

proc create_bd_design {name} {
    needs create_bd_design update_ip_catalog update_compile_order
    set ::design $name
    record create_bd_design $name
}

proc create_bd_cell {args} {
    needs create_bd_cell create_bd_design
    set given [parse create_bd_cell $args {-type -vlnv -reference} {}]
    set name [dict get $given rest]
    if {[dict get $given -type] eq "ip"} {
        model::add_ip $name [dict get $given -vlnv]
        record cell $name [dict get $given -vlnv]
    } else {
        model::add_module $name [dict get $given -reference]
        record cell $name [dict get $given -reference]
    }
}

# A board's preset sets what a design has set before.
proc apply_bd_automation {args} {
    needs apply_bd_automation board_part
    set given [parse apply_bd_automation $args {-rule -config} {}]
    set name [lindex [dict get $given rest] 0 1]
    if {[dict get [model::cell $name] kind] ne [string map {bd_rule ip} [dict get $given -rule]]} {
        refuse "[dict get $given -rule] is no rule of $name"
    }
    if {![dict exists [dict get $given -config] apply_board_preset]} {
        refuse "no board_preset is applied to $name"
    }
    model::preset $name
    record preset $name
    if {[dict exists [dict get $given -config] make_external]} {
        foreach bus [split [string map {" " ""} [dict get $given -config make_external]] ,] {
            model::bus $name/$bus
            model::connect_outside $name/$bus
            record external $name/$bus
        }
    }
}

proc get_bd_cells {name} {
    model::cell $name
    return [list cell $name]
}

proc get_bd_pins {name} {
    model::pin $name
    return [list pin $name]
}

proc get_bd_intf_pins {name} {
    model::bus $name
    return [list bus $name]
}

proc create_bd_port {args} {
    needs create_bd_port create_bd_design
    set given [parse create_bd_port $args -dir {}]
    model::add_port [dict get $given rest] [dict get $given -dir]
    record port [dict get $given rest] [dict get $given -dir]
}

proc get_bd_ports {name} {
    model::port $name
    return [list port $name]
}

proc connect_bd_net {from to} {
    model::connect_pins [lindex $from 1] [lindex $to 1]
    record net [lindex $from 1] [lindex $to 1]
}

proc connect_bd_intf_net {from to} {
    model::connect_buses [lindex $from 1] [lindex $to 1]
    record bus [lindex $from 1] [lindex $to 1]
}

proc assign_bd_address {} {
    needs assign_bd_address create_bd_design
    record assign_bd_address
}

# Names of segments that have addresses.
proc get_bd_addr_segs {args} {
    needs get_bd_addr_segs assign_bd_address
    set path [dict get [parse get_bd_addr_segs $args {} -quiet] rest]
    if {![regexp {^(\w+)/Data_(MM2S|S2MM)/SEG_processor_HP0_DDR_(LOW|HIGH)$} $path all name space end]} {
        refuse "there is no segment $path"
    }
    model::cell $name
    expr {$end eq "HIGH" && ![dict get [model::cell processor] settings PSU__HIGH_ADDRESS__ENABLE] ? {} : $path}
}

proc validate_bd_design {} {
    needs validate_bd_design assign_bd_address
    model::validate
    record validate_bd_design
}

proc save_bd_design {} {
    needs save_bd_design validate_bd_design
    set path [file join $::project_folder $::project.srcs sources_1 bd $::design $::design.bd]
    write $path "made by a stub\n"
    lappend ::files $path
    record save_bd_design
}

proc generate_target {what file} {
    needs generate_target save_bd_design
    write [file join $::project_folder $::project.gen sources_1 bd $::design hw_handoff $::design.hwh] \
        "<!-- made by a stub: no hardware -->\n"
    record generate_target $what [file tail [lindex $file 1]]
}

proc make_wrapper {args} {
    needs make_wrapper generate_target
    parse make_wrapper [lrange $args 0 1] -files {}
    set path [file join $::project_folder $::project.gen sources_1 bd $::design hdl ${::design}_wrapper.v]
    write $path "module ${::design}_wrapper; endmodule\n"
    return $path
}

proc update_compile_order {args} {
    needs update_compile_order add_files
    parse update_compile_order $args -fileset {}
}

# Runs and reports.

proc get_runs {name} {
    if {$name ni {synth_1 impl_1}} {
        refuse "there is no run $name"
    }
    return [list run $name]
}

proc launch_runs {run args} {
    needs launch_$run top
    if {$run eq "impl_1"} {
        needs launch waited_synth_1
    }
    foreach {name wanted} {rom_folder.vh is_global_include system.bd synth_checkpoint_mode} {
        if {![dict exists $::file_properties $name $wanted]} {
            refuse "$name has no $wanted"
        }
    }
    set given [parse launch_runs $args {-jobs -to_step} {}]
    if {[dict exists $given -to_step] && [dict get $given -to_step] ni {route_design write_bitstream}} {
        refuse "there is no step [dict get $given -to_step]"
    }
    set ::writes_bitstream [expr {[dict exists $given -to_step] && [dict get $given -to_step] eq "write_bitstream"}]
    record launch_runs {*}[lsearch -all -inline -not -regexp [list $run {*}$args] {^(-jobs|\d+)$}]
}

proc wait_on_run {run} {
    needs waited_$run launch_$run
    if {[fault] eq "hang"} {
        hang
    }
    if {[fault] eq "crash"} {
        puts "Abnormal program termination (11)"
        exec kill -SEGV [pid]
    }
    if {$::writes_bitstream && [fault] ne "no_bitstream"} {
        write [file join $::project_folder $::project.runs impl_1 ${::design}_wrapper.bit] "made by a stub: no bitstream\n"
    }
}

proc open_run {run} {
    needs open_run waited_$run
}

proc report_timing_summary {args} {
    needs report_timing_summary open_run
    set path [dict get [parse report_timing_summary $args -file {}] -file]
    set slack [expr {[fault] eq "timing" ? "-0.217" : "0.208"}]
    lassign $::timed name mhz
    set clock [expr {[string match "*PCW*" $name] ? "clk_fpga_0" : "clk_pl_0"}]
    set mhz [format "%.3f" [expr {[fault] eq "other_clock" ? $mhz * 0.9375 : $mhz}]]
    set period [format "%.3f" [expr {1e3 / $mhz}]]
    write $path "| Tool Version : stub of the tests, not Vivado
| Design Timing Summary
| ---------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  TPWS Total Endpoints  
    -------      -------  ---------------------  -------------------      -------      -------  ---------------------  -------------------     --------     --------  ----------------------  --------------------  
     $slack        0.000                      0                93122        0.011        0.000                      0                93122        1.124        0.000                       0                 41870  

| Clock Summary
| -------------

Clock       Waveform(ns)         Period(ns)      Frequency(MHz)
-----       ------------         ----------      --------------
$clock  {0.000 [format "%.3f" [expr {$period / 2}]]}        $period          $mhz

"
}

proc report_utilization {args} {
    needs report_utilization open_run
    set path [dict get [parse report_utilization $args {-file -hierarchical_depth} -hierarchical] -file]
    write $path "| Tool Version : stub of the tests, not Vivado
1. Utilization by Hierarchy

+------------------------+--------------------------+------------+------------+---------+------+-------+--------+--------+------+------------+
|        Instance        |          Module          | Total LUTs | Logic LUTs | LUTRAMs | SRLs |  FFs  | RAMB36 | RAMB18 | URAM | DSP Blocks |
+------------------------+--------------------------+------------+------------+---------+------+-------+--------+--------+------+------------+
| system_wrapper         |                    (top) |      41210 |      35010 |    2100 | 4100 | 61234 |     70 |      7 |    0 |        131 |
|   system_i             |                   system |      41210 |      35010 |    2100 | 4100 | 61234 |     70 |      7 |    0 |        131 |
|     (system_i)         |                   system |          3 |          3 |       0 |    0 |     0 |      0 |      0 |    0 |          0 |
|     axi_dma            |         system_axi_dma_0 |       1890 |       1700 |      90 |  100 |  2800 |      2 |      1 |    0 |          0 |
|     classify           |        system_classify_0 |      21000 |      18000 |    1000 | 2000 | 30000 |     31 |      2 |    0 |         26 |
|     retrieve_phase     |  system_retrieve_phase_0 |      17020 |      14307 |     910 | 1803 | 27134 |     37 |      4 |    0 |        105 |
|     stream_unit        |     system_stream_unit_0 |       1297 |       1000 |     100 |  197 |  1300 |      0 |      0 |    0 |          0 |
+------------------------+--------------------------+------------+------------+---------+------+-------+--------+--------+------+------------+
"
}

if {[lindex $argv 0] eq "-version"} {
    puts "vivado v2024.2 (64-bit), stub of the tests"
    exit
}
set given [parse vivado $argv {-mode -source} {-nojournal -notrace}]
if {[dict get $given -mode] ne "batch"} {
    puts "ERROR: \[Stub 1-2\] mode [dict get $given -mode]"
    exit 1
}
run_script [dict get $given -source]
