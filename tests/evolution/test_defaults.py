"""The default of a field that is left out of the hash was changed: never another config's result."""

from __future__ import annotations

import pickle

import pytest

from furu.lifecycle.defaults import FuruDefaultChanged
from tests.support.projects import Project

STUDY = """
    import furu

    class Data(furu.Furu[float]):
        noise: float = furu.field(default=0.0, identity="unless-default")

        def _create(self):
            return self.noise

    class Train(furu.Furu[float]):
        data: Data = Data()

        def _create(self):
            return self.data.get()
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    project = Project(tmp_path)
    project.write(default_study=STUDY)
    yield project
    project.forget()


def changed(project: Project):
    project.write(default_study=STUDY.replace("default=0.0", "default=0.5"))
    return project.load("default_study")


@pytest.mark.parametrize("name", ["Data", "Train"])
def test_the_old_result_is_refused_with_both_values(project, name):
    getattr(project.load("default_study"), name)().get()
    with pytest.raises(FuruDefaultChanged, match=r"noise=0\.0, and here noise=0\.5") as caught:
        getattr(changed(project), name)().get()
    assert "noise" == caught.value.field
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_exists_refuses_too(project):
    project.load("default_study").Data().get()
    with pytest.raises(FuruDefaultChanged):
        changed(project).Data().exists()


def test_the_old_value_by_name_is_another_config_now(project):
    project.load("default_study").Data().get()
    data = changed(project).Data(noise=0.0)
    assert not data.exists()
    assert 0.0 == data.get()


def test_a_result_older_than_the_field_stays_valid(project):
    added = 'noise: float = furu.field(default=0.0, identity="unless-default")'
    old = STUDY.replace(added, "size: int = 1")
    project.write(default_study=old.replace("return self.noise", "return 7.0"))
    project.load("default_study").Data().get()
    new = old.replace("size: int = 1", f"size: int = 1\n        {added}")
    project.write(default_study=new.replace("return self.noise", "return 8.0"))
    assert 7.0 == project.load("default_study").Data().get()


def test_an_unchanged_default_is_no_matter(project):
    study = project.load("default_study")
    assert (0.0, 0.0, 0.3) == (study.Data().get(), study.Data().get(), study.Data(noise=0.3).get())
