"""Every request that carries a credential, at the loudest log level; then a search everywhere."""

from __future__ import annotations

import asyncio
import base64
import time

from tests.adapters.mailboxes import Mailbox, serve
from tests.secrecy.canaries import Canaries, cells
from tests.support.client import Answer, Browser, Call, Client, Dialler
from tests.support.codes import Phone
from tests.support.people import Person, enlist
from tests.support.server import RunningServer, start_server, twofold
from tests.support.town import Town, town, until

PASSWORD = "kanarienvogel-singt-im-dunkeln"
LOUD = {
    "log": {"level": "debug", "requests": True},
    "policy": {"registration": True, "remember": {"days": 30}},
}


class Singer:
    """Somebody who does everything that can be done, and remembers every secret on the way."""

    def __init__(self, url: str, place: Town, box: Mailbox) -> None:
        self.canaries = Canaries()
        self.refusals: list[Answer] = []
        self.client = Client(Dialler(url))
        self.place = place
        self.box = box
        self.url = url
        self.phone: Phone
        self.ticket = ""
        self._step = 0

    async def tell(self, answer: Answer, *statuses: int) -> Answer:
        """Keep a refusal, whose words are searched as well."""
        assert answer.status in (statuses or (200, 201, 202, 204)), (answer.status, answer.body)
        if answer.status >= 400:
            self.refusals.append(answer)
        return answer

    def keep(self, answer: Answer) -> None:
        """Keep the tokens of an answer, and remember them as secrets."""
        self.client.keep(answer)
        self.canaries.keep("token", self.client.token, self.client.refresh_token)

    async def letter(self, subject: str) -> str:
        """The newest letter with this in its subject."""

        def find() -> list[str]:
            return [text for _, title, text in self.box.came() if subject in title.lower()]

        return (await until(find))[-1]

    def code(self) -> str:
        """A code of the app that was not used before; the windows are wide here."""
        now = time.time()
        self._step = max(self._step + 1, self.phone.step(now) - 9)
        code = self.phone.code(now, self._step - self.phone.step(now))
        self.canaries.keep(f"code {self._step}", code)
        return code

    async def sing(self, person: Person, secret: str) -> None:
        """All of it."""
        await self.register()
        await self.sign_in(person)
        await self.bind()
        await self.come_back(person)
        await self.lose_the_phone(person)
        await self.change_the_password(person)
        await self.with_cookies(person)
        await self.as_an_application(person, secret)
        await self.make_mistakes(person)

    async def register(self) -> None:
        self.canaries.keep("registered password", f"{PASSWORD}-neu")
        body = {"name": "newcomer", "email": "new@example.org", "password": f"{PASSWORD}-neu"}
        await self.tell(await self.client.post("/v1/account", body))
        token = (await self.letter("address")).split("#")[1].split()[0]
        self.canaries.keep("verification token", token)
        await self.tell(
            await self.client.post("/v1/account/verification/confirm", {"token": token})
        )

    async def sign_in(self, person: Person) -> None:
        self.canaries.keep("password", person.password)
        self.keep(await self.tell(await self.client.start(person.name, person.password)))

    async def bind(self) -> None:
        shown = await self.tell(await self.client.post("/v1/factors", {"kind": "totp"}))
        found = shown.json()
        self.phone = Phone.scanned(found["otpauth_uri"])
        self.canaries.keep("secret", found["secret"], self.phone.secret.hex())
        self.canaries.keep("ticket of a set-up", found["ceremony"])
        done = await self.client.step(found["ceremony"], "confirm", code=self.code())
        self.keep(await self.tell(done))
        self.codes = list(done.json()["result"]["recovery_codes"])
        self.canaries.keep("recovery code", *self.codes)

    async def begin(self, person: Person) -> None:
        self.ticket = await self.client.ticket(person.name, person.password)
        self.canaries.keep("ticket", self.ticket)

    async def come_back(self, person: Person) -> None:
        await self.begin(person)
        self.keep(await self.tell(await self.client.verify(self.ticket, self.code())))
        remembered = await self.tell(await self.client.post("/v1/devices", {}))
        # Each by itself: what is searched for is what opens something.
        for mark in remembered.json()["device"].split("~"):
            self.canaries.keep("remembered browser", mark)
        refresh = {"refresh_token": self.client.refresh_token}
        self.keep(await self.tell(await self.client.post("/v1/tokens/refresh", refresh)))
        shown = await self.client.post("/v1/factors", {"kind": "email"})
        await self.tell(shown)
        words = await self.letter("code")
        code = next(word for word in words.split() if word.isdigit() and len(word) == 6)
        self.canaries.keep("mailed code", code)
        ticket = shown.json()["ceremony"]
        self.canaries.keep("ticket of a mailbox", ticket)
        self.keep(await self.tell(await self.client.step(ticket, "confirm", code=code)))

    async def lose_the_phone(self, person: Person) -> None:
        await self.begin(person)
        self.keep(await self.tell(await self.client.recover(self.ticket, self.codes[0])))
        fresh = await self.tell(await self.client.post("/v1/recovery-codes", {}))
        self.codes = list(fresh.json()["codes"])
        self.canaries.keep("new recovery code", *self.codes)

    async def change_the_password(self, person: Person) -> None:
        again = f"{PASSWORD}-again"
        self.canaries.keep("changed password", again)
        await self.client.post("/v1/account/password/reset", {"identifier": person.name})
        token = (await self.letter("password")).split("#")[1].split()[0]
        self.canaries.keep("reset token", token)
        path = "/v1/account/password/reset/confirm"
        await self.tell(await self.client.post(path, {"token": token, "new_password": again}))
        ticket = await self.client.ticket(person.name, again)
        self.keep(await self.tell(await self.client.verify(ticket, self.code())))
        body = {"current_password": again, "new_password": person.password}
        self.keep(await self.tell(await self.client.post("/v1/account/password", body)))

    async def with_cookies(self, person: Person) -> None:
        browser = Browser(Dialler(self.url), self.url)
        body = {"identifier": person.name, "password": person.password, "transport": "cookie"}
        await self.tell(await browser.send("POST", "/v1/ceremony", body))
        self.canaries.keep("ticket cookie", browser.jar["twofold_ct"], browser.jar["twofold_c"])
        await self.tell(await browser.send("POST", "/v1/ceremony/verify", {"code": self.code()}))
        self.canaries.keep("session cookie", browser.jar["twofold_s"], browser.jar["twofold_r"])
        await self.tell(await browser.send("POST", "/v1/tokens/refresh", {}))
        self.canaries.keep("next cookie", browser.jar["twofold_s"], browser.jar["twofold_r"])
        foreign = await browser.send("DELETE", "/v1/session", site="cross-site")
        await self.tell(foreign, 403)
        await self.tell(await browser.send("DELETE", "/v1/session"))

    async def as_an_application(self, person: Person, secret: str) -> None:
        self.canaries.keep("application's secret", secret)
        shown = base64.b64encode(f"shop:{secret}".encode()).decode()
        self.canaries.keep("application's header", shown)
        call = Call("POST", "/v1/verify", {"subject": person.name, "code": self.code()},
                    (("authorization", f"Basic {shown}"),))  # fmt: skip
        answer = await self.tell(await self.client.call(call))
        self.canaries.keep("assertion", answer.json()["assertion"].rpartition(".")[2])
        wrong = f"{secret}-wrong"
        self.canaries.keep("application's wrong secret", wrong)
        shown = base64.b64encode(f"shop:{wrong}".encode()).decode()
        call = Call("POST", "/v1/verify", call.body, (("authorization", f"Basic {shown}"),))
        await self.tell(await self.client.call(call), 401, 422)

    async def make_mistakes(self, person: Person) -> None:
        """Secrets in every place they do not belong."""
        lost = f"{PASSWORD}-im-falschen-feld"
        self.canaries.keep("password in a wrong field", lost)
        client = Client(Dialler(self.url))
        await self.tell(await client.start(lost, "x" * 12), 422)
        await self.tell(await client.start(person.name, lost), 422)
        await self.tell(await client.start(person.name, person.password, passphrase=lost), 400)
        for path in (f"/v1/session?token={lost}", f"/{lost}", f"/v1/factors/{lost}",
                     f"/v1/session?{lost}", f"/v1/{lost}/x"):  # fmt: skip
            await self.tell(await self.client.send("DELETE", path), 204, 400, 401, 404, 405)
        await self.begin(person)
        for body in (
            {"code": lost}, {"code": [lost]}, {"recovery_code": lost}, {"code": 123456, "x": lost},
            {"recovery_code": self.codes[1], "code": lost}, {"factor": lost, "code": lost},
        ):  # fmt: skip
            await self.tell(await client.step(self.ticket, "verify", **body), 400, 404, 422)
        for raw in (f'{{"code": "{lost}"', f'{{"code": "{lost}", "code": "1"}}', f'"{lost}"', lost):
            headers = (("content-type", "application/json"), ("ceremony", self.ticket))
            answer = await client.post("/v1/ceremony/verify", raw.encode(), headers=headers)
            await self.tell(answer, 400)
        for header in ("authorization", "ceremony", "cookie", "x-request-id", "content-type",
                       "x-forwarded-for", "origin", "expect"):  # fmt: skip
            headers = ((header, f"Bearer {lost}"),)
            answer = await client.call(Call("POST", "/v1/ceremony/verify", b"{}", headers))
            await self.tell(answer, 400, 401, 403, 410, 415, 417)


