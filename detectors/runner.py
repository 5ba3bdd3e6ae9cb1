"""Run the detectors one after the other and complete their drafts: ids, amounts, source rows, one saved run.

draft → select → complete (identity, amount, lineage) → save
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from time import perf_counter

import duckdb

from ringtrace.detectors.ablation import checked_parts
from ringtrace.detectors.calibration import Curve, calibrate
from ringtrace.detectors.calibration import curves as stored_curves
from ringtrace.detectors.citation import cite
from ringtrace.detectors.detector import Context, Detector, Draft, Gap, parameters
from ringtrace.detectors.identity import identify
from ringtrace.detectors.registry import DETECTORS, NEEDS
from ringtrace.errors import RingTraceError
from ringtrace.findings import (
    LEVELS,
    Finding,
    current_run,
    gaps_path,
    read_findings,
    read_gap_messages,
    save_findings,
)
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace, write_atomic


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """What a detection run gave: its number, all findings now valid, what could not be used, seconds per kind."""

    run: int
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    seconds: dict[str, float]


def detect(
    workspace: Workspace,
    *,
    kinds: Sequence[str] | None = None,
    progress: Progress = silent,
    detectors: Sequence[Detector] = DETECTORS,
    without: Iterable[str] = (),
    curves: Mapping[str, Curve] | None = None,
) -> DetectionReport:
    """Run the detectors on the workspace's current tables and save their findings as the newest run.

    Parameters
    ----------
    workspace:
        Where the tables are and the findings go.
    kinds:
        Only these kinds; the others' findings are taken over from the run before. All by default.
    progress:
        Told before each detector and at the end.
    detectors:
        What to run, in order; a kind that another one reads must stand before it.
    without:
        Signals and checks to leave out (`ablation.PARTS`), for measuring what they are worth.
    curves:
        From raw to calibrated scores by kind; the stored ones by default, `{}` keeps raw scores.

    Raises
    ------
    RingTraceError
        If a kind is unknown, or another process is writing to the workspace.
    """
    left_out = checked_parts(without)
    curve = stored_curves() if curves is None else curves
    wanted = _wanted(kinds, detectors)
    needed = {need for kind in wanted for need in NEEDS.get(kind, ())} | wanted
    chosen = [detector for detector in detectors if detector.kind in needed]
    with workspace.writing():
        before = read_findings(workspace)
        context = Context(progress=progress, without=left_out)
        seconds: dict[str, float] = {}
        findings = [each for each in before if each.kind not in wanted]
        gaps = [gap for gap in read_gaps(workspace) if gap.detector not in wanted]
        with workspace.connect() as tables:
            for number, detector in enumerate(chosen):
                progress(Step("detectors.step", number, len(chosen)))
                begun = perf_counter()
                raw = detector.detect(tables, context)
                context.drafts[detector.kind] = _ordered(calibrate(each, curve.get(detector.kind)) for each in raw)
                seconds[detector.kind] = perf_counter() - begun
            for detector in chosen:
                if detector.kind in wanted:
                    known = [each for each in before if each.kind == detector.kind]
                    own = complete(tables, workspace, detector, context.drafts[detector.kind], known)
                    findings += [_marked(each, left_out) for each in own] if left_out else own
        for gap in context.gaps:
            gap.message.check()
        gaps += [gap for gap in context.gaps if gap.detector in wanted]
        progress(Step("detectors.step", len(chosen), len(chosen)))
        findings.sort(key=lambda each: (LEVELS.index(each.level), -each.score, each.finding_id))
        # The gaps are written first: only `save_findings` makes the run count.
        _save_gaps(workspace, current_run(workspace) + 1, gaps)
        run = save_findings(workspace, findings)
    return DetectionReport(run, tuple(findings), tuple(gaps), seconds)


def _marked(finding: Finding, left_out: frozenset[str]) -> Finding:
    """The finding with what its run left out among its parameters, so that it is never taken for a full one."""
    return replace(finding, parameters={**finding.parameters, "without": ", ".join(sorted(left_out))})


def _wanted(kinds: Sequence[str] | None, detectors: Sequence[Detector]) -> set[str]:
    available = [detector.kind for detector in detectors]
    if kinds is None:
        return set(available)
    if unknown := sorted(set(kinds) - set(available)):
        raise RingTraceError.of("detectors.unknown_kind", kind=", ".join(unknown), kinds=", ".join(available))
    return set(kinds)


def _ordered(drafts: Iterable[Draft]) -> list[Draft]:
    """Drafts in an order that depends on what they say and not on how the rows lay."""
    return sorted(drafts, key=lambda draft: (-draft.score, sorted(draft.anchors), draft.evidence[:1]))


def complete(
    tables: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    detector: Detector,
    drafts: Sequence[Draft],
    known: Sequence[Finding] = (),
) -> list[Finding]:
    """Findings of `drafts`: with an id (that of a `known` finding where it is the same one), an amount and source rows.

    The amount of a finding is the sum of `medfee_sumamt` over its distinct cited settlements, and of
    `det_item_fee_sumamt` over cited items whose settlement is not cited itself.
    """
    for draft in drafts:
        _check_sentences(draft)
    ids = identify(detector.kind, drafts, known)
    cited = cite(tables, workspace, drafts)
    return [
        Finding(
            finding_id=finding_id,
            kind=detector.kind,
            level=draft.level,
            # Sums of many threads differ in their last digits; a score that did would be another run's.
            score=round(min(1.0, max(0.0, float(draft.score))), 6),
            title=draft.title,
            summary=draft.summary,
            amount=cited.amounts.get(number, Decimal("0.00")),
            first_time=draft.first_time,
            last_time=draft.last_time,
            members=tuple(sorted(set(draft.members), key=lambda each: (-each.weight, each))),
            reasons=draft.reasons,
            counter_evidence=draft.counter_evidence,
            evidence=cited.rows[number],
            detector=detector.kind,
            version=detector.version,
            parameters=parameters(detector),
        )
        for number, (draft, finding_id) in enumerate(zip(drafts, ids, strict=True))
    ]


def _check_sentences(draft: Draft) -> None:
    """Raise for a sentence that the catalogue cannot say: readers show its key instead, so it must not get that far."""
    reasons, checks = (each.message for each in draft.reasons), (each.message for each in draft.counter_evidence)
    for message in (draft.title, draft.summary, *reasons, *checks):
        message.check()


def read_gaps(workspace: Workspace, run: int | None = None) -> list[Gap]:
    """What the detectors of a run (the newest by default) could not use, and what that costs."""
    return [Gap(*each) for each in read_gap_messages(workspace, run)]


def _save_gaps(workspace: Workspace, run: int, gaps: Iterable[Gap]) -> None:
    content = json.dumps([asdict(gap) for gap in gaps], ensure_ascii=False)
    write_atomic(gaps_path(workspace, run), content)
