"""Which addresses are on the public Internet, in every notation that hides one that is not."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from incidents.notices.addresses import NotReachable, addresses_of, look_up, may_reach, plain_host
from incidents.wire.deadline import Deadline

INSIDE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.1.1.1"),
    *("240.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
    *(
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001:db8::1",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "100::1", "2001:db8::1"),
)
OUTSIDE = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1")


@pytest.mark.parametrize("text", INSIDE)
def test_it_is_not_reached(text: str) -> None:
    assert not may_reach(ip_address(text), [])


@pytest.mark.parametrize("text", OUTSIDE)
def test_it_may_be_reached(text: str) -> None:
    assert may_reach(ip_address(text), [])


@pytest.mark.parametrize(
    ("text", "network", "may"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("fd00::5", "fd00::/8", True),
        ("fd00::5", "10.0.0.0/8", False),
    ],
)
def test_only_what_is_named_is_reached_besides(text: str, network: str, may: bool) -> None:
    assert may_reach(ip_address(text), [ip_network(network)]) is may


@pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST"])
def test_the_system_is_asked_and_its_answer_looked_at(host: str) -> None:
    with pytest.raises(NotReachable, match="not on the public Internet"):
        addresses_of(plain_host(host), 443, [], Deadline(5), look_up)


def test_a_notation_that_only_the_system_reads_is_looked_at_too() -> None:
    """Should one pass the reading, what it leads to is looked at all the same."""
    for odd in ("0x7f000001", "2130706433", "127.1"):
        with pytest.raises(NotReachable):
            addresses_of(odd, 443, [], Deadline(5), look_up)


@pytest.mark.parametrize(
    ("host", "plain"), [("Hooks.Example.NET.", "hooks.example.net"), ("[2001:DB8::1]", "2001:db8::1")]
)
def test_a_host_has_one_form(host: str, plain: str) -> None:
    assert plain_host(host) == plain


@pytest.mark.parametrize("host", ["", ".", "1", "0x1", "08.8.8.8", "a.1", "1.2.3.4.5", "[fe80::1%eth0]", "::g"])
def test_a_host_that_is_neither_name_nor_address_is_none(host: str) -> None:
    with pytest.raises(ValueError, match="numeric"):
        plain_host(host)
