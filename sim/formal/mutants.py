"""Faults that the proofs have to find: each is one change of one module, to which its proof has a counterexample."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A text that stands once in a module, and what stands there instead."""

    module: str
    old: str
    new: str
    proof: str | None = None
    """Module whose proof finds it; the changed module's own where None."""


MUTANTS = {
    "a word is written to the place behind": Mutant("fifo", "words[write_place] <=", "words[write_place+1'b1] <="),
    "a write beside a read is not counted": Mutant("fifo", "if (write != read) level", "if (write || read) level"),
    "reading does not go on": Mutant("fifo", "if (read) read_place", "if (read && !write) read_place"),
    "a ring turns a place late": Mutant("ring", "write_address == ADDRESS_BITS'(DEPTH - 1)", "write_address == 0"),
    "the last word of a ring is not told": Mutant("ring", "waits = level != 0", "waits = level > 1"),
    "a place is lost": Mutant("credits", "left - 1'b1", "left - 2'd2"),
    "the last place is not given": Mutant("credits", "give || left > 1", "give || left > 2"),
    "a place more than there is": Mutant("credits", "left      <= ($clog2(COUNT + 1))'(COUNT)", "left <= '1"),
    "a queue takes a word too many": Mutant("stream_queue", "in_ready = !level[$clog2(DEPTH)]", "in_ready = 1'b1"),
    "a word leaves before it is taken": Mutant("stream_queue", ".read(out_valid && out_ready)", ".read(out_valid)"),
    "a place is given back too early": Mutant("reserved_queue", ".give(leaves)", ".give(in_valid)"),
    "a result is dropped": Mutant("reserved_queue", ".write(in_valid)", ".write(in_valid && level == 0)"),
    "exponents stay": Mutant(
        "exponent_queue",
        ".write, .in_word(in_exponents), .read,",
        ".write, .in_word(in_exponents), .read(read && !write),",
    ),
    "a register less": Mutant(
        "delay", "{line[(CLOCKS-1)*BITS-1:0], in_word}", "{line[(CLOCKS-2)*BITS-1:0], in_word, in_word}"
    ),
    "a ring a place too long": Mutant("delay", "place == PLACE_BITS'(CLOCKS - 1)", "place == PLACE_BITS'(CLOCKS)"),
    "a valid bit outlives a reset": Mutant(
        "pipeline_valid", "rst ? '0 : CLOCKS'({valid, in_valid})", "CLOCKS'({valid, in_valid})"
    ),
    "every part is written": Mutant("row_memory", "write && 32'(write_part) == part", "write"),
    "a word does not stay": Mutant("row_memory", "if (read) fetched", "fetched"),
    "a reader takes a word twice": Mutant("stream_fork", "in_ready ? '0 : taken | out_ready", "in_ready ? '0 : taken"),
    "a word goes when one has it": Mutant("stream_fork", "in_ready  = &(taken", "in_ready  = |(taken"),
    "a beat goes a pixel early": Mutant("narrow_beats", "32'(pixel) == PIXELS - 1;", "32'(pixel) == PIXELS - 2;"),
    "the pixel goes on without its reader": Mutant("narrow_beats", "in_valid && out_ready) pixel", "in_valid) pixel"),
    "a row too many is cropped": Mutant("crop_map", "32'(row) >= TOP &&", "32'(row) > TOP &&"),
    "a cropped map does not begin again": Mutant("crop_map", "32'(row) == ROWS - 1 ? '0 : row + 1'b1", "row + 1'b1"),
    "what is cropped waits": Mutant("crop_map", "out_ready || !within_map", "out_ready"),
    "zeros wait for pixels": Mutant("pad_map", "in_valid || !(within_map || ahead)", "in_valid"),
    "a pixel in the zeros": Mutant("pad_map", "within_map ? in_words : '0", "in_words"),
    "a line is a word short": Mutant(
        "line_timer", "last = active && &place", "last = active && &place[$clog2(SIZE)-1:1]"
    ),
    "a line starts in its middle": Mutant(
        "line_timer", "active <= start;\n      place  <= '0;", "active <= start;\n      place  <= '1;"
    ),
    "halves fall to odd words": Mutant("round_word", "HALF != 0 && !above_odd", "HALF != 0 && above_odd"),
    "saturation wraps at the top": Mutant("round_word", "rounded > MOST ? MOST", "rounded > MOST + ONE ? MOST"),
    "saturation reaches too low": Mutant("round_word", "OVERFLOW == 2 ? -MOST :", "OVERFLOW == 1 ? -MOST :"),
    "the slope of words below zero is forgotten": Mutant("round_word", "value[BITS-1] ? below : above", "above"),
    "a sign is taken for a value": Mutant(
        "round_word", "IN_SIGNED ? BITS'($signed(in_word))", "!IN_SIGNED ? BITS'($signed(in_word))"
    ),
    "every word is the first": Mutant("round_words", "in_words[i*IN_BITS+:IN_BITS]", "in_words[0+:IN_BITS]"),
    "ties go up": Mutant("shift_round", "guard && (sticky || quotient[0])", "guard"),
    "a sticky bit is lost": Mutant("shift_round", "fine_sticky | fine_guard |", "fine_sticky |"),
    "a coarse sticky bit is lost": Mutant("shift_round", "coarse_sticky | coarse_guard |", "coarse_guard |"),
    "saturation to the wrong side": Mutant(
        "shift_round", "{(OUT_BITS - 1) {~nearest[IN_BITS-1]}}", "{(OUT_BITS - 1) {nearest[IN_BITS-1]}}"
    ),
    "signs are not heeded": Mutant(
        "pool_word", "IS_SIGNED ? $signed(first) > $signed(second)", "!IS_SIGNED ? $signed(first) > $signed(second)"
    ),
    "a mean is the larger": Mutant("pool_word", "MEAN ? first + second", "MEAN && 1'b0 ? first + second"),
    "the inverse is rounded down": Mutant("mean_word", "+ 64'(COUNT) - 64'd1) / 64'(COUNT)", ") / 64'(COUNT)"),
    "a mean goes down": Mutant("mean_word", "negative ? -distance", "negative ? ~distance"),
    "a difference turned round": Mutant("join_words", "word = first - second", "word = second - first"),
    "a step is not heeded": Mutant("join_words", "<< SECOND_APPENDED;", "<< FIRST_APPENDED;"),
    "the smaller is the larger": Mutant(
        "join_words", "first < second ?", "first > second ? second :  first < second && 1'b0 ?"
    ),
    "a margin is below itself": Mutant("gate", "32'(margin) < least", "32'(margin) <= least"),
    "a pulse overtakes": Mutant("gate", "is_past || is_overtaken", "is_past"),
    "two pulses in a clock": Mutant("gate", "$signed(pulse - latest) <= 0", "$signed(pulse - latest) < 0"),
    "a pulse that is past by a clock": Mutant("gate", "now + 32'(1 + contract_pkg", "now + 32'(0 + contract_pkg"),
    "a pulse is told too late": Mutant("gate", "event_pulse  <= pulse;", "event_pulse  <= pulse + 1'b1;"),
    "a pulse comes too late": Mutant("trigger", "next    = now + 1'b1", "next    = now"),
    "a pulse is lost": Mutant("trigger", ".write, .in_word", ".write(write && !due), .in_word"),
    "a pulse comes twice": Mutant("trigger", ".read(due)", ".read(due && !write)"),
    "the last pulse is the first": Mutant("trigger", "if (write) latest", "if (write && !waits) latest"),
    "a pulse is too long": Mutant("trigger", "left <= hold;", "left <= hold + 1'b1;"),
    "the last of equals wins": Mutant(
        "argmax", "if (place == 0 || logit > largest) begin", "if (place == 0 || logit >= largest) begin"
    ),
    "the second is forgotten": Mutant(
        "argmax", "if (logit > largest) second <= largest;", "if (logit > largest) second <= second;"
    ),
    "an answer before the last logit": Mutant(
        "argmax", "busy && 32'(place) == CLASSES;", "busy && 32'(place) == CLASSES - 1;"
    ),
    "an answer before the writer may have one": Mutant("axi_lite", "if (written && !busy)", "if (written)"),
    "two writes at a time": Mutant("axi_lite", "!s_axil_bvalid && !written && !busy", "!s_axil_bvalid && !busy"),
    "a read that is not waited for": Mutant("axi_lite", "else if (s_axil_rready) s_axil_rvalid", "else s_axil_rvalid"),
    "what is read changes": Mutant("axi_lite", "if (s_axil_arready) s_axil_rdata", "s_axil_rdata"),
    "a flag of this clock is lost": Mutant(
        "status_registers",
        "(error_flags & ~cleared_flags) | {too_long, too_short}",
        "(error_flags | {too_long, too_short}) & ~cleared_flags",
    ),
    "flags changed round": Mutant("status_registers", "{too_long, too_short}", "{too_short, too_long}"),
    "a dropped frame is accepted": Mutant("status_registers", "if (frame_ended && frame_intact)", "if (frame_ended)"),
    "an interval from reset on": Mutant("status_registers", "some_left ? now - left : '0", "now - left"),
    "any byte resets": Mutant(
        "status_registers",
        "s_axil_awaddr == 8'(contract_pkg::CONTROL_OFFSET) && s_axil_wstrb[0] &&",
        "s_axil_awaddr == 8'(contract_pkg::CONTROL_OFFSET) &&",
    ),
    "a reset that is too short": Mutant(
        "stream_registers", "32'(reset_left) > SETTLING_CLOCKS", "32'(reset_left) > SETTLING_CLOCKS + 1"
    ),
    "the writer goes on within a reset": Mutant("stream_registers", ".busy(resetting)", ".busy(stream_rst)"),
    "cells are counted as frames": Mutant("stream_registers", "if (frame_ended) frames_in", "if (cell_left) frames_in"),
    "a kernel in reset takes a beat": Mutant("kernel_registers", "m_core_tready && open", "m_core_tready"),
    "a result of a kernel in reset": Mutant("kernel_registers", "s_core_tvalid && open", "s_core_tvalid"),
    "beats go on behind a frame": Mutant("kernel_registers", "!core_aresetn || frame_ended", "!core_aresetn"),
    "a transfer's TLAST is lost": Mutant("batch_cutter", "s_axis_tlast || frame_complete;", "frame_complete;"),
    "a frame goes on in the next transfer": Mutant(
        "batch_cutter", "m_axis_tlast ? '0 : beat", "frame_complete ? '0 : beat"
    ),
    "a beat without room": Mutant("batch_cutter", "m_axis_tready && room && !rst", "m_axis_tready && !rst"),
    "counts beside another transfer": Mutant(
        "batch_cutter", ".CLOCKS(3)) beside_the_crc", ".CLOCKS(2)) beside_the_crc"
    ),
    "a receipt a cell early": Mutant(
        "batch_joiner", "batch_valid && cells >= frames", "batch_valid && cells + 1 >= frames"
    ),
    "a logit within a receipt": Mutant("batch_joiner", "!complete && m_axis_tready", "m_axis_tready"),
    "a receipt a word short": Mutant(
        "batch_joiner",
        "word == WORD_BITS'(contract_pkg::RECEIPT_WORDS - 1)",
        "word == WORD_BITS'(contract_pkg::RECEIPT_WORDS - 2)",
    ),
    "a receipt counts as a logit": Mutant("batch_joiner", "else crc <= next_crc;", "crc <= next_crc;"),
    "a packet that goes on is not swallowed": Mutant("frame_input", "else if (too_long) state <= SWALLOW;", ""),
    "a short packet is not filled up": Mutant("frame_input", "if (too_short) state <= FILL;\n      else if", "if"),
    "a filled frame is intact": Mutant("frame_input", "state == RECEIVE && s_axis_tlast;", "s_axis_tlast;"),
    "rows of a frame begin within the one before": Mutant("frame_input", "last_row ? '0 : row + 1'b1", "row + 1'b1"),
    "a group without room": Mutant("frame_input", "group_starts && !room", "group_starts && !room && row != TOP"),
    "rows are binned from another row on": Mutant("frame_input", "bin_row == BINNING - 1 ?", "bin_row == 0 ?"),
    "a column is added to the one beside": Mutant("binning", "LEFT % SAMPLES;", "(LEFT + 1) % SAMPLES;"),
    "rows are not added": Mutant("binning", "(arriving_first ? '0 : above[sum*OUT_BITS+:OUT_BITS])", "'0"),
    "the rows above are not forgotten": Mutant("binning", "arriving_first ? '0 :", "1'b0 ? '0 :"),
    "a window that ends a beat early": Mutant(
        "binning", "this_beat < FIRST + BEATS)", "this_beat < FIRST + BEATS - 1)"
    ),
    "a pixel of a window is left out": Mutant(
        "pool_windows", "(COUNT-1)*KEPT_BITS+:KEPT_BITS];", "(COUNT-2)*KEPT_BITS+:KEPT_BITS];"
    ),
    "a window comes a clock early": Mutant(
        "pool_windows", "pipeline_valid #(.CLOCKS(2)) valid_pipeline", "pipeline_valid #(.CLOCKS(1)) valid_pipeline"
    ),
    "a window without a place": Mutant("pool_windows", ".reserve(taken)", ".reserve(taken && out_ready)"),
    "a malformed frame leaves": Mutant("frame_output", ".in_valid(read && whole)", ".in_valid(read)"),
    "a verdict goes a beat early": Mutant("frame_output", "PLACE_BITS'(BEATS - 1)", "PLACE_BITS'(BEATS - 2)"),
    "beats on their way are forgotten": Mutant("frame_output", "level < DEPTH - READ_LATENCY - 2", "level < DEPTH"),
    "a group is written over the one that leaves": Mutant(
        "corner_turn", "write_slot  <= in_slot", "write_slot  <= out_slot"
    ),
    "banks are turned by one too many": Mutant("corner_turn", "((lane+turned", "((lane+1+turned"),
}
