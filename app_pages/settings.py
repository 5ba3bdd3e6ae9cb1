"""Settings: the thresholds that findings rest on with what each changes, the language, where the workspace is."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd
import streamlit as st

from ringtrace.app_pages.plain import markdown, visible
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.detectors.detector import Detector, parameters
from ringtrace.detectors.registry import DETECTORS
from ringtrace.detectors.runner import read_gaps
from ringtrace.graph import graph_generation
from ringtrace.texts import catalogue


def page() -> None:
    desk = open_desk()
    workspace = desk.workspace()
    st.title(desk.say("app.page.settings"))
    st.caption(desk.say("app.settings.language"))
    st.subheader(desk.say("app.workspace"))
    built = graph_generation(workspace)
    st.markdown(
        f"{markdown(workspace.path.resolve(), 1_000)}  \n"
        + desk.say("app.settings.generation", number=workspace.generation, graph=built if built is not None else "–")
    )
    if built is not None and built < workspace.generation:
        st.warning(desk.say("app.settings.behind"), icon=":material/update:")
    if workspace.generation == 0:
        st.info(desk.say("app.nothing_loaded"), icon=":material/info:")
    gaps = read_gaps(workspace)
    if gaps:
        st.subheader(desk.say("app.settings.gaps"))
        for gap in gaps:
            st.markdown(f"- **{desk.term('kind', gap.detector)}** {markdown(gap.message.render(desk.language), 1_000)}")
    st.subheader(desk.say("app.settings.thresholds"))
    st.caption(desk.say("app.settings.thresholds.help"))
    for detector in DETECTORS:
        _thresholds(desk, detector)


def _thresholds(desk: Desk, detector: Detector) -> None:
    given = parameters(detector)
    unlike = {field.name for field in fields(detector.thresholds) if field.default != given[field.name]}
    with st.expander(f"{desk.term('kind', detector.kind)} ({len(given)})"):
        frame = pd.DataFrame(
            {
                "parameter": list(given),
                "value": [f"{visible(value)}{' *' if name in unlike else ''}" for name, value in given.items()],
                "meaning": [_meaning(desk, detector.kind, name) for name in given],
            }
        )
        widths = {"parameter": 170, "value": 90, "meaning": 740}
        titles = {
            name: st.column_config.Column(desk.say(f"app.column.{name}"), width=width) for name, width in widths.items()
        }
        st.dataframe(
            frame, column_config=titles, hide_index=True, width="stretch", height="content", row_height=36,
            key=f"thresholds-{detector.kind}",
        )  # fmt: skip


def _meaning(desk: Desk, kind: str, name: str) -> str:
    entry = catalogue().get(f"app.threshold.{kind}.{name}")
    return entry[desk.language] if entry else ""


if __name__ == "__main__":
    page()
