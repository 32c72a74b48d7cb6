"""Sites, blocks, splits and leaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

from tests.support.rasters import LON_LAT, UTM32, grid_around, make_grid
from watermap.errors import DataError
from watermap.geo.crs import footprints, locate, to_lon_lat, transform_points, transform_shapes
from watermap.geo.grid import Grid
from watermap.patches.blocks import Block, find_sites
from watermap.patches.select import random_starts, regular_starts
from watermap.patches.splits import check_leaks, split_groups


@dataclass(frozen=True)
class Located:
    id: str
    scene: str
    split: str
    footprint: Any


def outline(grid: Grid, *window: int) -> Any:
    return footprints(grid, [Window(*window)])[0]


def placed(grid: Grid, patch: int, *, block_patches: int = 4, others: dict[str, Grid] | None = None) -> list[Block]:
    """All blocks of a scene called `a`."""
    sites = find_sites({"a": grid} | (others or {}), patch_size=patch, block_patches=block_patches)
    site = next(site for site in sites if "a" in site.scenes)
    return list(site.blocks(grid))


def test_positions_go_from_grid_to_grid_and_back() -> None:
    one, other = make_grid(), grid_around(make_grid(), UTM32)
    points = np.array([(0.0, 0.0), (10.5, 3.25), (256.0, 256.0)])
    there = locate(points, one, other)
    assert np.abs(there - points).max() > 1
    np.testing.assert_allclose(locate(there, other, one), points, atol=1e-4)


def test_points_go_to_another_crs_and_back() -> None:
    points = np.array([(500_000.0, 5_300_000.0), (550_000.0, 5_250_000.0)])
    there = transform_points(points, make_grid().crs, LON_LAT)
    assert there[0] == pytest.approx((15, 47.85), abs=0.01)
    np.testing.assert_allclose(transform_points(there, LON_LAT, make_grid().crs), points, atol=1e-4)
    assert transform_points(np.zeros((0, 2)), LON_LAT, UTM32).shape == (0, 2)


@pytest.mark.parametrize(("source", "side"), [(LON_LAT, 2.0), (UTM32, 200_000.0), (CRS.from_epsg(2263), 600_000.0)])
def test_the_edges_of_shapes_bend_as_the_ground_does(source: CRS, side: float) -> None:
    """Points along the edges of the shape lie on the edges of what it becomes, to a metre."""
    left, bottom = (9.0, 50.0) if source == LON_LAT else (400_000.0, 300_000.0 if source != UTM32 else 5_500_000.0)
    box = shapely.box(left, bottom, left + side, bottom + side)
    target = CRS.from_epsg(3035) if source != CRS.from_epsg(2263) else CRS.from_epsg(5070)
    moved, *others = transform_shapes(np.array([box, box]), source, target)
    along = np.array([box.exterior.interpolate(share, normalized=True).coords[0] for share in np.linspace(0, 1, 999)])
    points = shapely.points(transform_points(along, source, target))
    straight = shapely.Polygon(transform_points(shapely.get_coordinates(box), source, target)).exterior
    assert shapely.distance(points, moved.exterior).max() < 1
    assert shapely.distance(points, straight).max() > 10
    assert others == [moved]
    assert transform_shapes(box, source, source) is box
    assert len(transform_shapes(np.array([], dtype=object), source, target)) == 0


def test_shapes_at_no_place_are_refused_at_once() -> None:
    for crs, far in ((UTM32, 1e9), (CRS.from_epsg(4258), 1e4)):
        with pytest.raises(DataError, match="beyond what EPSG"):
            transform_shapes(shapely.box(0, 0, far, far), crs, LON_LAT)


def test_a_crs_that_leads_nowhere_is_refused() -> None:
    plan = CRS.from_wkt('LOCAL_CS["plan",UNIT["metre",1]]')
    with pytest.raises(DataError, match="cannot be transformed to EPSG:4326: reproject the file"):
        transform_points(np.zeros((1, 2)), plan, LON_LAT)
    with pytest.raises(DataError, match="cannot be transformed to longitude and latitude: reproject the file"):
        to_lon_lat([shapely.box(0, 0, 1, 1)], plan)


def test_shapes_are_cut_at_the_antimeridian() -> None:
    box = shapely.box(828_000, 10_000, 838_000, 20_000)
    (whole,), (cut,) = (
        to_lon_lat([shapely.affinity.translate(box, xoff=east)], CRS.from_epsg(32660)) for east in (-2e5, 0)
    )
    assert [whole.geom_type, cut.geom_type] == ["Polygon", "MultiPolygon"]
    assert cut.bounds[0] == -180
    assert cut.bounds[2] == 180
    assert to_lon_lat([box], LON_LAT) == [box]
    assert to_lon_lat([], UTM32) == []


def test_scenes_of_one_place_are_one_site_and_far_ones_are_not() -> None:
    base = make_grid(128, 128)
    grids = {
        "later": base,
        "earlier": base,
        "beside": make_grid(128, 128, left=500_000 + 1280),
        "near": make_grid(128, 128, left=500_000 + 2 * 1280 + 600),
        "other_zone": grid_around(base, UTM32),
        "degrees": grid_around(base, LON_LAT, pixel=0.0001),
        "far": make_grid(128, 128, left=540_000),
    }
    sites = find_sites(grids, patch_size=128, block_patches=4)
    assert [set(site.scenes) for site in sites] == [set(grids) - {"far"}, {"far"}]


def test_a_site_across_the_antimeridian_is_one_site() -> None:
    west = Grid(CRS.from_epsg(32660), Affine(10, 0, 828_000, 0, -10, 20_000), 1000, 1000)
    east = Grid(CRS.from_epsg(32601), Affine(10, 0, 165_000, 0, -10, 20_000), 1000, 1000)
    inland = make_grid(1000, 1000, top=20_000)
    sites = find_sites({"a": west, "b": east, "c": inland}, patch_size=128, block_patches=4)
    assert [site.scenes for site in sites] == [("a", "b"), ("c",)]


@pytest.mark.parametrize("chips", [1, 2, 5, 9])
@pytest.mark.parametrize("patch", [32, 64, 128])
def test_chips_side_by_side_stay_in_one_block(chips: int, patch: int) -> None:
    grids = {f"chip_{i}": make_grid(128, 128, left=500_000 + i * 1280) for i in range(chips)}
    (site,) = find_sites(grids, patch_size=patch, block_patches=4)
    assert len({block.name for grid in grids.values() for block in site.blocks(grid)}) == 1


def test_a_large_scene_is_divided_on_whole_patches() -> None:
    blocks = placed(make_grid(1674, 1000), 128)
    assert len(blocks) == 3 * 2
    assert {block.ground.width % 128 for block in blocks if "_c2" not in block.name} == {0}
    assert sum(block.ground.width * block.ground.height for block in blocks) == 1674 * 1000


def test_pixel_sizes_of_a_site_may_differ() -> None:
    """A patch of 60 m pixels fits into a block although the first scene has 10 m pixels."""
    fine, coarse = make_grid(3000, 3000), make_grid(500, 500, pixel=60.0)
    sites = find_sites({"a": fine, "b": coarse}, patch_size=64, block_patches=4)
    assert len(sites) == 1
    boxes = [block.box(coarse) for block in sites[0].blocks(coarse)]
    assert all(len(regular_starts(box, 64)) for box in boxes if box is not None)


def test_a_block_knows_which_patches_it_holds() -> None:
    grid = make_grid(256, 256)
    block = next(block for block in placed(grid, 32, block_patches=4) if block.name == "a_r1_c1")
    starts = np.array([(128, 128), (224, 224), (127, 128), (128, 127), (225, 224), (224, 225), (0, 0)])
    assert block.contains(grid, starts, 32).tolist() == [True, True, False, False, False, False, False]


def test_a_turned_scene_still_fills_its_blocks() -> None:
    """North of a neighbouring zone is turned by some degrees: the box in a block holds whole patches, side by side."""
    grid = make_grid(600, 600)
    turned = grid_around(grid, UTM32)
    blocks = placed(grid, 32, block_patches=8, others={"b": turned})
    boxes = [(block, box) for block in blocks if (box := block.box(turned)) is not None]
    inside = [block.contains(turned, regular_starts(box, 32), 32) for block, box in boxes]
    assert all(found.all() for found in inside)
    assert sum(map(len, inside)) * 32**2 > 0.6 * 600**2


oriented = st.sampled_from([Affine.scale(1, 1), Affine.scale(1, -1), Affine.rotation(3), Affine.rotation(90)])


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(40, 400), st.integers(40, 400)),
    patch=st.sampled_from([24, 32, 50]),
    block_patches=st.integers(1, 5),
    crs=st.sampled_from([None, UTM32, LON_LAT]),
    turn=oriented,
    shift=st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
    seed=st.integers(0, 99),
)
def test_patches_lie_in_their_block_and_blocks_share_no_ground(
    size: tuple[int, int],
    patch: int,
    block_patches: int,
    crs: CRS | None,
    turn: Affine,
    shift: tuple[float, float],
    seed: int,
) -> None:
    """Two scenes of one place, the second on any other grid: no patches of two blocks share ground."""
    first = make_grid(*size)
    second = make_grid(300, 200, left=500_000 + shift[0], top=5_300_000 + shift[1])
    if crs is not None:
        second = grid_around(second, crs, pixel=10.0 if crs != LON_LAT else 0.0001)
    second = Grid(second.crs, second.transform @ turn, second.width, second.height)
    site, *rest = find_sites({"a": first, "b": second}, patch_size=patch, block_patches=block_patches)
    names: list[str] = []
    outlines: list[Any] = []
    for grid in (first,) if rest else (first, second):
        scored = np.zeros(grid.shape, dtype=int)
        for block in site.blocks(grid):
            box = block.box(grid)
            if box is None:
                continue
            regular = regular_starts(box, patch)
            scattered = random_starts(box, patch, density=1.5, seed=seed, name=block.name)
            starts = np.concatenate([regular, scattered])
            starts = starts[block.contains(grid, starts, patch)]
            assert (starts >= 0).all()
            assert (starts + patch <= grid.shape).all()
            for corner in ((0, 0), (patch, 0), (0, patch), (patch, patch)):
                there = locate((starts + corner)[:, ::-1].astype(float), grid, block.ground)
                assert (there >= -0.011).all()
                assert (there <= np.array([block.ground.width, block.ground.height]) + 0.011).all()
            for row, col in regular[block.contains(grid, regular, patch)].tolist():
                scored[row : row + patch, col : col + patch] += 1
            names += [block.name] * len(starts)
            outlines += footprints(grid, [Window(col, row, patch, patch) for row, col in starts.tolist()])
        assert scored.max() <= 1
    areas = transform_shapes(np.array(outlines), LON_LAT, CRS.from_epsg(6933))  # true to area
    one, other = shapely.STRtree(areas).query(areas, predicate="intersects")
    apart = np.array(names)[one] != np.array(names)[other]
    shared = shapely.area(shapely.intersection(areas[one[apart]], areas[other[apart]]))
    assert (shared <= 1e-3 * shapely.area(areas[one[apart]])).all()


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(0, 30), min_size=1, max_size=60),
    shares=st.sampled_from([(0.15, 0.15), (0.3, 0.0), (0.0, 0.3), (0.0, 0.0), (0.45, 0.45)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_groups_are_dealt_whole_and_every_split_gets_one(
    weights: list[int], shares: tuple[float, float], seed: int
) -> None:
    groups = {f"g{i}": weight for i, weight in enumerate(weights)}
    asked = 1 + sum(share > 0 for share in shares)
    heavy = {name for name, weight in groups.items() if weight}
    if len(heavy) < asked:
        with pytest.raises(DataError, match=rf"need {asked} blocks of ground .* there are {len(heavy)}"):
            split_groups(groups, validation=shares[0], test=shares[1], seed=seed)
        return
    splits = split_groups(groups, validation=shares[0], test=shares[1], seed=seed)
    assert set(splits) == set(groups)
    assert all(splits[name] == "train" for name in set(groups) - heavy)
    counts = Counter(splits[name] for name in heavy)
    assert len(counts) == asked
    backwards = dict(reversed(groups.items()))
    assert split_groups(backwards, validation=shares[0], test=shares[1], seed=seed) == splits


def test_patch_counts_come_near_the_shares_although_groups_differ_in_size() -> None:
    rng = np.random.default_rng(0)
    groups = {f"g{i:03d}": int(size) for i, size in enumerate(rng.choice([1, 2, 5, 40], 100))}
    for seed in range(5):
        splits = split_groups(groups, validation=0.15, test=0.15, seed=seed)
        total = sum(groups.values())
        shares = {name: sum(groups[g] for g in groups if splits[g] == name) / total for name in set(splits.values())}
        assert shares["train"] == pytest.approx(0.7, abs=0.04)
        assert shares["validation"] == pytest.approx(0.15, abs=0.04)
    assert splits != split_groups(groups, validation=0.15, test=0.15, seed=99)


def test_too_few_groups_say_what_to_do() -> None:
    with pytest.raises(DataError) as error:
        split_groups({"a": 9, "b": 3}, validation=0.15, test=0.15, seed=0)
    assert str(error.value) == (
        "train, validation, test need 3 blocks of ground with patches that pass, but there are 2: add scenes of other "
        "places, use a smaller --block-patches (with --split-by ground), widen --min-water and --max-water, "
        "or set --test 0"
    )
    splits = split_groups({"a": 9, "b": 3}, validation=0.15, test=0, seed=0)
    assert splits == {"a": "train", "b": "validation"}


def located(name: str, split: str, grid: Grid, *window: int) -> Located:
    return Located(name, f"scene_{name}", split, outline(grid, *window))


def test_leaks_are_refused_and_touching_edges_are_not() -> None:
    grid = make_grid()
    train, validation = located("a", "train", grid, 0, 0, 64, 64), located("b", "validation", grid, 64, 0, 64, 64)
    same = located("c", "train", grid, 30, 30, 64, 64)
    check_leaks([train, validation])
    check_leaks([train, located("c", "train", grid, 10, 0, 64, 64)])
    with pytest.raises(DataError) as error:
        check_leaks([train, validation, same])
    assert str(error.value) == (
        "patch c of scene scene_c (train) and patch b of scene scene_b (validation) share 0.102 km2 of ground, "
        "so scores would be flattered: tile with --split-by ground"
    )
    one_pixel = located("d", "test", grid, 63, 0, 64, 64)
    with pytest.raises(DataError, match=r"share 0\.00641 km2"):
        check_leaks([train, one_pixel])
    check_leaks([])


def test_leaks_across_zones_are_refused() -> None:
    grid = make_grid(128, 128)
    other = grid_around(grid, UTM32)
    with pytest.raises(DataError, match="share 1"):
        check_leaks([located("a", "train", grid, 0, 0, 128, 128), located("b", "test", other, 0, 0, 128, 128)])
