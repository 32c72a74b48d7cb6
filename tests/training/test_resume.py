"""What training's state keeps."""

from watermap.training.callbacks import of_main_output


def test_scores_of_several_outputs_are_named_as_those_of_one() -> None:
    one = {"loss": 0.5, "accuracy": 0.9, "val_loss": 0.6}
    assert of_main_output(one) == one
    several = {
        "loss": 2.0,
        "probability_loss": 0.5,
        "supervision2_loss": 0.7,
        "probability_accuracy": 0.9,
        "val_loss": 2.5,
        "val_probability_loss": 0.6,
        "val_probability_water_iou": 0.4,
    }
    assert of_main_output(several) == {
        "total_loss": 2.0,
        "loss": 0.5,
        "supervision2_loss": 0.7,
        "accuracy": 0.9,
        "val_total_loss": 2.5,
        "val_loss": 0.6,
        "val_water_iou": 0.4,
    }
