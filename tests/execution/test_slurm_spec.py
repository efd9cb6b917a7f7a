"""SlurmSpec: what may be asked for, what submitit is told, and which keys a plan needs."""

from __future__ import annotations

import dataclasses
import inspect
import pickle

import pytest
import submitit
from hypothesis import given
from hypothesis import strategies as st
from submitit.slurm.slurm import _make_sbatch_string

from furu.errors import FuruConfigError, FuruError
from furu.execution.slurm_spec import FuruMissingSpec, SlurmSpec, check_specs

FULL = SlurmSpec(partition="gpu", gpus=2, cpus=8, mem_gb=32, time_min=90)


class TestValues:
    def test_everything_is_optional(self):
        assert SlurmSpec().to_submitit_parameters() == {}

    def test_equal_specs_are_equal_keys(self):
        first = SlurmSpec(cpus=2, extra={"slurm_setup": ["a", "b"], "slurm_additional_parameters": {"qos": "low"}})
        second = SlurmSpec(cpus=2, extra={"slurm_additional_parameters": {"qos": "low"}, "slurm_setup": ("a", "b")})
        assert first == second
        assert {first: 1}[second] == 1
        assert first != dataclasses.replace(first, cpus=3)

    def test_extra_reads_as_the_mapping_that_was_given(self):
        extra = {"slurm_setup": ["a"], "slurm_additional_parameters": {"qos": "low"}}
        assert SlurmSpec(extra=extra).extra == extra
        assert SlurmSpec().extra == {}
        assert SlurmSpec().extra != []

    def test_what_the_caller_does_to_the_mapping_later_changes_nothing(self):
        extra = {"slurm_setup": ["a"]}
        spec = SlurmSpec(extra=extra)
        extra["slurm_setup"].append("b")
        extra["slurm_account"] = "x"
        assert spec == SlurmSpec(extra={"slurm_setup": ["a"]})

    def test_it_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            FULL.cpus = 1
        with pytest.raises(TypeError):
            FULL.extra["x"] = 1

    def test_it_pickles(self):
        spec = dataclasses.replace(FULL, extra={"slurm_setup": ["a"], "slurm_additional_parameters": {"qos": "low"}})
        assert spec == pickle.loads(pickle.dumps(spec))
        assert hash(spec) == hash(pickle.loads(pickle.dumps(spec)))

    def test_its_repr_says_what_it_is(self):
        assert "extra={'slurm_account': 'lab'}" in repr(SlurmSpec(extra={"slurm_account": "lab"}))


BAD = [
    pytest.param({"gpus": -1}, "gpus: must be at least 0, not -1", id="negative-gpus"),
    pytest.param({"cpus": 0}, "cpus: must be at least 1, not 0", id="no-cpu"),
    pytest.param({"cpus": 1.5}, "cpus: must be an int, not 1.5", id="half-a-cpu"),
    pytest.param({"cpus": True}, "cpus: must be an int, not True", id="bool"),
    pytest.param({"mem_gb": 0}, "mem_gb: must be at least", id="no-memory"),
    pytest.param({"mem_gb": float("inf")}, "mem_gb: must be at least", id="infinite-memory"),
    pytest.param({"mem_gb": float("nan")}, "mem_gb: must be at least", id="nan-memory"),
    pytest.param({"mem_gb": "16GB"}, "mem_gb: must be a number, not '16GB'", id="memory-as-text"),
    pytest.param({"time_min": 0}, "time_min: must be at least 1, not 0", id="no-time"),
    pytest.param({"time_min": "1:00"}, "time_min: must be an int, not '1:00'", id="time-as-text"),
    pytest.param({"partition": ""}, "partition: must be a name, not ''", id="empty-partition"),
    pytest.param({"partition": 3}, "partition: must be a name, not 3", id="partition-number"),
    pytest.param({"extra": ["qos"]}, "extra: must be a mapping, not ['qos']", id="extra-list"),
    pytest.param({"extra": {1: 2}}, "extra: names must be str, not 1", id="extra-name"),
    pytest.param({"extra": {"x": {1, 2}}}, "extra['x']: must be made of", id="extra-set"),
    pytest.param(
        {"extra": {"slurm_additional_parameters": "--qos=low"}},
        "extra['slurm_additional_parameters']: must be a mapping",
        id="additional-text",
    ),
    pytest.param(
        {"extra": {"slurm_additional_parameters": {"dependency": "afterok:1?afterok:2"}}},
        "can't contain '?'",
        id="dependency-any",
    ),
]


class TestBadValues:
    @pytest.mark.parametrize(("values", "message"), BAD)
    def test_bad_values_are_refused_by_name(self, values, message):
        with pytest.raises(FuruConfigError) as caught:
            SlurmSpec(**values)
        assert message in str(caught.value)

    def test_all_bad_values_are_named_at_once(self):
        with pytest.raises(FuruConfigError) as caught:
            SlurmSpec(cpus=0, gpus=-1, partition="")
        assert ["gpus", "cpus", "partition"] == [field for field, _ in caught.value.issues]

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(TypeError, match="gpu"):
            SlurmSpec(gpu=1)


class TestSubmititParameters:
    def test_every_field_has_its_parameter(self):
        expected = {
            "timeout_min": 90,
            "slurm_partition": "gpu",
            "cpus_per_task": 8,
            "mem_gb": 32,
            "gpus_per_node": 2,
        }
        assert expected == FULL.to_submitit_parameters()

    @pytest.mark.parametrize("gpus", [None, 0])
    def test_no_gpus_are_not_asked_for(self, gpus):
        assert {"cpus_per_task": 1} == SlurmSpec(cpus=1, gpus=gpus).to_submitit_parameters()

    def test_parents_become_one_dependency_that_kills_in_vain_waiting(self):
        expected = {"kill-on-invalid-dep": "yes", "dependency": "afterok:11:12_3"}
        parameters = FULL.to_submitit_parameters(parent_job_ids=["11", "12_3"])
        assert expected == parameters["slurm_additional_parameters"]

    def test_without_parents_there_is_no_dependency(self):
        extra = {"slurm_additional_parameters": {"qos": "low"}}
        parameters = SlurmSpec(extra=extra).to_submitit_parameters(parent_job_ids=[])
        assert extra == parameters

    def test_the_dependency_is_merged_with_other_additional_parameters(self):
        extra = {"slurm_account": "lab", "slurm_additional_parameters": {"qos": "low"}}
        parameters = SlurmSpec(extra=extra).to_submitit_parameters(parent_job_ids=["7"])
        assert parameters["slurm_account"] == "lab"
        expected = {"qos": "low", "kill-on-invalid-dep": "yes", "dependency": "afterok:7"}
        assert expected == parameters["slurm_additional_parameters"]

    def test_a_dependency_of_the_user_must_hold_too(self):
        extra = {"slurm_additional_parameters": {"dependency": "singleton", "kill-on-invalid-dep": "no"}}
        expected = {"dependency": "singleton,afterok:7", "kill-on-invalid-dep": "no"}
        spec = SlurmSpec(extra=extra)
        assert expected == spec.to_submitit_parameters(parent_job_ids=["7"])["slurm_additional_parameters"]
        assert extra == spec.to_submitit_parameters()

    def test_extra_wins_over_the_fields(self):
        assert {"timeout_min": 5} == SlurmSpec(time_min=60, extra={"timeout_min": 5}).to_submitit_parameters()

    def test_what_is_returned_is_the_callers_own(self):
        spec = SlurmSpec(extra={"slurm_setup": ["a"], "slurm_additional_parameters": {"qos": "low"}})
        first = spec.to_submitit_parameters(parent_job_ids=["7"])
        first["slurm_setup"].append("b")
        first["slurm_additional_parameters"]["qos"] = "high"
        assert ["a"] == spec.to_submitit_parameters()["slurm_setup"]
        assert {"qos": "low"} == spec.to_submitit_parameters()["slurm_additional_parameters"]

    def test_submitit_knows_all_of_them(self):
        known = set(submitit.AutoExecutor._typed_parameters())
        known |= {f"slurm_{name}" for name in inspect.signature(_make_sbatch_string).parameters}
        assert known > set(FULL.to_submitit_parameters(parent_job_ids=["7"]))

    @given(
        st.dictionaries(st.text(min_size=1), st.recursive(st.integers() | st.text(), st.lists, max_leaves=5)),
        st.lists(st.integers(1, 10**6).map(str), max_size=4),
    )
    def test_extra_passes_through_unchanged(self, extra, parents):
        parameters = SlurmSpec(extra=extra).to_submitit_parameters(parent_job_ids=parents)
        assert extra == {name: parameters[name] for name in extra}
        assert bool(parents) == ("slurm_additional_parameters" in parameters)


class TestCheckSpecs:
    def test_a_complete_set_passes(self):
        check_specs({"default": FULL, "gpu": FULL}, {"gpu": ["Train(abc)"]})

    def test_default_is_required_even_if_nobody_wants_it(self):
        with pytest.raises(FuruMissingSpec) as caught:
            check_specs({"gpu": FULL}, {"gpu": ["Train(abc)"]})
        assert "specs lacks 'default', which is required. Keys there are: 'gpu'" in str(caught.value)

    def test_every_missing_key_is_named_with_who_wants_it(self):
        with pytest.raises(FuruMissingSpec) as caught:
            check_specs({"default": FULL, "cpu": FULL}, {"gpu": ["A(1)", "B(2)"], "cpu": ["C(3)"], "big": ["D(4)"]})
        error = caught.value
        assert {"gpu": ("A(1)", "B(2)"), "big": ("D(4)",)} == error.missing
        assert ("cpu", "default") == error.known
        expected = "specs lacks 'gpu', wanted by A(1), B(2); 'big', wanted by D(4). Keys there are: 'cpu', 'default'"
        assert expected in str(error)

    def test_a_long_list_of_nodes_is_cut_short_in_the_text_only(self):
        nodes = [f"N({number})" for number in range(10)]
        with pytest.raises(FuruMissingSpec) as caught:
            check_specs({"default": FULL}, {"gpu": nodes})
        assert "N(0), N(1), N(2) and 7 more" in str(caught.value)
        assert tuple(nodes) == caught.value.missing["gpu"]

    def test_the_error_is_a_key_error_and_pickles(self):
        with pytest.raises(KeyError) as caught:
            check_specs({}, {})
        error = caught.value
        assert isinstance(error, FuruError)
        assert "hint: add specs['default']" in str(error)
        assert str(error) == str(pickle.loads(pickle.dumps(error)))

    def test_a_single_spec_is_no_set(self):
        with pytest.raises(FuruConfigError, match="specs must be a mapping of spec keys to SlurmSpec"):
            check_specs(FULL, {})  # type: ignore[arg-type]

    def test_a_value_of_another_type_is_refused(self):
        with pytest.raises(FuruConfigError, match=r"specs\['gpu'\] must be a SlurmSpec, not \{'cpus': 1\}"):
            check_specs({"default": FULL, "gpu": {"cpus": 1}}, {})
