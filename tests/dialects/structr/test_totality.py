"""Whatever the engine may refuse with or lead to has words of this dialect, and the right ones."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
from typing import get_args

import pytest

import twofold
from twofold.ceremonies.outcomes import Done, Granted, Outcome, Pending, Revealed
from twofold.core import errors
from twofold.core.errors import TwofoldError
from twofold.dialects.structr import login, words
from twofold.web.problems import status_of
from twofold.web.routes import WrongMethod

TABLES = {"password": (words.PASSWORD,), "code": (words.CODE,), "general": ()}
REASONS = {
    None,
    "loginAttempts",
    "passwordChangeRequired",
    "sessionLimitExceeded",
    "twoFactorRequired",
    "wrongTwoFactorCode",
    "invalidTwoFactorToken",
    "tooManyTwoFactorAttempts",
}


def every_error():
    """All classes of the tree, of whatever room, the plug-ins' future ones by their parents."""
    for module in pkgutil.walk_packages(twofold.__path__, "twofold."):
        if not module.name.startswith(("twofold.cli", "twofold.__main__")):
            importlib.import_module(module.name)
    waiting, found = [TwofoldError], {}
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("twofold.") and kind.__qualname__ not in found:
            found[kind.__qualname__] = kind
            waiting += kind.__subclasses__()
    return [found[name] for name in sorted(found)]


def example(kind):
    """An error of this class, made as the engine makes it."""
    given = {
        "faults": ("a fault",),
        "fields": {"a": "b"},
        "retry_after": 7,
        "resend_at": 0,
        "acr_values": "x",
        "max_age": 1,
        "allow": "GET",
        "accepts": "application/json",
    }
    if kind is words.Unfit:
        return words.Unfit(("name", "is_not_valid"))
    wanted = inspect.signature(kind).parameters
    needed = {
        name: given[name]
        for name, parameter in wanted.items()
        if name in given and parameter.default is inspect.Parameter.empty
    }
    return kind(**needed)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__qualname__)
def test_every_error_has_words(kind, table):
    error = example(kind)

    answer = words.refusal(error, *TABLES[table])

    told = json.loads(answer.body)
    assert told["code"] == answer.status
    assert 400 <= answer.status <= 503
    assert told["message"]
    assert isinstance(told["errors"], list)
    headers = dict(answer.headers)
    reason = headers.get(b"reason", b"").decode() or None
    assert reason in REASONS
    assert (answer.status >= 500) is (status_of(kind) >= 500)
    assert "a fault" not in told["message"]
    if isinstance(error, errors.Throttled | errors.Unavailable):
        assert int(headers[b"retry-after"]) >= 1
    if isinstance(error, WrongMethod):
        assert headers[b"allow"] == b"GET"


NAMED = [
    ("password", errors.InvalidCredentials, 401, None),
    ("password", errors.Throttled, 401, "loginAttempts"),
    ("password", errors.FactorBlocked, 401, "loginAttempts"),
    ("password", errors.TooManySessions, 401, "sessionLimitExceeded"),
    ("password", errors.PasswordExpired, 401, "passwordChangeRequired"),
    ("password", errors.Overloaded, 503, None),
    ("code", errors.CodeRejected, 401, "wrongTwoFactorCode"),
    ("code", errors.CodeAlreadyUsed, 401, "wrongTwoFactorCode"),
    ("code", errors.CeremonyExpired, 401, "invalidTwoFactorToken"),
    ("code", errors.CeremonyConsumed, 401, "invalidTwoFactorToken"),
    ("code", errors.StaleSecurityState, 401, "invalidTwoFactorToken"),
    ("code", errors.FactorBlocked, 401, "tooManyTwoFactorAttempts"),
    ("code", errors.TooManySessions, 401, "sessionLimitExceeded"),
    ("code", errors.Uncertain, 503, None),
    ("general", errors.InvalidToken, 401, None),
    ("general", errors.NotAllowed, 403, None),
    ("general", errors.StepUpRequired, 403, None),
    ("general", errors.NotFound, 404, None),
    ("general", errors.Taken, 422, None),
    ("general", errors.WeakPassword, 422, None),
    ("general", errors.Malformed, 400, None),
    ("general", errors.Throttled, 429, None),
    ("general", errors.CsrfRejected, 403, None),
    ("general", errors.Misconfigured, 500, None),
]


@pytest.mark.parametrize(("table", "kind", "status", "reason"), NAMED)
def test_the_words_are_those_of_the_contract(table, kind, status, reason):
    answer = words.refusal(example(kind), *TABLES[table])

    found = dict(answer.headers).get(b"reason")
    assert (answer.status, found.decode() if found else None) == (status, reason)


def test_the_tables_name_only_what_can_be_refused():
    known = set(every_error())

    assert {
        kind for table in (words.PASSWORD, words.CODE, words.GENERAL) for kind in table
    } <= known


@pytest.mark.parametrize("outcome", get_args(Outcome), ids=lambda outcome: outcome.__name__)
async def test_every_outcome_has_an_answer(hall, outcome):
    key = await hall.enrolled()
    client = hall.client()
    await hall.user("fresh")
    await hall.put("fresh", isTwoFactorUser=True)

    if outcome is Pending:
        answer = await client.login("user")
        assert (answer.status, answer.header("qrdata")) == (202, None)
    elif outcome is Revealed:
        answer = await client.login("fresh")
        assert (answer.status, bool(answer.header("qrdata"))) == (202, True)
    elif outcome is Granted:
        answer = await client.second(await client.login("user"), hall.shows(key))
        assert (answer.status, "JSESSIONID" in answer.cookies()) == (200, True)
    else:
        assert outcome is Done
        answer = await client.post("/structr/rest/logout")
        assert (answer.status, answer.json["result"]) == (200, {})


def test_what_a_client_may_send_is_read_into_one_value():
    assert dataclasses.asdict(login.given({"eMail": "a", "name": "b"})) == {
        "name": "a",
        "password": "",
        "token": "",
        "code": "",
    }
