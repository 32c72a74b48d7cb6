"""Cuts scenes into patches, deals them to splits and stores them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from rasterio.windows import Window

from watermap import __version__
from watermap.bands import STANDARD_BANDS, parse_bands
from watermap.config import TileConfig
from watermap.errors import DataError, StorageError
from watermap.geo.crs import footprints
from watermap.io.paths import local
from watermap.io.temporary import sweep
from watermap.patches.blocks import find_sites
from watermap.patches.index import PatchRecord
from watermap.patches.manifest import FORMAT_VERSION, Manifest
from watermap.patches.select import TOO_FEW_VALID, TOO_LITTLE_WATER, TOO_MUCH_WATER, TRIED, Selection
from watermap.patches.splits import SPLITS, check_leaks, split_groups
from watermap.patches.store import PatchBatch, PatchStore, is_store
from watermap.patches.survey import (
    Findings,
    SceneBlock,
    Source,
    agreed_radiometry,
    describe,
    listed,
    notes,
    read_box,
    survey,
)
from watermap.patches.workers import in_order
from watermap.patches.writer import StoreWriter, check_target, patches_a_shard
from watermap.progress import Progress, silent
from watermap.scenes.folder import find_scenes, missing_label, scene_digests
from watermap.scenes.stac import label_kind

_Input = TypeVar("_Input")
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class TileSummary:
    """What tiling made.

    Attributes:
        folder: the patch store.
        digest: of its content.
        counts: patches by split.
        water: mean water fraction by split; None where there is no patch.
        scenes: names of the scenes used.
        failures: name and reason of the scenes that could not be used.
        unchanged: whether the store was there already, made from the same scenes with the same settings.
        notes: what the user may want to know.
    """

    folder: Path
    digest: str
    counts: Mapping[str, int]
    water: Mapping[str, float | None]
    scenes: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    unchanged: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Chosen:
    """Patches of one piece that go to one split."""

    scene_block: SceneBlock
    split: str
    selected: Selection


def tile(
    scenes_dir: Path,
    out: Path,
    config: TileConfig,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
    workers: Executor | None = None,
) -> TileSummary:
    """Cut a folder of scenes into a patch store that appears complete or not at all.

    Each patch lies inside one block of ground; those for training at random corners or on the regular grid, those
    for validation and testing on the regular grid, so that no pixel is scored twice. A scene that cannot be used does
    not lose the others; one without a label is left out and noted. Scenes are read block by block, once to see which
    patches pass and once to cut them; memory holds one block of one scene.

    Args:
        scenes_dir: folder of scenes with labels.
        out: the store's folder; a store that is there is replaced, or kept if nothing changed.
        config: settings.
        names: names of every image's bands in file order, where the files do not describe them.
        progress: told after every scene.
        workers: reads several scenes at once, in threads, processes or on a cluster that sees the same files; the store
            is the same. None: one after the other.

    Raises:
        UsageError: `out` is something else than a patch store, or does not lie on this machine.
        StorageError: the scenes' store cannot be reached for now; what is there stays.
        DataError: no scene can be used, no patch passes, too little ground to split, or splits share ground.
    """
    sweep(local(out).resolve().parent)  # a store that a killed run put aside comes back
    check_target(out)
    stated = parse_bands(",".join(config.bands)) if config.bands else ()
    found = find_scenes(scenes_dir)
    scenes = {scene.name: scene for scene in found if scene.label is not None}
    if not scenes:
        raise missing_label(found[0])
    unlabelled = sorted({scene.name for scene in found} - set(scenes))
    failures: dict[str, DataError] = {}
    files = _attempt(scene_digests, scenes, failures, progress, "checking scenes", workers)
    made_from = [__version__, FORMAT_VERSION, config.digest(), names, files]
    inputs_digest = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    if not failures and (kept := _unchanged(out, inputs_digest)) is not None:
        return _summary(out, kept, unlabelled, unchanged=True)
    readable = {name: scenes[name] for name in files}
    described = partial(
        describe,
        bands=stated or STANDARD_BANDS,
        optional=config.optional_bands if stated else STANDARD_BANDS,
        names=names,
    )
    sources = _attempt(described, readable, failures, progress, "reading scenes", workers)
    bands = stated or tuple(band for band in STANDARD_BANDS if any(band in each.used for each in sources.values()))
    agreed = agreed_radiometry(list(sources.values()), config)
    sites = find_sites(
        {name: source.grid for name, source in sources.items()},
        patch_size=config.patch_size,
        block_patches=config.block_patches,
    )
    site_of = {name: site for site in sites for name in site.scenes}
    surveyed = partial(survey, sites=site_of, config=config)
    findings = _attempt(surveyed, sources, failures, progress, "reading labels", workers)
    used = [sources[name] for name in findings]
    dtype = np.result_type(*(source.dtype for source in used))
    chosen = _choose(findings.values(), config)
    records = _records(chosen, config.patch_size, patches_a_shard(config.patch_size, len(bands), dtype))
    check_leaks(records)
    counts = {split: sum(record.split == split for record in records) for split in SPLITS}
    with StoreWriter(out, counts, patch_size=config.patch_size, bands=len(bands), dtype=dtype) as writer:
        cut = partial(_cut, bands=bands, size=config.patch_size)
        for done, (part, patches) in enumerate(zip(chosen, in_order(cut, chosen, workers), strict=True)):
            progress("cutting patches", done, len(chosen))
            for patch in patches:
                writer.add(part.split, patch)
        progress("cutting patches", len(chosen), len(chosen))
        manifest = writer.finish(
            records,
            bands=bands,
            patch_size=config.patch_size,
            scale=agreed.scale,
            offset=agreed.offset,
            config=config.model_dump(mode="json"),
            config_digest=config.digest(),
            inputs_digest=inputs_digest,
            scenes={source.name: files[source.name] for source in used},
            label_kinds={source.name: label_kind(scenes[source.name]) for source in used},
            optional_bands=tuple(band for band in bands if band in config.optional_bands or _is_lacking(band, used)),
            missing_bands={
                source.name: lacking
                for source in used
                if (lacking := tuple(band for band in bands if band not in source.used))
            },
            failures=tuple((name, str(error)) for name, error in sorted(failures.items())),
            water={split: _mean_water(records, split) for split in SPLITS},
            notes=tuple(notes(used, bands, _dark(findings), agreed)),
        )
    return _summary(out, manifest, unlabelled, unchanged=False)


def _attempt(
    action: Callable[[_Input], _Found],
    inputs: Mapping[str, _Input],
    failures: dict[str, DataError],
    progress: Progress,
    message: str,
    workers: Executor | None,
) -> dict[str, _Found]:
    """Do something with each scene; keep the errors of those that fail, unless all have failed.

    What will pass is no scene's failure: patches are not cut without it.
    """
    found = {}
    results = in_order(partial(_or_error, action), inputs.values(), workers)
    for done, (name, result) in enumerate(zip(inputs, results, strict=True), 1):
        if isinstance(result, StorageError) and result.transient:
            raise result
        if isinstance(result, DataError):
            failures[name] = result
        else:
            found[name] = result
        progress(message, done, len(inputs))
    if not found:
        raise failures[min(failures)]
    return found


def _or_error(action: Callable[[_Input], _Found], scene: _Input) -> _Found | DataError:
    try:
        return action(scene)
    except DataError as error:
        return error


def _unchanged(out: Path, inputs_digest: str) -> Manifest | None:
    """The manifest of a store that is there, whole, and made from the same inputs."""
    if not out.is_dir() or not is_store(out):
        return None
    try:
        store = PatchStore.open(out)
        if store.manifest.inputs_digest != inputs_digest or store.manifest.failures:
            return None
        store.verify()
    except DataError:
        return None  # damaged, or of another version: it is made anew
    return store.manifest


def _dark(findings: Mapping[str, Findings]) -> dict[str, float]:
    return {name: found.dark for name, found in findings.items() if found.dark is not None}


def _choose(findings: Iterable[Findings], config: TileConfig) -> list[_Chosen]:
    """Deal blocks or scenes to the splits, and take the patches that each split wants of them."""
    found = list(findings)
    scene_blocks = [scene_block for each in found for scene_block in each.scene_blocks]
    if not any(len(scene_block.regular) + len(scene_block.random) for scene_block in scene_blocks):
        raise _none_passes(sum((each.tally for each in found), Counter()), config)
    weights: Counter[str] = Counter()
    for scene_block in scene_blocks:
        weights[_group(scene_block, config)] += len(scene_block.regular)
    what = "blocks of ground" if config.split_by == "ground" else "scenes"
    splits = split_groups(weights, validation=config.validation, test=config.test, seed=config.seed, what=what)
    chosen = []
    for scene_block in scene_blocks:
        split = splits[_group(scene_block, config)]
        scattered = split == "train" and config.sampling == "random"
        chosen.append(_Chosen(scene_block, split, scene_block.random if scattered else scene_block.regular))
    return [scene_block for scene_block in chosen if len(scene_block.selected)]


def _group(scene_block: SceneBlock, config: TileConfig) -> str:
    return scene_block.block.name if config.split_by == "ground" else scene_block.source.name


def _none_passes(tally: Counter[str], config: TileConfig) -> DataError:
    if not tally[TRIED]:
        return DataError(
            f"no scene has room for a patch of {config.patch_size} pixels", hint="use a smaller --patch-size"
        )
    reasons = ", ".join(f"{tally[why]} have {why}" for why in (TOO_FEW_VALID, TOO_LITTLE_WATER, TOO_MUCH_WATER))
    return DataError(
        f"none of {tally[TRIED]} patches passes: {reasons}", hint="widen --min-water and --max-water, or --min-valid"
    )


def _records(chosen: Iterable[_Chosen], patch_size: int, a_shard: int) -> list[PatchRecord]:
    """One record a patch, in the order in which patches are written."""
    written: Counter[str] = Counter()
    records = []
    for part in chosen:
        source, starts = part.scene_block.source, part.selected.starts.tolist()
        outlines = footprints(source.grid, [Window(col, row, patch_size, patch_size) for row, col in starts])
        for (row, col), water, valid, outline in zip(
            starts, part.selected.water, part.selected.valid, outlines, strict=True
        ):
            shard, position = divmod(written[part.split], a_shard)
            written[part.split] += 1
            records.append(
                PatchRecord(
                    id=f"{source.name}_{row}_{col}",
                    scene=source.name,
                    split=part.split,
                    block=part.scene_block.block.name,
                    row=row,
                    col=col,
                    water_fraction=float(water),
                    valid_fraction=float(valid),
                    shard=shard,
                    position=position,
                    footprint=outline,
                )
            )
    return records


def _cut(chosen: _Chosen, *, bands: Sequence[str], size: int) -> list[PatchBatch]:
    """The patches of one piece."""
    box = chosen.scene_block.box
    source = chosen.scene_block.source
    with source.open() as (raster, label):
        pixels, codes = read_box(raster, label, raster.find(source.used), box)
    images = np.zeros((*codes.shape, len(bands)), dtype=pixels.values.dtype)
    channels = [bands.index(band) for band in source.used]
    images[..., channels] = np.moveaxis(pixels.values, 0, -1)
    present = np.isin(np.arange(len(bands)), channels)[None]
    squares = [
        np.s_[None, row : row + size, col : col + size]
        for row, col in (chosen.selected.starts - (box.top, box.left)).tolist()
    ]
    return [PatchBatch(images[square], codes[square], pixels.valid[square], present) for square in squares]


def _is_lacking(band: str, sources: Iterable[Source]) -> bool:
    return any(band not in source.used for source in sources)


def _mean_water(records: Iterable[PatchRecord], split: str) -> float | None:
    fractions = [record.water_fraction for record in records if record.split == split]
    return float(np.mean(fractions)) if fractions else None


def _summary(out: Path, manifest: Manifest, unlabelled: Sequence[str], *, unchanged: bool) -> TileSummary:
    left_out = [f"scenes without a label were left out: {listed(unlabelled)}"] if unlabelled else []
    return TileSummary(
        folder=out,
        digest=manifest.digest(),
        counts=manifest.counts,
        water=manifest.water,
        scenes=tuple(manifest.scenes),
        failures=manifest.failures,
        unchanged=unchanged,
        notes=(*manifest.notes, *left_out),
    )
