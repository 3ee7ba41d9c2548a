import pytest

from twofold.core import agents

MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        (
            (
                f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
            ),
            "Edge, Windows",
        ),
        (
            (
                f"{MOZILLA} (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/141.0.0.0 Mobile Safari/537.36"
            ),
            "Chrome, Android",
        ),
        (
            (
                f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari, iPhone",
        ),
        (
            (
                f"{MOZILLA} (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) Version/18.0 Safari/605.1.15"
            ),
            "Safari, macOS",
        ),
        (f"{MOZILLA} (X11; CrOS x86_64) Chrome/141.0.0.0 Safari/537.36", "Chrome, ChromeOS"),
        ("curl/8.5.0", "curl"),
        (f"{MOZILLA} (Windows NT 10.0)", "Windows"),
        ("", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_called_by_names_that_we_chose(agent: str, label: str) -> None:
    assert agents.label(agent) == label
