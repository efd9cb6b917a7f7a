"""The figure of the report. Knows tables and matplotlib, nothing of furu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

# Okabe and Ito's palette, which colour-blind people can tell apart.
_COLOURS: Final = ("#E69F00", "#0072B2", "#009E73")
_MARKERS: Final = ("s", "o", "D")
_GREY: Final = "#888888"


def draw(scores: pd.DataFrame, best: tuple[str, str, str], confusion: NDArray[np.int64], file: Path) -> None:
    """Write a PNG: accuracies of all models on the left, the mistakes of the best one on the right."""
    from matplotlib.figure import Figure  # not pyplot, which keeps global state and wants the main thread
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(12, 5.2), layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12))
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _draw_accuracies(left, scores)
    _draw_confusion(right, best, confusion)
    figure.savefig(file, dpi=120)


def _draw_accuracies(axes: Axes, scores: pd.DataFrame) -> None:
    models = list(dict.fromkeys(zip(scores["family"], scores["setting"], strict=True)))
    features = list(dict.fromkeys(scores["features"]))
    for number, title in enumerate(features):
        style: dict[str, Any] = {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}
        of_title = scores[scores["features"] == title]
        label: str | None = title  # once in the legend
        for model, rows in of_title.groupby(["family", "setting"]):
            y = models.index(model) + 0.22 * (number - (len(features) - 1) / 2)
            percent = 100 * rows["accuracy"].to_numpy()
            axes.plot([percent.min(), percent.max()], [y, y], color=style["color"], linewidth=1.5, alpha=0.6)
            axes.plot(percent.mean(), y, linestyle="none", label=label, **style)
            label = None
    for row in range(1, len(models)):
        axes.axhline(row - 0.5, color=_GREY, linewidth=0.5, alpha=0.4)
    axes.set_yticks(range(len(models)), [f"{family}\n{setting}" for family, setting in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlabel("correctly read test images (%)")
    splits = scores["seed"].nunique()
    axes.set_title(f"Accuracy by features: mean and range of {splits} splits", loc="left", pad=24)
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    axes.legend(**above, ncols=len(features), frameon=False, handletextpad=0.1)
    _hide_frame(axes)
    axes.tick_params(axis="y", length=0)


def _draw_confusion(axes: Axes, best: tuple[str, str, str], confusion: NDArray[np.int64]) -> None:
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=max(1, mistakes.max()) * 2)
    for (shown, read), count in np.ndenumerate(confusion):
        if count:
            colour = _GREY if shown == read else "black"
            axes.text(read, shown, str(count), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("digit that the model read")
    axes.set_ylabel("digit that the image shows")
    family, setting, features = best
    axes.set_title(
        f"The best: {family}, {setting},\non {features}: {mistakes.sum()} of {confusion.sum()} readings wrong",
        loc="left",
    )
    _hide_frame(axes)
    axes.tick_params(length=0)


def _hide_frame(axes: Any) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
