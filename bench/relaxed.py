"""Our server with ``synchronous=NORMAL``, for one comparison; there is no setting for it."""

import sys

from twofold.adapters.stores import _file
from twofold.cli import main

_insist = _file._insist  # noqa: SLF001 -- the one place where durability may be relaxed: here


def _relaxed(connection, name, value, expected):  # noqa: ANN001, ANN202 -- stands in for another
    if name == "synchronous":
        value, expected = "normal", 1
    _insist(connection, name, value, expected)


if __name__ == "__main__":
    _file._insist = _relaxed  # noqa: SLF001
    sys.exit(main())
