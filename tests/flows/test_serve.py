"""The deployments of prefect.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.pipeline import pipeline
from flows.serve import deployments
from tests.support.failures import one_line
from watermap.errors import UsageError

PREFECT_YAML = Path(__file__).parents[2] / "prefect.yaml"


def test_what_is_deployed_is_what_the_file_says() -> None:
    weekly, monthly = deployments(PREFECT_YAML)
    assert (weekly.name, monthly.name) == ("weekly-served", "monthly-served")
    assert (weekly.parameters["retrain"], monthly.parameters["retrain"]) == (False, True)
    for each in (weekly, monthly):
        assert each.schedules
        assert [schedule.active for schedule in each.schedules] == [False]
        assert each.concurrency_limit == 1
        pipeline.validate_parameters(each.parameters)


@pytest.mark.parametrize(
    "text",
    ["", "deployments: 3", "deployments:\n- name: x", "deployments:\n- {name: x, entrypoint: 'other.py:flow'}", "a: ["],
)
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prefect.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        deployments(path)
    assert "not a list of deployments" in one_line(error)


def test_the_form_explains_itself() -> None:
    schema = pipeline.parameters.model_dump()
    assert "west" in str(schema) or "WKT" in schema["properties"]["area"]["description"]
    assert schema["definitions"]["TrainConfig"]["properties"]["encoder"]["description"]
