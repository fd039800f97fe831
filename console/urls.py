"""Every address."""

from __future__ import annotations

from django.urls import URLPattern, path

from console.pages import control, errors, health, home, people, preview, resource, run, sign_in, undo, welcome

handler400 = errors.bad_request
# Whoever refuses, our doors or a library: no answer tells whether something is there.
handler403 = errors.not_found
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
    path("c/<slug:slug>/people", people.people, name="people"),
    path("c/<slug:slug>/people/invite", people.invite_person, name="people-invite"),
    path("c/<slug:slug>/people/<uuid:person_id>/role", people.change_person, name="people-role"),
    path("c/<slug:slug>/people/<uuid:person_id>/remove", people.remove_person, name="people-remove"),
    path("c/<slug:slug>/people/<uuid:invitation_id>/withdraw", people.withdraw_invitation, name="people-withdraw"),
    path("welcome/<str:token>", welcome.welcome, name="welcome"),
    path("runs/<slug:reference>", run.run, name="run"),
    path("runs/<slug:reference>/progress", run.progress, name="run-progress"),
    path("runs/<slug:reference>/stop", control.stop_run, name="run-stop"),
    path("runs/<slug:reference>/overrule", control.overrule_run, name="run-overrule"),
    path("runs/<slug:reference>/extend", control.extend_away, name="run-extend"),
    path("runs/<slug:reference>/undo", undo.undo, name="run-undo"),
    path("livez", health.alive, name="livez"),
    path("offline", errors.offline, name="offline"),
]
