"""A program is called what its owner knows it by, and never what it chooses to say."""

import pytest

from twofold.core import agents

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEB = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/140.0.0.0 Safari/537.36",
         "Chrome, Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
         "Edge, Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {KIT} Chrome/140.0.0.0 Safari/537.36 OPR/115.0",
         "Opera, Linux"),
        (f"Mozilla/5.0 (Linux; Android 14) {KIT} SamsungBrowser/27.0 Chrome/125 Mobile Safari/537",
         "Samsung Internet, Android"),
        (f"Mozilla/5.0 (Linux; Android 14; K) {KIT} Chrome/140.0.0.0 Mobile Safari/537.36",
         "Chrome, Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
         "Firefox, Linux"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEB} Version/18.5 Safari/605.1.15",
         "Safari, macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) {WEB} Version/18.5 Mobile/15E148 Safari/604.1",
         "Safari, iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/140.0 Mobile",
         "Chrome, iPad"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {KIT} Chrome/140.0.0.0 Safari/537.36",
         "Chrome, ChromeOS"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32", "Python"),
        ("", ""),
        ("Call +49 30 1234567 now", ""),
        ("x" * 600 + " Firefox/1", ""),
    ],
)  # fmt: skip
def test_a_program_is_called_by_words_of_ours(agent, words):
    assert agents.described(agent) == words
