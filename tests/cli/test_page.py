# SPDX-License-Identifier: GPL-2.0-only
"""The page of `report --format html`, in a real browser."""
import json
import os
import re
import subprocess
import time

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import lab
from recordings import ERASED, EVIL, LOST

XENPIN = lab.ROOT / "build/xenpin"


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
    assert status == (1 if name in ("bad", "stacks") else 0)
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
@pytest.mark.parametrize("name", ["clean", "bad", "repaired", "stacks"])
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
    assert not browser.find_element(By.ID, "key").is_displayed()


def key(browser):
    names, texts = ([e.text for e in browser.find_elements(By.CSS_SELECTOR, f"#key {tag}")] for tag in ("dt", "dd"))
    return dict(zip(names, texts, strict=True))


def test_what_where_when_and_who_at_a_glance(browser, recordings):
    show(browser, recordings, "bad")
    facts = key(browser)
    assert facts["Where"].startswith(f"page {hex(LOST)}, an L1 table, at 128.3 MiB of ")
    assert facts["Released by"].startswith("forks (pid ") and facts["Noticed"].endswith(" s into the recording")
    assert re.fullmatch(r"[0-9.]+ s into the recording, when the flag last showed, and then", facts["Lost between"])
    assert float(facts["Lost between"].split()[0]) <= float(facts["Noticed"].split()[0])
    assert not {"Who", "When"} & set(facts)
    assert "the first write of its next user will oops" in facts["So what"]
    assert facts["How sure"] == "shown, by the flag and its history"


