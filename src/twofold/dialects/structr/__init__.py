"""Structr: its login, its two-factor headers, its users and its tokens, in its own words."""
