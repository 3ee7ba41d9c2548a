"""The deadlines hold on the event loop that is served with, and on Python's own."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories(item):
    factories = {"asyncio": asyncio.new_event_loop}
    if item.path.name == "test_deadlines.py":
        factories["uvloop"] = uvloop.new_event_loop
    return factories
