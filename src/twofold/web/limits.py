"""Every bound on what one client may take from us, on one page and in one value.

No Python server cuts all slow clients by itself, so the deadlines are ours: ``deadlines.py``
keeps them on the connection, ``request.py`` keeps the sizes (and the body's deadline where the
server is not ours).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes unless said otherwise, times in seconds."""

    body: int = 64 * 1024
    """A longer body is refused with 413."""
    drained: int = 16 * 1024 * 1024
    """How much of a refused body is read and thrown away, so that the client hears why."""
    depth: int = 32
    """How deep JSON may nest."""
    fields: int = 64
    """How many fields a form or a query may have."""
    query: int = 8 * 1024
    head: int = 64 * 1024
    """Request line and headers together; what arrives in one read may reach beyond."""
    headers: int = 100
    """How many headers a request may have."""
    connections: int = 800
    """Open at once in one process; keep it below the limit of open files (often 1,024)."""
    head_seconds: float = 10.0
    """From the connection, or the first byte of a later request, to the end of its headers."""
    body_seconds: float = 15.0
    """From the end of the headers to the end of the body."""
    idle_seconds: int = 20
    """Between two requests on one connection."""
    write_seconds: float = 20.0
    """How long a client may leave our answer unread once the socket's buffer is full."""
