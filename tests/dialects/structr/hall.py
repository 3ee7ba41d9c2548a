"""A server that speaks Structr, in this process: real engine, real store, our clock."""

import base64
import json
import re
import subprocess
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

from tests.faces.house import Client, House, secret_of, totp
from twofold.ceremonies import admin_realm
from twofold.core.types import DEFAULT_REALM, Context
from twofold.dialects import Hall
from twofold.dialects.structr import Structr
from twofold.dialects.structr.config import StructrSettings
from twofold.dialects.structr.config_whitelist import parse
from twofold.faces.site import routes
from twofold.web.kit import App

REST = "/structr/rest"
PASSWORD = "corridor umbrella nineteen"
HIDDEN = "****** HIDDEN ******"
WRONG = (
    "Wrong username or password, or user is blocked."
    " Check caps lock. Note: Username is case sensitive!"
)
LEVELS = ("off", "optional", "required")
ROOT = "root"
KEY = b"a key of this very server, 32 b."


@dataclass
class StructrHall(House):
    """The house with the dialect mounted, and settings that a test changes while it serves."""

    settings: StructrSettings = field(default_factory=StructrSettings)
    users: dict = field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        hall = Hall(self.engine, self.site.site, key=lambda _: KEY)
        self.dialect = Structr(hall, self.current)
        self.app = App((*routes(self.site), *self.dialect.routes()), self.site.site)

    async def current(self):
        return self.settings

    def configure(self, *, whitelist=None, **changes):
        """Change settings as an administrator would, without a restart."""
        if whitelist is not None:
            changes["whitelist"] = parse(whitelist)
        self.settings = replace(self.settings, **changes)

    async def level(self, number):
        """Set the level, which is the realm's policy."""
        _, version = await admin_realm.policy(self.engine, DEFAULT_REALM)
        body = {"enforcement": LEVELS[number]}
        await admin_realm.put_policy(self.engine, Context(), "operator", body, version)

    def client(self, **others):
        return Caller(self.app, **others)

    def browser(self, **others):
        return Caller(self.app, browser=True, origin=self.base_url, **others)

    async def user(self, name="user", *kinds, **fields):
        """A user with a password, and the factors named."""
        made = await self.add(name, *kinds, password=PASSWORD, **fields)
        self.users[name] = made.id
        return made.id

    async def ruler(self):
        """A client with an administrator's name and password in its headers."""
        if ROOT not in self.users:
            await self.user(ROOT, admin=True)
        return self.client(headers={"x-user": ROOT, "x-password": PASSWORD})

    async def put(self, name, **body):
        """An administrator changes a user, as the manual's curl lines do."""
        answer = await (await self.ruler()).put(f"{REST}/User/{self.users[name]}", body)
        assert (answer.status, answer.json["result"]) == (200, {}), answer.text
        return answer

    async def shown(self, name="user"):
        """What an administrator sees of a user."""
        answer = await (await self.ruler()).get(f"{REST}/User/{self.users[name]}/ui")
        assert answer.status == 200, answer.text
        return answer.json["result"]

    async def enrolled(self, name="user"):
        """A user with a confirmed second factor, set up by logging in; its key."""
        await self.user(name)
        await self.put(name, isTwoFactorUser=True)
        client = self.client()
        first = await client.login(name)
        key = key_of(first)
        second = await client.second(first, self.shows(key))
        assert second.status == 200, second.text
        self.secrets[name, "totp"] = key
        self.next_step()
        return key

    def shows(self, key, *, digits=6, period=30, steps=0):
        """What an app with this key shows now."""
        return totp(
            key, self.clock.now() + steps * period * 1_000_000, period=period, digits=digits
        )

    def another(self, key):
        """A code that no app with this key shows around now."""
        near = {self.shows(key, steps=steps) for steps in range(-9, 10)}
        return next(text for text in map(str, range(100_000, 200_000)) if text not in near)

    async def facts(self, event):
        """The bodies of all records of an event."""
        found = await self.store.records(DEFAULT_REALM, limit=10_000)
        return [json.loads(e.record.body) for e in found if e.record.event == event]


class Caller(Client):
    """A client of Structr's REST interface, with headers of its own on every request."""

    def __init__(self, app, *, headers=None, **others):
        super().__init__(app, **others)
        self.extra = headers or {}

    async def ask(self, method, path, body=None, *, headers=(), **others):
        return await super().ask(
            method, path, body, headers={**self.extra, **dict(headers)}, **others
        )

    async def login(self, name, password=PASSWORD, **others):
        return await self.post(f"{REST}/login", {"name": name, "password": password}, **others)

    async def second(self, first, code, **others):
        token = first if isinstance(first, str) else first.header("token")
        body = {"twoFactorToken": token, "twoFactorCode": code}
        return await self.post(f"{REST}/login", body, **others)


def session(answer):
    """The header that shows the session an answer has set."""
    return {"cookie": f"JSESSIONID={answer.cookies()['JSESSIONID']['value']}"}


def png_of(answer):
    """The picture in ``qrdata``, read as the manual's page reads it."""
    data = answer.header("qrdata")
    assert re.fullmatch(r"[A-Za-z0-9_\-]+={0,2}", data)
    assert len(data) % 4 == 0
    return base64.b64decode(data.replace("_", "/").replace("-", "+"))


def uri_of(answer):
    """What a camera reads in ``qrdata``."""
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-"], input=png_of(answer), capture_output=True, check=True
    )
    return read.stdout.decode().strip()


def key_of(answer):
    return secret_of(uri_of(answer))


def parameters_of(answer):
    return {name: values[0] for name, values in parse_qs(urlsplit(uri_of(answer)).query).items()}


def refusal(answer):
    """Status, message and reason of a refusal, in its one shape."""
    told = answer.json
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert answer.header("cache-control") == "no-store"
    assert list(told) == ["code", "message", "errors"]
    assert told["code"] == answer.status
    assert answer.text == json.dumps(told, indent=2, ensure_ascii=False)
    return answer.status, told["message"], answer.header("reason")
