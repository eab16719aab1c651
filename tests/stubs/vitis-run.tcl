# Stands for vitis-run: executes a Tcl script of Vitis HLS and leaves made-up results.
source [file join [file dirname [info script]] common.tcl]

set ::hls {}

proc needs {command args} {
    foreach earlier $args {
        if {![dict exists $::hls $earlier]} {
            refuse "$command comes before $earlier"
        }
    }
    dict set ::hls $command 1
}

proc open_project {args} {
    set given [parse open_project $args {} -reset]
    needs open_project
    dict set ::hls folder [dict get $given rest]
    record open_project [dict get $given rest]
}

proc set_top {name} {
    needs set_top open_project
    dict set ::hls top $name
    record set_top $name
}

proc add_files {source args} {
    needs add_files open_project
    must_exist $source
    set flags [dict get [parse add_files $args -cflags {}] -cflags]
    foreach flag $flags {
        if {[string match -I* $flag]} {
            must_exist [string range $flag 2 end]
        } elseif {$flag ne "-std=c++14"} {
            refuse "flag $flag is unknown"
        }
    }
    dict lappend ::hls sources $source
    record add_files [file tail $source]
}

proc open_solution {args} {
    needs open_solution open_project set_top add_files
    set given [parse open_solution $args -flow_target -reset]
    if {[dict get $given -flow_target] ne "vivado"} {
        refuse "the flow [dict get $given -flow_target] makes no IP"
    }
    dict set ::hls solution [dict get $given rest]
    record open_solution [dict get $given rest]
}

proc set_part {part} {
    needs set_part open_solution
    known_part $part
    record set_part $part
}

proc create_clock {args} {
    needs create_clock open_solution
    dict set ::hls period [dict get [parse create_clock $args -period {}] -period]
    record create_clock [dict get $::hls period]
}

proc config_compile {args} {
    needs config_compile open_solution
    parse config_compile $args -name_max_length {}
}

proc config_rtl {args} {
    needs config_rtl open_solution
    record config_rtl reset [dict get [parse config_rtl $args -reset {}] -reset]
}

proc config_export {args} {
    needs config_export open_solution
    set ::export [parse config_export $args {-format -rtl -vendor -library -ipname -version} {}]
}

proc csynth_design {} {
    needs csynth_design set_part create_clock config_rtl
    set top [dict get $::hls top]
    set ::ports {}
    foreach source [dict get $::hls sources] {
        set text [contents $source]
        if {[regexp "\nvoid $top\\((\[^)\]*)\\) \{" $text -> arguments]} {
            foreach {all type port} [regexp -all -inline {hls::stream<(?:\w+::)?(\w+)>& (\w+)} $arguments] {
                if {![regexp "mode = axis port = $port\\y" $text]} {
                    refuse "port $port of $top is no stream"
                }
                lappend ::ports $port $type
            }
        }
    }
    if {![llength $::ports]} {
        refuse "no source holds the top function $top"
    }
    record csynth_design
    if {[fault] eq "hls_crash"} {
        puts "ERROR: \[Stub 2-2\] internal error in $top"
        leave 139
    }
    write [file join [dict get $::hls folder] [dict get $::hls solution] syn report csynth.xml] "<!-- output of a stub -->
<profile>
  <UserAssignments>
    <TargetClockPeriod>[dict get $::hls period]</TargetClockPeriod>
    <TopModelName>$top</TopModelName>
  </UserAssignments>
  <PerformanceEstimates>
    <SummaryOfTimingAnalysis><EstimatedClockPeriod>3.650</EstimatedClockPeriod></SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency>
      <Best-caseLatency>1200</Best-caseLatency>
      <Worst-caseLatency>[expr {$top eq "classify" ? "undef" : 34567}]</Worst-caseLatency>
      <Interval-min>1000</Interval-min>
      <Interval-max>16500</Interval-max>
    </SummaryOfOverallLatency>
  </PerformanceEstimates>
</profile>
"
}

proc export_design {} {
    needs export_design csynth_design config_export
    record export_design [dict get $::export -vendor]:[dict get $::export -library]:[dict get $::export -ipname]
    if {[fault] eq "no_ip"} {
        return
    }
    write [file join [dict get $::hls folder] [dict get $::hls solution] impl ip component.xml] \
        "[dict get $::export -vendor]:[dict get $::export -library]:[dict get $::export -ipname]:[dict get $::export -version] $::ports\n"
}

if {[lrange $argv 0 2] ne {--mode hls --tcl}} {
    puts "ERROR: \[Stub 1-2\] arguments $argv"
    exit 1
}
if {[fault] eq "hls_hang"} {
    hang
}
run_script [lindex $argv 3]
