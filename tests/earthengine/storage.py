"""Cloud Storage as its client sees it: objects of one bucket, listed in pages and downloaded whole or in part."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import google_crc32c

from tests.earthengine.faults import half
from tests.earthengine.wire import Answer, Asked, ServiceError, json_answer

_GENERATION = "1700000000000000"


def list_objects(objects: Mapping[str, bytes], bucket: str, asked: Asked, *, page_size: int, url: str) -> Answer:
    """The names below a prefix, a few at a time."""
    known = {"prefix", "pageToken", "maxResults", "projection", "prettyPrint", "fields", "alt"}
    unknown = set(asked.query) - known
    if unknown:
        raise ServiceError(400, f"the loopback server does not know {sorted(unknown)} of objects.list")
    names = sorted(name for name in objects if name.startswith(asked.query.get("prefix", "")))
    start = int(asked.query.get("pageToken", "0"))
    end = start + min(page_size, int(asked.query.get("maxResults", page_size)))
    listing: dict[str, Any] = {"kind": "storage#objects"}
    listing["items"] = [_metadata(name, objects[name], bucket, url) for name in names[start:end]]
    if end < len(names):
        listing["nextPageToken"] = str(end)
    return json_answer(listing)


def describe_object(objects: Mapping[str, bytes], bucket: str, name: str, *, url: str) -> Answer:
    """What is known of an object."""
    return json_answer(_metadata(name, _content(objects, bucket, name), bucket, url))


def download_object(objects: Mapping[str, bytes], bucket: str, name: str, asked: Asked) -> Answer:
    """An object's bytes, or the range of them that is asked for."""
    content = _content(objects, bucket, name)
    headers = {
        **_checksums(content),
        "x-goog-generation": _GENERATION,
        "x-goog-stored-content-length": str(len(content)),
        "Accept-Ranges": "bytes",
    }
    span = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
    if span is None:
        return Answer(content, 200, "image/tiff", headers)
    start, end = int(span[1]), min(int(span[2] or len(content)), len(content) - 1)
    if start >= len(content):
        raise ServiceError(416, "Requested range not satisfiable")
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return Answer(content[start : end + 1], 206, "image/tiff", headers)


def spoiled(answer: Answer) -> Answer:
    """Half of a file as if it were the whole, right checksums and all."""
    content = half(answer.content)
    length = {"x-goog-stored-content-length": str(len(content))}
    return replace(answer, content=content, headers={**answer.headers, **_checksums(content), **length})


def _content(objects: Mapping[str, bytes], bucket: str, name: str) -> bytes:
    if name not in objects:
        raise ServiceError(404, f"No such object: {bucket}/{name}")
    return objects[name]


def _metadata(name: str, content: bytes, bucket: str, url: str) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{_GENERATION}",
        "name": name,
        "bucket": bucket,
        "generation": _GENERATION,
        "metageneration": "1",
        "contentType": "image/tiff",
        "storageClass": "STANDARD",
        "size": str(len(content)),
        "md5Hash": _md5(content),
        "crc32c": _crc32c(content),
        "timeCreated": "2023-11-14T22:13:20.000Z",
        "updated": "2023-11-14T22:13:20.000Z",
        "mediaLink": f"{url}/download/storage/v1/b/{bucket}/o/{name.replace('/', '%2F')}?alt=media",
    }


def _checksums(content: bytes) -> dict[str, str]:
    return {"x-goog-hash": f"crc32c={_crc32c(content)},md5={_md5(content)}"}


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
