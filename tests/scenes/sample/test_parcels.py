from __future__ import annotations

import numpy as np

from watermap.scenes.sample.noise import generator
from watermap.scenes.sample.parcels import TABLE, divide


def test_fields_are_plots_of_one_to_some_ten_hectares() -> None:
    parcels = divide(generator(0), 256)
    sizes = np.bincount(parcels.parcel.ravel())
    assert parcels.parcel.max() < TABLE
    assert 80 < np.median(sizes[sizes > 0]) < 900  # pixels of 0.01 ha
    assert 0.03 < parcels.edge.mean() < 0.3


def test_a_property_is_the_same_all_over_a_field_and_changes_at_its_edge() -> None:
    parcels = divide(generator(1), 128)
    value = parcels.look_up(generator(2).random(TABLE))
    inside = parcels.edge[:, 1:] == 0
    assert (value[:, 1:] == value[:, :-1])[inside].all()
    assert len(np.unique(parcels.look_up_block(np.arange(TABLE)))) < len(np.unique(parcels.parcel))
