"""Every page opens in both languages, on every kind of workspace, and says what to do where something is missing."""

from __future__ import annotations

import csv
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from factories.casebook import HOSTILE, OTHER, RING, Opener, casebook, city, delivered, id_number
from streamlit.testing.v1 import AppTest

from ringtrace.app_pages.shell import PAGES
from ringtrace.casework.handover import CONCLUSIONS, hand_over
from ringtrace.casework.notebook import basket, tags, verdicts, write_note, write_tags
from ringtrace.detectors import detect
from ringtrace.errors import RingTraceError
from ringtrace.evidence import verify
from ringtrace.findings import Message, Reason, read_findings, read_gap_messages, save_findings
from ringtrace.graph import build_graph
from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

ACTIVE = [r"(?<!\\)<img", r"(?<!\\)\[x", r"(?<!\\)\*b", r"(?<!\\)`c", r"red\[d", r"(?<!\\)\$e", "\u202e"]
"""What would act in the hostile sample, as it stands where nobody escaped it."""
NAMES = [Path(page.path).stem for page in PAGES]


def words(app: AppTest) -> str:
    """Everything on the page as it was sent, in one string."""
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in (*parts, *app.text, *app.success))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", NAMES)
def test_page_opens(built: Workspace, open_app: Opener, page: str, language: str) -> None:
    app = open_app(built, page, language=language)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", NAMES)
def test_page_opens_with_masked_names(built: Workspace, open_app: Opener, page: str) -> None:
    app = open_app(built, page, masked=True)
    assert not app.exception
    shown = words(app) + "".join(frame.value.to_csv() for frame in app.dataframe)
    assert "张三" not in shown
    assert "CP1" not in shown


@pytest.mark.parametrize("page", NAMES)
def test_page_of_an_empty_workspace(tmp_path: Path, open_app: Opener, page: str) -> None:
    app = open_app(Workspace(tmp_path / "empty", create=True), page)
    assert not app.exception
    assert app.info or app.warning


@pytest.mark.parametrize("page", NAMES)
def test_page_without_a_workspace(tmp_path: Path, open_app: Opener, page: str) -> None:
    for folder in (None, tmp_path / "absent"):
        app = open_app(folder, page)
        assert not app.exception
        assert "ringtrace" in words(app)


def test_column_titles_of_the_loaded_data_begin_like_all_others(built: Workspace, open_app: Opener) -> None:
    titles = [title for frame in open_app(built, "data").dataframe for title in frame.value.columns]
    assert "File" in titles
    assert not [title for title in titles if title[:1].islower()]


def test_a_wrong_address_is_told_as_text(built: Workspace, open_app: Opener) -> None:
    app = open_app(built, "nowhere", address=f"/old/{HOSTILE}")
    assert not app.exception
    assert app.title[0].value == "There is no such page"
    assert "old" in app.warning[0].value
    assert not [act for act in ACTIVE if re.search(act, app.warning[0].value)]
    assert len(app.get("page_link")) == 2


def test_explore_without_a_graph_says_how_to_build_it(tmp_path: Path, open_app: Opener) -> None:
    app = open_app(casebook(tmp_path, graph=False), "explore")
    assert not app.exception
    assert "ringtrace graph" in words(app)


def test_finding_that_is_gone(built: Workspace, open_app: Opener) -> None:
    app = open_app(built, "finding", id="overuse-0003")
    assert not app.exception
    assert "overuse" in app.warning[0].value
    assert "overuse" in app.run().warning[0].value, "a page that is drawn in two steps still says so after the second"


def test_back_from_a_record_shows_the_same_finding(built: Workspace, open_app: Opener) -> None:
    app = open_app(built, "finding", id=OTHER)
    shown = app.selectbox(key=f"finding-{OTHER}").value
    for address in ({"label": "Patient", "id": "P1"}, {"finding": RING}):
        app.query_params.clear()
        app.query_params.update(address)
        app.run()
        assert not app.warning
        assert app.selectbox(key=f"finding-{OTHER}").value == shown == OTHER
        assert app.query_params == address


