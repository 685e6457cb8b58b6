"""Paths in folders with untrusted content."""

import os
import subprocess

import pytest

from tests.messages import assert_refused, refusal
from tune_mnist.safe_paths import files_in, folders_in, path_in, remove_files, require_no_links

OUTWARD = ["..", ".", "", "../x", "x/../../y", "/etc", "a/b", "a\\b", "nul\0l", "\ud800"]
TOO_LONG = ["x" * 256, "字" * 100]


@pytest.mark.parametrize("name", OUTWARD + TOO_LONG)
def test_a_name_that_is_not_a_single_path_part_is_refused(tmp_path, name):
    for names in ([name], [name, "file"], ["folder", name]):
        refusal(path_in, tmp_path, *names)


def test_a_path_may_exist_or_not(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    for names in (["folder"], ["folder", "file"], ["folder", "new"], ["new", "new"]):
        assert path_in(tmp_path, *names) == tmp_path.joinpath(*names)


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert path_in(tmp_path / "link", "file") == tmp_path / "link" / "file"
    require_no_links(tmp_path / "link")


@pytest.mark.parametrize("target", ["outside", "inside", "missing"])
def test_a_link_is_refused_wherever_it_leads(tmp_path, target):
    folder = tmp_path / "folder"
    (folder / "deep" / "deeper").mkdir(parents=True)
    targets = {"outside": tmp_path, "inside": folder, "missing": tmp_path / "missing"}
    (folder / "deep" / "link").symlink_to(targets[target])
    for names in (["deep", "link"], ["deep", "link", "file"]):
        assert_refused("deep/link", path_in, folder, *names)
    assert_refused("deep/link", require_no_links, folder)
    require_no_links(folder, lambda entry: entry.name == "link")


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert_refused([str(tmp_path / "pipe")], path_in, tmp_path, "pipe")
    assert_refused([str(tmp_path / "pipe")], require_no_links, tmp_path)


def test_links_are_found_in_deeply_nested_folders(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    while len(str(folder)) < 3_000:
        folder = folder / "d"
        folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    try:
        refusal(require_no_links, tmp_path)
    finally:
        # shutil.rmtree of Python 3.11, which pytest uses, exceeds the recursion limit here.
        subprocess.run(["rm", "-r", str(tmp_path / "d")], check=True)


def test_only_named_files_are_removed(tmp_path):
    folder = tmp_path / "folder"
    (folder / "kept").mkdir(parents=True)
    for name in ("one", "other", "thesis.tex"):
        (folder / name).touch()
    (tmp_path / "victim").touch()
    (folder / "link").symlink_to(tmp_path / "victim")
    remove_files(folder, ["one", "other", "kept", "link", "missing", "../victim"])
    assert files_in(folder) == ["thesis.tex"]
    assert folders_in(folder) == ["kept"]
    assert (folder / "link").is_symlink()
    assert (tmp_path / "victim").exists()


def test_a_folder_that_becomes_empty_is_removed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").touch()
    remove_files(tmp_path / "folder", ["one"])
    assert not (tmp_path / "folder").exists()
    remove_files(tmp_path / "folder", ["one"])


def test_no_file_behind_a_link_is_removed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "one").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    remove_files(tmp_path / "link", ["one"])
    assert (tmp_path / "real" / "one").exists()
