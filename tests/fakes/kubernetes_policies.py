"""What an API server makes of a NetworkPolicy on its way in, by the reference of networking.k8s.io/v1."""

from __future__ import annotations

from tests.fakes.kubernetes_recorded import Object, refusal

PROTOCOLS = ("SCTP", "TCP", "UDP")
KNOWN = {"podSelector", "ingress", "egress", "policyTypes"}


def fault_of_policy(made: Object, *, strict: bool) -> Object | None:
    """Fills in what the server fills in, leaves out what it leaves out, and says what it does not take."""
    spec = made["spec"]
    for unknown in sorted(set(spec) - KNOWN):
        if strict:
            return _bad(f'strict decoding error: unknown field "spec.{unknown}"')
        del spec[unknown]
    spec.setdefault("podSelector", {})
    spec.setdefault("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rules, peers in (("ingress", "from"), ("egress", "to")):
        for at, rule in enumerate(spec.get(rules, [])):
            for name in (peers, "ports"):
                if not rule.get(name, True):
                    del rule[name]
            for place, port in enumerate(rule.get("ports", [])):
                if port.setdefault("protocol", "TCP") not in PROTOCOLS:
                    return _unsupported(made, f"spec.{rules}[{at}].ports[{place}].protocol", port["protocol"])
        if not spec.get(rules, True):
            del spec[rules]
    return None


def _unsupported(made: Object, field: str, value: str) -> Object:
    names = {
        "spec.template.spec.containers[0].image": field,
        "Required value": f"Unsupported value: '{value}': supported values: 'SCTP', 'TCP', 'UDP'",
        "FieldValueRequired": "FieldValueNotSupported",
        "Deployment": "NetworkPolicy",
        "checkout": made["metadata"]["name"],
        ".apps": ".networking.k8s.io",
        '"apps"': '"networking.k8s.io"',
    }
    return refusal("revert-invalid", 422, **names)


def _bad(message: str) -> Object:
    return {**refusal("revert-invalid", 422), "message": message, "reason": "BadRequest", "details": {}, "code": 400}
