"""Sign in by name and password, and sign out. Everything it needs is in our own database."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST

UNKNOWN = "The name and the password do not belong together. Check both. Capital letters matter in the password."


class SignInForm(AuthenticationForm):
    error_messages: dict[str, Any] = {"invalid_login": UNKNOWN, "inactive": UNKNOWN}  # noqa: RUF012  # as Django has it

    username = forms.CharField(
        label="Name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
        error_messages={"required": "Write your name."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Write your password."},
    )


class SignIn(LoginView):
    """A person who is signed in already goes on to where they wanted to be."""

    form_class = SignInForm
    template_name = "sign_in/sign_in.html"
    redirect_authenticated_user = True

    @cached_property
    def wanted(self) -> str:
        """Where they go afterwards; only ever an address of ours."""
        return self.get_redirect_url()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(wanted=self.wanted, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect(reverse("sign-in"))
