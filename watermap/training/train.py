"""Training: patches to a bundle, in stages, resumable at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras

from watermap.bundles.bundle import CONTRACT_FILE, Bundle, open_bundle, save_bundle
from watermap.bundles.card import CARD_FILE
from watermap.bundles.data_summary import training_data
from watermap.bundles.stac_item import ITEM_FILE
from watermap.bundles.training_ground import GROUND_FILE, GROUND_STEM, SPLITS, write_ground
from watermap.config import StageConfig, TrainConfig
from watermap.errors import DataError, ModelError, StorageError, UsageError
from watermap.evaluation.calibrate import fit_on
from watermap.evaluation.labelled import Feeding
from watermap.evaluation.patch_scores import evidence, score_splits
from watermap.io.files import file_digest
from watermap.io.paths import local
from watermap.io.tables import write_records
from watermap.io.temporary import sweep
from watermap.models.architecture import PROBABILITY
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.build import for_prediction
from watermap.models.freezing import set_trainable_from, unfreeze_all
from watermap.models.registry import ARCHITECTURES
from watermap.models.resize import resize
from watermap.patches.store import PatchStore, opened
from watermap.prediction.engines.conversion import convert_once
from watermap.prediction.engines.converted import FOLDER as CONVERTED_FOLDER
from watermap.progress import Progress, silent
from watermap.scenes.filling import Filling
from watermap.scenes.radiometry import Statistics
from watermap.training.base import going_on_from, ground_with
from watermap.training.batches import PatchBatches, training_statistics
from watermap.training.callbacks import DropoutSeeds, ProgressReporter, Recorder, Validator
from watermap.training.curves import plot_curves
from watermap.training.devices import sharing
from watermap.training.losses import get_loss
from watermap.training.metrics import Accuracy, MeanIoU, WaterIoU
from watermap.training.mlflow_log import ExperimentLog, experiment_log
from watermap.training.network import augmenter, crop_px, missing_value, new_network
from watermap.training.optimiser import make_optimizer, penalise_kernels
from watermap.training.receptive_field import measure_receptive_field
from watermap.training.resume import Checkpoint, TrainingState
from watermap.training.runs import run_id
from watermap.training.sampling import sampling_weights

HISTORY_FILE: Final = "history.csv"
CURVES_FILE: Final = "curves.png"


@dataclass(frozen=True)
class Training:
    """What training did.

    Attributes:
        bundle: the trained bundle.
        unchanged: whether it was there already, trained on the same patches with the same settings.
        resumed_from: epochs that an earlier, unfinished run had done.
        notes: what the user should know.
    """

    bundle: Bundle
    unchanged: bool = False
    resumed_from: int = 0
    notes: tuple[str, ...] = ()


def train(
    patches: PatchStore | Path,
    out: Path,
    config: TrainConfig,
    *,
    overwrite: bool = False,
    mlflow: str | None = None,
    progress: Progress = silent,
) -> Training:
    """Train a model on patches.

    Args:
        patches: a folder that `watermap tile` wrote, or the store in it, opened.
        out: the bundle's folder. An unfinished training of the same settings in it is gone on with.
        config: settings.
        overwrite: replace what another training left there, finished or not.
        mlflow: address of an MLflow that logs the training; None for no log.
        progress: told after every batch.

    Raises:
        DataError: the patches are damaged, leak, or hold none to train on.
        UsageError: the folder holds something else, or does not lie on this machine.
        StorageError: the patches lie elsewhere and cannot be reached, or MLflow cannot.
        ModelError: weights cannot be had, or training diverged.
    """
    sweep(local(out))
    store = opened(patches)
    if not store.count("train"):
        hint = "tile more scenes, or widen the water fraction"
        raise DataError(f"{store.folder}: holds no training patches", hint=hint)
    run = run_id(store, config)
    base, config, store = going_on_from(config, store)
    done = _bundle_of(out, run, overwrite=overwrite)
    checkpoint = Checkpoint(out)
    if done is not None:
        checkpoint.forget(run)  # killed after the bundle was done
        return Training(done, unchanged=True, notes=_converted(done, store, progress))
    with checkpoint.locked(), experiment_log(mlflow, out, run, config) as log:
        state = _state_of(checkpoint, run, overwrite=overwrite)
        resumed_from = state.epoch
        if log is not None:
            checkpoint.followers.append(log.follow)
        statistics = base.contract.statistics if base is not None else training_statistics(store, seed=config.seed)
        with sharing(config.batch_size) as device_note:
            model = _run_stages(store, statistics, config, checkpoint, state, base, progress)
        bundle = _finish(out, for_prediction(model), store, statistics, config, state, base)
        notes = (*([device_note] if device_note else []), *_logged(log, state, bundle))
        checkpoint.remove()
    return Training(bundle, resumed_from=resumed_from, notes=(*notes, *_converted(bundle, store, progress)))


def _logged(log: ExperimentLog | None, state: TrainingState, bundle: Bundle) -> tuple[str, ...]:
    """Log a bundle where a log is kept; what goes wrong with that is no reason to lose a training."""
    try:
        if log is not None:
            log.finish(state.history, bundle, [bundle.folder / name for name in (HISTORY_FILE, CURVES_FILE, CARD_FILE)])
    except StorageError as error:
        return (str(error),)
    return ()


def _converted(bundle: Bundle, store: PatchStore, progress: Progress) -> tuple[str, ...]:
    """Convert a bundle where that can be done; what went wrong with it is no reason to lose a training."""
    try:
        convert_once(bundle, store, progress)
    except ModelError as error:
        return (str(error),)
    return ()


def _state_of(checkpoint: Checkpoint, run: str, *, overwrite: bool) -> TrainingState:
    """The state of this very run: where it was left, or its beginning."""
    state = checkpoint.load()
    if state is not None and state.run == run:
        return state
    if state is not None and not overwrite:
        raise UsageError(
            f"{checkpoint.folder.parent}: holds an unfinished training with other settings or patches",
            hint="use its settings to go on, another --out, or --overwrite",
        )
    return TrainingState(run=run)


def _bundle_of(out: Path, run: str, *, overwrite: bool) -> Bundle | None:
    """The finished bundle of this very run, if it is there; an error if something else is."""
    if not (out / CONTRACT_FILE).is_file():
        own = (".", "model-", HISTORY_FILE, CURVES_FILE, GROUND_STEM, CARD_FILE, ITEM_FILE, CONVERTED_FOLDER)
        if out.is_dir() and any(not path.name.startswith(own) for path in out.iterdir()):
            raise UsageError(f"{out}: is not empty and no bundle", hint="choose another --out")
        return None
    try:
        bundle = open_bundle(out)
    except ModelError:
        if overwrite:
            return None
        raise
    if bundle.contract.training.get("run") == run:
        return bundle
    if overwrite:
        return None
    raise UsageError(
        f"{out}: holds a bundle trained with other settings or patches", hint="choose another --out, or --overwrite"
    )


def _run_stages(
    store: PatchStore,
    statistics: Statistics,
    config: TrainConfig,
    checkpoint: Checkpoint,
    state: TrainingState,
    base: Bundle | None,
    progress: Progress,
) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    model = checkpoint.load_network(state) if state.network else new_network(store, statistics, config, base)
    epochs = config.stage_epochs()
    stages = config.resolved_stages
    if not state.network:
        for stage in stages:  # one that cannot be is told before hours of those that can
            _choose_layers(model, stage)
    weights, filling = sampling_weights(store, config.sampling), Filling.of(statistics, missing_value(store, config))
    augment = augmenter(store, statistics, config)
    validation = (
        PatchBatches(
            store,
            "validation",
            batch_size=config.batch_size,
            filling=filling,
            cut_px=crop_px(store, config) if crop_px(store, config) < store.patch_size else None,
            outputs=model.output_names,
        )
        if store.count("validation")
        else None
    )
    while state.stage < len(stages):
        stage = stages[state.stage]
        batches = PatchBatches(
            store,
            "train",
            batch_size=config.batch_size,
            filling=filling,
            augment=augment,
            shuffle=True,
            weights=weights,
            count=config.epoch_patches,
            seed=config.seed,
            epoch=state.epoch,
            outputs=model.output_names,
        )
        steps = len(batches) * epochs[state.stage]
        if config.accumulate > steps:
            raise UsageError(
                f"accumulate {config.accumulate} is more than the {steps} batches of stage {stage.name}, which would "
                "learn nothing",
                hint="lower it, or batch_size",
            )
        if state.stage_epoch == 0:
            _compile(model, stage, config, batches=steps)
        penalise_kernels(model, stage.l2)
        if state.stage_epoch < epochs[state.stage] and state.waited < config.patience:
            model.fit(
                batches,
                validation_data=validation,
                initial_epoch=state.stage_epoch,
                epochs=epochs[state.stage],
                shuffle=False,
                verbose=0,
                callbacks=[
                    ProgressReporter(progress, state, stage=stage.name, total_epochs=sum(epochs)),
                    DropoutSeeds(config.seed, state),
                    Validator(),
                    Recorder(
                        checkpoint,
                        state,
                        stage=stage.name,
                        patience=config.patience,
                        plateau=stage.plateau if stage.schedule == "plateau" else None,
                        keeps_last=stage.keep == "last",
                    ),
                ],
            )
        checkpoint.load_best(state, model)
        state.stage, state.stage_epoch, state.best, state.waited = state.stage + 1, 0, None, 0
        checkpoint.save(state, model)
    model.compiled = False  # or its copy takes an optimiser along
    return resize(model, store.patch_size)


def _choose_layers(model: keras.Model, stage: StageConfig) -> None:
    """Let those layers learn that a stage trains. Raises UsageError where the encoder has no such layer."""
    if stage.train_encoder_from == "all":
        unfreeze_all(model)
    else:
        set_trainable_from(model, None if stage.train_encoder_from == "none" else int(stage.train_encoder_from))


def _compile(model: keras.Model, stage: StageConfig, config: TrainConfig, *, batches: int) -> None:
    """Set what a stage trains, and how."""
    _choose_layers(model, stage)
    px, softness = (config.soft_shores.px, config.soft_shores.softness) if config.soft_shores else (0, 0.0)
    model.compile(
        optimizer=make_optimizer(stage, config, batches=batches),
        loss={
            name: get_loss(stage.loss, shore_px=px, shore_softness=softness, ignore_px=config.ignore_shores_px)
            for name in model.output_names
        },
        loss_weights={
            name: weight
            for name, weight in ARCHITECTURES[config.arch].loss_weights.items()
            if name in model.output_names
        },
        metrics={PROBABILITY: [Accuracy(name="accuracy"), MeanIoU(name="mean_iou"), WaterIoU(name="water_iou")]},
        jit_compile={"auto": "auto", "on": True, "off": False}[config.xla],
        auto_scale_loss=False,
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow traces the step twice


def _finish(
    out: Path,
    model: keras.Model,
    store: PatchStore,
    statistics: Statistics,
    config: TrainConfig,
    state: TrainingState,
    base: Bundle | None,
) -> Bundle:
    filling = Filling.of(statistics, missing_value(store, config))
    fitted = fit_on(Feeding.of_model(model, filling), store, config.calibrate, config.threshold_for, config.threshold)
    feeding = Feeding.of_model(model, filling, fitted.calibration)
    pooled_scores = score_splits(feeding, store, fitted.threshold)
    write_records(out / HISTORY_FILE, state.history)
    plot_curves(state.history, out / CURVES_FILE)
    return save_bundle(
        out,
        model,
        arch=config.arch,
        encoder=config.encoder,
        bands=store.bands,
        optional_bands=store.optional_bands,
        missing=missing_value(store, config),
        scale=store.radiometry.scale,
        offset=store.radiometry.offset,
        statistics=statistics,
        parameters=model.count_params(),
        flops_per_pixel=flops_per_pixel(model, store.patch_size),
        threshold=fitted.threshold,
        threshold_for=config.threshold_for,
        calibration=fitted.calibration,
        patch_size=store.patch_size,
        receptive_field_px=measure_receptive_field(
            model, store, "validation" if store.count("validation") else "train", filling
        ),
        sees_whole_window=ARCHITECTURES[config.arch].sees_whole_window,
        trained_on={
            "patches": store.digest,
            "counts": store.counts,
            "scenes": store.image_digests(*SPLITS),
            "seen": file_digest(write_ground(out / GROUND_FILE, ground_with(store, base))),
            **({} if base is None else {"base": base.id}),
        },
        finest_m=config.finest_m if base is None else base.contract.finest_m,
        data=training_data(store),
        training={
            "run": state.run,
            "epochs": state.epoch,
            "seconds": round(sum(float(row["seconds"]) for row in state.history), 1),
            "config": config.model_dump(mode="json"),
        },
        scores={split: pooled.tally.as_dict() for split, pooled in pooled_scores.items()},
        evidence=evidence(pooled_scores, store),
    )
