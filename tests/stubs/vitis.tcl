# Stands for the command vitis, which is asked for its release alone.
if {$argv ne "--version"} {
    puts "ERROR: \[Stub 1-2\] arguments $argv"
    exit 1
}
puts "Vitis v2024.2 (64-bit), stub of the tests"
