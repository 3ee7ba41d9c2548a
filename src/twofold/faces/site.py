"""All routes of our own faces, as wiring mounts them."""

from __future__ import annotations

from dataclasses import replace

from twofold.faces import Front
from twofold.faces.answers import Answers
from twofold.faces.api_account import AccountApi
from twofold.faces.api_admin import UserApi
from twofold.faces.api_admin_factors import UserFactorApi
from twofold.faces.api_admin_realm import RealmApi
from twofold.faces.api_admin_theme import ThemeApi
from twofold.faces.api_ceremony import CeremonyApi
from twofold.faces.api_devices import DeviceApi
from twofold.faces.api_dialects import DialectApi
from twofold.faces.api_factors import FactorApi
from twofold.faces.api_owner import OwnerApi
from twofold.faces.api_session import SessionApi
from twofold.faces.api_verify import VerifyApi
from twofold.faces.desk import Desk
from twofold.faces.docs import Docs
from twofold.faces.health import Health
from twofold.faces.pages import Pages
from twofold.faces.pages_account import AccountPages
from twofold.faces.pages_browsers import BrowserPages
from twofold.faces.pages_dialects import DialectPages
from twofold.faces.pages_disown import DisownPages
from twofold.faces.pages_login import LoginPages
from twofold.faces.pages_methods import MethodPages
from twofold.faces.pages_owner import OwnerPages
from twofold.faces.pages_passkey import PasskeyPages
from twofold.faces.pages_register import RegisterPages
from twofold.faces.transport import Entrance
from twofold.web.kit import Route


def routes(front: Front) -> tuple[Route, ...]:
    """Every route of the native API, its documentation, and the pages."""
    entrance, answers = Entrance(front), Answers(front)
    api = api_routes(front, entrance, answers)
    return (*api, *Docs(front, api).routes(), *page_routes(front, entrance, answers))


def api_routes(front: Front, entrance: Entrance, answers: Answers) -> tuple[Route, ...]:
    """The native API."""
    found = (
        *CeremonyApi(front, entrance, answers).routes(),
        *FactorApi(front, entrance, answers).routes(),
        *SessionApi(front, entrance, answers).routes(),
        *DeviceApi(front, entrance, answers).routes(),
        *AccountApi(front, entrance, answers).routes(),
        *OwnerApi(front, entrance, answers).routes(),
        *UserApi(front, entrance).routes(),
        *UserFactorApi(front, entrance).routes(),
        *RealmApi(front, entrance).routes(),
        *ThemeApi(front, entrance).routes(),
        *DialectApi(front, entrance).routes(),
        *Health(front, entrance).routes(),
    )
    worded = tuple(replace(route, on_error=answers.refused) for route in found)
    return (*worded, *VerifyApi(front, entrance).routes())


def page_routes(front: Front, entrance: Entrance, answers: Answers) -> tuple[Route, ...]:
    """The pages for people."""
    pages = Pages(front, entrance, answers)
    login = LoginPages(pages)
    desk = Desk(pages)
    shown = (
        *login.routes(),
        *PasskeyPages(login).routes(),
        *AccountPages(desk).routes(),
        *MethodPages(desk, login).routes(),
        *OwnerPages(desk).routes(),
        *BrowserPages(desk).routes(),
        *RegisterPages(desk).routes(),
        *DisownPages(pages).routes(),
        *DialectPages(front, pages).routes(),
    )
    dressed = (replace(route, handler=pages.looks.dressed(route.handler)) for route in shown)
    return (*dressed, *pages.routes(), *pages.looks.routes())
