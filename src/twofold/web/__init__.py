"""The HTTP kit that faces and dialects share; it has no routes and decides nothing."""
