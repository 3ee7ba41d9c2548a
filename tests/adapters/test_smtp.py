"""Mail leaves encrypted, in time, under one name, and never through a server that only pretends."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime

import aiosmtplib
import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.adapters.mailboxes import Mailbox, serve, text_of
from twofold.adapters.senders.smtp import Relay, SmtpSender
from twofold.core.errors import Malformed, Misconfigured
from twofold.core.types import Instant, Secret
from twofold.ports import Letter

FROM = "Twofold <noreply@example.org>"
LETTER = Letter("ab12.5f", "email", "alice@example.org", "Your code", "123456\n", "<p>123456</p>")


class Clock:
    def now(self):
        return Instant(1_800_000_000_000_000)


def sender(port, **options):
    return SmtpSender(Relay("127.0.0.1", port, FROM, **{"tls": "none"} | options), Clock())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for 127.0.0.1 that only those trust who are told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    today = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=False,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


def serving_tls(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@asynccontextmanager
async def talking(talk):
    """Serve whatever a coroutine does with a connection."""
    tasks = []

    async def meet(reader, writer):
        tasks.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.CancelledError):
            await talk(writer)
        writer.transport.abort()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def test_a_message_says_when_and_by_what_it_was_made():
    box = Mailbox()
    async with serve(box) as port:
        await sender(port).send(LETTER)

    [message] = box.messages
    assert message["From"] == FROM
    assert message["To"] == "alice@example.org"
    assert message["Message-ID"] == "<ab12.5f@example.org>"
    assert parsedate_to_datetime(message["Date"]).timestamp() == 1_800_000_000
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert (text_of(message), text_of(message, "html")) == ("123456\n", "<p>123456</p>\n")
    assert box.envelopes[0].mail_from == "noreply@example.org"


async def test_a_second_try_has_the_same_message_id():
    box = Mailbox()
    async with serve(box) as port:
        await sender(port).send(LETTER)
        await sender(port).send(LETTER)

    assert len({message["Message-ID"] for message in box.messages}) == 1


async def test_a_text_without_html_is_one_part():
    box = Mailbox()
    async with serve(box) as port:
        await sender(port).send(Letter("1.1", "email", "alice@example.org", "Hi", "Hello\n"))

    assert not box.messages[0].is_multipart()


async def test_a_long_address_stands_in_its_header_as_it_is():
    box = Mailbox()
    to = "a" * 64 + "@" + "long." * 30 + "example.org"
    async with serve(box) as port:
        await sender(port).send(Letter("1.1", "email", to, "Hi", "Hello\n"))

    assert [one.addr_spec for one in box.messages[0]["To"].addresses] == [to]


async def test_a_domain_of_any_script_is_written_as_dns_knows_it():
    box = Mailbox()
    async with serve(box) as port:
        await sender(port).send(Letter("1.1", "email", "alice@bücher.example", "Hi", "Hello\n"))

    assert box.envelopes[0].rcpt_tos == ["alice@xn--bcher-kva.example"]


async def test_a_mailbox_name_the_server_cannot_write_is_refused_for_good():
    async with serve(Mailbox(), enable_SMTPUTF8=False, decode_data=True) as port:
        with pytest.raises(Malformed):
            await sender(port).send(Letter("1.1", "email", "grüße@example.org", "Hi", "Hello\n"))


async def test_starttls_encrypts(certificate):
    box = Mailbox()
    context = serving_tls(certificate)
    async with serve(box, tls_context=context, require_starttls=True) as port:
        trusted = certificate / "certificate.pem"
        await sender(port, tls="starttls", authorities=trusted).send(LETTER)

    assert box.sessions[0].ssl is not None


async def test_tls_encrypts_from_the_first_byte(certificate):
    box = Mailbox()
    async with serve(box, ssl=serving_tls(certificate)) as port:
        trusted = certificate / "certificate.pem"
        await sender(port, tls="tls", authorities=trusted).send(LETTER)

    assert len(box.envelopes) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_certificate_nobody_vouches_for_is_refused(certificate, tls):
    box = Mailbox()
    context = serving_tls(certificate)
    options = {"ssl": context} if tls == "tls" else {"tls_context": context}
    async with serve(box, **options) as port:
        with pytest.raises((ssl.SSLError, aiosmtplib.SMTPException)):
            await sender(port, tls=tls).send(LETTER)

    assert box.envelopes == []


async def test_a_server_that_hides_starttls_gets_nothing():
    box = Mailbox()
    async with serve(box) as port:
        with pytest.raises(aiosmtplib.SMTPException):
            await sender(port, tls="starttls").send(LETTER)

    assert box.envelopes == []


def only_alice(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"alice", b"wonder land")
    return AuthResult(success=right, handled=False)


async def test_the_relay_is_told_who_we_are(certificate):
    box = Mailbox()
    context = serving_tls(certificate)
    async with serve(
        box, tls_context=context, authenticator=only_alice, auth_required=True
    ) as port:
        await sender(
            port,
            tls="starttls",
            authorities=certificate / "certificate.pem",
            username="alice",
            password=Secret(b"wonder land"),
        ).send(LETTER)

    assert len(box.envelopes) == 1


async def test_a_wrong_password_is_tried_again_later_because_an_operator_can_mend_it():
    box = Mailbox()
    async with serve(box, authenticator=only_alice, auth_require_tls=False) as port:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await sender(port, username="alice", password=Secret(b"x")).send(LETTER)


async def test_an_address_refused_for_good_is_not_tried_again():
    async with serve(Mailbox(rcpt="550 no such mailbox")) as port:
        with pytest.raises(Malformed) as refused:
            await sender(port).send(LETTER)

    assert "alice" not in refused.value.detail


@pytest.mark.parametrize(
    "answers", [{"rcpt": "450 greylisted"}, {"data": "451 later"}, {"data": "554 spam"}]
)
async def test_anything_else_may_be_tried_again(answers):
    async with serve(Mailbox(**answers)) as port:
        with pytest.raises(aiosmtplib.SMTPException):
            await sender(port).send(LETTER)


async def test_a_server_that_hangs_up_is_an_error():
    async def talk(writer):
        writer.close()

    async with talking(talk) as port:
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await sender(port).send(LETTER)


async def test_nobody_there_is_an_error():
    async with talking(None) as port:
        pass

    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await sender(port).send(LETTER)


async def accept_and_hang(writer):
    await asyncio.Event().wait()


async def drip(writer):
    while True:
        writer.write(b"220-x\r\n")
        await asyncio.sleep(0.01)


async def flood(writer):
    while True:
        writer.write(b"220-" + b"x" * 4000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize("talk", [accept_and_hang, drip, flood])
async def test_a_hostile_server_cannot_hold_us_up(talk):
    async with talking(talk) as port, asyncio.timeout(10):
        with pytest.raises((aiosmtplib.SMTPException, OSError, TimeoutError)):
            await sender(port, timeout=0.2).send(LETTER)


async def test_a_server_that_hangs_after_taking_the_message_has_taken_it():
    box = Mailbox()

    async def hang(server, session, envelope):
        await asyncio.sleep(3600)

    box.handle_QUIT = hang
    async with serve(box) as port, asyncio.timeout(10):
        await sender(port, timeout=5.0).send(LETTER)

    assert len(box.envelopes) == 1


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"sender": "not an address"}, "email.from"),
        ({"sender": "a@b.c\r\nBcc: d@e.f"}, "email.from"),
        ({"sender": ""}, "email.from"),
        ({"host": "mail.example.org", "tls": "none", "username": "u"}, "email.tls"),
        ({"host": "192.0.2.1", "tls": "none", "username": "u"}, "email.tls"),
        ({"tls": "tls", "authorities": "/nowhere.pem"}, "email.authorities"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(changes, key):
    fields = {"host": "127.0.0.1", "port": 25, "sender": FROM, "tls": "none"} | changes

    with pytest.raises(Misconfigured) as refused:
        SmtpSender(Relay(**fields), Clock())

    assert refused.value.faults[0].startswith(key)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_password_may_stay_on_this_machine_unencrypted(host):
    SmtpSender(Relay(host, 25, FROM, tls="none", username="u", password=Secret(b"p")), Clock())


def test_a_password_is_not_shown():
    assert "hunter2" not in repr(Relay("h", 25, FROM, password=Secret(b"hunter2")))
