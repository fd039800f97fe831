"""What the inventory may say about a BIRD router, which keys it can have, and what a state may hold."""

from __future__ import annotations

import pytest

from incidents.adapters.bird import Bird
from incidents.adapters.bird_routes import ABSENT, Protocol, file_text, states_of
from incidents.domain.changes import State
from incidents.domain.errors import InventoryFault
from tests.adapters.support import ROUTE

KEY, SIX = "203.0.113.0/24", "2001:db8:100::/48"
GOOD = {"socket": "/run/bird/bird.ctl", "include": "/etc/bird/handrail.conf"}
PROTOCOLS = (Protocol(4, "handrail4"), Protocol(6, "handrail6", "customers6"))


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "settings.socket"),
        ({**GOOD, "socket": "bird.ctl"}, "settings.socket"),
        ({**GOOD, "socket": "/" + "a" * 107}, "settings.socket"),
        ({**GOOD, "include": "handrail.conf"}, "settings.include"),
        ({**GOOD, "include": "/etc/bird/"}, "settings.include"),
        ({**GOOD, "include": '/etc/"; down; "'}, "settings.include"),
        ({**GOOD, "include": "/etc/a\nb"}, "settings.include"),
        ({**GOOD, "protocol4": "a b"}, "settings.protocol4"),
        ({**GOOD, "protocol6": "x{}"}, "settings.protocol6"),
        ({**GOOD, "protocol6": "handrail4"}, "settings.protocol6"),
        ({**GOOD, "protocol4": "a" * 64}, "settings.protocol4"),
        ({**GOOD, "table4": "master4; x"}, "settings.table4"),
        ({**GOOD, "table6": 6}, "settings.table6"),
        ({**GOOD, "timeout_seconds": 0}, "settings.timeout_seconds"),
        ({**GOOD, "timeout_seconds": 1.5}, "settings.timeout_seconds"),
        ({**GOOD, "timeout_seconds": True}, "settings.timeout_seconds"),
        ({**GOOD, "timeout_seconds": 3601}, "settings.timeout_seconds"),
        ({**GOOD, "sockets": "/x"}, "settings.sockets"),
    ],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        Bird.from_settings(name="r", settings=settings, secret=str, keys=frozenset(), budget_seconds=1)
    assert fault.value.path == path


def test_keys_are_exact_prefixes() -> None:
    assert Bird.normalize_key("2001:DB8:100:0::/48") == SIX
    for key in ("", "203.0.113.1/24", "0.0.0.0/0", "fe80::%1/64", "203.0.113.0/24; }"):
        with pytest.raises(InventoryFault):
            Bird.normalize_key(key)


# No text in a state may reach the configuration; the letters of each are ones that would end a statement there.
HOSTILE: list[State] = [
    {**ROUTE, "next_hop": "192.0.2.1; }; } protocol static evil { ipv4"},
    {**ROUTE, "next_hop": "192.0.2.1\n"},
    {**ROUTE, "next_hop": "fe80::1%x; bgp_med = 1"},
    {**ROUTE, "origin": "ORIGIN_IGP; bgp_med = 1"},
    {**ROUTE, "as_path": ["64496); bgp_path.prepend(64497"]},
    {**ROUTE, "as_path": "64496"},
    {**ROUTE, "communities": ["64496:100)); bgp_community.add((1:2"]},
    {**ROUTE, "communities": ["64496:100\n"]},
    {**ROUTE, "communities": ["٦:100"]},
    {**ROUTE, "communities": [{"a": 1}]},
    {**ROUTE, "large_communities": ['1:2:3; }; } include "/etc/passwd";']},
    {**ROUTE, "med": "5; bgp_local_pref = 7"},
    {**ROUTE, "local_pref": "100"},
    {**ROUTE, "bgp_med = 5; x": 1},
]
# Well-formed, and yet no exact state.
INEXACT: list[State] = [
    {"advertised": True},
    {**ROUTE, "advertised": 1},
    {**ROUTE, "next_hop": ""},
    {**ROUTE, "next_hop": "2001:db8::1"},
    {**ROUTE, "next_hop": "0.0.0.0"},
    {**ROUTE, "next_hop": "224.0.0.5"},
    {**ROUTE, "communities": ["64496:200", "64496:100"]},
    {**ROUTE, "communities": ["64496:100", "64496:100"]},
    {**ROUTE, "communities": ["064496:100"]},
    {**ROUTE, "communities": ["64496:70000"]},
    {**ROUTE, "large_communities": ["1:2"]},
    {**ROUTE, "origin": "elsewhere"},
    {**ROUTE, "med": -1},
    {**ROUTE, "med": True},
    {**ROUTE, "local_pref": 2**32},
    {**ROUTE, "as_path": [2**32]},
    {**ROUTE, "as_path": [0]},
    {**ROUTE, "as_path": [64496] * 129},
    {**ROUTE, "as_path": [4200000000] * 41},
    {**ROUTE, "other_attributes": ["ext_community"]},
    {name: value for name, value in ROUTE.items() if name != "med"},
    {"advertised": False, "next_hop": "192.0.2.1"},
]


