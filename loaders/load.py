"""`load_folder`: read → check → link → write, and one commit at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ringtrace.errors import RingTraceError
from ringtrace.loaders.delivery import Plan, plan_load
from ringtrace.loaders.mapping import FILE_NAME, HeaderMapping, read_mapping
from ringtrace.loaders.reading import count_rows, file_sha256, is_disk_full
from ringtrace.loaders.report import FileReport, LoadReport
from ringtrace.loaders.sources import Source, make_durable, make_relations, mapped_headers, read_source
from ringtrace.loaders.tables import TableLoader, TableResult
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace

KEPT_GENERATIONS = 2
# Items stand before settlements, since a settlement's row says whether its items add up.
ORDER = (
    "persons", "cards", "institutions", "practitioners", "drugs",
    "settlement_items", "settlements", "inventory", "tips",
)  # fmt: skip


def load_folder(
    folder: str | Path,
    workspace: Workspace,
    *,
    preset: str | None = None,
    mapping: str | Path | None = None,
    max_bad_share: float = 0.05,
    progress: Progress = silent,
) -> LoadReport:
    """Load the files of a folder into the workspace, as one transaction.

    Parameters
    ----------
    preset:
        Name of the preset; by default the first that recognises the folder.
    mapping:
        A mapping file; by default `mapping.yaml` of the folder, if there is one.
    max_bad_share:
        Stop if a larger share of the rows of one table break a rule.
    progress:
        Told of the steps `loaders.read`, `loaders.check`, `loaders.link` and `loaders.write`.

    Returns
    -------
    LoadReport
        It reconciles: for every file, the rows read are the sum of all outcomes.

    Raises
    ------
    RingTraceError
        If there is nothing to load, a file cannot or may not be read, a required column is missing, too many rows are
        bad, the disk is full, or another process is writing. The workspace is then as it was.
    """
    started = time.monotonic()
    folder = Path(folder)
    try:
        beside = folder / FILE_NAME
        path = Path(mapping) if mapping is not None else beside if beside.is_file() else None
        renames = read_mapping(path) if path is not None else HeaderMapping()
        plan = plan_load(folder, preset, renames)
        with workspace.writing() as scratch:
            _sweep(workspace)
            try:
                return _Load(workspace, scratch, plan, renames, max_bad_share, progress).run(started)
            finally:
                _sweep(workspace)
    except PermissionError as error:
        raise RingTraceError.of("loaders.not_allowed", path=error.filename or folder) from error
    except (OSError, duckdb.Error, pa.ArrowException) as error:
        if is_disk_full(error):
            raise RingTraceError.of("loaders.disk_full", folder=workspace.path) from error
        raise


def last_report(workspace: Workspace) -> LoadReport | None:
    """The report of the load that made the workspace's current generation; None before the first."""
    return LoadReport.from_manifest(workspace.manifest())


