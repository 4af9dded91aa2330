"""Every route as every role and as nobody: what is let through is written here, and nothing else."""

import itertools

import pytest

from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.app import create_api
from perfusio.dashboard.promises import TABLE, needed
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.selftest.page.web_trial import page_for_strangers, planted_on_the_page

ROLES = {"nobody": None, "vera": UserRole.VIEWER, "olga": UserRole.OPERATOR, "ada": UserRole.ADMIN}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    return create_api(Shelf([]), Site(tmp_path_factory.mktemp("site") / "users.sqlite"))


def test_the_table_names_every_route_and_its_role(api):
    assert needed(api) == TABLE


def test_a_route_without_a_role_is_found(api):
    @api.get("/api/v1/everything")
    def everything():
        return "secret"

    assert needed(api) != TABLE
    assert needed(api)["GET /api/v1/everything"] is None
    api.router.routes.pop()


@pytest.fixture(scope="module")
def clients(page):
    return {name: page.client(None if name == "nobody" else name) for name in ROLES}


def test_nobody_does_what_their_role_may_not():
    tried = page_for_strangers(False)
    assert tried.is_kept, tried.note
    assert tried.n_tried > 200


def test_bugs_planted_in_the_page_are_noticed():
    tried = planted_on_the_page(False)
    assert tried.is_kept, tried.note


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "guess"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_forged_change_is_refused(headers, status, clients, live):
    found = clients["olga"].post("/api/v1/runs/run/hold", content=b'{"vessel": ""}', headers={
        "Content-Type": "application/json", **headers,
    })  # fmt: skip
    assert found.status_code == status
    assert not (live.folder / "HOLD").exists()


def test_a_body_of_more_than_a_megabyte_is_refused(clients):
    assert clients["olga"].post("/api/v1/runs/run/hold", json={"why": "x" * 1_100_000}).status_code == 413

    def pieces():
        yield from itertools.repeat(b" " * 100_000, 12)

    headers = {"Content-Type": "application/json"}
    assert clients["olga"].post("/api/v1/runs/run/hold", content=pieces(), headers=headers).status_code == 413


def test_every_answer_has_the_headers_and_no_inline_script(clients):
    for path in ("/login", "/welcome", "/", "/api/v1/me", "/nothing-here"):
        found = clients["vera"].get(path)
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "<script>" not in found.text
        assert " style=" not in found.text
        assert "http://" not in found.text.replace("http://www.w3.org", "")


def test_a_token_may_no_more_than_it_was_given(clients, page):
    made = clients["ada"].post("/api/v1/tokens", json={"label": "reader", "role": "viewer", "days": 1}).json()
    program = page.client(None, headers={"Authorization": f"Bearer {made['secret']}"})
    assert program.get("/api/v1/runs").status_code == 200
    assert program.post("/api/v1/runs/run/hold", json={}).status_code == 403
    assert program.post("/api/v1/tokens", json={"label": "more"}).status_code == 403
    assert clients["vera"].delete(f"/api/v1/tokens/{made['id']}").status_code == 404, "another's token"
    assert clients["ada"].delete(f"/api/v1/tokens/{made['id']}").status_code == 200
    assert program.get("/api/v1/runs").status_code == 401


def test_guessing_is_slowed_and_secrets_are_never_shown(page, site):
    canary = "canary-secret-phrase"
    site.users.add("eve", "Eve Example", UserRole.VIEWER, "some other phrase")
    client, texts = page.client(), []
    codes = []
    for _ in range(7):
        found = client.post("/api/v1/login", json={"user": "eve", "password": canary})
        codes.append(found.status_code)
        texts.append(found.text)
    assert codes == [401] * 5 + [429] * 2
    assert int(found.headers["retry-after"]) > 0
    right = client.post("/api/v1/login", json={"user": "eve", "password": "some other phrase"})
    assert right.status_code == 429, "nor is the right one tried"
    texts.append(client.post("/api/v1/login", json={"user": "eve", "password": [canary]}).text)
    texts.append(client.post("/api/v1/welcome", json={"link": canary, "full_name": "E E", "password": canary}).text)
    kept = site.place.read_bytes()
    assert canary.encode() not in kept
    assert not [text for text in texts if canary in text]


def test_a_session_survives_the_server_and_ends_with_the_account(page, site, live):
    from .conftest import Page

    site.users.add("ruth", "Ruth Example", UserRole.VIEWER, "correct horse battery")
    client = page.client("ruth")
    cookie = client.cookies["perfusio_session"]
    other = Page(live.folder, site.place)
    again = other.client(cookies={"perfusio_session": cookie})
    assert again.get("/api/v1/me").json()["user"] == "ruth"
    site.users.change("ruth", is_active=False)
    assert again.get("/api/v1/me").status_code == 401
    other.end()


def test_a_link_works_once(page, site):
    link = site.credentials.make_link(UserRole.VIEWER)
    asked = {"link": link, "user": "noa", "full_name": "Noa Example", "password": "short"}
    client = page.client()
    assert client.post("/api/v1/welcome", json=asked).status_code == 400
    assert client.post("/api/v1/welcome", json={**asked, "password": "long enough to be one"}).status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "viewer"
    assert page.client().post("/api/v1/welcome", json={**asked, "user": "two"}).status_code == 400
