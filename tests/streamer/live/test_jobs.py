import pytest

from ahmsa.errors import RunError, UsageError
from streamer.acquire.sources import SourceSpec
from streamer.live.jobs import distinct, error_of
from streamer.live.processes import Death


def test_sources_of_one_name_are_told_apart():
    specs = [SourceSpec("video", f"{folder}/talk.mp4") for folder in "abc"] + [SourceSpec("camera", "0")]
    assert [spec.name for spec in distinct(specs)] == ["talk", "talk-2", "talk-3", "camera0"]
    assert [spec.where for spec in distinct(specs)] == [spec.where for spec in specs]


@pytest.mark.parametrize(
    ("death", "kind", "words"),
    [
        (Death("capture", "no camera 3: plug it in", 2, explained=True, killed=False), UsageError, "no camera 3: plug it in"),
        (Death("capture", "the file is cut off", 1, explained=True, killed=False), RunError, "the file is cut off"),
        (Death("worker", "killed by SIGKILL", 1, explained=False, killed=True), RunError, "worker process died: killed by"),
    ],
)
def test_a_death_is_the_error_that_it_explained_or_names_the_process(death, kind, words):
    error = error_of(death)
    assert type(error) is kind
    assert words in str(error)
