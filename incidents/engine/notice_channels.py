"""The kinds of channels that there are, and the sender of each channel of the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from incidents.inventory.references import resolve
from incidents.models import Channel
from incidents.notices import mail, others, webhook
from incidents.notices.addresses import networks
from incidents.notices.base import Make, Sender

MAIL, WEBHOOK = "mail", "webhook"


def kinds_of_channels() -> Mapping[str, Make]:
    """By the word that the inventory has for each. By the settings as they are now."""
    return {
        MAIL: mail.maker(_server(settings.MAIL_SERVER)),
        WEBHOOK: webhook.maker(networks(settings.NOTICE_NETWORKS)),
        "apprise": others.other_of,
    }


def sender_of(channel: Channel) -> Sender:
    """Made anew for every turn, so that a secret that was replaced counts at once.

    Raises InventoryFault: a secret is gone, or a setting of the console that it needs.
    """
    make = kinds_of_channels()[channel.kind]
    return make(channel.slug, channel.settings, lambda reference: resolve(reference, Path.cwd()))


def _server(given: Mapping[str, Any]) -> mail.Server | None:
    return mail.Server(**given) if given else None
