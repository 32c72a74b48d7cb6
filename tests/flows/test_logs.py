"""What a run's log says."""

from __future__ import annotations

import logging

import pytest
from prefect import flow

from flows.logs import logged
from watermap.errors import DataError


@flow
def failing(error: type[Exception]) -> None:
    raise error("scene.tif: damaged")


@pytest.mark.parametrize(("error", "traced"), [(DataError, False), (RuntimeError, True)])
def test_only_a_defect_leaves_a_trace(error: type[Exception], traced: bool, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(error):
        failing(error)
    told = [record for record in caplog.records if record.levelno == logging.ERROR and "damaged" in record.getMessage()]
    assert told
    assert any(bool(record.exc_info) for record in told) == traced


def test_the_end_of_work_is_told_at_once_and_its_course_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        show = logged()
        for done in range(1, 101):
            show("cutting", done, 100)
    assert [record.getMessage() for record in caplog.records] == ["cutting 100/100"]
