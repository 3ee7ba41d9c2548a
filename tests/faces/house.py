"""A whole server in this process for the tests of the faces: real engine, real store, our clock."""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from twofold.adapters.hashing import HashingPool
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.system import SystemEntropy
from twofold.adapters.unmetered import Unmetered
from twofold.ceremonies.engine import Engine, Rules
from twofold.ceremonies.gate import Gate
from twofold.core import letters
from twofold.core.effects import Bind, PutSubject
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.networks import parse_networks
from twofold.core.policy import Policy
from twofold.core.types import (
    DEFAULT_REALM,
    SECOND,
    Authenticator,
    AuthenticatorId,
    Context,
    Instant,
    Subject,
    SubjectId,
)
from twofold.faces import Front
from twofold.faces.site import routes
from twofold.factors import Wish
from twofold.factors._argon2 import Argon2
from twofold.factors._webauthn import Party
from twofold.factors.email import email
from twofold.factors.password import Password
from twofold.factors.recovery_codes import RecoveryCodes
from twofold.factors.totp import TotpFactor
from twofold.factors.webauthn import WebAuthn
from twofold.web import openapi
from twofold.web.kit import App, Site

START = Instant(1_800_000_000 * SECOND)
CHEAP = Argon2(memory_kib=8, time=1, lanes=1)
PASSWORD = "a good long password"
BASE = "https://login.example"
ADDRESS = "192.0.2.7"


class TestClock:
    """A clock the test sets."""

    __test__ = False

    def __init__(self):
        self.at = START

    def now(self):
        return self.at

    def forward(self, seconds):
        self.at = Instant(self.at + int(seconds * SECOND))


def subject_id(name):
    return SubjectId(hashlib.sha256(name.encode()).hexdigest()[:32])


def totp(secret, at, *, period=30, digits=6):
    """The code an app would show, worked out here and not by us (RFC 6238, SHA-1)."""
    step = at // SECOND // period
    mac = hmac.digest(secret, step.to_bytes(8), "sha1")
    start = mac[-1] & 15
    number = int.from_bytes(mac[start : start + 4]) & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


@dataclass
class House:
    """The server, its parts in reach, and short ways to fill it."""

    policy: Policy = field(default_factory=Policy)
    base_url: str = BASE
    proxies: str = ""
    origins: tuple[str, ...] = ()
    front: dict = field(default_factory=dict)
    store: object = field(default_factory=MemoryStore)
    secrets: dict = field(default_factory=dict)
    root: object = None
    """The administrator whom several parts of a test share."""

    def __post_init__(self):
        self.clock = TestClock()
        key = MasterKey.of(hashlib.sha256(b"a master key").digest(), START)
        self.ring = Keyring((key,))
        self.pool = HashingPool(2)
        self.engine = self._engine()
        site = Site(self.base_url, self.origins, parse_networks(self.proxies))
        self.site = Front(self.engine, site, **self.front)
        self.app = App(routes(self.site), site)

    def _engine(self):
        opening = Password(CHEAP)
        recovery = RecoveryCodes(strong=CHEAP, weak=CHEAP)
        party = Party(urlsplit(self.base_url).hostname, "Twofold", (self.base_url,))
        passkeys = WebAuthn(party)
        kinds = (opening, recovery, TotpFactor("Twofold"), email(), passkeys)
        return Engine(
            store=self.store,
            ring=lambda: self.ring,
            clock=self.clock,
            entropy=SystemEntropy(),
            hashing=self.pool,
            factors={kind.kind: kind for kind in kinds},
            opening=opening,
            recovery=recovery,
            metrics=Unmetered(),
            rules=Rules("Twofold", self.base_url, self.policy),
            gate=Gate(),
            nudge=lambda: None,
            discoverable=passkeys,
        )

    async def add(self, name, *kinds, password=PASSWORD, **fields):
        """A subject with a password and, by kind, its factors."""
        address = f"{name}@example.org"
        made = Subject(
            DEFAULT_REALM, subject_id(name), name, START, email=address, email_verified=True
        )
        made = replace(made, **fields)
        await self.store.commit(PutSubject(made))
        for kind in ("password", *kinds):
            await self.bind(made, kind, password=password)
        return made

    async def bind(self, subject, kind, *, password=PASSWORD, label=""):
        factor = self.engine.factors[kind]
        secret = password.encode() if kind == "password" else None
        seed = self.engine.draw()
        bound = factor.bind(subject, Wish(secret=secret, account=subject.name), seed, START)
        number = len(self.secrets) + 1
        row = Authenticator(
            AuthenticatorId(f"{number:016x}"),
            subject.id,
            subject.realm,
            kind,
            START,
            label=label,
            parameters=bound.parameters,
            items=bound.items,
        )
        sealed = replace(row, sealed=self.engine.sealed(row, bound.secret))
        await self.store.commit(Bind(sealed))
        shown = bound.reveal.get("codes") or bound.secret
        self.secrets[subject.name, kind] = shown
        self.secrets[subject.name, kind, number] = row.id
        return row.id

    def code(self, name, *, offset=0):
        """What the app of this subject shows now."""
        return totp(self.secrets[name, "totp"], self.clock.now() + offset * 30 * SECOND)

    def wrong(self, name):
        """A code that no app would show around now."""
        near = {self.code(name, offset=step) for step in range(-3, 4)}
        return next(text for text in map(str, range(100_000, 200_000)) if text not in near)

    def next_step(self):
        """Wait until apps show another code."""
        self.clock.forward(30)

    async def mailed(self, template="code"):
        """The values of the newest message of a kind in the outbox."""
        due = await self.store.due(Instant(self.clock.now() + 10**12), limit=1000)
        fitting = [queued.message for queued in due if queued.message.template == template]
        newest = max(fitting, key=lambda message: message.due_at)
        return letters.values(self.ring, newest)

    def client(self, **others):
        return Client(self.app, **others)

    def browser(self, **others):
        return Client(self.app, browser=True, origin=self.base_url, **others)

    async def events(self):
        found = await self.store.records(DEFAULT_REALM, limit=1000)
        return [entry.record.event for entry in found]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def header(self, name):
        return next((v.decode() for k, v in self.headers if k.decode() == name), None)

    def cookies(self):
        """Set-Cookie headers by cookie name, each as a mapping of its attributes."""
        found = {}
        for key, value in self.headers:
            if key == b"set-cookie":
                first, *rest = value.decode().split("; ")
                name, _, content = first.partition("=")
                attributes = dict(part.partition("=")[::2] for part in rest)
                found[name] = {"value": content, **attributes}
        return found

    @property
    def code(self):
        """The stable code of a refusal."""
        assert self.header("content-type") == "application/problem+json", self.text
        assert self.json["status"] == self.status
        return self.json["type"].removeprefix("urn:twofold:problem:")

    def rels(self):
        return [action["rel"] for action in self.json["actions"]]


