"""Several desks at one workspace: a load that others read beside, and two people who judge the same finding."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories.casebook import RING, Opener, city, delivered
from factories.visitor import Visitor
from playwright.sync_api import Page, expect

from ringtrace.app_pages.launch import served
from ringtrace.app_pages.loading import _under_way
from ringtrace.casework.intake import Intake, take_in
from ringtrace.casework.notebook import notes, verdicts
from ringtrace.findings import read_findings
from ringtrace.progress import Step
from ringtrace.workspace import Workspace

SCREEN = {"width": 1366, "height": 768}


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """The city of the casebook, with two rows that break rules."""
    made, _ = city()
    made.visit("P1", "S1", "2025-13-45 10:00:00", items=[])
    made.person("P9", psn_name="张三9", brdy="tomorrow")
    folder = tmp_path / "delivery"
    folder.mkdir()
    delivered(made, folder)
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[tuple[Workspace, str]]:
    """A workspace without data, and the address of the app for it."""
    workspace = Workspace(tmp_path / "fresh", create=True)
    with served(workspace.path) as base:
        yield workspace, base


def quarantine(page: Page) -> list[list[str]]:
    """The quarantine as its CSV link gives it."""
    with page.expect_download() as given:
        page.get_by_role("link", name="CSV", exact=True).click()
    return list(csv.reader(io.StringIO(Path(given.value.path()).read_text("utf-8-sig"))))


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_folder_is_loaded_looked_through_and_read_beside(
    browser: Any, empty: tuple[Workspace, str], delivery: Path
) -> None:
    workspace, base = empty
    desks = [Visitor(browser.new_context(viewport=SCREEN, locale="en-GB").new_page(), base) for _ in range(2)]
    loader, reader = desks
    page = loader.page
    loader.open("data")
    expect(page.get_by_text("This workspace holds no data yet")).to_be_visible()
    folder = page.get_by_role("textbox", name="Folder of the data")
    folder.fill(str(delivery))
    page.get_by_role("spinbutton", name="Bad rows, at most %").fill("20")
    page.get_by_role("spinbutton", name="Bad rows, at most %").press("Tab")
    page.get_by_role("button", name="Load and detect").click()
    expect(page.get_by_text("You may leave this page").or_(page.get_by_text("is loaded:"))).to_be_visible()
    # Another desk, meanwhile: pages that say what is there now, and the same progress.
    for path in ("", "findings", "explore", "data"):
        reader.open(path)
        assert reader.page.get_by_text("Traceback").count() == 0
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_text("is loaded:")).to_be_visible(timeout=90_000)
    expect(reader.page.get_by_text("is loaded:")).to_be_visible(timeout=20_000)

    expect(page.get_by_role("heading", name="Quarantine", exact=True)).to_be_visible()
    rows = quarantine(page)
    assert {row[0] for row in rows[1:]} == {"persons.csv", "settlements.csv"}
    assert "tomorrow" in str(rows)
    of_table = page.get_by_role("combobox", name="Table")
    of_table.fill("Settlements")
    of_table.press("Enter")
    of_table.press("Escape")
    expect(page.get_by_role("button", name="Remove Settlements")).to_be_visible()
    chosen = quarantine(page)
    for _ in range(20):  # the choice shows at once; the file follows when the page's script has run again
        if chosen != rows:
            break
        page.wait_for_timeout(250)
        chosen = quarantine(page)
    assert {row[0] for row in chosen[1:]} == {"settlements.csv"}
    assert len(chosen) == len(rows) - 1

    page.get_by_role("link", name="Look at the findings").click()
    expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    assert read_findings(workspace)
    for desk in desks:
        assert (desk.left, desk.broken) == ([], [])
        desk.page.context.close()


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_two_people_judge_one_finding(browser: Any, workspace: Workspace) -> None:
    with served(workspace.path) as base:
        desks = [Visitor(browser.new_context(viewport=SCREEN, locale="en-GB").new_page(), base) for _ in range(2)]
        for number, desk in enumerate(desks):
            desk.open(f"finding?id={RING}")
            desk.page.get_by_role("textbox", name="Note").fill(f"seen by desk {number}")
            desk.page.get_by_role("textbox", name="Reason").fill(f"reason of desk {number}")
        for desk in desks:  # both are open; neither knows of the other
            desk.page.get_by_role("button", name="Save the note").click()
        for number, desk in enumerate(desks):
            expect(desk.page.get_by_text(f"seen by desk {number}", exact=True).last).to_be_visible()
        desks[0].page.get_by_role("textbox", name="Reason").fill("a family")
        desks[0].page.get_by_role("radiogroup", name="Verdict").get_by_text("cleared").click()
        desks[0].page.get_by_role("button", name="Record the verdict").click()
        expect(desks[0].page.get_by_text("a family").first).to_be_visible()
        desks[1].open(f"finding?id={RING}")
        expect(desks[1].page.get_by_text("a family").first).to_be_visible()
        expect(desks[1].page.get_by_text("seen by desk 0", exact=True)).to_be_visible()
        for desk in desks:
            assert (desk.left, desk.broken) == ([], [])
            desk.page.context.close()
    assert {entry.text for entry in notes(workspace, RING)} >= {"seen by desk 0", "seen by desk 1", "a family"}
    assert verdicts(workspace)[RING].verdict == "cleared"


def test_every_desk_sees_a_load_in_progress_and_how_it_ended(workspace: Workspace, open_app: Opener) -> None:
    intake = Intake(Path("/deliveries/may"), step=Step("loaders.read", 1, 4))
    _under_way()[str(workspace.path)] = intake
    app = open_app(workspace, "data")
    assert not app.exception
    assert "Reading and checking" in app.markdown[0].value
    assert not app.text_input
    intake.stage, intake.broken = "failed", "KeyError"
    app = open_app(workspace, "data", language="zh")
    assert "KeyError" in app.error[0].value
    assert "未能导入" in app.warning[0].value
    del _under_way()[str(workspace.path)]


def test_a_folder_that_is_not_there_is_told_in_the_language_of_the_desk(workspace: Workspace, open_app: Opener) -> None:
    intake = take_in(workspace, workspace.path / "nowhere")
    for _ in range(200):
        if not intake.running:
            break
        time.sleep(0.05)
    _under_way()[str(workspace.path)] = intake
    before = workspace.generation
    app = open_app(workspace, "data", language="zh")
    assert "nowhere" in app.error[0].value.replace("\\", "")
    assert "没有" in app.error[0].value or "不" in app.error[0].value
    assert workspace.generation == before
    del _under_way()[str(workspace.path)]
