"""Trainings in tests."""

from __future__ import annotations

import csv

import numpy as np

from watermap.bundles.bundle import Bundle
from watermap.config import DecoderConfig, PlateauConfig, ShoreConfig, StageConfig, TrainConfig

CONFIG = TrainConfig(encoder="compact", epochs=3, batch_size=8, augment="flips")


def weights(bundle: Bundle) -> list[np.ndarray]:
    return list(bundle.load_model().get_weights())


def history_of(bundle: Bundle) -> list[dict[str, str]]:
    with (bundle.folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


THOROUGH = CONFIG.model_copy(
    update={
        "decoder": DecoderConfig(dropout=0.2),
        "loss": "focal(gamma=1) + dice",
        "soft_shores": ShoreConfig(px=1),
        "ignore_shores_px": 1,
        "sampling": "boundary",
        "precision": "mixed_bfloat16",
        "accumulate": 2,
        "ema": 0.5,
        "epochs": 5,
        "batch_size": 16,
        "stages": (
            StageConfig(
                name="falling",
                share=3,
                learning_rate=0.03,
                schedule="plateau",
                plateau=PlateauConfig(patience=1, factor=0.5),
            ),
            StageConfig(name="penalised", share=2, l2=0.01),
        ),
    }
)
