"""The XML that comes with products."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as Xml

from watermap.errors import DataError

DOWNLOAD_AGAIN: Final = "download it again"


def read_text(metadata: Path) -> str:
    """The text of a metadata file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return metadata.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise damaged(metadata) from error


def read_xml(metadata: Path) -> Xml.Element:
    """The root of a metadata file.

    Raises:
        DataError: it is damaged.
    """
    try:
        return Xml.fromstring(read_text(metadata))  # noqa: S314 (expat bounds what entities become)
    except Xml.ParseError as error:
        raise damaged(metadata) from error


def damaged(metadata: Path) -> DataError:
    """The error for a file that cannot be read to its end."""
    return DataError(f"{metadata}: truncated or damaged metadata", hint=DOWNLOAD_AGAIN)


def without_meaning(metadata: Path) -> DataError:
    """The error for a file that lacks what turns numbers into reflectance."""
    return DataError(f"{metadata}: does not say what the scene's numbers mean", hint=DOWNLOAD_AGAIN)


def elements(root: Xml.Element, *names: str) -> Iterator[Xml.Element]:
    """Every element that has one of the names, whatever its namespace."""
    return (element for element in root.iter() if element.tag.rpartition("}")[2] in names)


def text_of(element: Xml.Element) -> str:
    """The text of an element, without blanks around it."""
    return (element.text or "").strip()
