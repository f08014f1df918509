"""The colours and letters of all charts, in light and dark."""

from __future__ import annotations

from typing import Any

__all__ = ["config"]

FONTS = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif'

# Okabe and Ito's palette, which colour-blind readers tell apart; its light colours darkened for white
# paper and its dark ones lightened for a dark page, so that all have a contrast of 3:1 and more.
_LIGHT = ["#0072b2", "#d55e00", "#00805d", "#b0568a", "#8a6d00", "#5b4fc4", "#2f7f95", "#555b63"]
_DARK = ["#56b4e9", "#ff8f4a", "#2fc79a", "#e39ac4", "#f0d442", "#a99bff", "#7fd3e0", "#b4bcc6"]


def config(dark: bool = False, font: str = FONTS) -> dict[str, Any]:
    """Vega-Lite's configuration of the colours and letters of all charts."""
    ink, quiet, line = ("#e6edf3", "#a3afbb", "#303a45") if dark else ("#1b1f24", "#555e68", "#dde2e8")
    # The fourth colour, at three quarters, has a contrast of 4.5 with black and with white: the text changes there.
    ramp = (
        ["#18222d", "#17344f", "#1b4f7c", "#2a7abc", "#8fd0f5"]
        if dark
        else ["#f1f6fb", "#c6dbef", "#6baed6", "#2a7abc", "#08306b"]
    )
    grey, band = ("#8b97a3", "#18212a") if dark else ("#7d8791", "#eef2f6")
    return {
        "font": font,
        "background": None,
        "view": {"stroke": None},
        "padding": 4,
        "title": {"color": ink, "subtitleColor": quiet, "anchor": "start", "fontSize": 13, "offset": 12},
        "axis": {
            "labelColor": quiet,
            "titleColor": ink,
            "titleFontWeight": 500,
            "gridColor": line,
            "domainColor": line,
            "tickColor": line,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titlePadding": 10,
            "labelLimit": 190,
        },
        "header": {"labelColor": ink, "titleColor": ink, "labelFontSize": 13, "labelFontWeight": 600},
        "legend": {
            "labelColor": ink,
            "titleColor": quiet,
            "labelFontSize": 12,
            "labelLimit": 230,
            "symbolLimit": 0,
            "orient": "bottom",
            "direction": "vertical",
            "columns": 2,
            "columnPadding": 18,
            "symbolOpacity": 1,
        },
        "range": {"category": _DARK if dark else _LIGHT, "heatmap": ramp, "ramp": ramp},
        "style": {
            "on-weak": {"color": "#ffffff" if dark else "#000000"},
            "on-strong": {"color": "#000000" if dark else "#ffffff"},
            "above": {"color": (_DARK if dark else _LIGHT)[0]},
            "chance": {"color": grey},
            "floor": {"color": (_DARK if dark else _LIGHT)[1]},
            "floor-name": {"color": quiet},
            "pair": {"color": ink},
            "tie": {"color": band},
            "crowd": {"color": "#465462" if dark else "#c3cad2"},
            "pointed": {"color": ink},
        },
    }
