"""The API reference as HTML, of the public names alone: `python tools/write_api_reference.py DIRECTORY`.

What is public is what `__all__` of these modules says. A docstring or type that pdoc can't make sense of ends it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import warnings
from pathlib import Path
from typing import Final

import pdoc

MODULES: Final = ("furu", "furu.execution", "furu.testing", "furu.evolution")
TEMPLATES: Final = Path(__file__).with_name("api_reference")


def main() -> None:
    """Write it; print where it begins."""
    directory = Path(sys.argv[1])
    write(directory)
    print(directory / "index.html")


def write(directory: Path) -> None:
    """Make the pages; any warning of pdoc's is an error."""
    for name in MODULES:
        module = importlib.import_module(name)
        # pdoc looks into the module's dictionary, where what is loaded at first use isn't yet.
        for public in module.__all__:
            setattr(module, public, getattr(module, public))
    others = rf"!furu\.(?!({'|'.join(name.partition('.')[2] for name in MODULES[1:])})$)"
    pdoc.render.configure(
        docformat="google",
        show_source=False,
        template_directory=TEMPLATES,
        footer_text=importlib.metadata.version("furu"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc(*MODULES, others, output_directory=directory)


if __name__ == "__main__":
    main()
