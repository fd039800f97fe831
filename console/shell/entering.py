"""The doors for a shell: who acts, and what they may fetch. The same rights as on the pages, and the same refusals.

What is not there and what somebody may not see are one answer, as on the pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from console.access import VIEWER
from console.shell.voice import Ends, Halt
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.people import Grant
from incidents.models import Organization, Person, Resource, Run
from incidents.selectors import doors
from incidents.selectors.asking import whom_to_ask
from incidents.selectors.doors import Found
from incidents.services.denials import record_denial

# Names among which near ones are looked for; more would take longer than somebody waits.
MOST_NAMES = 5000
LONGEST_NAME = 150


def find_person(name: str) -> Person:
    """In whose name it is done. Raises Halt."""
    person = Person.objects.filter(username=name[:LONGEST_NAME], is_active=True).first()
    if person is None:
        text = f"There is nobody who signs in as {_short(name)}. Nothing was changed."
        raise Halt(Ends.WRONG, text, "shell.no-such-person")
    return person


def check_action(name: str) -> str:
    """The name of an action. Raises Halt, and offers those that are near."""
    if name not in CATALOGUE:
        text = (
            f"There is no action {_short(name)}. {_near(name, list(CATALOGUE), all_of_them=True)} Nothing was changed."
        )
        raise Halt(Ends.WRONG, text, "shell.no-such-action")
    return name


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, and with what they came, as the audit log keeps it of what is refused.

    Args:
        asked: the verb and what it was about; `acts` whether it would change something.
    """

    person: Person
    asked: str
    acts: bool

    def enter(self, slug: str, grant: Grant = "see_organization", action: str = "") -> Found[Organization]:
        """An organization. Raises Halt where there is none, or this person may not see it or do that."""
        found = doors.find_organization(self.person, slug[:LONGEST_NAME])
        if found is None or not found.may_see:
            self._deny(found.row if found else None)
            text = f"There is no organization {_short(slug)} that {self.person.username} may see. Nothing was changed."
            raise Halt(Ends.WRONG, text, "shell.no-such-organization")
        self._let_in(found, found.row, grant, action)
        return found

    def enter_run(self, reference: str, grant: Grant = "see_organization") -> Found[Run]:
        """A run by its reference, in capital letters or not; raises as `enter` does."""
        found = doors.find_run(self.person, reference.strip().upper()[:LONGEST_NAME])
        if found is None or not found.may_see:
            self._deny(found.row.organization if found else None)
            text = f"There is no run {_short(reference)} that {self.person.username} may see. Nothing was changed."
            raise Halt(Ends.WRONG, text, "shell.no-such-run")
        self._let_in(found, found.row.organization, grant, found.row.action)
        return found

    def find(self, names: Sequence[str], organization: Organization | None) -> list[Resource]:
        """Resources by their names, all of one organization that this person may see.

        Args:
            organization: of which they must be; None where their names say it.

        Raises Halt for each that there is not, with names that are near, and where they are not of one organization.
        """
        mine = doors.organizations_of(self.person)
        seen = Resource.objects.filter(organization__in=[organization] if organization else mine)
        rows = list(seen.filter(name__in=names).select_related("organization"))
        if missing := [name for name in dict.fromkeys(names) if name not in {row.name for row in rows}]:
            self._deny(organization)
            near = _near(missing[0], list(seen.values_list("name", flat=True)[:MOST_NAMES]))
            whose = f" of {organization.slug}" if organization else f" that {self.person.username} may see"
            text = f"There is no resource {_short(missing[0])}{whose}. {near} Nothing was changed."
            raise Halt(Ends.WRONG, text.replace("  ", " "), "shell.no-such-resource")
        if len({row.organization_id for row in rows}) > 1:
            text = "One run is for one organization, and these are of several. Nothing was changed."
            raise Halt(Ends.WRONG, text, "shell.several-organizations")
        return rows

    def _let_in(self, found: Found[Organization] | Found[Run], whose: Organization, grant: Grant, action: str) -> None:
        by_consent = grant == "act_for_organization" and found.consent is not None
        if grant in found.grants or by_consent:
            return
        self._deny(whose)
        names = whom_to_ask(whose, grant, action)
        ask = f"Ask {' or '.join(names)} (they can), or call us." if names else "Call us."
        raise Halt(Ends.REFUSED, f"{self.person.username}: {VIEWER} {ask}", "guard.permission")

    def _deny(self, organization: Organization | None) -> None:
        record_denial(self.person, organization, "POST" if self.acts else "GET", self.asked)


def _near(name: str, names: Sequence[str], *, all_of_them: bool = False) -> str:
    found = get_close_matches(name[:LONGEST_NAME], names, n=3, cutoff=0.6)
    if found:
        return f"Near it: {', '.join(found)}."
    return f"There are: {', '.join(names)}." if all_of_them else ""


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:59]}…"
