# SPDX-License-Identifier: GPL-2.0-only
"""The page of `report --format html`, in a real browser."""
import json
import os
import shutil
import sqlite3
import subprocess

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import lab

XENPIN = lab.ROOT / "build/xenpin"
SOURCE = lab.ROOT / "build/recording"
LOST = 0x8050		# an L1 table of the sixth fork
EVIL = "</script><b>"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A clean recording, and one in which an L1 table's unpin never came and a name is evil."""
    directory = tmp_path_factory.mktemp("page")
    clean, bad = directory / "clean.db", directory / "bad.db"
    assert subprocess.run([SOURCE, clean, "20000"]).returncode == 0
    shutil.copy(clean, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE op SET pfn = NULL WHERE rowid = (SELECT min(rowid) FROM op "
                   "WHERE op = 'unpin' AND pfn = ?)", (LOST,))
        db.execute("UPDATE task SET comm = ? WHERE task = 7", (EVIL,))
    return {"clean": clean, "bad": bad}


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     "--window-size=1280,1600"):
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()


def show(browser, recordings, name, scheme="light", width=1280):
    page = recordings[name].with_suffix(".html")
    status = subprocess.run([XENPIN, "report", recordings[name], "--format", "html", "--output",
                             page]).returncode
    assert status == {"clean": 0, "bad": 1}[name]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 1600, "deviceScaleFactor": 1, "mobile": width < 600})
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page.as_uri())
    if os.environ.get("XENPIN_SCREENSHOTS"):
        browser.save_screenshot(f"{os.environ['XENPIN_SCREENSHOTS']}/{name}-{scheme}-{width}.png")
    return browser


def requests(browser):
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages
            if m["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["clean", "bad"])
def test_it_opens_without_a_word_and_asks_nobody(browser, recordings, name, scheme, width):
    show(browser, recordings, name, scheme, width)
    assert [e for e in browser.get_log("browser") if "favicon" not in e["message"]] == []
    assert {url.split(":")[0] for url in requests(browser)} == {"file"}
    # Nothing sticks out, whatever the screen's width.
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    # Every chart was drawn: its canvas holds more than one colour.
    for canvas in browser.find_elements(By.TAG_NAME, "canvas"):
        if canvas.is_displayed():
            assert browser.execute_script(
                "const c = arguments[0], d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                "return new Set(new Uint32Array(d.buffer)).size", canvas) > 3


def test_dark_is_dark(browser, recordings):
    def ground():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    show(browser, recordings, "bad")
    light = ground()
    show(browser, recordings, "bad", "dark")
    assert light == "rgb(246, 247, 249)" and ground() == "rgb(18, 22, 29)"


def test_the_verdict_comes_first(browser, recordings):
    show(browser, recordings, "bad")
    assert browser.find_element(By.TAG_NAME, "h1").text == \
        "1 page table went back to the allocator while Xen has it"
    assert hex(LOST) in browser.find_element(By.ID, "sentence").text
    assert hex(LOST) in browser.find_element(By.ID, "page-heading").text
    show(browser, recordings, "clean")
    assert browser.find_element(By.TAG_NAME, "h1").text == "Clean"
    assert not browser.find_element(By.ID, "findings").is_displayed()


def test_the_lost_page_is_there_and_tells_its_history(browser, recordings):
    show(browser, recordings, "bad")
    browser.execute_script("document.getElementById('page').replaceChildren()")
    (button,) = browser.find_elements(By.CSS_SELECTOR, f'button[data-pfn="{hex(LOST)}"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    page = browser.find_element(By.ID, "page")
    assert hex(LOST) in page.text
    events = [row.text for row in page.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert "allocated as L1 table" in events[0] and "pinned by Xen" in events[1]
    assert "released as L1 table, flag clear" in page.find_element(By.CSS_SELECTOR, "tr.now").text


def test_the_ring_on_the_map_can_be_clicked(browser, recordings):
    show(browser, recordings, "bad")
    browser.execute_script("document.getElementById('page').replaceChildren()")
    at = browser.execute_script(
        "const c = document.getElementById('map'), r = c.getBoundingClientRect();"
        "const p = Chart.getChart(c).getDatasetMeta(0).data[0];"
        "c.scrollIntoView(); const s = c.getBoundingClientRect(); return [s.left + p.x, s.top + p.y]")
    for kind in ("mousePressed", "mouseReleased"):
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", {
            "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1})
    assert hex(LOST) in browser.find_element(By.ID, "page-heading").text


def test_the_keyboard_reaches_the_lost_page(browser, recordings):
    show(browser, recordings, "bad")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("data-pfn") == hex(LOST)
    browser.execute_script("document.getElementById('page').replaceChildren()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert hex(LOST) in browser.find_element(By.ID, "page-heading").text


def test_a_name_cannot_break_out(browser, recordings):
    show(browser, recordings, "bad")
    assert browser.find_elements(By.TAG_NAME, "b") == []
    assert EVIL[:15] in browser.execute_script(
        "return document.getElementById('programs-table').textContent")
