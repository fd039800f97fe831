"""The doors say the same as the engine, for everybody."""

from __future__ import annotations

from typing import get_args

import pytest
from guardian.shortcuts import assign_perm, remove_perm

from incidents.domain.people import PLATFORM_ROLES, Grant
from incidents.engine.grants import consents_of, holds
from incidents.models import Person
from incidents.selectors.doors import ON_EVERY_PAGE, find_organization, find_run, organizations_of, supported_by
from incidents.services.start import Consent, start
from tests import factories
from tests.consents import record_consent
from tests.console.conftest import Shop

ALL = get_args(Grant)


@pytest.fixture
def people(shop: Shop) -> list[Person]:
    """Every role, somebody with a grant of their own instead of a group's, and one who has left."""
    direct = factories.make_person("direct")
    assign_perm("incidents.see_organization", direct, shop.organization)
    gone = factories.make_person("gone", "example-shop/operators")
    gone.is_active = False
    gone.save()
    roles = ("example-shop/owners", *PLATFORM_ROLES, "support")
    others = [factories.make_person(f"{number}-of-{role.replace('/', '-')}", role) for number, role in enumerate(roles)]
    record_consent(others[-1], shop.organization)
    return [shop.operator, shop.viewer, shop.stranger, shop.nobody, direct, *others]


def test_they_agree_with_the_engine(shop: Shop, people: list[Person]) -> None:
    plan = factories.make_plan(shop.operator, shop.preapproval, [shop.broken])
    run = start(shop.operator, shop.organization, Consent(plan.digest, "a key of a form"))

    for person in people:
        see = holds(person, "see_organization", shop.organization)
        act = holds(person, "act_for_organization", shop.organization)
        organization, found_run = find_organization(person, "example-shop", *ALL), find_run(person, run.reference)
        assert organization is not None
        assert found_run is not None
        assert (organization.may_see, organization.may_act) == (see, act), person
        assert organization.grants == {grant for grant in ALL if holds(person, grant, shop.organization)}, person
        assert (found_run.may_see, found_run.may_act) == (see, act), person
        consent = consents_of(person).filter(organization=shop.organization).first()
        rights = frozenset(grant for grant in ON_EVERY_PAGE if holds(person, grant, shop.organization))
        assert found_run.grants == rights, person
        assert organization.consent == found_run.consent == (consent.pk if consent else None), person
        for grant in ON_EVERY_PAGE:
            assert (shop.organization in supported_by(person, grant)) is (grant in rights), person
        assert (shop.organization in organizations_of(person)) is see, person


def test_a_grant_that_is_taken_away_counts_at_once(shop: Shop) -> None:
    [group] = shop.viewer.groups.all()
    remove_perm("incidents.see_organization", group, shop.organization)

    assert shop.clients["viewer"].get(shop.home).status_code == 404
