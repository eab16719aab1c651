"""Batches are bounded by what the bitstream's DMA can carry either way, before anything is opened."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from cytogate.host.driver.accelerator import Accelerator
from cytogate.model.design.design import Network
from cytogate.model.design.topologies import Compact
from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import LENGTH_BITS
from cytogate.model.interface.description import LEAST_LENGTH_BITS, dma_length_bits
from cytogate.sim.board.hwh import description
from tests.boards import expected, plugged, small_bundle, small_design, small_frames, with_description, write

DESIGN = small_design()
FRAME_BYTES = 4 * 12 * 13
DESCRIPTION = description(DESIGN)


@pytest.mark.parametrize("bits", range(LEAST_LENGTH_BITS, LENGTH_BITS + 1))
def test_every_width_bounds_the_batch(bits: int, tmp_path: Path) -> None:
    bundle = with_description(write(small_bundle(tmp_path / "small.zip")), description(DESIGN, bits))
    most = (2**bits - 1) // FRAME_BYTES
    if not most:
        with pytest.raises(InputError, match=f"624 bytes of frames and 36 of answer; .* has {2**bits - 1} at most"):
            Accelerator(bundle.path, device="emulated-light", batch=1)
        return
    Accelerator(bundle.path, device="emulated-light", batch=most)
    with pytest.raises(InputError) as refusal:
        Accelerator(bundle.path, device="emulated-light", batch=most + 1)
    assert str(refusal.value) == (
        f"a batch of {most + 1} cells is asked for; a transfer holds 1 to {most} of this design "
        f"(c_sg_length_width of its axi_dma is {bits})"
    )


@pytest.mark.parametrize("bits", [10, 14])
def test_the_longest_transfer_of_a_narrow_dma_comes_back_whole(bits: int, tmp_path: Path) -> None:
    frames = small_frames(DESIGN, 60)
    most = (2**bits - 1) // FRAME_BYTES
    with plugged(tmp_path, DESIGN, batch=most, length_bits=bits) as (accelerator, boards), accelerator:
        results = list(accelerator.stream(frames))
        assert boards[0].dma.length_bits == bits
    assert [result.logits.tolist() for result in results if result.logits is not None] == expected(frames)


def test_the_answer_bounds_the_batch_where_it_is_the_longer_one(tmp_path: Path) -> None:
    classes = tuple(f"class {number}" for number in range(200))
    design = dataclasses.replace(small_design(channels=("top",)), network=Network(classes, Compact()))
    frames = small_frames(design, 50)
    most = ((2**14 - 1) // 4 - 6) // len(classes)
    assert most == 20
    assert most < (2**14 - 1) // (12 * 13)
    with plugged(tmp_path, design, batch=most, length_bits=14) as (accelerator, _), accelerator:
        assert sum(result.logits is not None for result in accelerator.stream(frames)) == 50
    assert accelerator.counters.recoveries == 0
    with (
        pytest.raises(InputError, match=rf"a transfer holds 1 to {most} of this"),
        plugged(tmp_path, design, batch=most + 1, length_bits=14),
    ):
        pytest.fail("it was made")


BAD_DESCRIPTIONS = {
    "no XML": ("real", "it is not XML as Vivado writes it: syntax error: line 1, column 0"),
    "empty": ("", "it is not XML as Vivado writes it: no element found: line 1, column 0"),
    "cut short": (DESCRIPTION[:-20], "it is not XML as Vivado writes it: .*"),
    "unknown encoding": ('<?xml version="1.0" encoding="no-such"?><EDKSYSTEM/>', "it is not XML .*: .*encoding.*"),
    "a bomb of entities": (
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
        + "".join(f'<!ENTITY a{level} "{f"&a{level - 1 if level else str()};" * 20}">' for level in range(8))
        + "]><EDKSYSTEM>&a7;</EDKSYSTEM>",
        "it is not XML .*: limit on input amplification factor .*",
    ),
    "no DMA": (DESCRIPTION.replace('"axi_dma"', '"other"'), "it describes no axi_dma: it is not of a Cytogate design"),
    "of a DMA with descriptors": (
        DESCRIPTION.replace('"c_include_sg" VALUE="0"', '"c_include_sg" VALUE="1"'),
        "c_include_sg of its axi_dma is 1, in a Cytogate design 0: rebuild the bundle",
    ),
    "of a DMA that only sends": (
        DESCRIPTION.replace('"c_include_s2mm" VALUE="1"', '"c_include_s2mm" VALUE="0"'),
        "c_include_s2mm of its axi_dma is 0, .*",
    ),
    "width left out": (
        DESCRIPTION.replace("c_sg_length_width", "c_sg"),
        "c_sg_length_width of its axi_dma is missing.*",
    ),
    **{
        f"width {width!r}": (
            DESCRIPTION.replace('"c_sg_length_width" VALUE="26"', f'"c_sg_length_width" VALUE="{width}"'),
            "c_sg_length_width of its axi_dma is .*; a DMA has 8 to 26 length bits",
        )
        for width in ("7", "27", "-8", "", "1e1", "9" * 310, "٢٦")
    },
}


@pytest.mark.parametrize("name", BAD_DESCRIPTIONS)
def test_a_description_that_does_not_say_it_is_refused(name: str, tmp_path: Path) -> None:
    text, said = BAD_DESCRIPTIONS[name]
    bundle = with_description(write(small_bundle(tmp_path / "small.zip")), text)
    with pytest.raises(InputError, match=rf"small\.zip: cytogate\.hwh: {said}$") as refusal:
        Accelerator(bundle.path, device="emulated-light")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("lost", ["BASEVALUE", "HIGHVALUE"])
def test_a_description_without_addresses_is_refused(lost: str, tmp_path: Path) -> None:
    """pynq takes it for granted that they are there."""
    bundle = small_bundle(tmp_path / "small.zip")
    with_description(write(bundle), description(bundle.design).replace(lost, "NO_VALUE"))
    accelerator = Accelerator(bundle.path, device="emulated-light")
    with pytest.raises(InputError) as refusal, accelerator:
        pytest.fail("it was opened")
    assert str(refusal.value).startswith("cytogate.hwh: pynq cannot read this hardware description (")
    assert "\n" not in str(refusal.value)


def test_names_in_capitals_and_other_modules_change_nothing() -> None:
    assert dma_length_bits(DESCRIPTION.replace("c_sg_length_width", "C_SG_LENGTH_WIDTH").encode(), "axi_dma") == 26
    before = (
        '<MODULE INSTANCE="other"><PARAMETERS><PARAMETER NAME="c_sg_length_width" VALUE="9"/></PARAMETERS></MODULE>'
    )
    for text in (
        DESCRIPTION.replace("<MODULES>", f"<MODULES>{before}"),
        DESCRIPTION.replace("</MODULES>", f"{before}</MODULES>"),
    ):
        assert dma_length_bits(text.encode(), "axi_dma") == 26