class Client:
    """Somebody with or without a cookie jar, who remembers tokens and the ceremony."""

    def __init__(self, app, *, browser=False, peer=ADDRESS, origin=BASE, agent="tests"):
        self.app = app
        self.browser = browser
        self.peer = peer
        self.origin = origin
        self.agent = agent
        self.jar = {}
        self.token = None
        self.refresh = None
        self.ticket = None

    async def get(self, path, **others):
        return await self.ask("GET", path, **others)

    async def post(self, path, body=None, **others):
        return await self.ask("POST", path, body, **others)

    async def patch(self, path, body=None, **others):
        return await self.ask("PATCH", path, body, **others)

    async def put(self, path, body=None, **others):
        return await self.ask("PUT", path, body, **others)

    async def delete(self, path, **others):
        return await self.ask("DELETE", path, **others)

    async def ask(self, method, path, body=None, *, headers=(), raw=None, form=None, plain=False):
        """``plain`` leaves out what this client would add by itself."""
        given = dict(headers)
        sent = b""
        if raw is not None:
            sent = raw
            given.setdefault("content-type", "application/json")
        elif form is not None:
            sent = urlencode(form).encode()
            given.setdefault("content-type", "application/x-www-form-urlencoded")
        elif body is not None:
            sent = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        if not plain:
            self._add(method, path, given)
        answer = await exchange(self.app, method, path, given, sent, self.peer)
        self._keep(answer)
        return answer

    def _add(self, method, path, given):
        given.setdefault("user-agent", self.agent)
        if self.browser:
            given.setdefault("sec-fetch-site", "same-origin")
            if method not in {"GET", "HEAD"}:
                given.setdefault("origin", self.origin)
        fitting = {n: v for n, (v, at) in self.jar.items() if path.startswith(at)}
        if fitting:
            given.setdefault("cookie", "; ".join(f"{n}={v}" for n, v in fitting.items()))
        if self.token:
            given.setdefault("authorization", f"Bearer {self.token}")
        starting = (method, path) == ("POST", "/v1/ceremony")
        if self.ticket and path.startswith("/v1/ceremony") and not starting:
            given.setdefault("ceremony", self.ticket)

    def _keep(self, answer):
        for name, cookie in answer.cookies().items():
            if not self.browser:
                continue
            if cookie.get("Max-Age") == "0":
                self.jar.pop(name, None)
            else:
                self.jar[name] = (cookie["value"], cookie["Path"])
        if answer.header("content-type") != "application/json":
            return
        told = answer.json
        if not isinstance(told, dict):
            return
        if "ceremony" in told:
            self.ticket = told["ceremony"]
        if told.get("state") == "done":
            self.ticket = None
        tokens = told.get("tokens") or (told.get("result") or {}).get("tokens")
        if isinstance(tokens, dict):
            self.token, self.refresh = tokens["access_token"], tokens["refresh_token"]

    async def start(self, name, password=PASSWORD, **others):
        body = {"kind": "login", "identifier": name, "password": password, **others}
        return await self.post("/v1/ceremony", body)

    async def verify(self, code, **others):
        return await self.post("/v1/ceremony/verify", {"code": code, **others})


async def exchange(app, method, path, headers, body, peer):
    """One request, as an ASGI server hands it over."""
    at, _, query = path.partition("?")
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    if body or method in {"POST", "PUT", "PATCH"}:
        pairs.append((b"content-length", str(len(body)).encode()))
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(at),
        "raw_path": at.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": pairs,
        "client": (peer, 50000),
        "scheme": "http",
    }
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        if waiting:
            return waiting.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start, *bodies = sent
    answer = Answer(
        start["status"],
        tuple(start["headers"]),
        b"".join(message.get("body", b"") for message in bodies),
    )
    check_documented(app, method, at, answer)
    return answer


SEEN = set()
"""What was refused where, in the tests of this process."""


def check_documented(app, method, path, answer):
    """Every answer is one that the OpenAPI document promises, whatever the test is about."""
    found = app._table.find(unquote(path))
    route = found[0].routes.get(method) if found else None
    if route is None or not route.listed or method == "HEAD":
        return
    if answer.status < 400:
        assert answer.status in route.answers, (method, path, answer.status)
        return
    SEEN.add((route.method, route.path, answer.code))
    promised = {kind.code for kind in openapi._possible(route)}
    assert answer.code in promised, (method, path, answer.code)


def secret_of(uri):
    """The key of a key URI."""
    text = parse_qs(urlsplit(uri).query)["secret"][0]
    return base64.b32decode(text + "=" * (-len(text) % 8))


def context(**fields):
    return Context(DEFAULT_REALM, **fields)
