"""Reasons why benches do not reach some of ``fpga/rtl``: branches by their line's text, bits by their module."""

from __future__ import annotations

from collections.abc import Mapping

ONE_WIDTH = "a constant of each instance; what is not reached belongs to a width or a network that longer tests build"
ELABORATION = "runs before the simulation begins, for a constant"
NO_SUCH_WORD = "limits a word that no frame of these benches makes so large"
ENDS_WITHIN = "a window that ends within a beat; longer tests have one"
EVEN = "what is left over behind the last whole block; the maps of these benches leave nothing"

BRANCHES: Mapping[tuple[str, str], str] = {
    ("argmax", "assign out_margin = CLASSES == 1 ? '0 : largest - second;"): ONE_WIDTH,
    ("back_lane", "down <= top_9 ? '0 : fits ? difference[STATE_BITS-1:0]"): NO_SUCH_WORD,
    (
        "background",
        "frames <= write_data > SETTLING_FRAMES ? FRAME_BITS'(SETTLING_FRAMES) : FRAME_BITS'(write_data);",
    ): "no bench writes more frames than are counted",
    (
        "binning",
        "aligned_beat <= one_more ? BEAT_COUNT_BITS'(BEATS - 1) : BEAT_COUNT_BITS'(this_beat - 16'(FIRST));",
    ): ENDS_WITHIN,
    ("binning", "aligned_first_row <= one_more ? more_first_row : in_first_row;"): ENDS_WITHIN,
    ("binning", "aligned_last_row <= one_more ? more_last_row : in_last_row;"): ENDS_WITHIN,
    (
        "butterfly",
        "negated = SATURATE && value == {1'b1, {(BITS - 1) {1'b0}}} ? {1'b0, {(BITS - 1) {1'b1}}} : -value;",
    ): NO_SUCH_WORD,
    ("causal_retrieval", "assign arriving_slot  = SLOT_BITS'(SAMPLES > 1 ? grown_beat : grown_beat >> 1);"): ONE_WIDTH,
    ("crc_part", "function automatic logic [32*BITS-1:0] rows_of_matrix(input logic unused);"): ELABORATION,
    ("crc_part", "for (int place = AFTER + BITS - 1; place >= 0; --place) begin"): ELABORATION,
    (
        "crc_part",
        "if (place < BITS) for (int row = 0; row < 32; ++row) rows_of_matrix[row*BITS+place] = column[row];",
    ): ELABORATION,
    (
        "lane_butterfly",
        "if (SATURATE && value[IN_BITS] != value[IN_BITS-1]) limited = {value[IN_BITS], {(OUT_BITS "
        "- 1) {!value[IN_BITS]}}};",
    ): NO_SUCH_WORD,
    (
        "lane_butterfly",
        "negated = SATURATE && value == {1'b1, {(OUT_BITS - 1) {1'b0}}} ? {1'b0, {(OUT_BITS - 1) {1'b1}}} : -value;",
    ): NO_SUCH_WORD,
    (
        "lane_butterfly",
        "out_words[(2*lane)*OUT_BITS+:OUT_BITS]   <= !QUARTER ? re : INVERSE ? negated(im) : im;",
    ): ONE_WIDTH,
    (
        "lane_butterfly",
        "out_words[(2*lane+1)*OUT_BITS+:OUT_BITS] <= !QUARTER ? im : INVERSE ? re : negated(re);",
    ): ONE_WIDTH,
    (
        "logit_stream",
        "assign m_axis_tdata = m_axis_tlast ? 32'(word) : IS_SIGNED ? 32'($signed(logit)) : 32'(logit);",
    ): ONE_WIDTH,
    (
        "mask_words",
        "end else if (out_ready) out_valid <= 1'b0;",
    ): "its reader takes an answer at once in every network of the benches",
    (
        "phase_lines",
        "limited = value[BITS] == value[BITS-1] ? value[BITS-1:0] : {value[BITS], {(BITS - 1) {!value[BITS]}}};",
    ): NO_SUCH_WORD,
    ("pool_blocks", "block_row  <= 32'(block_row) == OUT_ROWS ? block_row : block_row + 1'b1;"): EVEN,
    ("pool_blocks", "block         <= 32'(block) == OUT_COLUMNS ? block : block + 1'b1;"): EVEN,
    ("row_pairs", "assign out_slot = ($clog2(SLOTS))'(SAMPLES > 1 ? last_beat : last_beat >> 1);"): ONE_WIDTH,
}
"""Reason by module and line."""
BITS: Mapping[str, str] = {}
"""Reason by module, of whose bits fewer than the wanted share change both ways."""
