"""Every sentence that the app asks for exists, and every sentence of its catalogue is asked for."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

from ringtrace.detectors.registry import DETECTORS
from ringtrace.detectors.rings.ties import CROWDED
from ringtrace.findings import Message
from ringtrace.texts import catalogue

ROOT = Path(__file__).parent.parent.parent
FILES = (ROOT / "app.py", *(ROOT / "app_pages").glob("*.py"), *(ROOT / "casework").glob("*.py"))
CODE = "\n".join(file.read_text("utf-8") for file in FILES)
OWN = {key for key in catalogue() if key.startswith("app.")}
FAMILIES = set(re.findall(r"f['\"](app\.[a-z.]+\.)\{", CODE))


def test_sentences_asked_for_exist() -> None:
    asked = set(re.findall(r"['\"](app\.[a-z_.]+[a-z_])['\"]", CODE))
    assert len(asked) > 100, "the pattern no longer finds the keys"
    assert asked - OWN - {"app.py"} == set()


def test_no_sentence_is_left_over() -> None:
    assert {"app.column.", "app.level.", "app.verdict.", "app.canvas."} <= FAMILIES
    assert {key for key in OWN if key not in CODE and not key.startswith(tuple(FAMILIES))} == set()


def test_every_threshold_says_what_it_changes() -> None:
    declared = {
        f"app.threshold.{detector.kind}.{name}" for detector in DETECTORS for name in asdict(detector.thresholds)
    }
    assert {key for key in OWN if key.startswith("app.threshold.")} == declared


def test_a_finding_is_told_without_terms_of_statistics_or_of_the_tables() -> None:
    said = {key: entry for key, entry in catalogue().items() if key.startswith(("rings.", "pharmacy.", "claims."))}
    jargon = re.compile(r"standard deviation|标准差|\bp-value|footfall|\bjoint runs?\b|\bthe runs\b")
    assert not {key for key, entry in said.items() if any(jargon.search(each) for each in entry.values())}
    shared = [Message("rings.gap.placeholder", {"column": column, "people": 2}) for column in CROWDED]
    assert not [each for each in shared if str(each.values["column"]) in each.render("zh")]
