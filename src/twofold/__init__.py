"""Twofold: a self-hosted two-factor authentication server, and a library of the same."""

__version__ = "0.1.0"
