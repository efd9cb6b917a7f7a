"""Colours, for light and dark: by the reader's system, or by the theme of the notebook around it."""

from __future__ import annotations

from typing import Final

_KINDS: Final = {
    "good": ("published", "alias", "done", "ok"),
    "busy": ("running", "in-progress", "in progress", "queued"),
    "bad": ("failed", "crashed", "lost"),
    "warn": ("preempted", "invalid", "skipped"),
}
_KIND_OF: Final = {status: kind for kind, statuses in _KINDS.items() for status in statuses}

_LIGHT: Final = (
    "--furu-text:#1f2328;--furu-soft:#59636e;--furu-back:#ffffff;--furu-line:#c4ccd4;--furu-edge:#8c959f;"
    "--furu-good:#1a7f37;--furu-busy:#0969da;--furu-bad:#cf222e;--furu-warn:#9a6700;--furu-idle:#818b98"
)
_DARK: Final = (
    "--furu-text:#e6edf3;--furu-soft:#9198a1;--furu-back:#161b22;--furu-line:#3d444d;--furu-edge:#768390;"
    "--furu-good:#3fb950;--furu-busy:#4493f8;--furu-bad:#f85149;--furu-warn:#d29922;--furu-idle:#6e7681"
)
# JupyterLab and VS Code tell their theme by an attribute or a class of the page; it counts more than the system's.
_LIGHT_PAGES: Final = ("[data-jp-theme-light=true]", ".vscode-light")
_DARK_PAGES: Final = ("[data-jp-theme-light=false]", ".vscode-dark", ".vscode-high-contrast")

GRAPH_CSS: Final = """
.furu-graph{max-width:100%;height:auto;font:12px system-ui,sans-serif}
.furu-graph text{fill:var(--furu-text)}
.furu-graph .furu-sub{fill:var(--furu-soft);font-size:11px}
.furu-graph .furu-box{fill:var(--furu-back);stroke:var(--furu-line)}
.furu-graph .furu-centre .furu-box{stroke:var(--furu-text);stroke-width:2}
.furu-graph a:hover .furu-box,.furu-graph a:focus-visible .furu-box{stroke:var(--furu-busy);stroke-width:2}
.furu-graph .furu-edge{fill:none;stroke:var(--furu-edge)}
.furu-graph .furu-tip{fill:var(--furu-edge)}
.furu-graph .furu-good{fill:var(--furu-good)}
.furu-graph .furu-busy{fill:var(--furu-busy)}
.furu-graph .furu-bad{fill:var(--furu-bad)}
.furu-graph .furu-warn{fill:var(--furu-warn)}
.furu-graph .furu-idle{fill:var(--furu-idle)}
""".strip()
"""How pictures of graphs look, by the variables of `theme_css`."""


def kind_of(status: str) -> str:
    """Which of the five colours a status has: `"good"`, `"busy"`, `"bad"`, `"warn"` or `"idle"`."""
    return _KIND_OF.get(status, "idle")


def theme_css(selector: str) -> str:
    """The colours as variables for what `selector` chooses."""
    light = ",".join(f"{page} {selector}" for page in _LIGHT_PAGES)
    dark = ",".join(f"{page} {selector}" for page in _DARK_PAGES)
    return (
        f"{selector}{{color-scheme:light dark;{_LIGHT}}}\n"
        f"@media (prefers-color-scheme:dark){{{selector}{{{_DARK}}}}}\n"
        f"{light}{{{_LIGHT}}}\n{dark}{{{_DARK}}}"
    )
