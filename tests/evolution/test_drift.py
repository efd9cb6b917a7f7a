"""Results made by other code, and what a change of classes or defaults would orphan."""

from __future__ import annotations

import pytest

import furu
from tests.support.projects import Project

STUDY = """
    import furu

    def helper(value):
        return value + 1

    class Data(furu.Furu[int]):
        size: int = 10

        def _create(self):
            return self.size

    class Train(furu.Furu[int]):
        data: Data = Data()
        rate: float = 0.1

        def _create(self):
            return helper(self.data.get())
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    project = Project(tmp_path)
    project.write(drift_study=STUDY)
    yield project
    project.forget()


def edited(project: Project, before: str, after: str):
    """The study with one edit, imported anew."""
    assert before in STUDY
    project.write(drift_study=STUDY.replace(before, after, 1))
    return project.load("drift_study")


class TestCodeDrift:
    def test_nothing_is_stale_while_the_code_is_the_same(self, project):
        project.load("drift_study").Train().get()
        assert [] == furu.stale(code=True)

    def test_the_changed_function_is_named(self, project):
        project.load("drift_study").Train().get()
        edited(project, "value + 1", "value + 2")
        (only,) = furu.stale(code=True)
        assert only.reference.startswith("drift_study/Train/")
        assert ("drift_study:helper changed",) == only.because
        assert only.wall_sec is not None

    def test_by_default_the_old_result_is_loaded_all_the_same(self, project):
        assert 11 == project.load("drift_study").Train().get()
        assert 11 == edited(project, "value + 1", "value + 2").Train().get()

    def test_warn_loads_and_says_what_changed(self, project, monkeypatch, caplog):
        monkeypatch.setenv("FURU_ON_CODE_CHANGE", "warn")
        project.load("drift_study").Train().get()
        assert 11 == edited(project, "value + 1", "value + 2").Train().get()
        assert "drift_study:helper changed" in caplog.text

    def test_rerun_computes_again_once(self, project, monkeypatch):
        monkeypatch.setenv("FURU_ON_CODE_CHANGE", "rerun")
        project.load("drift_study").Train().get()
        train = edited(project, "value + 1", "value + 2").Train()
        assert not train.exists()
        assert 12 == train.get()
        assert train.exists()
        assert [] == furu.stale(code=True)

    def test_a_bad_value_is_refused_by_name(self, project, monkeypatch):
        monkeypatch.setenv("FURU_ON_CODE_CHANGE", "perhaps")
        with pytest.raises(furu.FuruSettingsError, match="FURU_ON_CODE_CHANGE"):
            project.load("drift_study").Train().get()

    def test_a_result_whose_code_is_not_known_is_kept(self, project, monkeypatch, own_store):
        project.load("drift_study").Train().get()
        for record in (own_store / "code").iterdir():
            record.unlink()
        monkeypatch.setenv("FURU_ON_CODE_CHANGE", "rerun")
        assert 11 == edited(project, "value + 1", "value + 2").Train().get()


class TestImpact:
    def test_unchanged_classes_have_none(self, project):
        project.load("drift_study").Train().get()
        found = furu.impact()
        assert not found
        assert "no stored artifact is affected" == str(found)

    def test_a_new_field_orphans_the_class_and_what_it_took_is_summed(self, project):
        study = project.load("drift_study")
        study.Train(rate=0.1).get()
        study.Train(rate=0.2).get()
        edited(project, "rate: float = 0.1", "rate: float = 0.1\n        depth: int = 3")
        (train,) = furu.impact().classes
        assert ("drift_study/Train", 2, 2) == (train.namespace, train.stored, train.orphaned)
        assert train.wall_sec > 0
        assert "depth" in train.reasons[0][0]

    def test_a_change_below_orphans_what_holds_it(self, project):
        project.load("drift_study").Train().get()
        edited(project, "size: int = 10", "extent: int = 10")
        assert {"drift_study/Data", "drift_study/Train"} == {entry.namespace for entry in furu.impact().classes}

    def test_a_new_default_orphans_nothing_but_is_told(self, project):
        study = project.load("drift_study")
        study.Train().get()
        study.Train(rate=0.7).get()
        edited(project, "rate: float = 0.1", "rate: float = 0.3")
        (train,) = furu.impact().classes
        assert (0, ("rate: 0.1 → 0.3",), 1) == (train.orphaned, train.defaults, train.made_with_defaults)

    def test_stale_configs_are_listed_with_their_reason(self, project):
        project.load("drift_study").Train().get()
        edited(project, "rate: float = 0.1", "speed: float = 0.1")
        assert ["drift_study/Train"] == [each.reference.rpartition("/")[0] for each in furu.stale()]
