"""What tests ask of folders."""

from pathlib import Path


def listing(folder: Path) -> list[str]:
    """Names in a folder, hidden ones too, sorted."""
    return sorted(path.name for path in folder.iterdir())