def test_a_boot_that_was_repaired_is_neither_wrong_nor_nothing(browser, recordings):
    show(browser, recordings, "repaired")
    assert browser.find_element(By.TAG_NAME, "h1").text == \
        "Boot erased PagePinned of 2 page tables; all were set again"
    assert "repaired" in browser.find_element(By.ID, "verdict").get_attribute("class")
    facts = key(browser)
    assert facts["Where"].startswith("between pfn 0x2000 and 0x2001, ")
    assert facts["When"] == "in the hand-over of boot memory, within 1 ms; " \
        "set again by the after-bootmem hook, 6 ms after the first was lost"
    buttons = browser.find_elements(By.CSS_SELECTOR, "ol.findings button")
    assert [b.get_attribute("data-pfn") for b in buttons] == \
        [hex(pfn) for pfn in sorted(ERASED, key=ERASED.get, reverse=True)]
    buttons[1].click()
    events = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#page tbody tr")]
    assert len(events) == 2 and "PagePinned erased" in events[0] and "set again" in events[1]
    rows = {row.find_element(By.TAG_NAME, "td").text: row.text
            for row in browser.find_elements(By.CSS_SELECTOR, "#boot-table tbody tr")}
    assert "2 (1 L1, 1 L2) in the hand-over of boot memory; all set again" in rows["flags erased"]
    labels = browser.execute_script("return Chart.getChart('boot-chart').data.labels")
    assert labels == ["hand-over", "2 flags erased", "after-bootmem hook: set again"]


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
    heading = None
    for _ in range(100):		# until the page has settled: a scroll or a resize moves the ring
        at = browser.execute_script(
            "const c = document.getElementById('map'); c.scrollIntoView();"
            "const p = Chart.getChart(c).getDatasetMeta(0).data[0], r = c.getBoundingClientRect();"
            "return [r.left + p.x, r.top + p.y]")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            browser.execute_cdp_cmd("Input.dispatchMouseEvent", {
                "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1})
        # At once: a click that came late makes the heading anew.
        heading = browser.execute_script("return document.getElementById('page-heading')?.textContent")
        if heading:
            break
        time.sleep(0.2)
    assert hex(LOST) in heading


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


def boxes(browser):
    """{function: its box's part of the graph's width} of the flame graph's upper levels, by name."""
    return dict(browser.execute_script(
        "const all = document.getElementById('flame').clientWidth;"
        "return [...document.querySelectorAll('#flame button')].map((b) => [b.textContent, b.offsetWidth / all])"))


def focused(browser):
    return browser.switch_to.active_element


def test_boxes_of_the_flame_graph_are_as_wide_as_their_part(browser, recordings):
    show(browser, recordings, "stacks")
    whole = browser.execute_script("return data.stack_totals.all.operations - data.stack_totals.without.operations")
    operations = {}
    for s in browser.execute_script("return data.stacks"):
        for name in {"all stacks", s["comm"], *s["frames"][:-1]}:
            operations[name] = operations.get(name, 0) + s["operations"]
    drawn = boxes(browser)
    assert set(operations) - set(drawn) == {EVIL[:15]}		# one process of a thousand
    assert {name for name in drawn if abs(drawn[name] - operations.get(name, 0) / whole) > 0.01} == {"xen_mc_flush"}
    about = browser.find_element(By.ID, "flame-about").text
    assert f"{whole:,} operations" in about and "85.7 %" in about
    assert "14.3 % of the operations were recorded without a stack" in browser.find_element(By.ID, "flame-hint").text


def test_by_time_a_stack_that_waits_longer_is_wider(browser, recordings):
    show(browser, recordings, "stacks")
    before = boxes(browser)
    assert before["__xen_pgd_pin"] == pytest.approx(before["__xen_pgd_unpin"], abs=0.01)
    browser.find_element(By.ID, "flame-of").send_keys("time")
    after = boxes(browser)
    assert after["__xen_pgd_pin"] == pytest.approx(3 * after["__xen_pgd_unpin"], abs=0.02)


def test_the_keyboard_walks_through_the_flame_graph(browser, recordings):
    show(browser, recordings, "stacks")
    browser.find_element(By.ID, "flame-of").send_keys(Keys.TAB)
    for key, name in ((None, "all stacks"), (Keys.ARROW_DOWN, "forks"), (Keys.ARROW_DOWN, "do_syscall_64"),
                      (Keys.ARROW_DOWN, "xen_dup_mmap"), (Keys.ARROW_RIGHT, "exit_mmap_[forks]"),
                      (Keys.ARROW_RIGHT, "exit_mmap_[forks]"), (Keys.ARROW_LEFT, "xen_dup_mmap"),
                      (Keys.ARROW_UP, "do_syscall_64"), (Keys.ARROW_DOWN, "xen_dup_mmap")):
        if key:
            focused(browser).send_keys(key)
        assert focused(browser).text == name
        about = browser.find_element(By.ID, "flame-about").text
        assert about.startswith(name + ": ") and focused(browser).get_attribute("aria-label") == about
    small = boxes(browser)
    assert 0.4 < small["xen_dup_mmap"] < 0.6
    focused(browser).send_keys(Keys.ENTER)
    large = boxes(browser)
    assert list(large) == ["all stacks", "forks", "do_syscall_64", "xen_dup_mmap", "__xen_pgd_pin", "xen_mc_flush"]
    assert min(large.values()) > 0.99 and focused(browser).text == "xen_dup_mmap"
    for _ in range(4):
        focused(browser).send_keys(Keys.ESCAPE)
    assert boxes(browser) == small and focused(browser).text == "all stacks"
    # Tab stops at one of its boxes only.
    assert [b.text for b in browser.find_elements(By.CSS_SELECTOR, "#flame button:not([tabindex='-1'])")] == \
        ["all stacks"]


def test_without_stacks_there_is_no_flame_graph(browser, recordings):
    for name in ("clean", "bad", "repaired", "stacks"):
        show(browser, recordings, name)
        assert browser.find_element(By.ID, "stacks").is_displayed() == (name == "stacks")
        assert bool(boxes(browser)) == (name == "stacks")
        assert bool(browser.find_elements(By.CSS_SELECTOR, "#page ol.stack")) == (name == "stacks")


def test_beside_a_finding_stands_its_stack(browser, recordings):
    show(browser, recordings, "stacks")
    (finding,) = browser.execute_script("return data.findings")
    shown = [line.text for line in browser.find_elements(By.CSS_SELECTOR, "#page ol.stack li")]
    assert shown == finding["stack"] and shown[0].startswith("xen_mc_flush+0x")
