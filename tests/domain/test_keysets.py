"""Sets of public keys: what is read of them, and that nothing private gets by, however it is dressed up."""

from __future__ import annotations

import base64
import datetime
import json
import textwrap
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from incidents.domain.keysets import KeyNote, keys_in, private_part

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, Private] = {"rsa": RSA_KEY, "ec": EC_KEY, "ed": ED_KEY}
PLAIN, LOCKED = NoEncryption(), BestAvailableEncryption(b"a passphrase")
PKCS1, PKCS8, SSH = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH
# Every way in which a private key is commonly written.
WRITTEN = [
    *(("rsa", how, lock) for how in (PKCS1, PKCS8) for lock in (PLAIN, LOCKED)),
    *(("ec", how, lock) for how in (PKCS1, PKCS8) for lock in (PLAIN, LOCKED)),
    *(("ed", how, PLAIN) for how in (PKCS8, SSH)),
    ("rsa", SSH, PLAIN),
]
SECRET = "sEcReTsEcReTsEcReTsEcReTsEcReT-_0123456789"
# RFC 7638 section 3.1.
RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n"
    "3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
    "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
    "nqDKgw",
    "e": "AQAB",
    "alg": "RS256",
}
RSA_JWK = {**RFC_7638, "kid": "2011-04-29"}
EC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2Yi" + "A" * 32,
}


def public_pem(key: Private = EC_KEY) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


def make_certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(EC_KEY.public_key())
    day = datetime.datetime(2026, 1, 1)
    made = made.serial_number(7).not_valid_before(day).not_valid_after(day + datetime.timedelta(365))
    return made.sign(EC_KEY, hashes.SHA256())


CERTIFICATE = make_certificate()


def certificate_pem() -> str:
    return CERTIFICATE.public_bytes(Encoding.PEM).decode()


def private_pem(
    key: str = "ec", how: PrivateFormat = PKCS8, lock: serialization.KeySerializationEncryption = PLAIN
) -> str:
    return KEYS[key].private_bytes(Encoding.PEM, how, lock).decode()


def private_der(
    key: str = "ec", how: PrivateFormat = PKCS8, lock: serialization.KeySerializationEncryption = PLAIN
) -> bytes:
    return KEYS[key].private_bytes(Encoding.DER, how, lock)


def block(der: bytes, label: str) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def key_set(*keys: object, **besides: object) -> str:
    return json.dumps({"keys": list(keys), **besides})


def fault_of(text: str) -> str:
    with pytest.raises(ValueError, match=r"^its? ") as caught:
        keys_in(text)
    return str(caught.value)


def test_a_key_is_called_by_its_kid_and_else_by_its_thumbprint() -> None:
    assert keys_in(key_set(RSA_JWK, RFC_7638, EC_JWK)) == (
        KeyNote("2011-04-29", "RSA"),
        KeyNote("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RSA"),
        KeyNote(keys_in(key_set({**EC_JWK, "use": "sig"}))[0].id, "EC P-256"),
    )


