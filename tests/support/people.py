"""People who already live in a store: accounts with passwords, apps, mailboxes, printed codes.

They are moved in by commits, not through the API: a test about the second step should not begin
with an enrolment, and must know the secrets that nobody else ever sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.support.codes import Phone
from twofold.ceremonies import clients
from twofold.ceremonies.engine import Engine
from twofold.core.effects import Bind, PutSubject
from twofold.core.types import DEFAULT_REALM, Authenticator, Context, Subject, SubjectId
from twofold.factors import Wish

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, with everything that only this person knows."""

    id: SubjectId
    name: str
    email: str
    password: str = PASSWORD
    phone: Phone | None = None
    recovery: tuple[str, ...] = ()
    factors: tuple[tuple[str, str], ...] = ()
    """Kind and id of each authenticator."""

    def factor(self, kind: str) -> str:
        """The id of the authenticator of a kind."""
        return dict(self.factors)[kind]

    @property
    def app(self) -> Phone:
        """The authenticator app, which is there."""
        assert self.phone is not None
        return self.phone


async def settle(
    engine: Engine,
    name: str,
    *,
    totp: bool = True,
    mail: bool = False,
    recovery: bool = True,
    **fields: object,
) -> Person:
    """Move somebody in; ``fields`` are further ones of the subject."""
    now = engine.clock.now()
    id = SubjectId(engine.draw(16).hex())
    known = {"email": f"{name}@example.org", "email_verified": True, **fields}
    subject = Subject(DEFAULT_REALM, id, name, now, **known)
    kinds = ["password"]
    kinds += ["totp"] if totp else []
    kinds += ["email"] if mail else []
    kinds += ["recovery"] if recovery and (totp or mail) else []
    bound = [_bound(engine, subject, kind) for kind in kinds]
    await engine.store.commit(PutSubject(subject), *(Bind(a) for a, _, _ in bound))
    secrets = {a.kind: secret for a, secret, _ in bound}
    shown = {a.kind: codes for a, _, codes in bound}
    return Person(
        id=id,
        name=name,
        email=subject.email or "",
        phone=Phone(secrets["totp"]) if totp else None,
        recovery=shown.get("recovery", ()),
        factors=tuple((a.kind, a.id) for a, _, _ in bound),
    )


async def enlist(engine: Engine, name: str) -> tuple[str, str]:
    """Register an application; returns its id and its secret."""
    client, secret = await clients.put_client(engine, Context(), "operator", id=name)
    assert secret is not None
    return client.id, secret


def _bound(
    engine: Engine, subject: Subject, kind: str
) -> tuple[Authenticator, bytes, tuple[str, ...]]:
    factor = {"password": engine.opening, "recovery": engine.recovery, **engine.factors}[kind]
    wish = Wish(secret=PASSWORD.encode()) if kind == "password" else Wish()
    bound = factor.bind(subject, wish, engine.draw(), engine.clock.now())
    blank = Authenticator(
        id=engine.new_authenticator_id(),
        subject=subject.id,
        realm=subject.realm,
        kind=kind,
        created_at=engine.clock.now(),
        parameters=bound.parameters,
        items=bound.items,
    )
    sealed = engine.sealed(blank, bound.secret)
    codes = bound.reveal.get("codes", ())
    assert isinstance(codes, list | tuple)
    return replace(blank, sealed=sealed), bound.secret, tuple(map(str, codes))
