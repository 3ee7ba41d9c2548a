"""``twofold serve``: from a bare directory to a server that answers, in one command."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from twofold import __version__
from twofold.cli.frame import ended, read_settings


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said; None for what it did not say."""

    config: tuple[Path, ...] = ()
    data: str | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    as_json: bool = False


def plain_options(words: Sequence[str]) -> Options | None:
    """Read options that need no explanation; None hands everything else to the full grammar."""
    options = Options()
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == "--json" and not equals:
            options = replace(options, as_json=True)
            continue
        if not equals and rest:
            value = rest.pop(0)
        take = _TAKEN.get(name)
        if take is None or not value or value.startswith("-"):
            return None
        try:
            options = take(options, value)
        except ValueError:
            return None
    return options


_TAKEN: Final[dict[str, Callable[[Options, str], Options]]] = {
    "--config": lambda options, value: replace(options, config=(*options.config, Path(value))),
    "--data": lambda options, value: replace(options, data=value),
    "--host": lambda options, value: replace(options, host=value),
    "--port": lambda options, value: replace(options, port=int(value)),
    "--workers": lambda options, value: replace(options, workers=int(value)),
}


def run(options: Options) -> int:
    """Serve until a signal."""
    return ended(lambda: _serve(options), as_json=options.as_json)


def _serve(options: Options) -> int:
    settings = read_settings(
        options.config,
        options.data,
        {
            "server.host": options.host,
            "server.port": options.port,
            "server.workers": options.workers,
        },
    )
    for note in settings.notes:
        print(note, file=sys.stderr, flush=True)
    # What is loaded stays: looking for garbage in it meanwhile only costs. Serving looks again.
    gc.disable()
    from twofold.wiring.first_start import first_start
    from twofold.wiring.house import lasting_store
    from twofold.wiring.serve import bound, serve

    # Taken out of the environment: no worker, and nobody who looks at one, needs it.
    chosen = os.environ.pop("TWOFOLD_ADMIN_PASSWORD", None)
    speaker = _Speaker(settings.data, as_json=options.as_json)
    # The port first: whoever cannot listen must not have made an account nobody heard of.
    with bound(settings) as (listener, here):
        store = lasting_store(here)
        drawn = first_start(here, chosen, store)
        if drawn:
            speaker.admin(drawn)
        return serve(here, listener, speaker.ready, store)


@dataclass(frozen=True, slots=True)
class _Speaker:
    """What is printed: where we are, and the password of a new account, this once."""

    data: str
    as_json: bool

    def admin(self, password: str) -> None:
        """Show the password of the account that was just made; it is kept nowhere."""
        if self.as_json:
            self._line({"event": "admin", "name": "admin", "password": password})
        else:
            print(
                "The account admin has been made. Its password is shown this once:\n\n"
                f"    {password}\n",
                flush=True,
            )

    def ready(self, url: str) -> None:
        """Say that somebody answers."""
        if self.as_json:
            self._line({"event": "ready", "url": url, "data": self.data})
        else:
            print(
                f"Twofold {__version__} is ready at {url} with its data in {self.data}", flush=True
            )

    def _line(self, fields: Mapping[str, str]) -> None:
        print(json.dumps(fields), flush=True)
