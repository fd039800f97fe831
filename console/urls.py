"""Every address."""

from __future__ import annotations

from django.urls import URLPattern, path

from console.pages import (
    acting,
    approval,
    company,
    confirm,
    control,
    desk,
    errors,
    freeze,
    health,
    home,
    incident_now,
    me,
    preview,
    queue,
    resource,
    review,
    run,
    second_factor,
    sign_in,
    undo,
)

handler400 = errors.bad_request
# Whoever refuses, our doors or a library: no answer tells whether something is there.
handler403 = errors.not_found
handler404 = errors.not_found
handler500 = errors.broken

urlpatterns: list[URLPattern] = [
    path("", home.start, name="start"),
    path("sign-in", sign_in.show, name="sign-in"),
    # The names that django-allauth looks for: where a sign-in begins anew, and where its second step is.
    path("sign-in", sign_in.show, name="account_login"),
    path("sign-in/code", second_factor.show, name="mfa_authenticate"),
    path("sign-in/code/passkey", second_factor.options, name="passkey-code"),
    path("sign-in/passkey", sign_in.with_passkey, name="passkey-sign-in"),
    path("sign-in/passkey/options", sign_in.passkey_options, name="passkey-sign-in-options"),
    path("sign-in/again", confirm.show, name="confirm"),
    path("sign-in/again/passkey", confirm.options, name="passkey-confirm"),
    path("sign-in/company", company.leave, name="company-sign-in"),
    path("sign-in/company/return", company.come_back, name="company-return"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("me", me.show, name="me"),
    path("me/first", me.first, name="factor-first"),
    path("me/passkeys/add", me.add_passkey, name="passkey-add"),
    path("me/passkeys/options", me.passkey_options, name="passkey-add-options"),
    path("me/app/add", me.add_totp, name="totp-add"),
    path("me/recovery-codes", me.recovery_codes, name="recovery-codes"),
    path("me/factors/<int:pk>/remove", me.remove, name="factor-remove"),
    path("me/password", me.password, name="password"),
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
    path("approvals", approval.everything, name="approvals"),
    path("approvals/<uuid:approval_id>", approval.approval, name="approval"),
    path("approvals/<uuid:approval_id>/state", approval.state, name="approval-state"),
    path("approvals/<uuid:approval_id>/agree", approval.agree, name="approval-agree"),
    path("approvals/<uuid:approval_id>/refuse", approval.refuse, name="approval-refuse"),
    path("approvals/<uuid:approval_id>/take-back", approval.take_back, name="approval-take-back"),
    path("reviews", review.everything, name="reviews"),
    path("reviews/<int:review_id>", review.done, name="review-done"),
    path("notices/<int:notice_id>/read", review.read_notice, name="notice-read"),
    path("livez", health.alive, name="livez"),
    path("offline", errors.offline, name="offline"),
]
