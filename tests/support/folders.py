"""What tests ask of folders."""

from pathlib import Path


def listing(folder: Path) -> list[str]:
    """Names in a folder, hidden ones too, sorted."""
    return sorted(path.name for path in folder.iterdir())


def maps_of(*names: str, probability: bool = False) -> list[str]:
    """What `watermap predict` leaves of scenes, sorted."""
    kinds = ["item.json", "quicklook.png", "water.qml", "water.tif"]
    kinds += ["probability.qml", "probability.tif"] if probability else []
    return sorted(f"{name}_{kind}" for name in names for kind in kinds)
