"""Paper 004: cells classified by the latent vectors of a deep convolutional autoencoder.

C. Vununu, K. Kwon, S.-H. Lee, E.-J. Lee, "Cell images classification using deep convolutional autoencoder": Table II
and Figure 2 on simulated HEp-2 cells, and the quantized network of encoder and classifier, which the paper has not. The
same networks on real Jurkat cells, where there are data.
"""

from __future__ import annotations

from cytogate.model.experiments.dcae.hep2 import TEST_CELLS, TRAINING_CELLS
from cytogate.model.experiments.dcae.on_hep2 import DcaeSizes, hep2_results
from cytogate.model.experiments.dcae.on_jurkat import SIDE, DcaeJurkatSizes, add_jurkat
from cytogate.model.experiments.dcae.page import add_hep2
from cytogate.model.experiments.dcae.training import Lengths
from cytogate.model.experiments.setting import Experiment, Setting
from cytogate.model.networks.dcae import Dcae
from cytogate.model.pages.page import Page

SMALL_NETWORK = Dcae(size=48, filters=(4, 8, 16, 32), latent=512, dense=(125, 25))
SMALL = DcaeSizes(
    network=SMALL_NETWORK,
    device=SMALL_NETWORK,
    training_cells=400,
    test_cells=400,
    splits=1,
    selecting_share=0.2,
    lengths=Lengths(autoencoder=40, classifier=40, supervised=30, fine_tune=15),
)
SMALL_JURKAT = DcaeJurkatSizes(
    unlabelled=1000,
    folds=1,
    network=Dcae(size=SIDE, channels=2, filters=(4, 8, 16, 32), latent=256, dense=(125, 25), classes=7),
    lengths=Lengths(autoencoder=10, classifier=20, supervised=0, fine_tune=6),
)
FULL = DcaeSizes(
    network=Dcae(),
    device=Dcae().scaled(Dcae.size, 1 / 16),
    training_cells=TRAINING_CELLS,
    test_cells=TEST_CELLS,
    splits=5,
    selecting_share=0.5,
    lengths=Lengths(autoencoder=100, classifier=150, supervised=100, fine_tune=40, autoencoder_rate=1e-4),
)
FULL_JURKAT = DcaeJurkatSizes(
    unlabelled=4500,
    folds=5,
    network=Dcae(size=SIDE, channels=2, filters=(16, 32, 64, 128), latent=1024, classes=7),
    lengths=Lengths(autoencoder=60, classifier=60, supervised=0, fine_tune=25),
)


def run(setting: Setting) -> Page:
    """Repeat the experiment at the setting's scale."""
    return page_of(setting, setting.chosen(SMALL, FULL), setting.chosen(SMALL_JURKAT, FULL_JURKAT))


EXPERIMENT = Experiment(
    name="dcae",
    title="Deep convolutional autoencoder on HEp-2 cells (Vununu et al.)",
    source="Vununu et al., Cell images classification using deep convolutional autoencoder: Table II, Figure 2",
    run=run,
)


def page_of(setting: Setting, sizes: DcaeSizes, of_jurkat: DcaeJurkatSizes) -> Page:
    """Do everything at given sizes and return the page."""
    page = Page(EXPERIMENT.title, simulated=True)
    add_hep2(page, hep2_results(setting, sizes))
    add_jurkat(page, setting, of_jurkat)
    return page