def test_the_thumbprint_of_an_ed25519_key() -> None:
    # RFC 8037 appendix A.3.
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert keys_in(key_set(key)) == (KeyNote("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "OKP Ed25519"),)


@pytest.mark.parametrize("kid", ["", 5, None, "a\nb", "\u202eb", "x" * 201, ["a"], "\ud800"])
def test_a_kid_that_cannot_be_shown_is_not(kid: object) -> None:
    assert keys_in(key_set({**RFC_7638, "kid": kid})) == keys_in(key_set(RFC_7638))


def test_keys_of_types_that_we_do_not_know_are_told_apart() -> None:
    one, other = keys_in(key_set({"kty": "New", "z": "1"}, {"kty": "New\x1b[2J", "z": "2", "n": {"a": []}}))
    assert (one.kind, other.kind) == ("New", "?")
    assert one.id != other.id
    assert keys_in(key_set({"kty": "RSA", "e": 1}))[0].kind == "RSA"


def test_a_spiffe_bundle_is_a_set_of_keys() -> None:
    der = CERTIFICATE.public_bytes(Encoding.DER)
    svid = {**EC_JWK, "use": "x509-svid", "x5c": [base64.b64encode(der).decode()]}
    text = key_set(svid, {**RSA_JWK, "use": "jwt-svid"}, spiffe_sequence=7, spiffe_refresh_hint=300)
    assert [note.kind for note in keys_in(text)] == ["EC P-256", "RSA"]


def test_a_bundle_of_certificates_and_public_keys() -> None:
    text = "# CN = shop\n=====\n" + "".join(
        [certificate_pem(), public_pem(RSA_KEY), "\n", public_pem(), public_pem(ED_KEY)]
    )
    first, *others = keys_in(text)
    assert first == KeyNote(CERTIFICATE.fingerprint(hashes.SHA256()).hex(), "certificate")
    assert [note.kind for note in others] == ["RSA", "EC P-256", "OKP Ed25519"]
    assert keys_in(block(b"0\x03abc", "PUBLIC KEY"))[0].kind == "public key"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_base64_may_hold_blanks_and_any_ends_of_lines(end: str) -> None:
    lines = certificate_pem().splitlines()
    loose = [lines[0], "", *(f"  {line[:7]} \t{line[7:]} " for line in lines[1:-1]), "", lines[-1]]
    assert keys_in(end.join(loose)) == keys_in(certificate_pem())
    assert keys_in("\ufeff" + key_set(RSA_JWK).replace(" ", end)) == keys_in(key_set(RSA_JWK))


NO_SETS = [
    ("", "it is neither a set of keys in JSON nor a bundle in PEM"),
    ("<html>502 Bad Gateway</html>", "it is neither a set of keys in JSON nor a bundle in PEM"),
    ("null", "it is neither a set of keys in JSON nor a bundle in PEM"),
    ("{", "it is no JSON from line 1, column 2 on"),
    (key_set(RSA_JWK)[:-9], "it is no JSON from line 1, column "),
    (key_set(RSA_JWK) + "{}", "it is no JSON from line 1, column "),
    ('{"keys": [{"kty": "RSA"}],}', "it is no JSON from line 1, column 27 on"),
    ('{"keys": [{"kty": "RSA", "a": NaN}]}', "it holds a number that JSON does not have"),
    ("[]", "it is JSON without a list of keys"),
    ("{}", "it is JSON without a list of keys"),
    ('{"keys": {"kty": "RSA"}}', "it is JSON without a list of keys"),
    ('{"Keys": [{"kty": "RSA"}]}', "it is JSON without a list of keys"),
    ('{"keys": []}', "it holds no key"),
    ('{"keys": ["RSA"]}', "its key number 1 has no kty"),
    ('{"keys": [{"kty": "RSA"}, {"kid": "x"}]}', "its key number 2 has no kty"),
    ('{"keys": [{"kty": 1}]}', "its key number 1 has no kty"),
    ('{"keys": [{"kty": ""}]}', "its key number 1 has no kty"),
    ('{"keys": [{"kty": "RSA", "kid": "a", "kid": "b"}]}', "it names a member twice, which readers"),
    ('{"keys": [{"kty": "RSA"}], "k\\u0065ys": []}', "it names a member twice, which readers take differently"),
    ("[" * 100_000, "it is nested too deeply to be a set of keys"),
    ('{"keys":' * 100_000, "it is nested too deeply to be a set of keys"),
    (certificate_pem().replace("-----END", "-----EMD"), "it has a block without an end"),
    (certificate_pem()[:-27] + public_pem(), "it has a block that does not end where the next one begins"),
    (public_pem().replace("END PUBLIC KEY", "END CERTIFICATE"), "it has a block that does not end where the next"),
    ("-----END CERTIFICATE-----", "it has a block that does not end where the next one begins"),
    (certificate_pem() + block(b"", "PUBLIC KEY"), "its block number 2 is no base64"),
    (block(b"0\x03abc", "CERTIFICATE").replace("=", "%").replace("M", "!"), "its block number 1 is no base64"),
    (block(b"abcd", "CERTIFICATE").replace("=", ""), "its block number 1 is no base64"),
    (certificate_pem().replace("MII", "MIü"), "its block number 1 is no base64"),
    (block(b"0\x03abc", "X509 CRL"), "its block number 1 is neither a certificate nor a public key"),
    (certificate_pem() + "Zm9v" * 16, "it holds something between its blocks that could be a key"),
]


@pytest.mark.parametrize(("text", "fault"), NO_SETS, ids=range(len(NO_SETS)))
def test_what_is_no_set_of_keys_says_why(text: str, fault: str) -> None:
    assert fault_of(text).startswith(fault)


@pytest.mark.parametrize(("key", "how", "lock"), WRITTEN)
def test_private_keys_in_pem(key: str, how: PrivateFormat, lock: serialization.KeySerializationEncryption) -> None:
    pem = private_pem(key, how, lock)
    for text in (
        pem,
        certificate_pem() + pem,
        pem.lower(),
        pem.replace("PRIVATE KEY", "PRIVATE  KEY").replace("-----BEGIN ", "---- BEGIN "),
        pem[:60],
        pem[-60:],
        key_set(RSA_JWK, note=pem),
        key_set({**RSA_JWK, "kid": pem}),
        json.dumps({"keys": [RSA_JWK], pem: 1}),
        key_set(RSA_JWK, note=pem).replace("PRIVATE", "PRI\\u0056ATE").replace("-", "\\u002d"),
        key_set(RSA_JWK, note=json.dumps({"inner": [pem]})).replace("PRIVATE", "PRI\\\\u0056ATE"),
        f"policy:\n  key: |\n{textwrap.indent(pem, '    ')}",
    ):
        wanted = ("a private key in PEM", "a private key of OpenSSH")
        assert private_part(text) in wanted
        assert fault_of(text) in tuple(f"it holds {words}" for words in wanted)


@pytest.mark.parametrize(
    "label", ["PGP PRIVATE KEY BLOCK", "SSH2 ENCRYPTED PRIVATE KEY", "ANY PRIVATE KEY", "PRIVATE KEY"]
)
def test_other_private_blocks(label: str) -> None:
    assert private_part(f"-----BEGIN {label}-----\n\nlQOYBF\n-----END {label}-----") == "a private key in PEM"


@pytest.mark.parametrize(
    ("key", "how", "lock"), [row for row in WRITTEN if row[1] is PKCS8 or row[1:] == (PKCS1, PLAIN)]
)
@pytest.mark.parametrize("label", ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY"])
def test_a_private_key_that_is_called_a_public_one(
    key: str, how: PrivateFormat, lock: serialization.KeySerializationEncryption, label: str
) -> None:
    der = private_der(key, how, lock)
    text = certificate_pem() + block(der, label)
    assert fault_of(text) == "it holds a private key that is called a public one"
    for coded in (base64.b64encode(der).decode(), base64.urlsafe_b64encode(der).decode().rstrip("=")):
        assert fault_of(key_set({**EC_JWK, "x5c": [coded]})) == "it holds a private key in DER"
    pem = base64.b64encode(private_pem(key, how, lock).encode()).decode()
    assert fault_of(key_set(RSA_JWK, note=pem)) == "it holds a private key in base64"


def test_private_keys_of_other_programs() -> None:
    ssh = private_pem("ed", SSH)
    assert private_part("".join(ssh.splitlines()[1:-1])) == "a private key of OpenSSH"
    assert private_part("PuTTY-User-Key-File-3: ssh-ed25519") == "a private key of PuTTY"
    assert private_part("age: AGE-SECRET-KEY-1QQPQ") == "a private key of age"


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
@pytest.mark.parametrize("value", [SECRET, "", None, [{"r": "x"}]])
@pytest.mark.parametrize("spell", [str, str.upper, lambda name: f" {name}\t"])
def test_private_members_of_a_jwk(member: str, value: object, spell: Callable[[str], str]) -> None:
    key = {**EC_JWK, spell(member): value}
    wanted = "a symmetric key" if member == "k" else f"the private part {member} of a key"
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in spell(member))
    texts = [
        key_set(RSA_JWK, key),
        json.dumps(key),
        json.dumps([[key]]),
        key_set(RSA_JWK, more={"deep": [{"in": [key]}]}),
        key_set({spell(member): value, "use": "sig"}),
        key_set(RSA_JWK, note=json.dumps(key)),
        key_set(RSA_JWK, note=json.dumps({"more": json.dumps(key)})),
        key_set(key).replace(json.dumps(spell(member)), f'"{escaped}"'),
        # The first of two members of one name, which most readers do not see.
        f'{{"keys": [{json.dumps(key)[:-1]}, {json.dumps(spell(member))}: 1}}]}}',
        f'{{"keys": [{json.dumps(key)}], "keys": [{json.dumps(RSA_JWK)}]}}',
    ]
    for text in texts:
        assert private_part(text) == wanted, text
        assert fault_of(text) == f"it holds {wanted}"


@pytest.mark.parametrize("kty", ["oct", "OCT", " Oct ", "\\u006fct"])
def test_a_symmetric_key_is_found_by_its_type(kty: str) -> None:
    assert fault_of(f'{{"keys": [{{"kty": "{kty}", "kid": "a"}}]}}') == "it holds a symmetric key"
    assert fault_of(f'{{"keys": [{{"\\u212aty": "{kty}", "kid": "a"}}]}}') == "it holds a symmetric key"


@pytest.mark.parametrize(
    "text",
    [
        key_set({**EC_JWK, "d": SECRET})[:-3],
        key_set({**EC_JWK, "d": SECRET}) + "}",
        key_set({**EC_JWK, "d": SECRET}).replace('"d"', '"\\u0064"')[:-3],
        json.dumps(key_set({**EC_JWK, "d": SECRET}))[:-3],
        "[" * 5000 + json.dumps({**EC_JWK, "d": SECRET}) + "]" * 5000,
        f"keys:\n- kty: EC\n  crv: P-256\n  d: {SECRET}\n",
        f"kty = 'EC'\nD = '{SECRET}'",
    ],
)
def test_private_members_in_what_is_no_json(text: str) -> None:
    assert private_part(text) == "the private part d of a key"


def test_a_symmetric_key_in_what_is_no_json() -> None:
    assert private_part('{"kty": "oct", "kid": "a"') == "a symmetric key"
    assert private_part(f"kty: EC\nk: {SECRET}") == "a symmetric key"


def test_a_member_of_another_object_is_private_only_if_it_looks_like_it() -> None:
    assert private_part(json.dumps({"d": SECRET})) == "the private part d of a key"
    policy = {"p": "alice", "d": 5, "k": "v", "q": None, "rules": [{"k": "a", "p": [{"d": "read the shop"}]}]}
    assert private_part(json.dumps(policy)) == ""
    assert len(keys_in(key_set(RSA_JWK, meta=policy))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# how we keep a private key\nallow: all\n",
        "p: alice\nk: 0123456789abcdef0123456789\n",
        key_set(RSA_JWK, EC_JWK),
        certificate_pem(),
        public_pem(RSA_KEY),
        RSA_KEY.public_key().public_bytes(Encoding.PEM, serialization.PublicFormat.PKCS1).decode(),
        "-----BEGIN CERTIFICATE-----\nnothing",
        json.dumps({"MII" + "A" * 60: ["M" * 39, "M" * 400, "LS0t" + "A" * 40]}),
    ],
)
def test_what_is_public_holds_nothing_private(text: str) -> None:
    assert private_part(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        '{"keys": [{"kty": "RSA", "a": ' + "9" * 100_000 + "}]}",
        '{"keys": [{"kty": "RSA", "a": -1e99999, "b": 1' + "0" * 400 + ".5}]}",
    ],
)
def test_huge_numbers_do_no_harm(text: str) -> None:
    assert [note.kind for note in keys_in(text)] == ["RSA"]


