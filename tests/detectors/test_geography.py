"""Distances: the SQL and the numpy of one formula agree, and both with known places."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from ringtrace.detectors.geography import great_circle_km, pairwise_km

BEIJING, SHANGHAI, ANTIPODE = (116.39723, 39.9075), (121.45806, 31.22222), (-63.60277, -39.9075)


def test_both_forms_agree_and_the_antipodes_are_half_the_globe() -> None:
    places = [BEIJING, SHANGHAI, ANTIPODE, BEIJING]
    with duckdb.connect() as tables:
        tables.execute("CREATE TABLE p AS SELECT unnest(?) AS lon, unnest(?) AS lat", list(zip(*places, strict=True)))
        rows = tables.execute(f"SELECT {great_circle_km('a', 'b')} FROM p a, p b ORDER BY a.rowid, b.rowid").fetchall()
    told = pairwise_km(*np.array(places).T)
    assert told.ravel() == pytest.approx([km for (km,) in rows], abs=1e-6)
    assert told[0, 1] == pytest.approx(1067, abs=3)
    assert told[0, 2] == pytest.approx(np.pi * 6371)
    assert told[0, 3] == 0
