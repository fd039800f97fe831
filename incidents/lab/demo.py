"""Who and what the lab shows: locations, organizations, what is theirs, people."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace

from incidents.lab.edges import Route

REGISTRY = "registry"
SERVICE = "edge-cdn"
REPOSITORY = "shop-repo"
BALANCER = "balancer"
POLICIES = "shop-policies"
KEYSETS = "shop-keys"
DNS = "dns"
# RFC 2544 and RFC 3849 ranges: no host is ever there.
NEXT_HOPS = {4: "198.18.255.1", 6: "2001:db8:ffff::1"}


@dataclass(frozen=True, slots=True)
class Place:
    """A location as the inventory knows it; `origin` is the server of the web shop that stands there."""

    name: str
    title: str
    zone: str
    origin: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix of the demo. `watched_by_tcp` ones have a service behind them and bindings in the registry."""

    name: str
    title: str
    watched_by_tcp: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """A page of the demo that is deployed from the repository."""

    name: str
    title: str

    def key(self, place: Place) -> str:
        """Its folder in the repository for a location, which is also the key of its binding."""
        return f"{self.name}/{place.name}"


@dataclass(frozen=True, slots=True)
class Pool:
    """A page of the demo that origins serve behind the balancer; `group` is what the balancer calls them."""

    name: str
    title: str
    group: str

    def key(self, place: Place) -> str:
        """The origin of a location as the balancer calls it, which is also the key of its binding."""
        return f"{self.group}/{place.origin}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the demo, a policy or a set of public keys, which stands in the repository for each location."""

    name: str
    title: str
    folder: str

    def key(self, place: Place) -> str:
        """Its path in the repository for a location, which is also the key of its binding."""
        return f"{self.folder}/{place.name}.json"


@dataclass(frozen=True, slots=True)
class Record:
    """A set of address records of the demo; `host` lies in `zone`, both with the final dot."""

    name: str
    title: str
    zone: str
    host: str

    @property
    def key(self) -> str:
        return f"{self.zone}/{self.host}/A"


@dataclass(frozen=True, slots=True)
class Organization:
    """A customer of the demo, with the AS number that originates its prefixes.

    `takes_two` says that a second person must agree before a prefix is advertised again.
    """

    name: str
    title: str
    origin_as: int
    prefixes: tuple[Prefix, ...]
    services: tuple[Service, ...] = ()
    pools: tuple[Pool, ...] = ()
    policies: tuple[Document, ...] = ()
    records: tuple[Record, ...] = ()
    keys: tuple[Document, ...] = ()
    takes_two: bool = False

    def route(self, prefix: Prefix) -> Route:
        version = ipaddress.ip_network(prefix.name).version
        return Route(prefix.name, self.origin_as, f"{self.origin_as}:100", NEXT_HOPS[version])


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in to the demo; `groups` as in the inventory."""

    name: str
    title: str
    groups: tuple[str, ...]


PLACES = (
    Place("edge-a", "Amsterdam", "eu-west", "origin-a"),
    Place("edge-b", "Frankfurt", "eu-central", "origin-b"),
    Place("edge-c", "Singapore", "ap-southeast", "origin-c"),
)

CHECKOUT = Service("checkout", "checkout page")
WEB = Pool("shop-web", "web shop", "web")
GATE = Document("shop-gate", "entrance of the shop", "policies")
WWW = Record("shop-www", "www.shop.example", "shop.example.", "www.shop.example.")
SIGN_IN = Document("shop-sign-in", "sign-in of customers", "keys")

SHOP = Organization(
    "example-shop",
    "Example Shop",
    64496,
    (
        Prefix("203.0.113.0/24", "shop and checkout"),
        Prefix("198.51.100.0/24", "mail and calendar"),
        Prefix("192.0.2.0/24", "images and downloads"),
        Prefix("198.18.10.0/24", "partner interface"),
        Prefix("198.18.11.0/24", "warehouse"),
        Prefix("2001:db8:100::/48", "shop and checkout, IPv6"),
    ),
    (CHECKOUT,),
    (WEB,),
    (GATE,),
    (WWW,),
    (SIGN_IN,),
)
BANK = Organization(
    "example-bank",
    "Example Bank",
    64499,
    (
        Prefix("198.18.20.0/24", "online banking"),
        Prefix("198.18.21.0/24", "card payments"),
    ),
    takes_two=True,
)

PEOPLE = (
    Person("shop-operator", "an operator of Example Shop", ("example-shop/operators",)),
    Person("shop-owner", "an owner of Example Shop", ("example-shop/owners",)),
    Person("shop-viewer", "a viewer of Example Shop", ("example-shop/viewers",)),
    Person("bank-operator", "an operator of Example Bank", ("example-bank/operators",)),
    Person("bank-owner", "an owner of Example Bank", ("example-bank/owners",)),
    Person("support-desk", "the support desk", ("support",)),
    Person("reviewer", "a reviewer", ("reviewers",)),
    Person("engineer", "a platform engineer", ("engineers",)),
)


def organizations(extra: int) -> tuple[Organization, ...]:
    """The demo's customers; `extra` more prefixes of 10.0.0.0/8, without services, make the first one large."""
    more = tuple(Prefix(f"10.{i // 256}.{i % 256}.0/24", f"range {i + 1}", watched_by_tcp=False) for i in range(extra))
    return (replace(SHOP, prefixes=SHOP.prefixes + more), BANK)