@pytest.mark.parametrize("state", [*HOSTILE, *INEXACT], ids=repr)
def test_what_cannot_be_written_exactly_is_not_written(state: State) -> None:
    with pytest.raises(ValueError, match=r"."):
        file_text(PROTOCOLS, {KEY: state})


@pytest.mark.parametrize("key", ["", "203.0.113.0/24 blackhole; route 198.51.100.0/24", "fe80::%x; }/64", "everything"])
def test_what_is_no_prefix_is_not_written(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        file_text(PROTOCOLS, {key: ROUTE})


@pytest.mark.parametrize("hop", ["::", "fe80::1", "ff02::1", "::ffff:192.0.2.1", "2001:DB8::1", "192.0.2.1"])
def test_next_hops_that_neighbours_would_not_take(hop: str) -> None:
    with pytest.raises(ValueError, match="next_hop"):
        file_text(PROTOCOLS, {SIX: {**ROUTE, "next_hop": hop}})


def test_the_file_as_a_whole() -> None:
    six: State = {**ROUTE, "next_hop": "2001:db8::1", "as_path": [], "communities": [], "med": 0, "origin": "egp"}
    text = file_text(PROTOCOLS, {SIX: six, KEY: {**ROUTE, "as_path": [64496, 64497]}})
    assert text.partition("\n")[2] == (
        "protocol static handrail4 {\n"
        "  ipv4 { import all; export none; };\n"
        "  route 203.0.113.0/24 unreachable { bgp_next_hop = 192.0.2.1; bgp_origin = ORIGIN_IGP; bgp_path.empty; "
        "bgp_path.prepend(64497); bgp_path.prepend(64496); bgp_community.add((64496,100)); };\n"
        "}\n"
        "protocol static handrail6 {\n"
        "  ipv6 { table customers6; import all; export none; };\n"
        "  route 2001:db8:100::/48 unreachable { bgp_next_hop = 2001:db8::1; bgp_origin = ORIGIN_EGP; bgp_path.empty; "
        "bgp_med = 0; };\n"
        "}\n"
    )


def test_a_long_list_goes_on_in_further_lines() -> None:
    told = "203.0.113.0/24  unreachable [handrail4]\n\tBGP.community: (1,2) (1,4)\n\t\t(1,3)\n\tBGP.med: 5"
    state = states_of(told.splitlines())[KEY]
    assert (state["communities"], state["med"]) == (["1:2", "1:3", "1:4"], 5)


def test_what_an_answer_tells_that_we_could_not_write() -> None:
    told = (
        "Table master4:\n203.0.113.0/24       unreachable [handrail4 09:54:49.090] * (200)\n\tType: static univ\n"
        "\tBGP.origin: IGP\n\tBGP.as_path: 64496 {64497 64498}\n\tBGP.next_hop: 192.0.2.1 fe80::1\n"
        "\tBGP.ext_community: (rt, 64496, 5)\n\tBGP.community: (64496,100) none\n\tKernel.metric: 5\n"
        "                     unreachable [handrail4 09:54:49.090] (200)"
    )
    assert states_of(told.splitlines())[KEY]["other_attributes"] == [
        "Kernel.metric",
        "as_path",
        "community",
        "ext_community",
        "next_hop",
        "second route",
    ]
    assert ABSENT not in states_of(told.splitlines()).values()