def test_finding_answers_who_since_when_how_much_what_against_and_where(built: Workspace, open_app: Opener) -> None:
    app = open_app(built, "finding", id=RING)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Since"] == "5 Jan 2025"
    assert "4,779" in metrics["Amount"].replace("\\", "")
    assert metrics["Suspects"] == "7"
    members = app.dataframe[0].value
    assert members.iloc[0]["role"] == "probable holder"
    assert members.iloc[0]["name"] == "张三1"
    assert "does not explain it" in words(app)
    proof = app.dataframe[1].value
    assert len(proof) == len(city()[1])
    assert list(proof["file"].unique()) == ["settlements.csv"]


def test_a_share_is_told_in_per_cent_beneath_its_sentence_too(workspace: Workspace, open_app: Opener) -> None:
    ring = read_findings(workspace)[0]
    strangers = Reason("strangers", Message("rings.reason.strangers", {"value": 0.824, "expected": 0.2}), 0.824, 0.2)
    pace = Reason("pace", Message("rings.reason.pace", {"value": 0.5}), 0.5, 0.2)
    save_findings(workspace, [replace(ring, reasons=(strangers, pace))])
    said = words(open_app(workspace, "finding", id=RING))
    assert r"seen 82\.4\% · to be expected 20\%" in said
    assert r"seen 0\.50 · to be expected 0\.20" in said


def test_an_explained_finding_suspects_nobody(workspace: Workspace, open_app: Opener) -> None:
    ring = next(each for each in read_findings(workspace) if each.finding_id == RING)
    clears = replace(ring.counter_evidence[0], outcome="explains")
    save_findings(workspace, [replace(ring, level="explained", counter_evidence=(clears,))])
    app = open_app(workspace, "finding", id=RING)
    assert not app.exception
    assert "Suspects" not in {metric.label for metric in app.metric}
    assert set(app.dataframe[0].value["suspected"]) == {"no"}
    assert "probable holder" not in words(app)
    assert "**explains it** –" in words(app)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_top_of_a_finding_answers_what_one_asks_first(built: Workspace, open_app: Opener, language: str) -> None:
    app = open_app(built, "finding", language=language, id=RING)
    top = next(each.value for each in app.markdown if "person_pin" in each.value)
    asked = {
        "zh": ("谁持有这些凭证", "在哪里", "有无合理解释", "证据在哪里"),
        "en": ("Who holds the cards", "Where", "What speaks against it", "Where the proof is"),
    }[language]
    lines = top.splitlines()
    assert len(lines) == len(asked)
    assert all(f"**{question}**" in line for question, line in zip(asked, lines, strict=True))
    assert "**张三1** P1" in lines[0]
    assert "康宁大药房" in lines[1]
    assert {"zh": "因缺少数据未能核对", "en": "for want of data"}[language] in lines[2]
    assert f"{len(city()[1])} ×" in lines[3]
    assert "settlements\\.csv" in lines[3]


def test_findings_are_filtered_ranked_and_compared(built: Workspace, open_app: Opener) -> None:
    app = open_app(built, "findings")
    table = app.dataframe[0].value
    assert list(table["level"]) == ["● Red", "▲ Orange"]
    assert list(table["change"]) == ["unchanged", "new"]
    assert "gone" in app.expander[0].label
    app.multiselect(key="findings.changed").set_value(["new", "grown"]).run()
    assert list(app.dataframe[0].value["level"]) == ["▲ Orange"]
    app.multiselect(key="findings.changed").set_value([]).run()
    app.multiselect(key="findings.levels").set_value(["orange"]).run()
    assert list(app.dataframe[0].value["kind"]) == ["Drug resale"]
    app.switch_page("app_pages/overview.py").run()
    app.switch_page("app_pages/findings.py").run()
    assert app.multiselect(key="findings.levels").value == ["orange"]


def test_hostile_values_stay_text(built: Workspace, open_app: Opener) -> None:
    """What Markdown or HTML would act on is escaped wherever Streamlit reads Markdown."""
    for page, query in (
        ("finding", {"id": RING}),
        ("entity", {"label": "Patient", "id": "P7"}),
        ("entity", {"label": "Patient", "id": "P8"}),
        ("entity", {"label": "Pharmacy", "id": "S2"}),
        ("explore", {"finding": RING}),
    ):
        app = open_app(built, page, **query)
        assert not app.exception
        marked = words(app)
        for active in ACTIVE:
            assert not re.search(active, marked), (page, active)
        assert max(len(line) for line in marked.splitlines()) < 25_000


