# Synthesizes, places, routes and reports; what the bundle is made of is left in the folder `results`.

proc run_to_the_end {run args} {
    launch_runs $run {*}$args -jobs $settings::jobs
    wait_on_run $run
    if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
        error "$run ended with: [get_property STATUS [get_runs $run]]"
    }
}

add_files -norecurse [make_wrapper -files [get_files system.bd] -top]
set_property top system_wrapper [current_fileset]
update_compile_order -fileset sources_1

run_to_the_end synth_1
run_to_the_end impl_1 -to_step write_bitstream

file mkdir results
open_run impl_1
report_timing_summary -file [file join results timing.rpt]
report_utilization -hierarchical -hierarchical_depth 3 -file [file join results utilization.rpt]
file copy [file join project cytogate.runs impl_1 system_wrapper.bit] [file join results cytogate.bit]
file copy [file join project cytogate.gen sources_1 bd system hw_handoff system.hwh] [file join results cytogate.hwh]
