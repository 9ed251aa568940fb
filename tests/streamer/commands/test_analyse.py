import copy
import time
from dataclasses import replace
from pathlib import Path

from configs.schema import LiveSettings
from streamer.commands.analyse import progress_folder
from streamer.offline.analyse_video import Given


def test_the_bar_hears_how_far_the_other_processes_are():
    heard = {}
    with progress_folder(heard.__setitem__) as folder:
        given = copy.deepcopy(replace(Given(LiveSettings()), progress=folder))  # as another process gets it
        (Path(given.progress) / "p01").write_text("12.5")
        (Path(given.progress) / ".p02.part").write_text("half")
        until_s = time.monotonic() + 20
        while not heard and time.monotonic() < until_s:
            time.sleep(0.02)
    assert heard == {"p01": 12.5}
    assert not folder.exists()
