"""Whose a temporary file is, and which of them the sweep removes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.folders import listing
from tests.support.temporary import NO_PROCESS, named, of_a_live_process, start_of
from watermap.io import temporary
from watermap.io.temporary import FOREIGN_DAYS, discard, sweep, temporary_folder, temporary_path

ANOTHER = "node7-0123abcd"
OLD_S = FOREIGN_DAYS * 86400 + 60


def age(path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float = OLD_S) -> None:
    """Have the sweep believe that nothing of a file has changed for so long."""
    changed = temporary._last_change

    def earlier(asked: Path) -> float:
        return changed(asked) - seconds * (asked == path)

    monkeypatch.setattr(temporary, "_last_change", earlier)


def test_a_name_tells_whose_it_is_and_is_used_once(tmp_path: Path) -> None:
    names = [temporary_path(tmp_path / "my map.tif", ".tif").name for _ in range(2)]
    own = os.getpid()
    pattern = rf"\.my map\.tif\.[A-Za-z0-9]*-[0-9a-f]{{8}}\.[0-9a-f]{{8}}\.{own}-{start_of(own)}-\d+\.part\.tif"
    assert all(re.fullmatch(pattern, name) for name in names)
    assert len(set(names)) == 2
    assert not re.search(r'[<>:"/\\|?*]', names[0])


@pytest.mark.parametrize("letter", ["x", "é", "水"])
def test_a_long_name_is_cut_to_what_file_systems_take(letter: str, tmp_path: Path) -> None:
    target = tmp_path / (letter * (250 // len(letter.encode())) + ".gpkg")
    with pytest.raises(OSError, match="longer than"):
        temporary_path(target, aside=True)
    part = temporary_path(target, ".gpkg")
    assert len(os.fsencode(part.name + "-journal")) <= 255
    part.write_text("x")
    assert part.suffix == ".gpkg"
    left = named(target)
    left.write_text("x")
    sweep(tmp_path)
    assert listing(tmp_path) == [part.name]


def test_what_a_process_that_ended_left_is_removed_with_all_that_goes_with_it(tmp_path: Path) -> None:
    part = named(tmp_path / "lakes.gpkg", suffix=".gpkg")
    part.write_text("x")
    part.with_name(f"{part.name}-journal").write_text("x")
    folder = named(tmp_path / "patches")
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    named(tmp_path / "link").symlink_to(outside)
    sweep(tmp_path)
    assert listing(tmp_path) == ["outside"]
    assert listing(outside) == ["file"]


def test_what_a_live_process_writes_stays_however_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = of_a_live_process(tmp_path / "a.tif")
    alive.write_text("x")
    own = temporary_path(tmp_path / "b.tif")
    own.write_text("x")
    monkeypatch.setattr(temporary, "_last_change", lambda _: 0.0)
    sweep(tmp_path)
    assert listing(tmp_path) == sorted([alive.name, own.name])


def test_a_process_id_that_another_process_has_by_now_is_no_life(tmp_path: Path) -> None:
    parent = os.getppid()
    named(tmp_path / "a", process=parent, start=start_of(parent) + 1).write_text("x")
    sweep(tmp_path)
    assert listing(tmp_path) == []


def test_where_the_start_of_a_process_is_not_known_its_id_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = named(tmp_path / "a", process=os.getppid(), start=0)
    hidden = named(tmp_path / "b", process=os.getppid(), start=1)
    dead = named(tmp_path / "c", start=0)
    for path in (unknown, hidden, dead):
        path.write_text("x")
    with monkeypatch.context() as patched:  # macOS, and a /proc that hides the processes of others
        patched.setattr(temporary, "_start", lambda _: None)
        sweep(tmp_path)
    assert listing(tmp_path) == sorted([unknown.name, hidden.name])
    sweep(tmp_path)
    assert listing(tmp_path) == [unknown.name]


def test_a_killed_process_whose_parent_has_not_asked_for_it_has_ended(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    part = named(tmp_path / "a", process=process.pid, start=start_of(process.pid))
    part.write_text("x")
    sweep(tmp_path)
    assert listing(tmp_path) == [part.name]
    process.send_signal(signal.SIGKILL)
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.001)
    sweep(tmp_path)
    assert listing(tmp_path) == []
    process.wait()


def test_what_another_machine_writes_stays_until_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    young = named(tmp_path / "a", host=ANOTHER)
    folder = named(tmp_path / "b", host=ANOTHER)
    (folder / "deep").mkdir(parents=True)
    young.write_text("x")
    sweep(tmp_path)
    assert listing(tmp_path) == sorted([young.name, folder.name])
    (folder / "deep" / "file").write_text("x")
    for path in (folder / "deep", folder):
        os.utime(path, (0, 0))
    age(young, monkeypatch, OLD_S - 120)
    sweep(tmp_path)
    assert listing(tmp_path) == sorted([young.name, folder.name])
    age(young, monkeypatch)
    sweep(tmp_path)
    assert listing(tmp_path) == [folder.name]


def test_what_was_left_before_this_machine_was_booted_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = named(tmp_path / "a", boot="0123abcd"), named(tmp_path / "b", host=ANOTHER, boot="0123abcd")
    for path in (ours, others):
        path.write_text("x")
    sweep(tmp_path)  # it changed after the boot: of a container, or of a machine that is called alike
    assert listing(tmp_path) == sorted([ours.name, others.name])
    monkeypatch.setattr(temporary, "_boot_time", lambda: time.time() + 60)
    sweep(tmp_path)
    assert listing(tmp_path) == [others.name]


def test_the_boot_lies_between_the_start_of_time_and_this_process() -> None:
    booted = temporary._boot_time()
    assert booted is not None
    started = booted + start_of(os.getpid()) / os.sysconf("SC_CLK_TCK")
    assert time.time() - 3600 * 24 < started <= time.time() + 0.1


def test_where_no_process_can_be_asked_for_only_age_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where `os.kill` would end the process that is asked for."""
    left = named(tmp_path / "a")
    left.write_text("x")
    with monkeypatch.context() as patched:
        patched.setattr("watermap.io.temporary.os.name", "nt")
        patched.setattr("watermap.io.temporary.os.kill", None)
        assert temporary._runs(NO_PROCESS, 0) is None
    monkeypatch.setattr(temporary, "_runs", lambda *_: None)
    sweep(tmp_path)
    assert listing(tmp_path) == [left.name]
    age(left, monkeypatch)
    sweep(tmp_path)
    assert listing(tmp_path) == []


