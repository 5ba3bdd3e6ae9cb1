"""Public reports: some from people who know something, more from people who are merely annoyed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ringtrace.simulate.sampling import Ints, stream
from ringtrace.simulate.truth import Group, Truth
from ringtrace.simulate.writer import Writer

KNOWING = {
    "borrowed_card_ring": "有人长期拿着多张别人的医保卡到药店刷药。",
    "pharmacy_collusion": "药店没有发药也给刷医保卡，事后返现。",
    "drug_resale": "该药店低价出售医保药品，来源可疑。",
    "ghost_patient": "医院里有人挂床住院，病房里见不到人。",
    "trace_code_reuse": "诊所开的药和发的药不是一种。",
}
ANNOYED = (
    "店员态度很差，价格比别家高。",
    "排队太久，怀疑有人插队代刷。",
    "药店晚上还在营业，不知道是否合规。",
    "邻居经常去药店买很多药。",
    "没有给我开发票。",
)


def write_tips(writer: Writer, truth: Truth, *, schemes: bool) -> int:
    """tips; gives the number of rows. A third of the schemes is reported by somebody; idle reports are more."""
    town = writer.town
    rng = stream(town.seed, "tips")
    rows: list[tuple[int, str, str, str]] = []
    known = [group for group in truth.groups if group.guilty and group.kind in KNOWING] if schemes else []
    for group in known:
        if rng.random() < 0.33:
            rows.append((int(rng.integers(0, town.seconds)), *_subject(writer, group), KNOWING[group.kind]))
    for _ in range(max(4, len(town.people) // 4_000)):
        sentence = ANNOYED[int(rng.integers(0, len(ANNOYED)))]
        shop = writer.place_codes[int(rng.integers(0, town.places.pharmacies))]
        rows.append((int(rng.integers(0, town.seconds)), "institution", shop, sentence))
    # Reports about innocent people hurt most, so there are some.
    people: Ints = rng.integers(0, len(town.people), max(2, len(town.people) // 10_000))
    rows += [(int(rng.integers(0, town.seconds)), "person", psn, ANNOYED[3]) for psn in writer.psn(people)]
    rows.sort()
    tip = pa.table(
        {
            "tip_id": [f"T3310{number + 1:06d}" for number in range(len(rows))],
            "time": np.array([row[0] for row in rows]),
            "subj_type": [row[1] for row in rows],
            "subj_id": [row[2] for row in rows],
            "content": [row[3] for row in rows],
        }
    )
    return writer.write("tips", "SELECT * EXCLUDE (time), moment(time) AS tip_time FROM tip ORDER BY tip_id", tip=tip)


def _subject(writer: Writer, group: Group) -> tuple[str, str]:
    label, index, _ = group.members[0]
    if label == "Patient":
        return "person", writer.psn(np.array([index]))[0]
    return "institution", writer.place_codes[index]
