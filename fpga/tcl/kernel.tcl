# Synthesizes one kernel of fpga/src to an IP: run by Vitis HLS in a folder of the build that has the kernel's name.
source [file join .. settings.tcl]

set kernel [file tail [pwd]]
set flags "-std=c++14"
foreach folder $settings::hls_includes {
    append flags " -I$folder"
}

open_project -reset project
set_top $kernel
foreach source [dict get $settings::hls_sources $kernel] {
    add_files $source -cflags $flags
}
open_solution -reset -flow_target vivado solution
set_part $settings::part
create_clock -period $settings::period_ns
config_compile -name_max_length 80
# Layers keep their place in the frame in static variables: a reset has to bring them back to its first pixel. Line
# buffers are private to a class and therefore left alone (UG1399, RESET), and need not be: they are filled anew.
config_rtl -reset state
config_export -format ip_catalog -rtl verilog -vendor cytogate -library kernels -ipname $kernel -version 1.0
csynth_design
export_design
exit
