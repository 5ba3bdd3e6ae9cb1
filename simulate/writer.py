"""How the simulator's arrays become CSV tables: codes by macro, columns as in the contract, rows in a fixed order."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ringtrace.data_schema import tables
from ringtrace.simulate.sampling import stream
from ringtrace.simulate.town import Town


def labels(options: list[str] | tuple[str, ...], index: NDArray[Any]) -> pa.DictionaryArray:
    """Text column from an index into a list of values; -1 is an empty field."""
    codes = np.asarray(index, dtype=np.int32)
    missing = codes < 0
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=missing), pa.array(list(options), type=pa.string()), safe=False
    )


def numbers(values: NDArray[Any]) -> pa.Array:
    """Integer column; -1 is an empty field."""
    return pa.array(values, mask=np.asarray(values) == -1)


class Writer:
    """Writes tables in the row order of their queries, so that the same seed gives the same bytes.

    Numbers become codes by macros that map integers one to one (a multiplication modulo a prime), so that neither
    the order nor the gaps of ids say anything.
    """

    def __init__(self, town: Town, out: Path) -> None:
        self.town, self.out = town, out
        start = date(1970, 1, 1) + timedelta(days=town.start_day)
        self.database = duckdb.connect(config={"preserve_insertion_order": True, "memory_limit": "3GB"})
        self.database.execute(
            f"""
            CREATE MACRO scatter(number, width, factor, prime) AS
                lpad(CAST((CAST(number AS BIGINT) * factor + {town.seed % 997 + 11}) % prime AS VARCHAR), width, '0');
            CREATE MACRO yuan(fen) AS CAST(fen / 100 AS DECIMAL(18, 2));
            CREATE MACRO moment(second) AS TIMESTAMP '{start} 00:00:00' + to_seconds(second);
            CREATE MACRO psn(number) AS '3310' || scatter(number, 10, 50021, 9999999967);
            CREATE MACRO card(kind, number, certno) AS CASE kind
                WHEN 1 THEN '331000E' || scatter(number, 10, 60013, 9999999967)
                WHEN 2 THEN certno ELSE 'A' || scatter(number, 9, 70001, 999999937) END;
            CREATE MACRO trace(prefix, pack) AS prefix || scatter(pack, 13, 7368787, 9999999999971);
            CREATE MACRO trace_codes(prefix, pack, n) AS
                array_to_string(list_transform(range(pack, pack + n), lambda p: trace(prefix, p)), '|');
            """
        )
        places = town.places
        kinds = ["P"] * places.pharmacies + ["H"] * (places.clinics + places.hospitals)
        self.place_codes = [
            f"{kind}3310{number:07d}" for kind, number in zip(kinds, places.number.tolist(), strict=True)
        ]
        doctors = stream(town.seed, "practitioners").permutation(int(places.doctors.sum()))
        self.doctor_codes = [f"D3310{number:08d}" for number in doctors.tolist()]
        drawn = stream(town.seed, "trace prefixes").permutation(900_000)[: len(town.goods.code)] + 100_000
        self.trace_prefixes = [f"8{number}" for number in drawn.tolist()]

    def write(self, name: str, select: str, **sources: pa.Table) -> int:
        """Write table `name` from `select` over `sources`, its columns in the contract's order; gives the rows."""
        for source, table in sources.items():
            self.database.register(source, table)
        relation = self.database.sql(select)
        columns = [column.name for column in tables()[name].columns if column.name in relation.columns]
        unknown = set(relation.columns) - set(columns)
        if unknown:
            raise ValueError(f"{name} has no columns {sorted(unknown)}")
        path = str(self.out / f"{name}.csv").replace("'", "''")
        count = self.database.execute(
            f"COPY (SELECT {', '.join(columns)} FROM ({select})) TO '{path}'"
            " (HEADER, TIMESTAMPFORMAT '%Y-%m-%d %H:%M:%S')"
        ).fetchone()
        for source in sources:
            self.database.unregister(source)
        return int(count[0]) if count else 0

    def psn(self, person: NDArray[Any]) -> list[str]:
        """Person numbers as written, for the truth files."""
        table = pa.table({"number": self.town.people.number[person]})
        self.database.register("asked", table)
        found = [row[0] for row in self.database.execute("SELECT psn(number) FROM asked").fetchall()]
        self.database.unregister("asked")
        return found
