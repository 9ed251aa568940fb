"""Covers ahmsa.work.cluster."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from ahmsa.errors import RunError, UsageError
from ahmsa.settings import NetSettings
from configs.training import FitSettings, TrainSettings
from train.execution.cluster import on_cluster
from train.experiment.runner import run

TINY = TrainSettings(
    net=NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0),
    fit=FitSettings(epochs=12, batch=8, learning_rate=4e-3, group=1),
    evaluate_every=4,
)

# Ray leaves sockets and processes to the interpreter's end and warns of its own future on import.
pytestmark = pytest.mark.filterwarnings("ignore")

IMPATIENT = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300, "health_check_failure_threshold": 5}
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False, "node_ip_address": "127.0.0.1"}


@pytest.fixture
def two_nodes(monkeypatch):
    """A Ray cluster of two nodes with one core each, on this machine's loopback alone."""
    for name, value in {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }.items():
        monkeypatch.setenv(name, value)
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'ahmsa[cluster]')")
    from ray._private import services
    from ray.cluster_utils import Cluster

    # Ray looks for this machine's outward address and replaces loopback by it.
    monkeypatch.setattr(services, "get_node_ip_address", lambda address=None: "127.0.0.1")
    cluster = Cluster(initialize_head=True, head_node_args=NODE | {"_system_config": IMPATIENT})
    try:
        yield cluster, cluster.add_node(**NODE)
    finally:
        import ray

        ray.shutdown()
        cluster.shutdown()


@pytest.mark.cluster
def test_a_node_that_dies_half_way_costs_time_and_no_result(two_nodes, make_maps, tmp_path):
    cluster, doomed = two_nodes
    maps = make_maps()
    reports: list[int] = []

    def kill_after_the_first_task(networks: int) -> None:
        if not reports:
            cluster.remove_node(doomed, allow_graceful=False)
        reports.append(networks)

    execute = on_cluster(cluster.address, "cpu")
    results = run(maps, TINY, tmp_path / "cluster", seeds=[0], execute=execute, advance=kill_after_the_first_task)
    alone = run(maps, TINY, tmp_path / "alone", seeds=[0])
    assert len(reports) == 6
    assert sum(reports) == 6 * TINY.fit.epochs
    assert len(cluster.list_all_nodes()) == 1
    for protocol, figures in alone.protocols.items():
        assert results.protocols[protocol].seeds == figures.seeds
        np.testing.assert_allclose(results.protocols[protocol].calibration_error, figures.calibration_error, atol=1e-4)


def test_a_cluster_that_is_not_there_is_said_in_one_sentence(make_maps, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'ahmsa[cluster]')")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(RunError, match=r"no Ray cluster at auto .* start one with `ray start --head`"):
        run(make_maps(), TINY, tmp_path, seeds=[0], execute=on_cluster("auto", "cpu"))


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'ahmsa\[cluster\]'"):
        on_cluster("auto", "cpu")
