"""How a stage of training learns: its optimiser, its rate, its penalty, and the average of weights that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import keras

from watermap.config import PlateauConfig, StageConfig, TrainConfig

_RISING: Final = 0.25
_LOWER: Final = 25.0
"""Share of a one-cycle stage in which the rate rises, and from which part of it. Source: Smith and Topin 2018."""
_DECAY: Final = {"t_mul": 2.0, "m_mul": 0.9, "alpha": 0.1}
"""Cosine decay with restarts, as in the reference recipe."""


@keras.saving.register_keras_serializable(package="watermap")
class AveragingAdam(keras.optimizers.Adam):
    """Adam whose average of weights looks back no further than a tenth of the training so far.

    With a momentum of 0.999 a short training would else end on an average of the weights that it began with.

    Args:
        ema_momentum: of the average once the training is long enough.
        options: of `keras.optimizers.Adam`.

    Source: Tarvainen and Valpola 2017, section 3.2, and TensorFlow's ExponentialMovingAverage: (1 + t) / (10 + t).
    """

    def __init__(self, *args: Any, ema_momentum: float = 0.99, **options: Any) -> None:
        super().__init__(*args, ema_momentum=ema_momentum, **options)

    @property
    def ema_momentum(self) -> Any:
        """Share that the average keeps at this step."""
        if not getattr(self, "built", False):
            return self._momentum
        done = keras.ops.cast(self.iterations, "float32")
        return keras.ops.minimum(self._momentum, (1.0 + done) / (10.0 + done))

    @ema_momentum.setter
    def ema_momentum(self, value: float) -> None:
        self._momentum = value

    def get_config(self) -> dict[str, Any]:
        """The momentum that was asked for."""
        config: dict[str, Any] = super().get_config()
        return config | {"ema_momentum": self._momentum}


def make_optimizer(stage: StageConfig, config: TrainConfig, *, batches: int) -> keras.optimizers.Optimizer:
    """Adam as a stage asks for it.

    Args:
        stage: its rate and schedule.
        config: precision, accumulated batches and averaging.
        batches: of the whole stage, which its cosines fill; Keras's schedules count batches, accumulated or not.
    """
    rate: Any = stage.learning_rate
    if stage.schedule == "cosine":
        first = max(1, round(batches / (_DECAY["t_mul"] ** stage.cycles - 1)))
        rate = keras.optimizers.schedules.CosineDecayRestarts(rate, first_decay_steps=first, **_DECAY)
    elif stage.schedule == "one_cycle":
        rising = max(1, round(batches * _RISING))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / _LOWER, max(1, batches - rising), alpha=0.0, warmup_target=rate, warmup_steps=rising
        )
    adam = AveragingAdam(
        rate,
        weight_decay=stage.weight_decay or None,
        use_ema=config.ema > 0,
        ema_momentum=config.ema,
        gradient_accumulation_steps=config.accumulate if config.accumulate > 1 else None,
    )
    return keras.optimizers.LossScaleOptimizer(adam) if config.precision == "mixed_float16" else adam


def penalise_kernels(model: keras.Model, l2: float) -> None:
    """Add a penalty on the squares of convolution kernels to a model's loss, in place of the one before.

    It is set on the variables, since a layer's `kernel_regularizer` counts only while the layer is built. Frozen
    kernels are not penalised, and it is not saved with the model: set it again on one that was loaded.

    Args:
        model: not trained since it was compiled or loaded.
        l2: factor of the sum of squares; 0 for none.
    """
    penalty = keras.regularizers.L2(l2) if l2 else None
    for variable in model.weights:
        if len(variable.shape) == 4:  # only convolutions have (rows, cols, in, out)
            variable.regularizer = penalty


def lower_rate(optimizer: keras.optimizers.Optimizer, plateau: PlateauConfig, waited: int) -> None:
    """Let a rate fall after so many epochs without a better validation loss, and again after as many more.

    Args:
        optimizer: with a constant rate.
        plateau: when, and how far.
        waited: epochs since the best.
    """
    if waited and waited % plateau.patience == 0:
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        optimizer.learning_rate = min(rate, max(rate * plateau.factor, plateau.least))


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Give a model the average of its weights meanwhile, where its optimiser keeps one.

    Batch norm's moving statistics stay as they are: they are averages already.
    """
    if not getattr(model.optimizer, "inner_optimizer", model.optimizer).use_ema:
        yield
        return
    learned = model.trainable_variables
    kept = [keras.ops.convert_to_numpy(variable).copy() for variable in learned]
    model.optimizer.finalize_variable_values(learned)
    try:
        yield
    finally:
        for variable, value in zip(learned, kept, strict=True):
            variable.assign(value)


@contextmanager
def computing_in(policy: str) -> Iterator[None]:
    """Have layers that are made meanwhile compute in some precision; those that state their own keep to it.

    Args:
        policy: Keras's name of it, e.g. `mixed_bfloat16`.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
