"""Free subnets: none that anybody routes to, found wherever the search begins."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.runtime.docker_networks import free_subnet, host_routes, subnet_of
from range.runtime.driver import LaunchFailed

POOL = IPv4Network("10.213.0.0/24")


@given(st.lists(st.integers(0, 15), max_size=15), st.text())
def test_a_chosen_subnet_overlaps_none_that_is_taken(numbers, seed):
    taken = [IPv4Network((int(POOL[0]) + 16 * number, 28)) for number in numbers]
    chosen = free_subnet(POOL, 28, taken=taken, seed=seed)
    assert chosen.subnet_of(POOL)
    assert not any(chosen.overlaps(other) for other in taken)


def test_the_last_free_subnet_is_found():
    left = IPv4Network("10.213.0.112/28")
    taken = [network for network in POOL.subnets(new_prefix=28) if network != left]
    for seed in ("a", "b", "c"):
        assert free_subnet(POOL, 28, taken=taken, seed=seed) == left


def test_a_used_up_pool_is_a_lack_of_capacity():
    with pytest.raises(LaunchFailed) as failure:
        free_subnet(POOL, 28, taken=[POOL], seed="any")
    assert failure.value.reason == "capacity"
    assert failure.value.retryable


def test_a_pool_smaller_than_the_subnet_is_a_lack_of_capacity_once_taken():
    small = IPv4Network("10.213.0.0/28")
    assert free_subnet(small, 28, taken=[], seed="x") == small
    with pytest.raises(LaunchFailed):
        free_subnet(small, 28, taken=[IPv4Network("10.0.0.0/8")], seed="x")


def test_other_sandboxes_begin_elsewhere():
    begun = {
        free_subnet(IPv4Network("10.213.0.0/16"), 28, taken=[], seed=str(n)) for n in range(50)
    }
    assert len(begun) > 45


def test_the_hosts_routes_are_read_without_the_default_one(tmp_path):
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert [str(network) for network in host_routes(table)] == ["172.17.0.0/16", "192.0.2.0/24"]


def test_a_host_that_hides_its_routes_has_none(tmp_path):
    assert host_routes(tmp_path / "missing") == []


@pytest.mark.parametrize("told", [{}, {"IPAM": None}, {"IPAM": {"Config": None}}])
def test_a_network_without_addresses_has_no_subnet(told):
    assert subnet_of(told) == ""


def test_an_ipv6_subnet_is_passed_over():
    config = [{"Subnet": "fd00::/64"}, {"Subnet": "10.213.0.0/28"}]
    assert subnet_of({"IPAM": {"Config": config}}) == "10.213.0.0/28"
