"""Values stay text: for any input, no character of it acts in Markdown and nothing of it is hidden or turned round."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringtrace.app_pages.plain import day, markdown, masked, money, visible


@given(st.text(max_size=300))
def test_every_punctuation_is_escaped(value: str) -> None:
    shown = markdown(value)
    without = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)
    assert not re.search(r"[!-/:-@\[-`{-~]", without)


@given(st.text(max_size=300))
def test_nothing_is_hidden_or_reordered(value: str) -> None:
    shown = visible(value)
    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert "\n" not in shown


@pytest.mark.parametrize(
    "late", ["http://evil.example", "www.evil.example", "a@evil.example", ":smile:", ":material/x:"]
)
def test_what_is_found_after_unescaping_is_broken(late: str) -> None:
    """Bare links and shortcodes are recognised in the finished text, where backslashes are gone."""
    finished = markdown(late).replace("\\", "")
    assert finished != late
    assert finished.replace("\u2060", "") == late


def test_long_text_is_cut_and_says_so() -> None:
    assert visible("长" * 10_000).endswith("… (10,000)")
    assert len(visible("长" * 10_000)) < 200


def test_masks_keep_little() -> None:
    assert masked("欧阳娜娜", "name") == "欧＊＊"
    assert masked("330102197001010001", "identifier") == "••••01"
    assert masked("13800000000", "contact") == "••••"
    assert masked("S1", "none") == "S1"
    assert masked(None, "name") is None


def test_local_forms() -> None:
    from datetime import date

    assert day(date(2025, 3, 1), "zh") == "2025年3月1日"
    assert day(date(2025, 3, 1), "en") == "1 Mar 2025"
    assert money(1234.5, "zh") == "1,234.50 元"
    assert money(None, "en") == "–"