def test_entity_shows_the_record_the_findings_and_the_lines(built: Workspace, open_app: Opener) -> None:
    app = open_app(built, "entity", label="Patient", id="P1")
    assert app.title[0].value == "● 张三1"
    assert id_number(1) in words(app)
    assert any(button.label == "Open" for button in app.button)
    involved, lines = (frame.value for frame in app.dataframe)
    assert dict(zip(involved["name"], involved["settlements"], strict=True))["康宁大药房"] == 5
    assert len(lines) == 7


def test_leads_are_looked_for_when_asked_and_name_those_who_meet(workspace: Workspace, open_app: Opener) -> None:
    app = open_app(workspace, "entity", label="Patient", id="P1")
    assert len(app.dataframe) == 2
    app.button(key="look-Patient-P1").click().run()
    assert not app.exception
    leads = next(frame.value for frame in app.dataframe if "hop" in frame.value.columns)
    assert {"P2", "P3", "P4", "P6"} <= set(leads["id"])  # P5 is never there with the others
    assert "张三1 at the same place" in words(app)
    hostile = open_app(workspace, "entity", label="Patient", id="P7")
    hostile.button(key="look-Patient-P7").click().run()
    assert not hostile.exception
    assert not [active for active in ACTIVE if re.search(active, words(hostile))]
    hidden = open_app(workspace, "entity", masked=True, label="Patient", id="P1")
    hidden.button(key="look-Patient-P1").click().run()
    assert "张三" not in words(hidden) + "".join(frame.value.to_csv() for frame in hidden.dataframe)


def test_search_finds_by_name_number_and_trace_code(built: Workspace, open_app: Opener) -> None:
    for wanted, found in (("张三1", "张三1"), ("D1", "阿托伐他汀"), ("80000000010000000001", "80000000010000000001")):
        app = open_app(built, "entity")
        app.text_input[0].set_value(wanted).run()
        assert any(found in button.label.replace("\\", "") for button in app.button), wanted


def test_verdict_note_and_basket_are_kept(workspace: Workspace, open_app: Opener) -> None:
    app = open_app(workspace, "finding", id=RING)
    app.button(key="to-basket").click().run()
    assert basket(workspace) == [RING]
    app.text_area[0].set_value("met him, all family")
    app.radio[0].set_value("cleared")
    next(button for button in app.button if button.label == "Record the verdict").click().run()
    assert not app.exception
    assert verdicts(workspace)[RING].verdict == "cleared"
    assert "met him" in words(app)
    listed = open_app(workspace, "findings").dataframe[0].value
    assert list(listed["verdict"]) == ["", "cleared"]  # what was cleared comes after what is open
    ring = next(each for each in read_findings(workspace) if each.finding_id == RING)
    save_findings(workspace, [replace(ring, evidence=ring.evidence[:-1])])
    assert list(open_app(workspace, "findings").dataframe[0].value["verdict"]) == ["cleared (evidence changed)"]


def test_tags_are_given_found_and_handed_over(workspace: Workspace, open_app: Opener, tmp_path: Path) -> None:
    app = open_app(workspace, "finding", id=RING)
    app.multiselect(key=f"tags-{RING}").set_value(["joint inspection", HOSTILE]).run()
    assert not app.exception
    assert set(tags(workspace)[RING]) == {"joint inspection", HOSTILE.strip()}
    app = open_app(workspace, "finding", id=OTHER)
    assert "joint inspection" in app.multiselect(key=f"tags-{OTHER}").options
    app = open_app(workspace, "findings")
    app.text_input[0].set_value("joint insp").run()
    listed = app.dataframe[0].value
    assert list(listed["kind"]) == ["Borrowed-card ring"]
    assert "joint inspection" in listed["tags"][0]
    write_tags(workspace, RING, ["joint inspection"])
    write_note(workspace, RING, "=cmd|' /C calc'!A0")
    hand_over(workspace, [RING], tmp_path / "plain", masked=False, language="en")
    said = (tmp_path / "plain" / "data" / CONCLUSIONS).read_text("utf-8-sig")
    assert [row["entry"] for row in csv.DictReader(io.StringIO(said))] == ["tag", "tag", "tag removed", "note"]
    assert "\n=cmd" not in said.replace('"', "\n")
    assert verify(tmp_path / "plain").ok
    hand_over(workspace, [RING], tmp_path / "masked", masked=True, language="en")
    assert not (tmp_path / "masked" / "data" / CONCLUSIONS).exists()


