"""Mail is a second step, and never more than that."""

from twofold.core.types import Aal, Category
from twofold.factors._out_of_band import OutOfBand
from twofold.factors.email import email


def test_mail_never_helps_beyond_the_first_level():
    # SP 800-63B-4 section 3.1.3.1
    factor = email()

    assert (factor.amr, factor.aal, factor.category) == (
        ("otp", "email"),
        Aal.ONE,
        Category.MAILBOX,
    )
    assert (factor.first, factor.slow, factor.asks) == (False, False, True)


def test_its_settings_go_where_they_belong():
    assert email(digits=8, lifetime=300, cooldown=30, daily=5) == OutOfBand(
        kind="email",
        amr=("otp", "email"),
        aal=Aal.ONE,
        category=Category.MAILBOX,
        channel="email",
        address="email",
        digits=8,
        lifetime=300,
        cooldown=30,
        daily=5,
    )
