"""Every address."""

from __future__ import annotations

from django.urls import URLPattern, path

from console.pages import (
    acting,
    control,
    desk,
    errors,
    freeze,
    health,
    home,
    incident_now,
    preview,
    queue,
    resource,
    run,
    sign_in,
    undo,
)

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken

urlpatterns: list[URLPattern] = [
    path("", home.start, name="start"),
    path("sign-in", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("c/<slug:slug>", home.home, name="home"),
    path("c/<slug:slug>/summary", home.summary, name="home-summary"),
    path("c/<slug:slug>/resources", home.everything, name="resources"),
    path("c/<slug:slug>/resources/<uuid:resource_id>", resource.resource, name="resource"),
    path("c/<slug:slug>/actions/<slug:action>", preview.preview, name="preview"),
    path("c/<slug:slug>/consents/<uuid:consent_id>/end", acting.end, name="consent-end"),
    path("c/<slug:slug>/incident", incident_now.incident, name="incident-now"),
    path("desk", desk.desk, name="desk"),
    path("desk/now", desk.summary, name="desk-summary"),
    path("desk/c/<slug:slug>", desk.customer, name="desk-customer"),
    path("desk/c/<slug:slug>/act", acting.act, name="desk-act"),
    path("desk/freeze", freeze.freezes, name="desk-freeze"),
    path("desk/freeze/check", freeze.check, name="desk-freeze-check"),
    path("desk/freeze/<int:freeze_id>/lift", freeze.unfreeze, name="desk-freeze-lift"),
    path("desk/queue", queue.queue, name="desk-queue"),
    path("desk/queue/<int:entry_id>/take", queue.take_entry, name="desk-queue-take"),
    path("desk/queue/<int:entry_id>/note", queue.note, name="desk-queue-note"),
    path("runs/<slug:reference>", run.run, name="run"),
    path("runs/<slug:reference>/progress", run.progress, name="run-progress"),
    path("runs/<slug:reference>/stop", control.stop_run, name="run-stop"),
    path("runs/<slug:reference>/overrule", control.overrule_run, name="run-overrule"),
    path("runs/<slug:reference>/extend", control.extend_away, name="run-extend"),
    path("runs/<slug:reference>/undo", undo.undo, name="run-undo"),
    path("livez", health.alive, name="livez"),
    path("offline", errors.offline, name="offline"),
]
