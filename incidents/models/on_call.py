"""Who is on call: rotas from the inventory, and what an on-call system last answered."""

from __future__ import annotations

from django.db import models


class Rota(models.Model):
    """One rota. Either `turns` and `shifts`, or `settings` that say which address tells, and then what it told last.

    Args:
        turns: `domain.on_call.Turns` as JSON; empty where there are none.
        shifts: list of `domain.on_call.Shift` as JSON.
        settings: of the address; empty where the rota itself tells.
        answer: usernames of who was on call at `answered_at`; null before the first answer.
    """

    slug = models.SlugField(unique=True)
    turns = models.JSONField(default=dict)
    shifts = models.JSONField(default=list)
    settings = models.JSONField(default=dict)
    answer = models.JSONField(null=True)
    answered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True, help_text="Why the newest question had no answer.")

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug
