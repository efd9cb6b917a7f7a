"""`furu dashboard`."""

from __future__ import annotations

import sys

import click

from furu.cli import output
from furu.evolution.archive import store_roots

try:
    from furu.dashboard.security import new_token
    from furu.dashboard.server import serve
except ModuleNotFoundError as error:
    sys.exit(f"furu: the dashboard needs {error.name}: pip install 'furu[dashboard]'")


@click.command("dashboard")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="0 for any; by default the first free one from 8421 on.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option(
    "--token",
    envvar="FURU_DASHBOARD_TOKEN",
    metavar="TEXT",
    help="What requests have to bring, a new one each time by default. Others see a command's arguments: "
    "FURU_DASHBOARD_TOKEN keeps it from them.",
)
def command(host: str, port: int | None, token: str | None, *, no_browser: bool) -> None:
    """Show the store in a browser: artifacts, runs, graphs, disk. It only reads."""
    serve(
        store_roots(),
        host=host,
        port=port,
        token=token or new_token(),
        has_browser=not no_browser,
        say=output.say,
    )
