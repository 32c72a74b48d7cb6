"""Settings of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from watermap.config.base import Config
from watermap.config.decoder import DecoderConfig
from watermap.config.loss import parse_loss
from watermap.config.terms import CALIBRATE, STRIDE, THRESHOLD_FOR, CalibrationMethod, Preset, ThresholdGoal
from watermap.config.toml import packaged_table

ArchName = Literal["unet", "attention_unet", "unet3plus", "deeplabv3", "pspnet", "fcn", "segnet"]
EncoderName = Literal["resnet50", "compact", "vgg16", "mobilenetv2", "plain"]


def _readable_loss(text: str) -> str:
    parse_loss(text)
    return text


Loss = Annotated[str, AfterValidator(_readable_loss)]
"""What is minimised, see `watermap.config.loss`."""


class PlateauConfig(Config):
    """How a learning rate falls where the validation loss no longer does."""

    factor: float = Field(0.1, gt=0, lt=1, description="What the rate is multiplied by.")
    patience: int = Field(3, ge=1, description="Epochs without a better validation loss after which it is.")
    least: float = Field(1e-6, gt=0, description="Rate below which it does not fall.")


class ShoreConfig(Config):
    """Labels that are less sure of themselves beside shorelines, for those of 30 m."""

    px: int = Field(1, ge=1, le=16, description="Pixels from a change of class up to which a label is softened.")
    softness: float = Field(0.1, gt=0, lt=0.5, description="Chance of the other class there.")


class StageConfig(Config):
    """One stage of training: what is trained, how fast, how long."""

    name: str = Field(description="Name shown in the history.")
    share: float = Field(1.0, gt=0, description="Share of the epochs, relative to the other stages.")
    loss: Loss = Field("cross_entropy+dice", description="What is minimised: losses joined by +.")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's rate at the start of the stage.")
    schedule: Literal["constant", "cosine", "one_cycle", "plateau"] = Field(
        "cosine",
        description="How the rate changes: not; as a cosine over the stage, or one that rises first; or on plateaus.",
    )
    weight_decay: float = Field(0.0, ge=0, description="Share of each weight that a step at rate 1 takes off it.")
    keep: Literal["best", "last"] = Field("best", description="Which epoch's weights a stage ends with.")
    plateau: PlateauConfig = Field(PlateauConfig(), description="How it falls on plateaus.")
    cycles: int = Field(
        1, ge=1, le=6, description="Cosines in the stage: each begins anew, lower, and is twice as long as the last."
    )
    l2: float = Field(0.0, ge=0, description="Penalty on squares of the convolution kernels that learn.")
    train_encoder_from: int | Literal["all", "none"] = Field(
        "all", description="Encoder layers trained: all, none, or those from this index on (batch norm frozen)."
    )

    @model_validator(mode="after")
    def _is_heeded(self) -> Self:
        if self.schedule != "plateau" and self.plateau != PlateauConfig():
            raise ValueError(f'plateau says nothing about a schedule that is {self.schedule}: ask for "plateau"')
        if self.schedule != "cosine" and self.cycles > 1:
            raise ValueError(f'cycles say nothing about a schedule that is {self.schedule}: ask for "cosine"')
        if self.schedule == "plateau" and self.plateau.least >= self.learning_rate:
            raise ValueError(f"the rate {self.learning_rate:g} cannot fall to {self.plateau.least:g}: lower least")
        return self


FROM_SCRATCH = (StageConfig(name="train", learning_rate=1e-3, train_encoder_from="all"),)
"""One stage for weights that start at random: nothing worth freezing."""

FROM_PRETRAINED = (
    StageConfig(name="frozen", share=3, loss="cross_entropy", learning_rate=1e-4, train_encoder_from="none"),
    StageConfig(name="frozen_dice", share=2, learning_rate=1e-5, train_encoder_from="none"),
    StageConfig(name="fine_tune", share=1, learning_rate=1e-5, train_encoder_from=100),
)
"""The reference recipe: 30 epochs cross-entropy, 20 with Dice, 10 with the encoder open from layer 100 of 143."""

FROM_BASE = (StageConfig(name="go_on", learning_rate=3e-4, train_encoder_from="all"),)
"""One stage for a network that knows most of it: a rate that does not make it forget."""

REFERENCE = (
    StageConfig(
        name="frozen",
        share=3,
        loss="cross_entropy",
        learning_rate=1e-4,
        schedule="constant",
        train_encoder_from="none",
    ),
    StageConfig(name="frozen_dice", share=2, learning_rate=1e-5, train_encoder_from="none"),
    StageConfig(name="fine_tune", share=1, learning_rate=1e-5, train_encoder_from=100),
    StageConfig(name="fine_tune_l2", share=1, learning_rate=1e-5, train_encoder_from=100, l2=1e-4),
)
"""The stages of R1, the penalty on kernels included: 30, 20, 10 and 10 epochs of 70."""

RECIPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "by_weights": {},
    "reference": {"epochs": 70, "batch_size": 32, "patience": 10, "stages": REFERENCE},
}
"""Settings that go together under one name; what is stated beside the name wins."""
_OPEN_FROM: Final = {"vgg16": 11, "mobilenetv2": 81}
"""Where the last stages open encoders other than ResNet50: at the first layer of stride 8, and of block 9."""


def _opened(stage: StageConfig, encoder: str) -> StageConfig:
    """A stage of a recipe that was made for ResNet50, for another encoder."""
    if not isinstance(stage.train_encoder_from, int):
        return stage
    return stage.model_copy(update={"train_encoder_from": _OPEN_FROM.get(encoder, stage.train_encoder_from)})


class TrainConfig(Config):
    """Settings of training."""

    arch: ArchName = Field("unet", description="Architecture; watermap models lists what each costs.")
    encoder: EncoderName = Field("resnet50", description="Encoder; compact and plain are made for CPUs.")
    inputs: Literal["standardised", "spectral"] = Field(
        "standardised",
        description="What the network sees of the bands: less their mean, in standard deviations; or logarithms and "
        "normalised differences of reflectance, and which bands are there.",
    )
    preset: Preset = Field("reference", description="Decoder; fast: fewer channels (watermap models).")
    decoder: DecoderConfig = Field(DecoderConfig(), description="What the decoder is made of.")
    weights: str = Field(
        "auto", description="imagenet, none, or a weights file; auto: imagenet but for compact and plain."
    )
    base: str | None = Field(
        None, description="Bundle whose network is trained on: with its bands, and what its numbers mean."
    )
    finest_m: float | None = Field(
        None,
        gt=0,
        description="Pixel size in m to which finer scenes are averaged for the model; not given: not.",
    )
    recipe: Literal["by_weights", "reference", "default"] = Field(
        "by_weights",
        description="Stages by the weights to start from; the reference's four, 70 epochs in batches of 32; or how the "
        "default bundle is trained.",
    )
    epochs: int = Field(60, ge=1, le=10_000, description="Passes over the training patches, all stages together.")
    batch_size: int = Field(16, ge=1, le=4096, description="Patches a step.")
    patience: int = Field(10, ge=1, description="Epochs without a better validation loss that end a stage.")
    augment: Literal["recipe", "spectral", "flips", "none"] = Field(
        "recipe",
        description="Changes made to training patches: the full recipe; crops in other scales, light and waters, with "
        "less bands; flips and turns only; or none.",
    )
    crop_px: int | None = Field(
        None,
        ge=STRIDE,
        multiple_of=STRIDE,
        description="Side of the crops of augment spectral; not given: as patches.",
    )
    sampling: Literal["all", "balanced", "boundary", "scenes"] = Field(
        "all",
        description="Patches of an epoch: each once; drawn as often for their water as for their land; half of them "
        "for the length of their shores; or each scene's as often as the root of its labelled pixels.",
    )
    epoch_patches: int | None = Field(
        None, ge=1, description="Patches of an epoch that are drawn; not given: as many as there are."
    )
    stages: tuple[StageConfig, ...] = Field((), description="Stages; empty: chosen by the weights.")
    loss: Loss | None = Field(None, description="What every stage minimises, e.g. focal+dice; not given: its own.")
    soft_shores: ShoreConfig | None = Field(None, description="Softened labels beside shorelines.")
    ignore_shores_px: int = Field(
        0, ge=0, le=16, description="Pixels from a label's shoreline up to which it is ignored, for coarse labels."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="What training computes in; the trained model computes in float32."
    )
    accumulate: int = Field(1, ge=1, le=4096, description="Batches whose gradients make one step.")
    ema: float = Field(
        0.0, ge=0, lt=1, description="Share that a moving average of the weights keeps at each batch; 0: no average."
    )
    xla: Literal["auto", "on", "off"] = Field("auto", description="Whether training is compiled by XLA.")
    threshold: float = Field(0.5, gt=0, lt=1, description="Probability from which a pixel is water.")
    calibrate: CalibrationMethod = Field("none", description=CALIBRATE)
    threshold_for: ThresholdGoal = Field("keep", description=THRESHOLD_FOR)
    seed: int = Field(0, ge=0, description="Seed of weights, order and augmentation.")

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, values: Any) -> Any:
        """What is stated, on top of the recipe's settings."""
        if not isinstance(values, Mapping):
            return values
        name = str(values.get("recipe", "by_weights"))
        recipe = packaged_table("default")["train"] if name == "default" else RECIPES.get(name, {})
        return {**recipe, **values}

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.recipe == "reference" and self.resolved_weights is None:
            raise ValueError("recipe reference starts with a frozen encoder, so it needs weights to start from")
        if self.epoch_patches is not None and self.sampling == "all":
            raise ValueError("epoch_patches says nothing where each patch is shown once: state a sampling")
        if self.crop_px is not None and self.augment != "spectral":
            raise ValueError("crop_px says nothing but to augment spectral")
        if self.augment == "spectral" and self.base is None and self.inputs != "spectral":
            raise ValueError("augment spectral takes bands away, which only inputs spectral can tell")
        if self.inputs == "spectral" and self.resolved_weights == "imagenet":
            raise ValueError("inputs spectral are no colours, so no imagenet weights fit them: weights none")
        stages = self.resolved_stages
        if self.epochs < len(stages):
            raise ValueError(f"epochs {self.epochs} are fewer than the {len(stages)} stages: give at least as many")
        for stage in stages:
            if stage.schedule == "plateau" and stage.plateau.patience >= self.patience:
                raise ValueError(
                    f"stage {stage.name} ends after {self.patience} epochs without a better loss (patience), before "
                    f"its rate falls (plateau patience {stage.plateau.patience}): lower the latter"
                )
        return self

    @property
    def resolved_weights(self) -> str | None:
        """Weights to start from: `imagenet`, a path, or None for random ones."""
        if self.weights == "auto":
            return None if self.encoder in ("compact", "plain") else "imagenet"
        return None if self.weights == "none" else self.weights

    @property
    def resolved_stages(self) -> tuple[StageConfig, ...]:
        """The stages to run."""
        of_weights = FROM_SCRATCH if self.resolved_weights is None else FROM_PRETRAINED
        stages = self.stages or (of_weights if self.base is None else FROM_BASE)
        if stages in (FROM_PRETRAINED, REFERENCE):
            stages = tuple(_opened(stage, self.encoder) for stage in stages)
        return stages if self.loss is None else tuple(s.model_copy(update={"loss": self.loss}) for s in stages)

    def stage_epochs(self) -> list[int]:
        """Epochs of each stage: the total shared out, at least one each."""
        shares = [stage.share for stage in self.resolved_stages]
        wanted = [self.epochs * share / sum(shares) for share in shares]
        found = [1] * len(shares)
        for _ in range(self.epochs - len(shares)):
            lacks = [want - got for want, got in zip(wanted, found, strict=True)]
            found[lacks.index(max(lacks))] += 1
        return found
