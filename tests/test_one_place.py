"""What can go wrong with bytes, sockets, files and threads of others is handled in one place each; here nobody forgets it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ahmsa", "spotting", "configs", "train", "streamer")


@pytest.mark.parametrize(
    ("call", "only_in"),
    [
        (r"json\.decode\(|json\.Decoder\(|json\.loads?\(|tomllib\.load|csv\.(reader|DictReader)\(", {"untrusted.py"}),
        (
            r"cv2\.im(read|decode)\w*\(",
            {"read.py", "camera.py", "recording.py"},
        ),  # the last two: of their own making
        (r"\bpickle\b|\bmarshal\b|torch\.load\(|yaml\.load\(|(?<!\.)\b(eval|exec)\(", set()),
        (r"CalamineWorkbook", {"workbook_apart.py"}),
        (r"context\.socket\(|recv_multipart\(", {"sockets.py"}),
        (r"threading\.Thread\(", {"threads.py"}),
        (r"multiprocessing\.(get_context|Process)|tempfile\.(mkdtemp|TemporaryDirectory)", {"spawn.py", "scratch.py"}),
    ],
)
def test_it_is_called_in_one_place_only(call, only_in):
    found = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(call, re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(), flags=re.DOTALL))
    }
    assert {path for path in found if path.name not in only_in} == set()
