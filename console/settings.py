"""Every setting, by environment; docs/settings.md is the table of them, and a test holds the two together."""

from __future__ import annotations

from pathlib import Path

from console.env import (
    address_of_console,
    check_company,
    check_fernet_key,
    check_network,
    database,
    days,
    env,
    listed,
    mail_server,
    one_of,
    passwords_of,
    secret,
    whole,
)
from console.logs import FORMATS, logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

DEBUG = False
SECRET_KEY = secret("SECRET_KEY")
# Keys that were replaced: sessions, and runs under way, that they have signed go on until the old key is taken away.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# The number that a person calls when the console does not help them, and whose console it is.
HELP_PHONE = env.str("HELP_PHONE", default="+44 20 7946 0000")
OPERATOR_NAME = env.str("OPERATOR_NAME", default="Example Networks")
# A line on every page, such as "Demo: ...", where the console shows no real network.
NOTICE = env.str("NOTICE", default="")

# Behind TLS unless somebody says that this is a demo on loopback.
SECURE = env.bool("SECURE", default=True)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "guardian",
    "incidents",
    "console",
]
MIDDLEWARE = [
    "console.middleware.RequestLine",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.middleware.ContentSecurityPolicy",
    "console.api.middleware.Programs",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "console.sign_in.sessions.SessionRules",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "console.context.help_line",
            ],
            "builtins": ["console.templatetags.words"],
        },
    }
]

DATABASES = {"default": database(env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'handrail.sqlite3'}"))}

AUTH_USER_MODEL = "incidents.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    # NIST SP 800-63B-4 section 3.1.1.2: 15 characters where a password may stand alone, and none that are common.
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "title")},
    },
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "start"
# Sessions live in the database: a dead Redis must not keep anybody from signing in.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
# NIST SP 800-63B-4 section 2.2.3 (AAL2): at most 24 hours in all, and at most 1 hour without a sign of the person.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = 3600

# People come from the inventory: nobody signs up, and nothing of allauth has an address but what console/urls.py gives.
ACCOUNT_ADAPTER = "console.sign_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
# What allauth counts lies in a cache, and its limit by name locks a person out. Ours: incidents/services/limits.py.
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
MFA_ADAPTER = "console.sign_in.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# RFC 6238 section 5.2: one step of 30 seconds for a slow clock, and no more.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODE_DIGITS = 10

# `required`: a password alone opens nothing. `optional` is for a demo only.
SECOND_FACTOR = one_of("SECOND_FACTOR", env.str("SECOND_FACTOR", default="required"), ("required", "optional"))
# Fernet keys with commas; the first encrypts, all of them decrypt. Without any, one is derived from SECRET_KEY.
FACTOR_KEYS = listed("FACTOR_KEYS", secret("FACTOR_KEYS", default=""), check_fernet_key)
# The domain that passkeys belong to, where several host names of the console share one.
PASSKEY_DOMAIN = env.str("PASSKEY_DOMAIN", default="")
# Networks that limits of sign-in spare: those of the operation centre, so that a spray of passwords locks nobody out.
KNOWN_NETWORKS = listed("KNOWN_NETWORKS", env.str("KNOWN_NETWORKS", default=""), check_network)
# Sign-in by the company's OpenID Connect provider: all three, or none of them.
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = secret("OIDC_CLIENT_SECRET", default="")
COMPANY_SIGN_IN = check_company(OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, plain=not SECURE)
# How many proxies of ours stand before us; the client's address is then read from X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
# Load balancers and Prometheus ask each process itself, behind whatever ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|metrics)$"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("TRUST_PROXY_TLS", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# The shape of the setting of Django 6, so that the upgrade deletes our middleware and keeps this.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}

# Seconds between two rounds of the poller.
POLL_SECONDS = env.float("POLL_SECONDS", default=5.0)
# The platform's own limits; beyond them an action stops everywhere (docs/guards.md).
BREAKER_MINUTES = whole("BREAKER_MINUTES", env.int("BREAKER_MINUTES", default=10), 1, 24 * 60)
BREAKER_DAMAGE = whole("BREAKER_DAMAGE", env.int("BREAKER_DAMAGE", default=100), 0, 1_000_000)
BREAKER_DAMAGE_PERCENT = whole("BREAKER_DAMAGE_PERCENT", env.int("BREAKER_DAMAGE_PERCENT", default=10), 1, 100)
BREAKER_RESCUES = whole("BREAKER_RESCUES", env.int("BREAKER_RESCUES", default=20_000), 1, 1_000_000)
BREAKER_FAILURES = whole("BREAKER_FAILURES", env.int("BREAKER_FAILURES", default=5), 1, 1000)
# After how long something that is broken opens an incident, and after how long of everything being well one is closed.
INCIDENT_AFTER_SECONDS = whole("INCIDENT_AFTER_SECONDS", env.int("INCIDENT_AFTER_SECONDS", default=60), 0, 24 * 3600)
INCIDENT_WELL_MINUTES = whole("INCIDENT_WELL_MINUTES", env.int("INCIDENT_WELL_MINUTES", default=30), 1, 7 * 24 * 60)
# How long a state must have been unchanged, with green probes, before it counts as known good.
SNAPSHOT_AFTER_SECONDS = env.float("SNAPSHOT_AFTER_SECONDS", default=60.0)
SNAPSHOT_SOURCE_AFTER_SECONDS = env.float("SNAPSHOT_SOURCE_AFTER_SECONDS", default=900.0)

# How long states are kept: those that were proven good, since they were last proven, and all that were seen. At least
# 30 days, for the console says of any moment of that time what was running where; the database holds it to the first.
SNAPSHOT_KEEP_DAYS = days("SNAPSHOT_KEEP_DAYS", env.int("SNAPSHOT_KEEP_DAYS", default=400), least=30)
OBSERVATION_KEEP_DAYS = days("OBSERVATION_KEEP_DAYS", env.int("OBSERVATION_KEEP_DAYS", default=400), least=30)

# Notices (docs/notifications.md): the address that their links begin with, the mail server, and networks that webhooks
# may reach though they are not public.
CONSOLE_URL = address_of_console(env.str("CONSOLE_URL", default=""))
MAIL_FROM = env.str("MAIL_FROM", default="")
MAIL_SERVER = mail_server(secret("MAIL_URL", default=""), MAIL_FROM)
NOTICE_NETWORKS = listed("NOTICE_NETWORKS", env.str("NOTICE_NETWORKS", default=""), check_network)

REDIS_URL = secret("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 1
# A lost ring costs at most the two seconds until the next sweep, so nothing is gained by trying again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}

# Who may read /metrics: whoever shows the token, or comes from one of the networks. Nobody, when neither is set.
METRICS_TOKEN = secret("METRICS_TOKEN", default="")
METRICS_NETWORKS = listed("METRICS_NETWORKS", env.str("METRICS_NETWORKS", default=""), check_network)

# One JSON object a line on standard error, or lines for people. What is a secret here stands in none of them.
LOGGING = logging_config(
    one_of("LOG_FORMAT", env.str("LOG_FORMAT", default="json"), FORMATS),
    env.str("LOG_LEVEL", default="INFO"),
    (
        SECRET_KEY,
        *SECRET_KEY_FALLBACKS,
        *FACTOR_KEYS,
        OIDC_CLIENT_SECRET,
        METRICS_TOKEN,
        str(MAIL_SERVER.get("password", "")),
        *passwords_of(DATABASES),
    ),
)