class _Load:
    """One load under the writer's lock."""

    def __init__(
        self,
        workspace: Workspace,
        scratch: Path,
        plan: Plan,
        mapping: HeaderMapping,
        max_bad_share: float,
        progress: Progress,
    ) -> None:
        self.workspace = workspace
        self.scratch = scratch
        self.plan = plan
        self.mapping = mapping
        self.max_bad_share = max_bad_share
        self.progress = progress
        self.manifest = workspace.manifest()

    def run(self, started: float) -> LoadReport:
        known = {source.number: source for source in map(Source.from_dict, self.manifest["sources"])}
        sources = self._read(known)
        everything = known | {source.number: source for source in sources}
        loaded = {name for name, files in self.manifest["tables"].items() if files}
        if not {"settlements", "inventory"} & ({each.table for each in self.plan.extracts} | loaded):
            raise RingTraceError.of("loaders.no_main_table", folder=self.plan.folder)
        results: dict[str, TableResult] = {}
        with self.workspace.connect() as connection:
            # The optimizer turns each list of more than a few values into a join; the checks have dozens of them.
            connection.execute("SET disabled_optimizers = 'in_clause'")
            make_relations(connection, self.workspace.path, sources, self.mapping)
            loader = TableLoader(
                connection, self.workspace.path, self.scratch, self.plan, self.mapping, sources,
                tuple(everything.values()), {name: list(files) for name, files in self.manifest["tables"].items()},
            )  # fmt: skip
            for done, name in enumerate(ORDER):
                self.progress(Step("loaders.check", done, len(ORDER)))
                results[name] = loader.load(name, self.max_bad_share, self.progress)
            self.progress(Step("loaders.write", 0, 1))
            reports = tuple(loader.report(name, results[name]) for name in results)
        files = tuple(self._reconcile(source, results) for source in sources) + self._unused()
        quarantined = {file for result in results.values() for file in result.quarantine}
        changed = any(result.changed for result in results.values()) or self.manifest["generation"] == 0
        report = LoadReport(
            preset=self.plan.preset.name,
            generation=self.workspace.generation,
            changed=changed or self._new_quarantine(sources, known, quarantined),
            files=files,
            states=reports,
            seconds=round(time.monotonic() - started, 3),
            passed_over=self.plan.passed_over,
        )
        if report.changed:
            number = self._commit(report, everything, loader.files, quarantined, {source.number for source in sources})
            report = replace(report, generation=number)
        self.progress(Step("loaders.write", 1, 1))
        return report

    def _read(self, known: dict[int, Source]) -> list[Source]:
        """Read every file that is not known yet; a known one is told by its name and its bytes."""
        by_content = {(source.name, source.sha256): source for source in known.values()}
        total = sum(found.path.stat().st_size for found in self.plan.used)
        done = 0
        number = max(known, default=0)
        sources = []
        for found in self.plan.used:
            self.progress(Step("loaders.read", done, total))
            sha256 = file_sha256(found.path)
            source = by_content.get((found.name, sha256))
            if source is None or not (self.workspace.path / source.landing).is_file():
                number += 1
                source = read_source(found, number, sha256, self.workspace.path, self.scratch)
            table = self.plan.table_of(found.role)
            sources.append(replace(source, role=found.role, table=table))
            done += found.path.stat().st_size
        self.progress(Step("loaders.read", total, total))
        return sources

    def _reconcile(self, source: Source, results: dict[str, TableResult]) -> FileReport:
        counts: dict[str, int] = {}
        left_out: dict[str, int] = {}
        if source.table is not None:
            result = results[source.table]
            counts = {outcome: n for (number, outcome), n in result.outcomes.items() if number == source.number}
            left_out = {reason: n for (number, reason), n in result.left_out.items() if number == source.number}
            counts["quarantined"] = result.quarantined[source.number]
        report = FileReport(
            file=source.name,
            table=source.table,
            read=source.rows,
            only_derived=source.rows if source.table is None else 0,
            left_out=left_out,
            unmapped=self.plan.unmapped(source.role, mapped_headers(source.headers, self.mapping)),
            **counts,
        )
        if report.accounted != report.read:
            raise RuntimeError(f"{source.name}: {report.read} rows read, {report.accounted} accounted for")
        return report

    def _unused(self) -> tuple[FileReport, ...]:
        reports = []
        for found in self.plan.unused:
            rows = count_rows(found)
            reports.append(FileReport(file=found.name, table=None, read=rows, unused=rows))
        return tuple(reports)

    def _new_quarantine(self, sources: Sequence[Source], known: dict[int, Source], quarantined: set[str]) -> bool:
        """Whether a file brings bad rows that the workspace does not hold yet."""
        fresh = {f"{source.number:06d}" for source in sources if source.number not in known}
        return any(Path(file).name.split("-")[0] in fresh for file in quarantined)

    def _commit(
        self,
        report: LoadReport,
        sources: dict[int, Source],
        tables: dict[str, list[str]],
        quarantined: set[str],
        delivered: set[int],
    ) -> int:
        for file in (*(file for files in tables.values() for file in files), *quarantined):
            staged = self.scratch / file
            if staged.is_file():
                target = self.workspace.path / file
                target.parent.mkdir(parents=True, exist_ok=True)
                make_durable(staged).replace(target)
        kept = [file for file in self.manifest["quarantine"] if int(Path(file).name.split("-")[0]) not in delivered]
        manifest: dict[str, Any] = {
            "tables": tables,
            "sources": [source.to_dict() for _, source in sorted(sources.items())],
            "quarantine": sorted([*kept, *quarantined]),
            **report.to_manifest(),
        }
        return self.workspace.commit(manifest)


def _sweep(workspace: Workspace) -> None:
    """Delete data files that neither of the last two generations names: what a killed or refused load left behind.

    A reader may still hold the generation before; one that is older has to open the workspace anew.
    """
    newest = workspace.generation
    named: set[Path] = set()
    for number in range(max(1, newest - KEPT_GENERATIONS + 1), newest + 1):
        manifest = workspace.manifest(number)
        files = [file for listed in manifest["tables"].values() for file in listed] + manifest["quarantine"]
        for source in manifest["sources"]:
            files += [source["landing"], *([source["bad"]] if source["bad"] else [])]
        named |= {workspace.path / file for file in files}
    for folder in ("tables", "sources", "quarantine"):
        for path in (workspace.path / folder).rglob("*.parquet"):
            if path not in named:
                path.unlink(missing_ok=True)
