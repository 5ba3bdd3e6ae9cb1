"""The provisions that saved queries cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from ringtrace.texts import Language


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A provision: how it is cited, and what it says in short."""

    cite_zh: str
    cite_en: str
    says_zh: str
    says_en: str

    def cite(self, language: Language) -> str:
        return self.cite_zh if language == "zh" else self.cite_en

    def says(self, language: Language) -> str:
        return self.says_zh if language == "zh" else self.says_en


@cache
def legal_bases() -> Mapping[str, LegalBasis]:
    """The provisions that queries cite, by key."""
    raw = yaml.safe_load(resources.files(__package__).joinpath("legal_basis.yaml").read_text("utf-8"))
    return {
        key: LegalBasis(each["cite"]["zh"], each["cite"]["en"], each["says"]["zh"], each["says"]["en"])
        for key, each in raw.items()
    }
