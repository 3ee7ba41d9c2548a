"""What the tests of out-of-band codes share: a mailbox, and asking for a code to it."""

from tests.factors.bindings import ALICE, CEREMONY, NOW, bind, issue, seed
from twofold.factors.email import email

OTHER_LOGIN = "login.fedcba9876543210"
STEP_UP = "stepup.0123456789abcdef"
MAIL = email()


def ask(held, ceremony=CEREMONY, now=NOW, factor=MAIL, number=7):
    """Ask, and commit what was asked."""
    asked = factor.ask(ALICE, held, ceremony, seed(number), now)
    return asked, issue(held, asked)


def ready(factor=MAIL, now=NOW):
    """An authenticator with a code on its way, and the code."""
    asked, held = ask(bind(factor)[0], now=now, factor=factor)
    return held, asked.deliver["code"]