def test_a_note_reads_from_left_to_right_line_by_line(workspace: Workspace, open_app: Opener) -> None:
    write_note(workspace, RING, "seen\n\u202egnihton <b>")
    app = open_app(workspace, "finding", id=RING)
    assert "seen\n[U+202E]gnihton <b>" in [each.value for each in app.text]


def test_what_the_workspace_does_not_hold_is_said(built: Workspace, open_app: Opener) -> None:
    assert "no record, and no settlement" in open_app(built, "entity", label="Patient", id="nobody").info[0].value
    assert not open_app(built, "entity", label="Patient", id="P1").info


def test_verdict_needs_a_reason(workspace: Workspace, open_app: Opener) -> None:
    app = open_app(workspace, "finding", id=OTHER)
    next(button for button in app.button if button.label == "Record the verdict").click().run()
    assert app.error
    assert verdicts(workspace) == {}


def test_hostile_sample_is_hostile() -> None:
    assert all(re.search(active, HOSTILE) for active in ACTIVE)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A delivery of settlements alone: no person, card, institution, drug or item is known by more than its number."""
    folder = tmp_path_factory.mktemp("bare")
    made, _ = city()
    made.rows = {"settlements": made.rows["settlements"]}
    (folder / "delivery").mkdir()
    delivered(made, folder / "delivery")
    workspace = Workspace(folder / "workspace", create=True)
    load_folder(folder / "delivery", workspace)
    detect(workspace)
    build_graph(workspace)
    return workspace


@pytest.mark.parametrize("page", NAMES)
def test_page_where_most_tables_are_missing(bare: Workspace, open_app: Opener, page: str) -> None:
    asked = {"entity": {"label": "Patient", "id": "P1"}, "explore": {"label": "Pharmacy", "id": "S1"}}
    app = open_app(bare, page, **asked.get(page, {}))
    assert not app.exception
    if page in ("overview", "settings"):
        assert read_gap_messages(bare)[0][1].render("en").split(".")[0] in words(app).replace("\\", "")


def test_things_without_a_record_say_so(bare: Workspace, open_app: Opener) -> None:
    for label, key in (("Patient", "P1"), ("Pharmacy", "S1"), ("Drug", "nowhere"), ("Card", "CP1")):
        app = open_app(bare, "entity", label=label, id=key)
        assert not app.exception
        assert "no record of its own" in words(app)


def test_a_graph_whose_file_is_gone(workspace: Workspace, open_app: Opener) -> None:
    for file in (workspace.path / "graph").iterdir():
        if file.name != "CURRENT":
            file.unlink() if file.is_file() else shutil.rmtree(file)
    for page in ("explore", "queries"):
        app = open_app(workspace, page)
        assert not app.exception
        assert "ringtrace graph" in words(app)


def test_what_fails_in_the_middle_of_a_page_is_told_in_its_place(
    built: Workspace, open_app: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise RingTraceError.of("graph.missing", workspace="elsewhere")

    monkeypatch.setattr("ringtrace.casework.entities.search", gone)
    app = open_app(built, "entity", language="zh")
    app.text_input[0].set_value("P1").run()
    assert not app.exception
    assert "请先建图" in app.error[0].value


def test_a_graph_that_goes_away_between_two_clicks(
    built: Workspace, open_app: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise RingTraceError.of("graph.missing", workspace="elsewhere")

    monkeypatch.setattr("ringtrace.casework.surroundings.Surroundings.hidden", gone)
    app = open_app(built, "explore", language="zh", finding=RING)
    assert not app.exception
    assert "请先建图" in app.error[0].value
