"""Where every command begins: the names in [project.scripts] are functions of this file.

What a command needs takes a while to be imported, and until then nothing has begun that would have to be undone: a Ctrl-C ends
the program at once and without a word, here for all commands. `configs.command.run_program` listens to it while a command
works. This file imports next to nothing, so that it comes before everything that takes time.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

TYPE_CHECKING = False  # typing itself takes time to be imported
if TYPE_CHECKING:
    from collections.abc import Callable


def _command(module: str) -> Callable[[], None]:
    def begin() -> None:
        # Ignored where the shell has started it in the background: then it stays so.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, _end_at_once)
        have_standard_streams()
        import_module(module).main()

    return begin


def have_standard_streams() -> None:
    """Open those of standard input, output and error that were closed at the start (`>&-`), onto nothing.

    Otherwise the next file or socket gets the number, and what is printed goes there.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, "w" if descriptor else "r"))  # noqa: PTH123, SIM115 (open until the end)


def _end_at_once(number: int, _: object) -> None:
    os._exit(128 + number)


live = _command("streamer.commands.live")
watch = _command("streamer.commands.watch")
worker = _command("streamer.commands.worker")
keys = _command("streamer.commands.keys")
mark = _command("streamer.commands.mark")
analyse = _command("streamer.commands.analyse")
export = _command("streamer.commands.export")
spot = _command("streamer.commands.spot")
models = _command("streamer.commands.models")
flow = _command("train.commands.flow")
train = _command("train.commands.train")
evaluate = _command("train.commands.evaluate")
data = _command("train.commands.data")
report = _command("configs.report")
