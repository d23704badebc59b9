"""Change over time: this year solid and dark, the same month last year light.

Belongs here: one indicator's months as a line chart. Does not belong here: queries, wording (the caller passes texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FONT = '"Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC","SimSun",sans-serif'
INK = "#1b2430"
BAR = "#1f4e86"
LIGHT = "#7089a8"
RULE = "#e3e8ee"


def months(
    labels: Sequence[str],
    actual: Sequence[float | None],
    base: Sequence[float | None],
    texts: Sequence[str],
    *,
    name_actual: str,
    name_base: str,
    unit: str,
    breaks: Sequence[int] = (),
) -> dict[str, Any]:
    """A figure of at most a few dozen months; `texts` are the figures as the tables write them, for the hover.

    `breaks` are places in `labels` from which the figures are not comparable with those before: a line stands there.

    Values are already in the unit shown, so that the axis needs no thousand or million letters.
    """
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": name_base,
                "x": list(labels),
                "y": list(base),
                "line": {"color": LIGHT, "width": 2, "dash": "dot"},
                "hoverinfo": "skip",
                "connectgaps": False,
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name_actual,
                "x": list(labels),
                "y": list(actual),
                "text": list(texts),
                "line": {"color": BAR, "width": 2.4},
                "marker": {"size": 5, "color": BAR},
                "hovertemplate": "%{x}<br>%{text}<extra></extra>",
                "connectgaps": False,
            },
        ],
        "layout": {
            "font": {"family": FONT, "size": 12, "color": INK},
            "height": 250,
            "margin": {"l": 56, "r": 8, "t": 26, "b": 34},
            "paper_bgcolor": "#ffffff",
            "plot_bgcolor": "#ffffff",
            "shapes": [
                {
                    "type": "line",
                    "x0": place - 0.5,
                    "x1": place - 0.5,
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": INK, "width": 1, "dash": "dash"},
                }
                for place in breaks
            ],
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.14},
            "xaxis": {"type": "category", "tickangle": 0, "nticks": 12, "showgrid": False, "linecolor": INK},
            "yaxis": {
                "title": {"text": unit, "font": {"size": 11}},
                "gridcolor": RULE,
                "zerolinecolor": INK,
                "rangemode": "tozero",
                "tickformat": ",~f",
                "exponentformat": "none",
            },
        },
    }