def test_nothing_else_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_last_change", lambda _: 0.0)
    whole = named(tmp_path / "a").name
    names = ["a.part", ".a.part", ".a.4194305.part", ".a.tif.crdownload", ".part", ".x-0123abcd.0.1-2-3.part"]
    names += [whole[1:], f"x{whole}", whole.removesuffix(".part"), f"{whole}ial"]
    for name in names:
        (tmp_path / name).write_text("x")
    sweep(tmp_path)
    assert listing(tmp_path) == sorted(names)


def test_a_folder_put_aside_comes_back_where_nothing_took_its_place(tmp_path: Path) -> None:
    for name in ("lost", "replaced"):
        aside = named(tmp_path / name, aside=True)
        aside.mkdir()
        (aside / "old").write_text("x")
    (tmp_path / "replaced").mkdir()
    (tmp_path / "replaced" / "new").write_text("x")
    sweep(tmp_path)
    assert listing(tmp_path) == ["lost", "replaced"]
    assert listing(tmp_path / "lost") == ["old"]
    assert listing(tmp_path / "replaced") == ["new"]


def test_a_folder_that_is_not_there_or_cannot_be_listed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    sweep(tmp_path / "file")
    named(tmp_path / "a").write_text("x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    sweep(tmp_path)
    discard(tmp_path / "file")


def test_a_folder_of_very_many_names_is_not_listed_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_MANY", 3)
    monkeypatch.setattr(temporary, "_REST_S", 1000.0)
    for name in "abcd":
        (tmp_path / name).touch()
    sweep(tmp_path, rests=True)
    left = named(tmp_path / "x")
    left.touch()
    sweep(tmp_path, rests=True)
    assert left.exists()
    sweep(tmp_path)
    assert not left.exists()


def test_a_temporary_folder_goes_whatever_happens_and_sweeps_before(tmp_path: Path) -> None:
    target = tmp_path / "new" / "target"
    with temporary_folder(target) as part:
        (part / "file").write_text("x")
        named(target).mkdir()
    with pytest.raises(KeyboardInterrupt), temporary_folder(target):
        assert len(listing(target.parent)) == 1
        raise KeyboardInterrupt
    assert listing(target.parent) == []


def test_discarding_takes_what_libraries_wrote_beside(tmp_path: Path) -> None:
    one, other, kept = (temporary_path(tmp_path / name) for name in "abc")
    for path in (one, other, kept):
        path.write_text("x")
        path.with_name(f"{path.name}.ovr.tmp").write_text("x")
    discard(one, other)
    assert listing(tmp_path) == [kept.name, f"{kept.name}.ovr.tmp"]


def test_a_link_and_a_file_deep_in_a_folder_count_as_changes(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    os.utime(folder / "deep" / "file", (0, 0))  # as of an old file that was linked or renamed a moment ago
    assert temporary._last_change(folder / "deep" / "file") > time.time() - 60
    later = time.time() + 1000
    os.utime(folder / "deep" / "file", (later, later))
    assert temporary._last_change(folder) == pytest.approx(later)
