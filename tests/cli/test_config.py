"""The configuration as the command line shows and checks it."""

from twofold.dialects.structr.config import SETTINGS
from twofold.settings import KEYS


def test_everything_in_force_is_shown(run, data):
    shown = run("config", "show", "--json").json

    mounted = SETTINGS.keys() if "structr" in shown["dialects.enabled"] else ()
    assert shown.keys() == {*KEYS, *mounted}
    assert shown["data"] == str(data)
    assert shown["policy.kinds"] == ["totp", "email", "webauthn", "sms", "webhook"]
    assert shown["metrics.networks"] == ["127.0.0.0/8", "::1/128"]
    assert "server.port\t8080\n" in run("config", "show").out


def test_the_origin_of_each_value_is_shown(run, tmp_path, monkeypatch):
    file = tmp_path / "a.toml"
    file.write_text("server.port = 9\n")
    monkeypatch.setenv("TWOFOLD_TOTP__DIGITS", "8")

    shown = run("config", "show", "--origin", "--json", "--config", str(file)).json

    assert shown["server.port"] == {"value": 9, "origin": str(file)}
    assert shown["totp.digits"] == {"value": 8, "origin": "TWOFOLD_TOTP__DIGITS"}
    assert shown["data"]["origin"] == "--data"
    assert shown["server.host"] == {"value": "127.0.0.1", "origin": "default"}
    plain = run("config", "show", "--origin", "--config", str(file)).out
    assert f"server.port\t9\t{file}\n" in plain


def test_a_secret_stays_hidden(run, monkeypatch):
    monkeypatch.setenv("TWOFOLD_EMAIL__USERNAME", "post")
    monkeypatch.setenv("TWOFOLD_EMAIL__PASSWORD", "Yq3-1Zk0-hunter2")

    for words in (["--json"], [], ["--origin"], ["--origin", "--json"]):
        done = run("config", "show", *words)
        assert done.status == 0
        assert "hunter2" not in done.out
        assert "(hidden)" in done.out


def test_a_configuration_without_faults_is_fine(run):
    done = run("config", "check")

    assert (done.status, done.out) == (0, "fine: 3 settings given\n")
    assert run("config", "check", "--json").json == {
        "ok": True, "settings": 3, "notes": [],
    }  # fmt: skip


def test_faults_are_listed_one_a_line(run, tmp_path, monkeypatch):
    file = tmp_path / "a.toml"
    file.write_text("totp.digits = 5\nzebra = 1\n")
    monkeypatch.setenv("TWOFOLD_CONFIG", str(file))

    plain, document = run("config", "check"), run("config", "check", "--json")

    assert (plain.status, plain.out) == (2, "")
    assert (
        plain.err.splitlines()
        == document.json["faults"]
        == [
            f"{file}: zebra is no setting",
            f"{file}: totp.digits must be a whole number from 6 to 8, not 5",
        ][::-1]
    )
    assert document.json["error"] == "misconfigured"
    assert document.err == ""


def test_files_named_on_the_command_line_replace_those_of_the_environment(
    run, tmp_path, monkeypatch
):
    (tmp_path / "a.toml").write_text("server.port = 1\n")
    (tmp_path / "b.toml").write_text("server.workers = 2\n")
    (tmp_path / "c.toml").write_text("server.port = 3\n")
    monkeypatch.setenv("TWOFOLD_CONFIG", f"{tmp_path / 'a.toml'}:{tmp_path / 'b.toml'}")

    both = run("config", "show", "--json").json
    assert (both["server.port"], both["server.workers"]) == (1, 2)
    other = run("config", "show", "--json", "--config", str(tmp_path / "c.toml")).json
    assert (other["server.port"], other["server.workers"]) == (3, 1)
