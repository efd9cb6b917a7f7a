"""What is recorded about a computation's environment, what never is, and what it used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.config import Settings
from furu.storage import git, metadata
from furu.storage.redaction import drop_credentials, is_secret_name, make_printable, mask_argv, mask_text, mask_variable

WHOLE = Settings(path="/unused", record_git="full")
BARE = Settings(path="/unused", record_git="ignore")


@pytest.fixture(autouse=True)
def afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    metadata.forget_environment()
    yield
    metadata.forget_environment()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit on `main`."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "someone")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "someone@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    run_git("init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("lr = 1\n")
    run_git("add", "train.py")
    run_git("commit", "-q", "-m", "first")
    return tmp_path


def run_git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


class TestEnvironment:
    def test_is_json_and_says_who_where_and_with_what(self) -> None:
        record = metadata.environment_record(BARE)
        assert record == json.loads(json.dumps(record))
        assert {"v", "furu", "python", "platform", "host", "user", "cwd", "argv", "env", "git", "packages"} == set(
            record
        )
        assert (os.getcwd(), None, 1) == (record["cwd"], record["git"], record["v"])
        assert "{}.{}.{}".format(*sys.version_info) == record["python"]["version"]
        assert any(package.startswith("pydantic==") for package in record["packages"])

    def test_is_gathered_once_and_again_in_another_directory(self, tmp_path, monkeypatch) -> None:
        first = metadata.known_environment(BARE)
        assert first is metadata.known_environment(BARE)
        (tmp_path / "deeper").mkdir()
        monkeypatch.chdir(tmp_path / "deeper")
        assert first.digest != metadata.known_environment(BARE).digest
        monkeypatch.chdir(tmp_path)
        assert first is metadata.known_environment(BARE)

    def test_survives_a_directory_that_is_gone(self, tmp_path, monkeypatch) -> None:
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert metadata.environment_record(WHOLE)["cwd"] is None

    def test_command_line_and_variables_are_masked_and_printable(self, monkeypatch) -> None:
        monkeypatch.setattr(sys, "argv", ["train.py", "--token=abc", "--name", "b\udc80d"])
        monkeypatch.setenv("SLURM_JWT", "abc")
        monkeypatch.setenv("FURU_PATH", "/x")
        record = metadata.environment_record(BARE)
        assert ["train.py", "--token=***", "--name", "b\\udc80d"] == record["argv"]
        assert ("***", "/x") == (record["env"]["SLURM_JWT"], record["env"]["FURU_PATH"])

    @pytest.mark.parametrize(
        ("name", "is_kept"),
        [
            ("SLURM_JOB_ID", True),
            ("CUDA_VISIBLE_DEVICES", True),
            ("OMP_NUM_THREADS", True),
            ("CONDA_DEFAULT_ENV", True),
            ("VIRTUAL_ENV", True),
            ("FURU_LEASE_SECS", True),
            ("LOCAL_RANK", True),
            ("PATH", False),
            ("HOME", False),
            ("AWS_SECRET_ACCESS_KEY", False),
            ("MY_FURU_PATH", False),
            ("LANGUAGE", False),
        ],
    )
    def test_variables_are_kept_by_allow_list(self, name, is_kept) -> None:
        assert ({name: "1"} if is_kept else {}) == metadata.select_variables({name: "1"})

    def test_digest_is_by_content(self) -> None:
        one, same = {"a": 1, "b": ["ü\udc80"]}, {"b": ["ü\udc80"], "a": 1}
        assert metadata.environment_digest(one) == metadata.environment_digest(same)
        assert metadata.environment_digest(one) != metadata.environment_digest({**one, "a": 2})
        assert len(metadata.environment_digest(one)) == 64

    def test_packages_are_read_from_names_and_the_first_on_the_path_wins(self, tmp_path) -> None:
        for name in (
            "a/Some_Pack.age-1.0.dist-info",
            "a/other-2.0rc1.dist-info",
            "b/other-1.0.dist-info",
            "b/old-3.1-py3.11.egg-info",
            "b/nameless.egg-info",
            "b/module.py",
        ):
            (tmp_path / name).mkdir(parents=True)
        found = metadata.list_packages([str(tmp_path / name) for name in ("a", "b", "missing", "archive.zip")])
        assert ("old==3.1", "other==2.0rc1", "some-pack-age==1.0") == found


class TestGit:
    def test_a_clean_checkout(self, checkout) -> None:
        run_git("remote", "add", "origin", "https://me:token@example.org/repo.git")
        expected = {
            "commit": run_git("rev-parse", "HEAD"),
            "branch": "main",
            "dirty": False,
            "untracked": [],
            "remote": "https://example.org/repo.git",
        }
        assert expected == metadata.environment_record(WHOLE)["git"]

    @pytest.mark.parametrize("record_git", ["full", "commit"])
    def test_local_changes_are_kept_as_a_patch(self, checkout, record_git) -> None:
        (checkout / "train.py").write_text("lr = 2\n")
        (checkout / "new file.py").touch()
        record = metadata.environment_record(Settings(path="/unused", record_git=record_git))["git"]
        assert (True, ["new file.py"]) == (record["dirty"], record["untracked"])
        assert (record_git == "full") == ("-lr = 1\n+lr = 2\n" in record.get("patch", ""))

    def test_a_long_patch_is_cut_and_says_so(self, checkout) -> None:
        (checkout / "train.py").write_text(("x" * 79 + "\n") * (git.PATCH_BYTES // 80 + 10))
        record = git.describe_checkout(str(checkout), has_patch=True)
        assert len(record["patch"]) == git.PATCH_BYTES
        assert f"first {git.PATCH_BYTES} bytes" in record["patch_note"]

    def test_reading_leaves_the_index_alone(self, checkout) -> None:
        os.utime(checkout / "train.py", (1, 1))
        before = (checkout / ".git" / "index").read_bytes()
        git.describe_checkout(str(checkout), has_patch=True)
        assert before == (checkout / ".git" / "index").read_bytes()

    def test_the_main_scripts_checkout_counts_when_the_working_directory_has_none(
        self, checkout, tmp_path_factory
    ) -> None:
        script = checkout / "main.py"
        script.write_text(
            "from furu.config import Settings\nfrom furu.storage.metadata import environment_record\n"
            "print(environment_record(Settings(path='/unused'))['git']['commit'])"
        )
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, script], cwd=elsewhere, env=environment, check=True, capture_output=True, text=True
        )
        assert run_git("rev-parse", "HEAD") == done.stdout.strip()

    def test_outside_a_checkout_there_is_a_note(self) -> None:
        assert "not a git repository" in git.describe_checkout(os.getcwd(), has_patch=True)["note"]

    def test_without_git_there_is_a_note(self, monkeypatch, tmp_path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert "git can't be run" in git.describe_checkout(os.getcwd(), has_patch=True)["note"]

    def test_a_git_that_hangs_is_left_behind(self, monkeypatch, tmp_path) -> None:
        (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(git, "_TIMEOUT_SEC", 0.05)
        assert "longer than" in git.describe_checkout(os.getcwd(), has_patch=True)["note"]

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            (["# branch.oid (initial)", "# branch.head main", "? a b"], (None, "main", False, ["a b"])),
            (["# branch.oid abc", "# branch.head (detached)"], ("abc", None, False, [])),
            (["# branch.oid abc", "1 .M N... 1 1 1 a a x.py"], ("abc", None, True, [])),
            (["# branch.oid abc", "2 R. N... 1 1 1 a a R100 y.py", "x.py"], ("abc", None, True, [])),
            (["# branch.oid abc", "u UU N... 1 1 1 1 a a a x.py"], ("abc", None, True, [])),
        ],
        ids=["no commit yet", "detached", "changed", "renamed", "unmerged"],
    )
    def test_status_is_read_as_git_prints_it(self, lines, expected) -> None:
        record = git.parse_status("\0".join([*lines, ""]).encode())
        assert expected == tuple(record[key] for key in ("commit", "branch", "dirty", "untracked"))

    def test_many_untracked_names_are_cut(self) -> None:
        record = git.parse_status("".join(f"? {i}\0" for i in range(500)).encode())
        assert (100, "100 of 500 untracked names are kept") == (len(record["untracked"]), record["note"])


RANDOM = "q7Zp2LkX9vT4mB8sW1nR6yC3dF5hJ0aG"


class TestRedaction:
    @pytest.mark.parametrize(
        ("argv", "expected"),
        [
            (["--token=abc", "--lr=1"], ["--token=***", "--lr=1"]),
            (["--password", "hunter 2", "go"], ["--password", "***", "go"]),
            (["--api-key", "--verbose", "x"], ["--api-key", "--verbose", "x"]),
            (["db.password=a b c"], ["db.password=***"]),
            (["--dsn=postgres://me:pw@host/db"], ["--dsn=postgres://***@host/db"]),
            (["https://host/x?page=2&access_token=abc&y=1"], ["https://host/x?page=2&access_token=***&y=1"]),
            (["Authorization: Bearer abc.def"], ["Authorization: *** ***"]),
            (['{"lr": 1, "api_key": "abc"}'], ['{"lr": 1, "api_key": "***"}']),
            (["--hf", "hf_abcdefghijklmnop"], ["--hf", "***"]),
            (["sk-proj-abcdefghijklmnop1234"], ["***"]),
            ([f"--x={RANDOM}"], ["--x=***"]),
        ],
        ids=lambda value: " ".join(value)[:30],
    )
    def test_secrets_are_masked(self, argv, expected) -> None:
        assert expected == mask_argv(argv)

    @pytest.mark.parametrize(
        "argument",
        [
            "--max-tokens=512",
            "--tokenizer=bert-base-uncased",
            "--token-length=7",
            "--author=me",
            "--key=train",
            "--sort-key=name",
            "d41d8cd98f00b204e9800998ecf8427e",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "/data/Experiments2024/LongCamelCaseRunNameWithResNet50",
            "LongCamelCaseRunNameWithResNet50AndMore",
            "git@github.com:me/repo.git",
            "2026-01-23T12:00:00",
        ],
    )
    def test_facts_are_kept(self, argument) -> None:
        assert [argument] == mask_argv([argument])

    @pytest.mark.parametrize(
        "name", ["HF_TOKEN", "dbPassword", "AWS_SECRET_ACCESS_KEY", "apikey", "SLURM_JWT", "APIKey"]
    )
    def test_secret_names(self, name) -> None:
        assert is_secret_name(name)
        assert (mask_variable(name, "v"), mask_variable(name, "")) == ("***", "")

    @given(st.text(), st.text(min_size=1).filter(lambda value: not set(value) <= set("* ")))
    def test_no_password_survives_in_any_surroundings(self, before, password) -> None:
        assert mask_argv([before, f"--password={password}"])[1] == "--password=***"

    @given(st.text())
    def test_any_text_can_be_masked_and_encoded(self, text) -> None:
        make_printable(mask_text(text)).encode("utf-8")

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://me:pw@h/r.git", "https://h/r.git"),
            ("https://token@h/r.git", "https://h/r.git"),
            ("ssh://git@h/r.git", "ssh://git@h/r.git"),
            ("git@h:r.git", "git@h:r.git"),
            ("/a/path", "/a/path"),
        ],
    )
    def test_remotes_lose_their_credentials_and_can_still_be_cloned(self, url, expected) -> None:
        assert expected == drop_credentials(url)


class TestUsage:
    def test_counts_time_cpu_and_memory(self) -> None:
        start = metadata.start_usage()
        while metadata.usage(start)["thread_cpu_sec"] < 0.01:
            sum(range(1000))
        used = metadata.usage(start)
        assert used["wall_sec"] >= 0.005
        assert used["process_cpu_sec"] >= 0.01
        assert 1 << 20 < used["max_rss_bytes"] < 1 << 40
        assert used == json.loads(json.dumps(used))

    def test_of_another_thread_has_no_thread_time(self) -> None:
        start, seen = metadata.start_usage(), []
        thread = threading.Thread(target=lambda: seen.append(metadata.usage(start)))
        thread.start()
        thread.join()
        assert seen[0]["thread_cpu_sec"] is None
