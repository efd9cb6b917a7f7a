"""The directories of batch jobs' output.

    <submitit>/nodes/<spec key>/<run id>/      of jobs that compute a node each
    <submitit>/workers/<spec key>/<run id>/    of a pool's workers

`<submitit>` is `<root>/submitit`, or where the user wants them to be.
"""

from __future__ import annotations

from urllib.parse import quote


class SubmititPaths:
    """The names below the root of batch jobs' folders."""

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = root

    def nodes(self, spec_key: str, run_id: str) -> str:
        """Logs of jobs that compute one node each."""
        return f"{self.root}/nodes/{_folder_of(spec_key)}/{run_id}"

    def workers(self, spec_key: str, run_id: str) -> str:
        """Logs of a pool's workers."""
        return f"{self.root}/workers/{_folder_of(spec_key)}/{run_id}"


def _folder_of(spec_key: str) -> str:
    name = quote(spec_key, safe=" ")
    return "%2E" + name[1:] if name.startswith(".") else name
