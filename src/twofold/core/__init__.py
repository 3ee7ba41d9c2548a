"""The rules: plain functions over values, without clock, randomness, I/O or settings."""
