import re
from pathlib import Path

import numpy as np
import pytest

import watermap

TOPIC = (Path(watermap.__file__).parent / "cli" / "help" / "api.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.+?)```", TOPIC, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_every_snippet_of_the_topic_runs(number: int, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(SNIPPETS[number], names)  # noqa: S102 (what the topic tells its readers to run)
    if "print(" in SNIPPETS[number]:
        assert capsys.readouterr().out.strip()
    if "codes" in names:
        assert set(np.unique(np.asarray(names["codes"]))) == {0, 1}


def test_the_table_names_every_function() -> None:
    listed = re.findall(r"^\| `(\w+)\(", TOPIC, flags=re.MULTILINE)
    functions = {name for name in watermap.__all__ if name[0].islower()}
    assert sorted(listed) == sorted(functions)
