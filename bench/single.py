"""Our server committing each change by itself at once, for one comparison; nothing is gathered."""

import asyncio
import sys

from twofold.adapters.stores import _writer
from twofold.cli import main


def _submit(self, effects):  # noqa: ANN001, ANN202 -- stands in for Writer.submit
    caller = self._loop.create_future()

    def landed(flight: asyncio.Future) -> None:
        (outcome,) = flight.result()
        if outcome is None:
            caller.set_result(None)
        else:
            caller.set_exception(outcome)

    flight = self._loop.run_in_executor(self._thread, self._transact, (effects,))
    flight.add_done_callback(landed)
    return caller


if __name__ == "__main__":
    _writer.Writer.submit = _submit
    sys.exit(main())
