"""Workbooks and trees of frames are found wherever they were unpacked, and only there."""

from __future__ import annotations

import os

import pytest

from ahmsa.databases.files.trees import find_trees, find_workbook, subfolders
from ahmsa.errors import DataError


def is_subject(name):
    return name.startswith("sub")


def test_a_database_may_lie_many_folders_down(tmp_path):
    tree = tmp_path / "a" / "b" / "c" / "d" / "e" / "f" / "Cropped"
    (tree / "sub01").mkdir(parents=True)
    (tree.parent / "labels.xlsx").touch()
    assert find_trees(tmp_path, is_subject) == [tree]
    assert find_workbook(tmp_path, "labels", "labels") == tree.parent / "labels.xlsx"


def test_what_is_hidden_is_not_looked_at(tmp_path):
    for folder in (".Trash", "__MACOSX", "Cropped"):
        (tmp_path / folder / "sub01").mkdir(parents=True)
        (tmp_path / folder / "labels.xlsx").touch()
    assert find_trees(tmp_path, is_subject) == [tmp_path / "Cropped"]
    assert find_workbook(tmp_path, "labels", "labels") == tmp_path / "Cropped" / "labels.xlsx"


def test_a_folder_that_cannot_be_listed_is_one_sentence(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"cannot be listed \(Permission denied\); check the copy"):
        subfolders(tmp_path)
