"""Every error has a status and words, also those that nobody has thought of yet."""

import json
import re

import pytest

from tests.web.wire import request
from twofold.core import errors
from twofold.core.errors import TwofoldError
from twofold.core.types import Instant
from twofold.web import kit  # noqa: F401 -- brings the kit's own errors into the tree
from twofold.web.bodies import TooLarge, WrongMediaType
from twofold.web.problems import STATUSES, broken, problem, refusal, status_of
from twofold.web.request import HeadTooLarge, TooSlow
from twofold.web.routes import WrongMethod


def tree(root=TwofoldError):
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


# Other rooms may have errors of their own; those of core and web have a line in the table.
OURS = sorted(
    {kind for kind in tree() if kind.__module__.startswith(("twofold.core", "twofold.web"))},
    key=lambda kind: kind.__qualname__,
)
MADE_WITH = {
    errors.CooldownActive: {"resend_at": Instant(1_795_294_200_000_001), "retry_after": 30},
    errors.StepUpRequired: {"acr_values": "urn:twofold:aal2", "max_age": 300},
    errors.Misconfigured: {"faults": ("[server] port: s3cret",)},
    WrongMediaType: {"accepts": "application/json"},
    WrongMethod: {"allow": "GET, HEAD"},
}


@pytest.mark.parametrize("kind", OURS)
def test_every_error_has_its_own_line_and_its_problem(kind):
    assert kind in STATUSES, f"{kind.__qualname__} has no status"
    error = kind(**MADE_WITH.get(kind, {}))
    asked = request()
    answer = problem(asked, error)
    said = json.loads(answer.body)
    headers = dict(answer.headers)
    assert answer.status == said["status"] == STATUSES[kind]
    assert said["type"] == f"urn:twofold:problem:{kind.code}"
    assert said["title"] == kind.title
    assert said["detail"]
    assert said["instance"] == asked.id
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"cache-control"] == b"no-store"
    assert (answer.status == 401) == (b"www-authenticate" in headers)
    assert (answer.status in {429, 503}) == (b"retry-after" in headers)
    assert (answer.status == 405) == (b"allow" in headers)


def test_codes_are_spelled_alike_and_mean_one_thing():
    codes = [kind.code for kind in OURS]
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert len(set(codes)) == len(codes)


# As PROTOCOL section 4 has it; what the table says of these is a promise to clients.
PROMISED = [
    (errors.InvalidCredentials(), 422, "invalid-credentials"),
    (errors.CodeRejected(), 422, "code-rejected"),
    (errors.CodeAlreadyUsed(), 422, "code-already-used"),
    (errors.FactorBlocked(), 429, "factor-blocked"),
    (errors.Throttled(), 429, "rate-limited"),
    (errors.CooldownActive(resend_at=Instant(1)), 429, "cooldown-active"),
    (errors.CeremonyExpired(), 410, "ceremony-expired"),
    (errors.CeremonyConsumed(), 409, "ceremony-consumed"),
    (errors.StaleSecurityState(), 409, "stale-security-state"),
    (errors.StepUpRequired(acr_values="a", max_age=None), 401, "step-up-required"),
    (errors.InvalidToken(), 401, "invalid-token"),
    (errors.NotAllowed(), 403, "not-allowed-by-policy"),
    (errors.LastFactor(), 409, "last-factor"),
    (errors.CsrfRejected(), 403, "csrf-rejected"),
    (errors.NotEnrolled(), 404, "not-enrolled"),
    (errors.Unavailable(), 503, "dependency-unavailable"),
    (errors.Malformed(), 400, "malformed"),
    (errors.MixedCredentials(), 400, "mixed-credentials"),
    (errors.NotFound(), 404, "not-found"),
    (TooLarge(), 413, "too-large"),
    (TooSlow(), 408, "request-timeout"),
    (HeadTooLarge(), 431, "head-too-large"),
    (WrongMediaType(accepts="x"), 415, "unsupported-media-type"),
    (WrongMethod(allow="GET"), 405, "method-not-allowed"),
]


@pytest.mark.parametrize(("error", "status", "code"), PROMISED)
def test_the_promised_statuses_stand(error, status, code):
    answer = refusal(error)
    assert (answer.status, json.loads(answer.body)["type"]) == (
        status,
        f"urn:twofold:problem:{code}",
    )


MEMBERS = [
    (errors.CodeRejected(attempts_left=0), {"attempts_left": 0}, {}),
    (errors.CodeRejected(), {}, {}),
    (errors.Throttled(retry_after=7), {"retry_after": 7}, {b"retry-after": b"7"}),
    (errors.Throttled(retry_after=0), {"retry_after": 1}, {b"retry-after": b"1"}),
    (errors.FactorBlocked(retry_after=60), {"retry_after": 60}, {b"retry-after": b"60"}),
    (
        errors.CooldownActive(retry_after=30, resend_at=Instant(1_795_294_200_000_001)),
        {"retry_after": 30, "resend_at": 1_795_294_201},
        {b"retry-after": b"30"},
    ),
    (errors.Overloaded(retry_after=2), {"retry_after": 2}, {b"retry-after": b"2"}),
    (
        errors.StepUpRequired(acr_values="urn:twofold:aal2", max_age=300),
        {"acr_values": "urn:twofold:aal2", "max_age": 300},
        {
            b"www-authenticate": b'Bearer error="insufficient_user_authentication",'
            b' acr_values="urn:twofold:aal2", max_age=300'
        },
    ),
    (
        errors.StepUpRequired(acr_values='a"\r\nb\u00fc', max_age=None),
        {"acr_values": 'a"\r\nb\u00fc'},
        {b"www-authenticate": b'Bearer error="insufficient_user_authentication", acr_values="ab"'},
    ),
    (errors.InvalidToken(), {}, {b"www-authenticate": b'Bearer error="invalid_token"'}),
    (errors.Malformed(field="code"), {"field": "code"}, {}),
    (WrongMethod(allow="GET, HEAD"), {}, {b"allow": b"GET, HEAD"}),
    (WrongMediaType(accepts="application/json"), {}, {b"accept": b"application/json"}),
]
COMMON = {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize(("error", "members", "headers"), MEMBERS)
def test_an_error_brings_its_facts_and_no_others(error, members, headers):
    answer = refusal(error, "id")
    said = json.loads(answer.body)
    assert {name: value for name, value in said.items() if name not in COMMON} == members
    assert headers.items() <= dict(answer.headers).items()


def test_a_face_may_add_members():
    said = json.loads(refusal(errors.CeremonyExpired(), "id", actions=[{"rel": "restart"}]).body)
    assert said["actions"] == [{"rel": "restart"}]
    assert said["status"] == 410


def test_an_error_of_a_plug_in_is_answered_like_its_parent():
    class Odd(errors.NotAllowed):
        code = "odd"

    assert status_of(Odd) == 403
    assert json.loads(refusal(Odd()).body)["type"] == "urn:twofold:problem:odd"


def test_settings_are_not_explained_to_clients():
    assert b"s3cret" not in refusal(errors.Misconfigured(("[server] port: s3cret",))).body


def test_our_own_fault_says_nothing_about_itself():
    asked = request()
    answer = broken(asked)
    said = json.loads(answer.body)
    assert (answer.status, said["type"]) == (500, "urn:twofold:problem:internal-error")
    assert said["instance"] == asked.id
    assert set(said) == COMMON


def test_wrong_credentials_get_the_same_bytes_whoever_they_are_for():
    asked = request()
    assert problem(asked, errors.InvalidCredentials()) == problem(
        asked, errors.InvalidCredentials()
    )
