"""The command ``twofold``: what operators do, with the server down or up.

Nothing is loaded before it is known what is wanted: ``serve`` does without the grammar of the
other commands, and they do without a web server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status: 0 well, 1 a fault was found, 2 misused."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["serve"]:
        from twofold.cli.serve import plain_options, run

        options = plain_options(words[1:])
        if options is not None:
            return run(options)
    from twofold.cli.grammar import run_command

    return run_command(words)