def test_very_many_keys() -> None:
    keys = [{**EC_JWK, "kid": str(number)} for number in range(100_000)]
    assert keys_in(key_set(*keys))[-1] == KeyNote("99999", "EC P-256")
    keys[-1]["d"] = SECRET
    assert private_part(key_set(*keys)) == "the private part d of a key"


@pytest.mark.parametrize(
    "piece",
    [
        *('"', '\\"', "\\", "-", "- ", "M", "A", " ", "\n", "[", '["', '{"', '{"kty', "kty d:", "d \\\\", "\\u0064"),
        *("-----BEGIN ", "-----BEGIN CERTIFICATE-----\n", "-BEGIN PRIVATE"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", ["", "{", "[", '{"kty":"', "kty "])
def test_hostile_repetition_takes_no_longer_than_its_length(start: str, piece: str) -> None:
    """What took time by the square of its length would not end here."""
    text = start + piece * (300_000 // len(piece))
    assert private_part(text) in ("", "the private part d of a key", "a private key in PEM")
    fault_of(text)


def test_no_fault_quotes_what_it_is_about() -> None:
    texts = [
        key_set({**EC_JWK, "d": SECRET}),
        key_set({**EC_JWK, "d": SECRET})[:-2],
        key_set({**EC_JWK, SECRET: SECRET, "kty": 1}),
        key_set(RSA_JWK, **{SECRET: 1}) + SECRET,
        f"-----BEGIN {SECRET.upper()} PRIVATE KEY-----",
        f"-----BEGIN CERTIFICATE-----\n{SECRET}!\n-----END CERTIFICATE-----",
        f"-----BEGIN SECRET {SECRET[:5].upper()}-----\nAAAA\n-----END SECRET {SECRET[:5].upper()}-----",
    ]
    for text in texts:
        said = (private_part(text) + fault_of(text)).lower()
        assert SECRET[:5].lower() not in said
        assert len(said) < 200
