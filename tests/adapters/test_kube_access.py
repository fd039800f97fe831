"""Reaching an API server: kubeconfigs, service accounts of pods, certificates."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from incidents.adapters.kube_access import Pod, read_access
from incidents.adapters.kube_api import Kube
from incidents.adapters.kube_config import Access
from incidents.adapters.kubernetes_deployment import KubernetesDeployment
from incidents.domain.changes import Cause, Reply
from incidents.domain.errors import BackendTimeout, BackendUnreachable, InventoryFault
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings
from tests.adapters.kubernetes_support import (
    BAD,
    GOOD,
    change,
    kube,
    kubeconfig,
    make,
    reading,
    trusting,
)
from tests.fakes.certificates import Identity, make_identity
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import TOKEN, Cluster

PATH = "/apis/apps/v1/namespaces/shop/deployments/checkout"
NO_PAIR = {"client-certificate-data": "QUJD", "client-key-data": "QUJD"}
SERVER = "https://192.0.2.1:6443"
CAUSE = Cause("k", "RUN-7K3P-QX", "shop-operator", "a test")


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("tls"), "api", "IP:127.0.0.1", "DNS:api.example")


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.deployment("checkout")
    return made


def access(settings: Mapping[str, object], text: str = "", pod: Pod | None = None) -> Access:
    return read_access(Settings(settings), reading(text), pod)


def fault_of(text: str, **settings: object) -> str:
    with pytest.raises(InventoryFault) as raised:
        access({"kubeconfig": "env:KUBECONFIG", **settings}, text)
    assert TOKEN not in str(raised.value)
    return str(raised.value)


def status(speaker: Kube) -> int:
    try:
        return speaker.get(Deadline(3), PATH).status
    finally:
        speaker.close()


# Kubeconfigs.


@pytest.mark.parametrize(
    ("server", "cluster", "user", "words"),
    [
        (SERVER, {}, {"exec": {"command": "aws"}}, "runs a program to sign in"),
        (SERVER, {}, {"auth-provider": {"name": "gcp"}}, "runs code of a provider"),
        (SERVER, {}, {"username": "a", "password": TOKEN}, "signs in by a password"),
        (SERVER, {}, {"token": TOKEN, "as": "admin"}, "in the name of somebody else"),
        (SERVER, {}, {}, "neither a token nor a client certificate"),
        (SERVER, {}, {"token": f"{TOKEN}\nX-Remote-User: admin"}, "other signs than a token may"),
        (SERVER, {}, {"token": 5}, "token must be text"),
        (SERVER, {}, {"tokenFile": "token"}, "tokenFile must be an absolute path"),
        (SERVER, {}, {"client-certificate-data": "QUJD"}, "client-certificate and client-key go together"),
        (SERVER, {}, NO_PAIR, "no certificate and unencrypted key"),
        (SERVER, {"insecure-skip-tls-verify": True}, None, "insecure-skip-tls-verify is not possible"),
        (SERVER, {"proxy-url": "http://192.0.2.9"}, None, "proxy-url is not possible"),
        (SERVER, {"certificate-authority-data": "!"}, None, "certificate-authority-data is no base64"),
        (SERVER, {"certificate-authority-data": "QUJD"}, None, "holds no certificate in PEM form"),
        (SERVER, {"certificate-authority": "ca.crt"}, None, "must be an absolute path"),
        ("http://192.0.2.1:8080", {}, None, "server must be https://"),
        ("http://localhost:8080", {}, None, "server must be https://"),
        ("https://admin:word@192.0.2.1", {}, None, "server must be https://"),
        ("192.0.2.1:6443", {}, None, "server must be https://"),
        ("", {}, None, "server must be https://"),
    ],
)  # fmt: skip
def test_what_a_kubeconfig_must_not_hold(server: str, cluster: Any, user: Any, words: str) -> None:
    told = fault_of(kubeconfig(server, cluster, user))
    assert told.startswith("settings.kubeconfig: ")
    assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no kubeconfig"),
        ("- a", "is no kubeconfig"),
        (f"token: '{TOKEN}", "is no kubeconfig"),
        (f"!!python/object/apply:os.system ['echo {TOKEN}']", "is no kubeconfig"),
        ("clusters: []", "has no current-context"),
        ("clusters: []\ncurrent-context: a", "holds no context 'a'"),
        ("clusters: []\ncurrent-context: a\ncontexts: [{name: a, context: {}}]", "the context has no cluster"),
        ("clusters: []\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: b}}]", "holds no cluster 'b'"),
    ],
)
def test_what_is_no_kubeconfig(text: str, words: str) -> None:
    assert words in fault_of(text)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "settings.kubeconfig: is missing; give it, or in_cluster: true"),
        ({"kubeconfig": "apiVersion: v1"}, "settings.kubeconfig: must be a reference"),
        ({"kubeconfig": "env:KUBECONFIG", "in_cluster": True}, "settings.kubeconfig: has no meaning with in_cluster"),
        ({"context": "a", "in_cluster": True}, "settings.context: has no meaning with in_cluster"),
        ({"in_cluster": "yes"}, "settings.in_cluster: must be true or false"),
    ],
)
def test_settings_that_do_not_go_together(settings: Mapping[str, object], words: str) -> None:
    with pytest.raises(InventoryFault, match=words):
        access(settings)


def test_an_unknown_setting_is_a_fault() -> None:
    with pytest.raises(InventoryFault, match=r"settings.kube_config: is no setting of this kind"):
        KubernetesDeployment.from_settings(
            name="kube-a", settings={"kube_config": "x"}, secret=reading(""), keys=frozenset(), budget_seconds=1
        )


def test_a_context_is_chosen_by_its_name() -> None:
    parsed = json.loads(kubeconfig(SERVER))
    parsed["clusters"].append({"name": "kube-b", "cluster": {"server": "https://192.0.2.2", "tls-server-name": "b"}})
    parsed["contexts"].append({"name": "other", "context": {"cluster": "kube-b", "user": "console"}})
    text = yaml.safe_dump(parsed)
    assert access({"kubeconfig": "env:KUBECONFIG"}, text).url == SERVER
    chosen = access({"kubeconfig": "env:KUBECONFIG", "context": "other"}, text)
    assert (chosen.url, chosen.tls_name, chosen.token()) == ("https://192.0.2.2", "b", TOKEN)
    assert "holds no context 'third'" in fault_of(text, context="third")


def test_files_that_a_kubeconfig_names_lie_beside_it(identity: Identity, tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_bytes(identity.certificate.read_bytes())
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with FakeKubernetes(cluster, identity.server()) as fake:
        part = {"certificate-authority": "pki/ca.crt"}
        (tmp_path / "config").write_text(kubeconfig(f"https://{fake.address}", part, {"tokenFile": "token"}))
        settings: dict[str, object] = {"kubeconfig": f"file:{tmp_path}/config"}
        speaker = Kube("kube-a", access(settings))
        assert speaker.get(Deadline(3), PATH).status == 200
        # Tokens are replaced while we run.
        cluster.token = "another-token"
        assert speaker.get(Deadline(3), PATH).status == 401
        (tmp_path / "token").write_text("another-token\n")
        assert speaker.get(Deadline(3), PATH).status == 200
        (tmp_path / "token").unlink()
        with pytest.raises(BackendUnreachable, match="our token for kube-a cannot be read"):
            speaker.get(Deadline(3), PATH)
        (tmp_path / "token").write_text("two words")
        with pytest.raises(BackendUnreachable, match="other signs than a token may"):
            status(speaker)


# Within a cluster.


def pod(directory: Path, identity: Identity, address: str) -> Pod:
    (directory / "ca.crt").write_bytes(identity.certificate.read_bytes())
    (directory / "token").write_text(TOKEN)
    host, _, port = address.rpartition(":")
    return Pod(directory, {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port})


def test_a_pod_reads_its_token_anew(identity: Identity, tmp_path: Path, cluster: Cluster) -> None:
    with FakeKubernetes(cluster, identity.server()) as fake:
        speaker = Kube("kube-a", access({"in_cluster": True}, pod=pod(tmp_path, identity, fake.address)))
        assert speaker.get(Deadline(3), PATH).status == 200
        cluster.token = "rotated"
        (tmp_path / "token").write_text("rotated")
        assert status(speaker) == 200


def test_an_address_of_ipv6_is_bracketed(identity: Identity, tmp_path: Path) -> None:
    assert (
        access({"in_cluster": True}, pod=pod(tmp_path, identity, "2001:db8::1:443")).url == "https://[2001:db8::1]:443"
    )


@pytest.mark.parametrize(
    ("environment", "authority", "words"),
    [
        ({}, "", "this is no pod"),
        ({"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "x"}, "", "this is no pod"),
        ({"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}, "", "ca.crt cannot be read"),
        ({"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}, "none", "no certificate in PEM"),
    ],
)
def test_what_is_no_pod(tmp_path: Path, environment: dict[str, str], authority: str, words: str) -> None:
    if authority:
        (tmp_path / "ca.crt").write_text(authority)
    with pytest.raises(InventoryFault, match=r"settings.in_cluster: ") as raised:
        access({"in_cluster": True}, pod=Pod(tmp_path, environment))
    assert words in str(raised.value)


# Certificates.


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({}, "self-signed certificate"),  # whom the system does not know
        ({"trust": "other"}, "self-signed certificate"),
        ({"trust": "api", "tls-server-name": "other.example"}, "hostname mismatch"),
        ({"trust": "api"}, ""),
        ({"trust": "api", "tls-server-name": "api.example"}, ""),
    ],
)
def test_certificates_are_checked(
    identity: Identity, tmp_path: Path, cluster: Cluster, part: dict[str, str], words: str
) -> None:
    trusted = {"api": identity, "other": make_identity(tmp_path, "other", "IP:127.0.0.1")}
    given = {name: value for name, value in part.items() if name != "trust"}
    if "trust" in part:
        given |= trusting(trusted[part["trust"]].certificate)
    one = change("shop/checkout", {"template": GOOD}, {"template": BAD})
    with FakeKubernetes(cluster, identity.server()) as fake:
        adapter = make(KubernetesDeployment, f"https://{fake.address}", ["shop/checkout"], 3, given)
        (receipt,) = adapter.apply([one], CAUSE)
        if not words:
            assert receipt.reply is Reply.ACCEPTED
        else:
            told = f"the certificate of kube-a is not accepted: {words}"
            assert (receipt.reply, receipt.detail) == (Reply.NOT_SENT, told)
            with pytest.raises(BackendUnreachable, match=told):
                adapter.observe(["shop/checkout"])
            assert fake.requests == []
        adapter.close()


def test_a_client_certificate_instead_of_a_token(identity: Identity, tmp_path: Path, cluster: Cluster) -> None:
    ours = make_identity(tmp_path, "handrail", "DNS:handrail.example")
    cluster.token = ""
    pair = {
        "client-certificate-data": base64.b64encode(ours.certificate.read_bytes()).decode(),
        "client-key": str(ours.key),
    }
    with FakeKubernetes(cluster, identity.server(ours.certificate)) as fake:
        trust = trusting(identity.certificate)
        assert status(kube(kubeconfig(f"https://{fake.address}", trust, pair))) == 200
        # The server says so only after the handshake, when our request is on its way; or just hangs up.
        with pytest.raises(BackendTimeout):
            status(kube(kubeconfig(f"https://{fake.address}", trust)))
