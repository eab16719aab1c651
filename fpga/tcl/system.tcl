# Builds the system around the kernels: run by Vivado in batch mode in the build's folder `system`.
source [file join .. settings.tcl]

create_project -force cytogate project -part $settings::part
# The board's file knows the processor's memory, its reference clock and its pins.
set board_part [lindex [get_board_parts -quiet -latest_file_version $settings::board_part:*] end]
if {$board_part eq ""} {
    error "Vivado has no board file $settings::board_part; get it from the board store: in the Vivado Store's page\
        Boards, or by `xhub::refresh_catalog \[xhub::get_xstores xilinx_board_store\]` and `xhub::install`"
}
set_property board_part $board_part [current_project]
# A table whose file is not found would be all zeros, and Vivado would go on.
set_msg_config -id {Synth 8-4445} -new_severity ERROR

add_files -norecurse $settings::rtl_sources
# No table is read by a front end without a retrieval, no pin but the processor's driven without a trigger; Vivado takes no
# list of no files.
if {[llength $settings::memories]} {
    add_files -norecurse $settings::memories
}
if {[llength $settings::constraints]} {
    add_files -fileset constrs_1 -norecurse $settings::constraints
}
add_files -norecurse $settings::rom_header
set_property file_type {Verilog Header} [get_files $settings::rom_header]
set_property is_global_include true [get_files $settings::rom_header]
set_property ip_repo_paths $settings::ip_folders [current_project]
update_ip_catalog
# Modules that the block design refers to have to be known.
update_compile_order -fileset sources_1

set scripts [file dirname [file normalize [info script]]]
source [file join $scripts block_design.tcl]
source [file join $scripts implement.tcl]
exit