async def test_no_secret_is_written_anywhere_but_where_it_is_sealed(tmp_path):
    box = Mailbox()
    async with serve(box) as port:
        mail = {"sender": "smtp", "host": "127.0.0.1", "port": port, "tls": "none"}
        config = {**LOUD, "email": {**mail, "from": "Twofold <t@example.org>"},
                  "totp": {"past": 10}}  # fmt: skip
        server = await asyncio.to_thread(start_server, tmp_path, config=config)
        try:
            async with town(server.data) as place:
                person = await place.settle("canary", totp=False)
                _, secret = await enlist(place.engine, "shop")
                singer = Singer(server.url, place, box)
                await singer.sing(person, secret)
                metrics = await singer.client.get("/metrics")
            singer.canaries.keep("admin password", server.admin_password)
            places = everything(server, singer, metrics)
        finally:
            server.stop()
    log = server.log.read_text()
    assert log.count("twofold.requests") > 50
    assert len(singer.canaries.known) > 50
    places["log"] = log
    places["output"] = "".join(server.lines)
    exported = twofold("audit", "export", data=server.data)
    assert exported.stdout.count("\n") > 30
    places["export"] = exported.stdout + exported.stderr
    places |= cells(server.data / "twofold.db")

    assert singer.canaries.seen_in(places) == []


def everything(server: RunningServer, singer: Singer, metrics: Answer) -> dict[str, str]:
    """What is to be searched while the server runs."""
    assert metrics.status == 200
    refusals = "\n".join(answer.body.decode() + str(answer.headers) for answer in singer.refusals)
    assert len(singer.refusals) > 20
    return {"metrics": metrics.body.decode(), "refusals": refusals}


def test_the_search_finds_what_it_is_for():
    canaries = Canaries()
    canaries.keep("word", "a secret/word+1")
    canaries.keep("code", "123456")
    for text in (
        "so: a secret/word+1.",
        "q=a%20secret%2Fword%2B1&",
        b"a secret/word+1".hex(),
        "YSBzZWNyZXQvd29yZCsx",
        "code=123456",
        '{"code":"123456"}',
    ):
        assert canaries.seen_in({"here": text}), text
    for text in ("1712345678", "ab123456cd", "2026.123456", "nothing"):
        assert not canaries.seen_in({"here": text}), text
