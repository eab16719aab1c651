# What both stand-ins for the vendor's tools share: calls are recorded, and what is not known is refused.

proc refuse {sentence} {
    error "STUB: $sentence"
}

proc record {args} {
    puts $::record [string map {\n " "} [join $args " "]]
    flush $::record
}

proc must_exist {files} {
    foreach file $files {
        if {![file exists $file]} {
            refuse "there is no file $file"
        }
    }
}

proc known_part {part} {
    if {$part ni {xc7z020clg400-1 xck26-sfvc784-2LV-c xczu7ev-ffvc1156-2-e}} {
        refuse "part $part is unknown"
    }
}

proc write {path text} {
    file mkdir [file dirname $path]
    set file [open $path w]
    puts -nonewline $file $text
    close $file
}

proc contents {path} {
    set file [open $path]
    set text [read $file]
    close $file
    return $text
}

# Take a call apart: values by option, 1 by each of the flags, and the rest as a list.
proc parse {what arguments options flags} {
    set found {}
    set rest {}
    while {[llength $arguments]} {
        set arguments [lassign $arguments option]
        if {![string match -* $option]} {
            lappend rest $option
        } elseif {$option in $flags} {
            dict set found $option 1
        } elseif {$option in $options && [llength $arguments]} {
            set arguments [lassign $arguments value]
            dict set found $option $value
        } else {
            refuse "$what has no option $option"
        }
    }
    dict set found rest $rest
    return $found
}

proc fault {} {
    expr {[info exists ::env(CYTOGATE_STUB_FAULT)] ? $::env(CYTOGATE_STUB_FAULT) : ""}
}

# Stand for a tool that never ends and has started another one.
proc hang {} {
    exec sleep 1000 &
    puts "STUB: it hangs"
    flush stdout
    after 1000000
}

proc run_script {script} {
    set ::record [open $::env(CYTOGATE_STUB_RECORD) a]
    record script [file tail $script] in [file tail [pwd]]
    rename exit leave
    proc exit {} {
        record exit
        leave 0
    }
    if {[catch {uplevel #0 [list source $script]} message]} {
        puts "ERROR: \[Stub 1-1\] $message"
        leave 1
    }
}
