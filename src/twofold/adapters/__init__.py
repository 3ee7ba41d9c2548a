"""The outside world behind our ports: stores, senders, clock, entropy and metrics."""
