"""What may fail, and what is tried again."""

from __future__ import annotations

import pytest
from prefect import flow, task

from flows.policy import RETRIED, judge
from flows.rows import FAILED, KEPT, MADE, Row
from watermap.earthengine.failures import Failure, FailureKind, ServiceError
from watermap.errors import DataError, PartialFailureError


def rows(failed: int, good: int) -> list[Row]:
    return [Row(f"bad{i}", FAILED, "why") for i in range(failed)] + [Row(f"good{i}", MADE) for i in range(good)]


def test_a_run_fails_where_too_many_scenes_did() -> None:
    judge([], 0.0)
    judge([Row("a", KEPT)], 0.0)
    judge(rows(1, 4), 0.2)
    for failed, good, allowed in ((1, 3, 0.2), (1, 9, 0.0), (2, 0, 1.0)):
        with pytest.raises(PartialFailureError, match="bad0: why"):
            judge(rows(failed, good), allowed)


@pytest.mark.parametrize(("kind", "tries"), [(FailureKind.AWAY, 3), (FailureKind.FORBIDDEN, 1)])
def test_only_what_may_pass_is_tried_again(kind: FailureKind, tries: int) -> None:
    begun: list[int] = []

    @task(**{**RETRIED, "retries": 2, "retry_delay_seconds": 0})
    def fail() -> None:
        begun.append(1)
        raise ServiceError("no", failure=Failure(kind, None, "no"))

    @flow
    def run() -> None:
        fail()

    with pytest.raises(ServiceError):
        run()
    assert len(begun) == tries


def test_a_mistake_in_the_data_is_not_tried_again() -> None:
    begun: list[int] = []

    @task(**{**RETRIED, "retry_delay_seconds": 0})
    def fail() -> None:
        begun.append(1)
        raise DataError("no", hint="none")

    @flow
    def run() -> None:
        fail()

    with pytest.raises(DataError):
        run()
    assert len(begun) == 1
