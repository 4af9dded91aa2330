"""The page in a real browser: Debian's chromium. Skipped where there is none, never in CI."""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from .conftest import PASSWORD, until

CHROMIUM = os.environ.get("PERFUSIO_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SHOTS = Path(__file__).parents[3] / "screenshots"
AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
WAIT_MS = 60_000

if CHROMIUM is None:
    if os.environ.get("CI") == "true":
        pytest.fail("no chromium: .ci/run installs it", pytrace=False)
    pytest.skip("no chromium (apt-get install chromium): the page is not tried in a browser", allow_module_level=True)

from playwright.sync_api import expect, sync_playwright  # noqa: E402 - only where there is a browser

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")  # while it is open an event loop runs, in which no asynchronous test of others could
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


class Tab:
    """One tab of a person: what it asked for and what it complained of is kept."""

    def __init__(self, chromium, page, user="olga", **settings):
        self.context = chromium.new_context(**settings)
        self.context.set_default_timeout(WAIT_MS)
        self.tab, self.asked, self.complaints, self.server = self.context.new_page(), [], [], page
        self.tab.on("request", lambda r: self.asked.append(r.url))
        self.tab.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.tab.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        if user:
            client = page.client(user)
            cookie = {"name": "perfusio_session", "value": client.cookies["perfusio_session"], "url": page.url}
            self.context.add_cookies([cookie])
            self.go("/runs/run")

    def go(self, path):
        self.tab.goto(self.server.url + path)
        self.tab.wait_for_selector("#content[data-seq]")

    def shot(self, name):
        SHOTS.mkdir(exist_ok=True)
        self.tab.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def tab(chromium, page):
    tab = Tab(chromium, page)
    yield tab
    tab.context.close()


@pytest.fixture(autouse=True)
def at_the_rig(tab):
    tab.go("/runs/run")


def sign(tab, reason=None, password=PASSWORD):
    box = tab.locator("dialog")
    if reason is not None:
        box.locator("[name=why]").fill(reason)
    box.locator("[name=password]").fill(password)
    box.locator("#act").click()


def test_log_in_as_a_person_does_and_be_refused_with_a_wrong_password(chromium, page):
    one = Tab(chromium, page, user=None)
    one.tab.goto(page.url + "/runs/run")
    expect(one.tab).to_have_url(re.compile("/login$"))
    one.tab.fill("[name=user]", "olga")
    one.tab.fill("[name=password]", "not the password")
    one.tab.keyboard.press("Enter")
    expect(one.tab.locator(".refusal")).to_have_text("Name or password is wrong.")
    one.tab.fill("[name=password]", PASSWORD)
    one.tab.keyboard.press("Enter")
    expect(one.tab.locator(".tile")).to_have_count(2)
    one.context.close()


def test_a_sample_ticks_in_without_a_reload(live, tab):
    live.feed()
    expect(tab.tab.locator(".tile header").first).to_contain_text(f"day {live.day}")


def test_from_a_tile_to_its_vessel_with_all_quantities(tab):
    tab.tab.click(".tile header a >> text=R02")
    expect(tab.tab.locator("figure")).to_have_count(16)  # ten species, six setpoints
    units = tab.tab.locator("figcaption").all_inner_texts()
    assert all("[" in text for text in units)
    assert tab.tab.locator("figure canvas").count() == 16
    tab.shot("vessel")


def test_job_approve_in_two_clicks(live, tab):
    tab.tab.click("[data-approve=R01]")  # 1
    sign(tab.tab)  # 2, after the password
    expect(tab.tab.locator("#toasts")).to_contain_text("R01: approved. The vessel has acknowledged")


def test_modify_and_reject_and_what_is_refused(live, tab):
    live.feed()
    tab.go("/runs/run/decisions")
    card = tab.tab.locator(".card.open").filter(has_text="R02")
    card.locator("[data-act=reject]").click()
    box = tab.tab.locator("dialog")
    box.locator("[name=password]").fill(PASSWORD)
    box.locator("#act").click()
    assert box.locator("[name=why]").evaluate("e => e.validity.valueMissing"), "a rejection without a reason"
    sign(tab.tab, "The probe is dirty.", password="wrong")
    expect(box.locator(".refusal")).to_contain_text("The password is wrong")
    tab.shot("reject")
    sign(tab.tab, "The probe is dirty.")
    expect(tab.tab.locator("#toasts")).to_contain_text("R02: rejected.")
    card = tab.tab.locator(".card.open").filter(has_text="R01")
    card.locator("[data-act=modify]").click()
    moved = box.locator("tr.moved input")
    asked = float(moved.input_value())
    moved.fill(str(round(asked * 1.01, 4)))
    sign(tab.tab, "A little more.")
    expect(tab.tab.locator("#toasts")).to_contain_text("R01: approved. The vessel has acknowledged")
    tab.shot("decisions")


def test_a_card_that_is_superseded_while_it_is_signed_is_refused(live, tab):
    live.feed()
    tab.go("/runs/run/decisions")
    tab.tab.locator(".card.open").filter(has_text="R01").locator("[data-act=approve]").click()
    live.feed()
    sign(tab.tab)
    expect(tab.tab.locator("dialog .refusal")).to_contain_text("superseded")
    tab.tab.keyboard.press("Escape")


def test_job_hold_one_and_all_in_one_click(live, tab):
    tab.tab.click("[data-hold=R01]")
    expect(tab.tab.locator('[data-vessel="R01"] .chip.hold')).to_be_visible()
    tab.tab.click("#stop-all")
    expect(tab.tab.locator("#release-all")).to_be_visible()
    assert (live.folder / "HOLD").exists()
    tab.shot("held")
    tab.tab.click("#release-all")
    sign(tab.tab, "All is well.")
    until(lambda: not (live.folder / "HOLD").exists(), "the release")
    expect(tab.tab.locator("#stop-all")).to_be_visible()


def test_jobs_wrong_overnight_compare_note_export_take_two_clicks(tab):
    tab.tab.click("nav >> text=Alarms")
    expect(tab.tab.locator("h1")).to_have_text("Alarms")
    tab.tab.click("nav >> text=Overnight")
    expect(tab.tab.locator("h1")).to_contain_text("What changed")
    tab.tab.click("nav >> text=Compare")
    expect(tab.tab.locator("figure canvas").first).to_be_visible()
    tab.tab.click("#note")  # 1
    tab.tab.locator("dialog [name=why]").fill("Foam at the filter.")
    tab.tab.click("#act")  # 2
    expect(tab.tab.locator("#toasts")).to_contain_text("The note is on record.")
    with tab.tab.expect_download() as found:
        tab.tab.click("text=Export")
    assert Path(found.value.path()).read_text().startswith("reactor,time [h],")


def test_values_are_entered_by_hand(live, tab):
    tab.go("/runs/run/samples")
    tab.tab.click("#enter")
    box = tab.tab.locator("dialog")
    box.locator("[name=vessel]").select_option("R02")
    box.locator("[name=hour]").fill(str(24 * live.day))
    box.locator("[name='of:glucose']").fill("4,6")
    sign(tab.tab, "Read from the printout.")
    expect(box.locator(".refusal")).to_contain_text("has a comma")
    tab.shot("enter")
    box.locator("[name='of:glucose']").fill("4.6")
    sign(tab.tab)
    expect(tab.tab.locator("#toasts")).to_contain_text("R02: entered.")


def test_all_by_keyboard(live, tab):
    tab.tab.keyboard.press("Tab")
    expect(tab.tab.locator(".skip")).to_be_focused()
    tab.tab.locator("#note").focus()
    tab.tab.keyboard.press("Enter")
    tab.tab.keyboard.type("Noted by keyboard.")
    tab.tab.keyboard.press("Enter")
    expect(tab.tab.locator("#toasts")).to_contain_text("The note is on record.")


VIEWS = ("", "/overnight", "/decisions", "/alarms", "/compare", "/samples", "/model", "/record", "/vessel/R01")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_view_has_a_serious_barrier_or_is_wider_than_a_phone(theme, chromium, page):
    one = Tab(chromium, page, viewport={"width": 390, "height": 844}, color_scheme=theme)
    for view in VIEWS:
        one.go("/runs/run" + view)
        assert one.tab.evaluate("document.documentElement.scrollWidth") <= 390, view
        one.shot(f"{view.strip('/').replace('/', '-') or 'rig'}-{theme}")
        one.tab.evaluate(AXE.read_text(encoding="utf-8"))
        found = one.tab.evaluate("axe.run()")["violations"]
        grave = [v for v in found if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in grave] == [], view
    assert one.complaints == []
    one.context.close()


def test_no_request_leaves_the_machine(tab, page):
    assert len(tab.asked) > 50
    hosts = {url.split("/")[2] for url in tab.asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {page.url.split("/")[2]}


def test_a_page_whose_server_or_twin_is_gone_says_so(chromium, live, site):
    from .conftest import Page

    other = Page(live.folder, site.place)
    one = Tab(chromium, other)
    other.end()
    expect(one.tab.locator("#banner")).to_contain_text("STALE: the server of this page does not answer")
    one.shot("no-server")
    one.context.close()


def test_a_page_says_stale_when_its_twin_has_died(chromium, tmp_path, site):
    from .conftest import LiveRun, Page

    run = LiveRun(tmp_path / "run" if (tmp_path / "run").mkdir() is None else tmp_path)
    run.feed()
    other = Page(run.folder, site.place)
    one = Tab(chromium, other)
    expect(one.tab.locator("#state")).to_contain_text("running")
    run.end()
    expect(one.tab.locator("#banner")).to_contain_text("STALE: no twin runs here now")
    one.shot("stale")
    one.context.close()
    other.end()
