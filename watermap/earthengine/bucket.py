"""What an export left in Cloud Storage, brought here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from watermap.earthengine.failures import CLOUD_STORAGE, Failure, FailureKind, classify, service_error
from watermap.earthengine.plan import Request
from watermap.earthengine.session import Session
from watermap.earthengine.tiles import Tile, open_tile, tile_on_disk
from watermap.io.files import unwritable
from watermap.io.temporary import sweep, temporary_path


def open_bucket(session: Session) -> Any:
    """A client of Cloud Storage with the session's login."""
    from google.cloud import storage

    # Else the client describes each bucket once in a thread of its own, beside the requests that are counted here.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    return storage.Client(
        project=session.login.project,
        credentials=session.login.credentials,
        client_options={"api_endpoint": session.config.storage_url},
    )


def download(
    session: Session,
    client: Any,
    request: Request,
    folder: Path,
    *,
    bucket: str,
    prefix: str,
) -> list[Tile]:
    """Bring every file below a prefix to a folder; large exports come in several.

    Args:
        session: what requests go through.
        client: of `open_bucket`.
        request: the raster that the files are pieces of.
        folder: for the files; made if absent.
        bucket: its name.
        prefix: of the export's objects.

    Raises:
        ServiceError: there is no such object, or one cannot be brought here whole.
        DataError: a file cannot be written.
    """
    wait = session.config.timeout_s
    listed = session.send(
        lambda: sorted(client.list_blobs(bucket, prefix=prefix, timeout=wait, retry=None), key=lambda blob: blob.name),
        about=f"listing gs://{bucket}/{prefix}",
        service=CLOUD_STORAGE,
    )
    blobs = [blob for blob in listed if blob.name.endswith(".tif")]
    if not blobs:
        failure = Failure(FailureKind.MISSING, None, "the export's files are gone")
        raise service_error(failure, service=CLOUD_STORAGE, about=f"reading gs://{bucket}/{prefix}")
    return [_download(session, blob, request, folder) for blob in blobs]


def _download(session: Session, blob: Any, request: Request, folder: Path) -> Tile:
    path = folder / Path(blob.name).name
    part = temporary_path(path)

    def call() -> Tile:
        found = tile_on_disk(path, request) if path.exists() and path.stat().st_size == blob.size else None
        if found is not None:
            return found
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder, rests=True)
            blob.download_to_filename(str(part), timeout=session.config.timeout_s, checksum="crc32c", retry=None)
            tile = open_tile(part, request)
            part.replace(path)
        except OSError as error:
            if classify(error) is not None:  # the network's errors are OSErrors too
                raise
            raise unwritable(path, error) from error
        finally:
            part.unlink(missing_ok=True)
        return Tile(path, tile.window)

    return session.send(call, about=f"downloading {blob.name}", service=CLOUD_STORAGE)
