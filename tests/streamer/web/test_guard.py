"""Who may talk to the page's server."""

import http.client
import json

import pytest


@pytest.fixture
def ask(program):
    """status, body and headers of one request."""

    def ask(path="/", method="GET", body=None, token=True, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=30)
        query = f"?{program.address.split('?')[1]}" if token is True else f"?token={token}" if token else ""
        connection.request(method, path + query, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        answer = response.status, response.read().decode(), dict(response.getheaders())
        connection.close()
        return answer

    return ask


def test_the_page_is_given_to_whoever_has_the_address_and_nothing_is_loaded_from_elsewhere(ask, program):
    status, body, headers = ask()
    assert status == 200
    assert program.address.split("token=")[1] in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer", "the token is in the address"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/events", "/marker"])
@pytest.mark.parametrize("token", ["", "wrong", "ü"])
def test_without_the_token_there_is_nothing(ask, path, token):
    status, body, _ = ask(
        path, method="POST" if path == "/marker" else "GET", token=token.encode().hex() if token == "ü" else token
    )
    assert status == 403
    assert "open the address that ahmsa-live printed" in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8765"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_hosts_and_origins_are_refused_even_with_the_token(ask, headers):
    for path, method in (("/", "GET"), ("/page.js", "GET"), ("/marker", "POST")):
        assert ask(path, method, **headers)[0] == 403


def test_the_scripts_are_had_without_the_token_but_only_here(ask):
    status, body, headers = ask("/page.js", token="")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "EventSource" in body


def test_a_marker_is_answered_when_it_is_in_the_record(ask, program):
    status, body, _ = ask("/marker", "POST", json.dumps({"text": "film 3", "value": 3}))
    assert (status, json.loads(body)["ok"], json.loads(body)["session_s"]) == (200, True, 12.5)
    assert program.marks == [("film 3", 3, "page")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "JSON object with a text"),
        ('{"text": 3}', "JSON object with a text"),
        ("[" * 3000, "JSON object with a text"),
        ('{"text": "' + "x" * 5000 + '"}', "longer than"),
        ('{"text": "too much"}', "there is no room"),
    ],
)
def test_what_is_no_marker_is_answered_with_the_reason(ask, body, words):
    status, answer, _ = ask("/marker", "POST", body)
    assert status == 400
    assert words in json.loads(answer)["error"]
