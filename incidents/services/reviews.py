"""The review of what one person started alone: it stays on the list until another human has looked at it."""

from __future__ import annotations

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.approvals import may_agree
from incidents.domain.errors import NotAllowed, Refused
from incidents.engine.approving import human
from incidents.engine.grants import holds
from incidents.models import Person, Review
from incidents.models.clock import database_now
from incidents.services.notices import tell
from incidents.services.reasons import need

WHAT = "Write what you have found. It is kept in the audit log."
MOST_WORDS = 2000


def finish(person: Person, row: Review, found: str) -> None:
    """Writes down what the reviewer has found, and takes it off the list.

    Raises:
        NotAllowed: the person may not review for this organization, or is the one who did it.
        Refused: no words, or it is reviewed already.
    """
    run = row.run
    if not holds(person, "review_organization", run.organization) or may_agree(human(run.started_by), human(person)):
        raise NotAllowed("You can see this but not review it. Somebody else has to.")
    found = need(found, WHAT, MOST_WORDS)
    with recorded():
        done = Review.objects.filter(pk=row.pk, done_at=None)
        if not done.update(done_at=database_now(), done_by=person, found=found):
            raise Refused("It has been reviewed already.")
        append(
            Entry(
                "review.finished",
                actor_of(person),
                run.organization.slug,
                str(run.pk),
                {"reference": run.reference, "found": found},
            )
        )
        tell([run.started_by], f"{person.title} has reviewed {run.reference}: {found}", f"/runs/{run.reference}")
