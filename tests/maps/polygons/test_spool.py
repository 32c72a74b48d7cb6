from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.support.bodies import blocks_of
from watermap.maps.polygons.bodies import whole_bodies
from watermap.maps.polygons.outlines import trace
from watermap.maps.polygons.spool import Spool

CODES = (np.random.default_rng(3).random((40, 30)) < 0.5).astype(np.uint8)


@pytest.mark.parametrize("corners", [1, 50, 10**6])
def test_bodies_come_back_by_their_first_pixels(tmp_path: Path, corners: int) -> None:
    probability = np.arange(CODES.size, dtype=np.int32).reshape(CODES.shape)
    with Spool(tmp_path, CODES.shape[1]) as spool:
        for whole in whole_bodies(blocks_of(CODES, 3, probability), CODES.shape[1]):
            spool.add(whole, trace(whole, CODES.shape))
        found = list(spool.batches(corners))
        assert spool.count == sum(len(table) for table, _ in found)
        assert not list(tmp_path.iterdir())
    table = np.concatenate([each for each, _ in found])
    polygons = np.concatenate([outlines.polygons() for _, outlines in found])
    assert (np.diff(table["first"]) > 0).all()
    assert (shapely.area(polygons) == table["known"]).all()
    assert table["known"].sum() == CODES.sum()
    assert table["probability"].sum() == probability[CODES == 1].sum()
    for body, polygon in zip(table, polygons, strict=True):
        col, row = polygon.exterior.coords[0]
        assert row * CODES.shape[1] + col == body["first"]
    sizes = [sum(outlines.rings) for _, outlines in found]
    assert all(size <= corners or len(each) == 1 for size, (each, _) in zip(sizes, found, strict=True))
    assert corners < 10**6 or len(found) == 1


def test_an_empty_shelf_has_no_batches(tmp_path: Path) -> None:
    with Spool(tmp_path, 10) as spool:
        assert not list(spool.batches(10))
        assert spool.count == 0
