"""An operator sees every message before anybody else does, and hears what is wrong with a text."""

import pytest

from twofold.core.letters import TEMPLATES


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A directory of the operator's own texts, named in the settings."""
    folder = tmp_path / "mail"
    folder.mkdir()
    monkeypatch.setenv("TWOFOLD_EMAIL__TEMPLATES", str(folder))
    return folder


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_message_can_be_looked_at(run, template, locale):
    done = run("mail", "preview", template, "--locale", locale, "--json")

    assert done.status == 0
    assert done.json["language"] == locale
    assert done.json["faults"] == []
    assert "Twofold" in done.json["subject"]


def test_a_message_is_shown_as_text_or_as_html(run):
    assert run("mail", "preview", "code").out.startswith(
        "Your code to sign in to Twofold\n\n    31"
    )
    assert run("mail", "preview", "code", "--html").out.startswith("<!doctype html>\n<html lang=")
    text = run("mail", "preview", "code", "--channel", "sms", "--locale", "de").out
    assert "314159 ist Ihr Twofold-Code" in text
    assert run("mail", "preview", "code", "--channel", "sms", "--html").out == "\n"


def test_the_settings_decide_how_it_looks(run, monkeypatch):
    monkeypatch.setenv("TWOFOLD_TOTP__ISSUER", "Acme")
    monkeypatch.setenv("TWOFOLD_EMAIL__LOCALE", "de")
    monkeypatch.setenv("TWOFOLD_EMAIL__COLOUR", "#aa0000")
    monkeypatch.setenv("TWOFOLD_SERVER__BASE_URL", "https://id.acme.example")

    html = run("mail", "preview", "factor-added", "--html").out

    assert '<html lang="de">' in html
    assert "Ihr Konto bei Acme" in html
    assert "#aa0000" in html
    assert 'href="https://id.acme.example/account"' in html
    texted = run("mail", "preview", "code", "--channel", "sms").out
    assert texted.endswith("\n\n@id.acme.example #314159\n")


@pytest.mark.parametrize(
    "words", [["pigeon"], ["code", "--locale", "../de"], ["code", "--channel", "pigeon"]]
)
def test_what_there_is_not_is_refused(run, words):
    done = run("mail", "preview", *words)

    assert (done.status, done.out) == (2, "")
    assert done.err


def test_a_broken_text_shows_beforehand(run, own):
    (own / "code.txt").write_text("Hi\n\n{{ code }} {{ surname }}\n")

    previewed = run("mail", "preview", "code")
    checked = run("config", "check", "--json")
    examined = run("doctor", "--json")

    assert previewed.status == 1
    assert "Your code to sign in" in previewed.out
    assert "code.txt: UndefinedError: 'surname' is undefined" in previewed.err
    assert run("mail", "preview", "code", "--json").json["faults"]
    assert checked.status == 2
    assert checked.json["faults"] == [
        "email.templates: code.txt: UndefinedError: 'surname' is undefined"
    ]
    [found] = [c for c in examined.json["checks"] if c["name"] == "email.templates"]
    assert found["verdict"] == "warning"
    assert "ours is sent instead" in found["text"]


def test_a_text_without_fault_is_used_and_found_fine(run, own):
    (own / "code.txt").write_text("Hi\n\n{{ code }}, {{ name }}\n")

    assert run("mail", "preview", "code").out == "Hi\n\n314159, alice\n"
    assert run("config", "check").status == 0
    checks = run("doctor", "--json").json["checks"]
    assert {"name": "email.templates", "verdict": "ok", "text": str(own)} in checks


def test_an_account_has_a_language(run):
    run("user", "add", "alice", "--locale", "DE_at")
    assert run("user", "show", "alice", "--json").json["locale"] == "de-AT"
    assert "locale    de-AT\n" in run("user", "show", "alice").out

    run("user", "set", "alice", "--locale", "")

    assert run("user", "show", "alice", "--json").json["locale"] == ""
    assert run("user", "set", "alice", "--locale", "deutsch!").status == 2
