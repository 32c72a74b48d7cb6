"""What the README and the help topics say is there."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml

from tests.support.documents import (
    DOCUMENTS,
    PROJECT,
    README,
    TOPICS,
    all_options,
    blocks,
    find_command,
    inline_code,
    links,
    options,
    shell_commands,
    split_commands,
    table,
)
from watermap.cli.main import cli
from watermap.config import (
    Config,
    DesignConfig,
    EarthEngineConfig,
    ExportConfig,
    IndexConfig,
    OnnxConfig,
    PredictConfig,
    RefineConfig,
    SampleConfig,
    TileConfig,
    TrainConfig,
    VectorizeConfig,
)
from watermap.config.toml import TABLES

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
MOST_BYTES = 9_000
OTHER_TOOLS = {
    ".", "bash", "cd", "dask", "dot", "earthengine", "echo", "export", "git", "lint-imports", "mypy", "pre-commit",
    "prefect", "pytest", "ruff",
}  # fmt: skip
TOPIC_NAMES = {path.stem for path in TOPICS}
OTHERS_OPTIONS = {"--limit"}  # of prefect, in a line that the prose breaks
CONFIGS: dict[str, type[Config]] = {
    "sample": SampleConfig,
    "export": ExportConfig,
    "earthengine": EarthEngineConfig,
    "labels": RefineConfig,
    "tile": TileConfig,
    "train": TrainConfig,
    "predict": PredictConfig,
    "index": IndexConfig,
    "vectorize": VectorizeConfig,
    "import": OnnxConfig,
    "sample-design": DesignConfig,
}

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
each_topic = pytest.mark.parametrize("path", TOPICS, ids=lambda path: path.stem)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_two_commands_are_marked_for_continuous_integration() -> None:
    for mark, words in (("demo", "watermap demo"), ("test", "pytest -n 2")):
        block = re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", read(README))
        assert block
        assert block[1].endswith(words)


def test_the_readme_is_short_and_shows_a_map() -> None:
    assert README.stat().st_size <= MOST_BYTES
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", read(README))
    assert picture
    assert (PROJECT / picture[1]).read_bytes().startswith(b"\x89PNG")
    assert (PROJECT / picture[1]).stat().st_size < 300_000
    assert "Contains modified Copernicus Sentinel data 2" in " ".join(read(README).split())


def test_the_readme_lists_every_command_and_where_to_read_on() -> None:
    rows = table(read(README), "command")
    assert [row[0] for row in rows if row[2]] == [row[0] for row in rows if row[0] != "`watermap help`"]
    assert {row[0] for row in rows} == {f"`watermap {name}`" for name in cli.list_commands(click.Context(cli))}


def test_readme_and_topic_say_the_same_of_what_is_refused() -> None:
    rows = table(read(README), "the scene")
    assert len(rows) == 8
    assert rows == table(read(PROJECT / "watermap" / "cli" / "help" / "scenes.md"), "the scene")


@each_document
def test_every_command_in_it_can_be_called_like_this(path: Path) -> None:
    for words in shell_commands(read(path)):
        check_command(words)


def check_command(words: list[str]) -> None:
    tool, *rest = words
    if tool == "watermap":
        command, left = find_command(rest)
        command.make_context(command.name, left)  # checks options, their values and what is missing
    elif tool.startswith("python"):
        assert rest[0] == "-m"
        check_module(rest[1], rest[2:])
    elif tool == "pip":
        check_extras(" ".join(rest))
    else:
        assert tool in OTHER_TOOLS, f"{tool}: neither a command of watermap nor a tool that the documents may use"


def check_module(name: str, rest: list[str]) -> None:
    if name == "venv":
        return
    found = find_spec(name)
    assert found, f"no module {name}"
    assert found.origin
    source = read(Path(found.origin)) + (read(PROJECT / "tests/benchmarks/options.py") if "bench" in name else "")
    for word in rest:
        if word.startswith("--") and word != "--help":
            assert re.search(rf'["/]{word}["/]', source), f"{name} has no option {word}"


def check_extras(text: str) -> None:
    for extras in re.findall(r"\[([a-z\d,]+)\]", text):
        assert set(extras.split(",")) <= set(PYPROJECT["project"]["optional-dependencies"])


@each_document
def test_every_command_that_its_prose_names_exists(path: Path) -> None:
    known = all_options() | OTHERS_OPTIONS | set(re.findall(r"--[\w-]+", read(PROJECT / "flows" / "pipeline.py")))
    for code in inline_code(read(path)):
        if code.startswith("--"):
            unknown = {word for word in code.split() if word.startswith("--")} - known
            assert not unknown, code
        elif code.startswith("watermap "):
            for words in split_commands(code.replace("|", " ")):
                command, left = find_command(words[1:])
                assert words[1] != "help" or set(left) <= {"TOPIC", *TOPIC_NAMES}, code
                unknown = {word for word in left if word.startswith("-")} - options(command) - {"--help", "--version"}
                assert not unknown, code
        elif code.startswith("python -m "):
            words = code.split()
            check_module(words[2], words[3:])
        elif code.startswith(("pip install", "'.[", ".[")):
            check_extras(code)


@each_document
def test_its_links_lead_somewhere(path: Path) -> None:
    for link in links(read(path)):
        if not link.startswith("https://"):
            assert (path.parent / link).exists(), link


@each_document
def test_its_settings_are_settings(path: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(read(path), "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        for name in tomllib.loads(block):
            CONFIGS[name].load(file, section=name)


@each_document
def test_its_python_is_python(path: Path) -> None:
    for block in blocks(read(path), "python"):
        compile(block, path.name, "exec")


@each_topic
def test_a_topic_begins_with_a_goal_and_a_command_has_a_table_and_ends_with_where_to_go(path: Path) -> None:
    text = read(path)
    title, goal, command, *_ = text.split("\n\n")
    assert re.fullmatch(r"# .+", title)
    assert re.fullmatch(r"[A-Z][^\n`\[]{20,98}\.", goal)  # plain, for the list of topics
    assert command.startswith(("```sh\n", "```python\n"))
    assert re.search(r"^\|.+\|\n\|(---\|)+$", text, flags=re.MULTILINE)
    last = text.rsplit("\n## ", 1)[1]
    assert re.fullmatch(r"See also\n\n(- \[([\w-]+)\]\(\2\.md\): .+\n)+", last)


def test_every_topic_is_named_by_another() -> None:
    named = {link for path in TOPICS for link in links(read(path)) if link != path.name}
    assert {path.name for path in TOPICS} <= named


def test_the_plan_of_the_rooms_is_the_contract() -> None:
    layout = read(PROJECT / "watermap" / "cli" / "help" / "layout.md")
    contract = next(each for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each.get("exhaustive"))
    assert [row[0].strip("`") for row in table(layout, "room")] == contract["layers"]


def test_every_table_of_a_settings_file_is_documented() -> None:
    config = read(PROJECT / "watermap" / "cli" / "help" / "config.md")
    assert set(CONFIGS) | {"runner"} == set(TABLES)
    listed = {name for row in table(config, "table") for name in re.findall(r"`\[+([\w-]+)[\].]", row[0])}
    assert listed == set(TABLES)


def test_a_bug_report_asks_for_the_doctor_and_integration_runs_what_is_documented() -> None:
    form = yaml.safe_load(read(PROJECT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"))
    asked = {field["id"]: field for field in form["body"]}
    assert "`watermap doctor --offline`" in asked["doctor"]["attributes"]["description"]
    assert asked["doctor"]["validations"]["required"]
    workflow = yaml.safe_load(read(PROJECT / ".github" / "workflows" / "ci.yml"))
    assert [step["run"] for step in workflow["jobs"]["checks"]["steps"] if "run" in step] == ["bash .ci/run"]
    hooks = yaml.safe_load(read(PROJECT / ".pre-commit-config.yaml"))["repos"][0]["hooks"]
    assert {hook["entry"].split()[0] for hook in hooks} == {"ruff", "mypy"}
