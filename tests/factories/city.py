"""A city in a few lines: rows put straight into the canonical tables of a temporary workspace.

    city = City()
    city.person("p1", hh_no="h1")
    city.visit("p1", "S1", "2025-03-01 08:00", items=[{"med_list_codg": "D1", "cnt": 1, "fee": 20}])
    workspace = city.workspace(tmp_path)

Persons, cards, institutions and drugs that a visit names and nobody described are not added: as in a delivery where
those tables are absent. `background` adds ordinary life of people who have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ringtrace.data_schema import ORDINAL, tables
from ringtrace.loaders.sources import Source
from ringtrace.workspace import Workspace

START = datetime(2025, 1, 1)


class City:
    """Rows of the contract's tables, as dictionaries of column → value; absent columns are NULL."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables()}

    def add(self, table: str, **columns: Any) -> None:
        """A row of any table, as it is."""
        unknown = set(columns) - set(tables()[table].sql_columns)
        assert not unknown, f"{table} has no column {unknown}"
        self.rows[table].append(columns)

    def person(self, psn_no: str, **columns: Any) -> str:
        self.add("persons", psn_no=psn_no, **columns)
        return psn_no

    def shop(self, code: str, *, hospital: bool = False, **columns: Any) -> str:
        """An institution: a retail pharmacy unless `hospital`."""
        self.add("institutions", fixmedins_code=code, **{"fixmedins_type": "1" if hospital else "2"} | columns)
        return code

    def drug(self, code: str, **columns: Any) -> str:
        self.add("drugs", med_list_codg=code, **columns)
        return code

    def stock(self, shop: str, drug: str, chg_type: str, time: str | datetime, cnt: float, **columns: Any) -> None:
        """A movement of the stock ledger."""
        self.add(
            "inventory",
            fixmedins_code=shop,
            med_list_codg=drug,
            chg_type=chg_type,
            chg_time=str(time),
            cnt=cnt,
            **columns,
        )

    def visit(
        self,
        person: str,
        shop: str,
        time: str | datetime,
        *,
        items: Sequence[Mapping[str, Any]] = (),
        total: float | None = None,
        **columns: Any,
    ) -> str:
        """A settlement with its items, and its number.

        An item is a mapping of settlement_items' columns, where `fee` is short for det_item_fee_sumamt. The total is
        the items' sum unless given (30.00 without items). The credential is the person's own card `C<psn_no>`.
        """
        setl_id = columns.pop("setl_id", f"s{len(self.rows['settlements']) + 1:07d}")
        fees = []
        for number, item in enumerate(items, start=1):
            row = {"cnt": 1, **item}
            row["det_item_fee_sumamt"] = row.pop("fee", row.get("det_item_fee_sumamt", 10.0))
            fees.append(float(row["det_item_fee_sumamt"]))
            self.add("settlement_items", **{"setl_id": setl_id, "feedetl_sn": str(number)} | row)
        amount = total if total is not None else (sum(fees) if fees else 30.0)
        own = {
            "setl_id": setl_id,
            "psn_no": person,
            "mdtrt_cert_no": f"C{person}",
            "fixmedins_code": shop,
            "med_type": "41",
            "setl_time": str(time),
            "medfee_sumamt": f"{amount:.2f}",
        }
        self.add("settlements", **own | columns)
        return str(setl_id)

    def background(
        self,
        *,
        seed: int,
        persons: int = 400,
        shops: Sequence[str] = ("S1", "S2", "S3"),
        days: int = 180,
        visits: int = 8,
        prefix: str = "b",
        drugs: Sequence[str] = ("D1", "D2", "D3", "D4", "D5"),
    ) -> list[str]:
        """People with a usual shop, `visits` apiece on average, between 8 and 20 o'clock, independent of each other."""
        rng = np.random.default_rng(seed)
        names = [f"{prefix}{number:05d}" for number in range(persons)]
        for name in names:
            usual = int(rng.integers(len(shops)))
            for _ in range(int(rng.poisson(visits))):
                shop = shops[usual if rng.random() < 0.8 else int(rng.integers(len(shops)))]
                moment = START + timedelta(days=int(rng.integers(days)), seconds=int(rng.integers(8 * 3600, 20 * 3600)))
                drug = drugs[int(rng.integers(len(drugs)))]
                self.visit(name, shop, moment, items=[{"med_list_codg": drug, "fee": round(float(rng.gamma(4, 8)), 2)}])
        return names

    def workspace(self, folder: Path, *, shuffle: int | None = None) -> Workspace:
        """A workspace in `folder/workspace` holding these rows; `shuffle` is a seed for another order of rows."""
        workspace = Workspace(folder / "workspace", create=True)
        listed: dict[str, list[str]] = {}
        sources: list[Source] = []
        with workspace.writing(), duckdb.connect() as connection:
            for number, (name, rows) in enumerate(self.rows.items(), start=1):
                if not rows:
                    continue
                listed[name] = [f"tables/{name}-1.parquet"]
                target = workspace.path / listed[name][0]
                sources.append(_write(connection, name, number, self._ordered(rows, shuffle), target))
            workspace.commit(
                {
                    "tables": listed,
                    "sources": [source.to_dict() for source in sources],
                    "quarantine": [],
                    "reconciliation": [],
                }
            )
        return workspace

    @staticmethod
    def _ordered(rows: list[dict[str, Any]], shuffle: int | None) -> Iterable[dict[str, Any]]:
        if shuffle is None:
            return rows
        return [rows[place] for place in np.random.default_rng(shuffle).permutation(len(rows))]


def _write(
    connection: duckdb.DuckDBPyConnection, name: str, number: int, rows: Iterable[dict[str, Any]], target: Path
) -> Source:
    """Write the canonical table and, as its source, the cells of a CSV that would have given it."""
    table = tables()[name]
    lines: list[dict[str, Any]] = []
    seen: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(rows, start=1):
        line: dict[str, Any] = {"_source": number, "_row": place} | row
        if table.ordinal:
            key = tuple(str(row.get(part)) for part in table.key)
            seen[key] = seen.get(key, 0) + 1
            line[ORDINAL] = seen[key]
        lines.append(line)
    columns = table.sql_columns
    arrow = pa.table(
        {
            column: pa.array([None if line.get(column) is None else str(line[column]) for line in lines], pa.string())
            for column in columns
        }
    )
    casts = ", ".join(f"CAST({column} AS {sql_type}) AS {column}" for column, sql_type in columns.items())
    target.parent.mkdir(exist_ok=True)
    connection.register("delivered", arrow)
    connection.execute(f"COPY (SELECT {casts} FROM delivered) TO '{target}' (FORMAT parquet)")
    headers = tuple(column.name for column in table.columns)
    landing = f"sources/{name}-1.parquet"
    (target.parent.parent / "sources").mkdir(exist_ok=True)
    pq.write_table(arrow.select(headers), target.parent.parent / landing)
    return Source(number, f"{name}.csv", name, "", 0, len(lines), headers, landing, False, None, name)
