"""Every setting of the product, read once from the environment."""

import hashlib
from datetime import timedelta
from pathlib import Path

from django.utils.csp import CSP

from range.lib import database_url
from range.lib.env import Env, defaults_file
from range.lib.logs import configure

BASE_DIR = Path(__file__).resolve().parent.parent
# bin/up leaves what it generated here, so that a bare `manage.py` command finds the same range.
env = Env(defaults_file(BASE_DIR / "var" / "runtime.env"))

# --- Django -----------------------------------------------------------------------------------

DEBUG = env.boolean("DJANGO_DEBUG", False)
SECRET_KEY = env.secret("DJANGO_SECRET_KEY", "insecure-development-key" if DEBUG else None)
ALLOWED_HOSTS = env.listing("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.listing("DJANGO_TRUSTED_ORIGINS", [])
ROOT_URLCONF = "range.urls"
ASGI_APPLICATION = "range.asgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "range.apps.RangeConfig",
    "range.accounts.apps.AccountsConfig",
    "range.competencies.apps.CompetenciesConfig",
    "range.timeline.apps.TimelineConfig",
    "range.catalog.apps.CatalogConfig",
    "range.exercises.apps.ExercisesConfig",
    "range.sandboxes.apps.SandboxesConfig",
    "range.console.apps.ConsoleConfig",
    "range.webview.apps.WebviewConfig",
    "range.assessment.apps.AssessmentConfig",
    "range.pipeline.apps.PipelineConfig",
    "range.workspace.apps.WorkspaceConfig",
    "range.teaching.apps.TeachingConfig",
    "range.authoring.apps.AuthoringConfig",
    "range.operations.apps.OperationsConfig",
    "tutor.apps.TutorConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "range.workspace.middleware.ConsoleOriginMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "range.workspace.middleware.RangeErrorMiddleware",
    "range.workspace.middleware.ChoosePasswordMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "range.workspace.context.navigation",
            ],
        },
    },
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("DJANGO_STATIC_ROOT", BASE_DIR / "var" / "static")

# --- Database ---------------------------------------------------------------------------------

DATABASE_URL = env.secret("DATABASE_URL", "postgresql://muster@127.0.0.1:5432/muster")
# A request that had to open a connection would wait for it longer than for its rows. Roles that
# hold locks of a session, such as the reconciler, share none.
RANGE_DATABASE_POOL = env.integer("RANGE_DATABASE_POOL", 0, minimum=0, maximum=100)
# For a role whose few threads live as long as it does: each keeps a connection so long.
RANGE_DATABASE_KEEP_SECONDS = env.integer("RANGE_DATABASE_KEEP_SECONDS", 0, minimum=0)
DATABASES = {
    "default": database_url.entry(
        DATABASE_URL, pool=RANGE_DATABASE_POOL, keep_seconds=RANGE_DATABASE_KEEP_SECONDS
    ),
}

# --- Security ---------------------------------------------------------------------------------

HTTPS = env.boolean("DJANGO_HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# With this prefix no neighbouring host name, such as a machine's web page, can set them for us.
_HOST_ONLY = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_HOST_ONLY}muster_session"
CSRF_COOKIE_NAME = f"{_HOST_ONLY}csrftoken"
SESSION_COOKIE_AGE = 12 * 60 * 60
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# The console role listens beside the web role: its origin must be in connect-src.
RANGE_CONSOLE_PORT = env.integer("RANGE_CONSOLE_PORT", 8001, minimum=1, maximum=65535)
RANGE_WEB_PORT = env.integer("RANGE_WEB_PORT", 8000, minimum=1, maximum=65535)
# Empty: same host as the page, on RANGE_CONSOLE_PORT. Behind one address: its full origin.
RANGE_CONSOLE_ORIGIN = env.text("RANGE_CONSOLE_ORIGIN", "")
# Origins that a console's WebSocket may come from; empty: the same host on RANGE_WEB_PORT.
RANGE_WEB_ORIGINS = env.listing("RANGE_WEB_ORIGINS", [])
# Web pages of machines are shown at names below this one, each an origin of its own; empty: not
# at all. Below localhost on one machine; elsewhere a wildcard name with RANGE_WEB_ORIGINS set.
RANGE_VIEW_HOST = env.text("RANGE_VIEW_HOST", "view.localhost")
RANGE_VIEW_PORT = env.integer("RANGE_VIEW_PORT", 8003, minimum=1, maximum=65535)

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- The range --------------------------------------------------------------------------------

RANGE_STATE_DIR = env.path("RANGE_STATE_DIR", BASE_DIR / "var")
RANGE_SCENARIOS_DIR = env.path("RANGE_SCENARIOS_DIR", BASE_DIR / "scenarios")
# Keys every per-attempt flag and variable; changing it invalidates the running attempts' flags.
RANGE_FLAG_SECRET = env.secret("RANGE_FLAG_SECRET", "insecure-flag-secret" if DEBUG else None)
RANGE_DRIVER = env.text("RANGE_DRIVER", "docker", choices=["docker", "fake"])
# Sandboxes of another installation on the same engine are left alone.
RANGE_INSTALLATION = env.text(
    "RANGE_INSTALLATION", hashlib.sha256(str(RANGE_STATE_DIR).encode()).hexdigest()[:12]
)
RANGE_NETWORK_POOL = env.text("RANGE_NETWORK_POOL", "10.213.0.0/16")
# What the engine calls a runtime such as gVisor's; machines whose scenario allows it get it.
RANGE_STRONGER_RUNTIME = env.text("RANGE_STRONGER_RUNTIME", "")
RANGE_LAUNCH_CONCURRENCY = env.integer("RANGE_LAUNCH_CONCURRENCY", 4, minimum=1, maximum=64)
# How many sandboxes are made ahead, of what is launched most; 0 makes none.
RANGE_SPARE_SANDBOXES = env.integer("RANGE_SPARE_SANDBOXES", 2, minimum=0, maximum=100)
RANGE_LAUNCH_DEADLINE = timedelta(
    seconds=env.integer("RANGE_LAUNCH_DEADLINE_SECONDS", 120, minimum=5)
)
RANGE_SANDBOXES_PER_TRAINEE = env.integer("RANGE_SANDBOXES_PER_TRAINEE", 2, minimum=1)
RANGE_CONSOLES_PER_TRAINEE = env.integer("RANGE_CONSOLES_PER_TRAINEE", 12, minimum=1)
# Kept free for the host; a launch that would go below is refused with a sentence.
RANGE_MEMORY_RESERVE_MB = env.integer("RANGE_MEMORY_RESERVE_MB", 512, minimum=0)
# Starts sandboxes although the host's packet filter cannot be set, or although a critical probe
# got out of one; each launch logs it.
RANGE_ALLOW_UNPROTECTED = env.boolean("RANGE_ALLOW_UNPROTECTED", False)
# A sandbox that nobody is at for so long is paused, unless its scenario says otherwise; 0: never.
RANGE_IDLE_MINUTES = env.integer("RANGE_IDLE_MINUTES", 30, minimum=0, maximum=1440)
# Whoever sends it may read /metrics from anywhere; without one only this machine may.
RANGE_METRICS_TOKEN = env.secret("RANGE_METRICS_TOKEN", lambda: "")
# What reports and credentials call this range, and where others reach it, without a path.
RANGE_NAME = env.text("RANGE_NAME", "Muster")
RANGE_PUBLIC_ORIGIN = env.text("RANGE_PUBLIC_ORIGIN", f"http://localhost:{RANGE_WEB_PORT}")
# Hands out our skills as JSON-LD to whoever asks, without signing in.
RANGE_PUBLISH_SKILLS = env.boolean("RANGE_PUBLISH_SKILLS", False)
# Where statements about graded attempts are sent; empty: nowhere. Its key and secret.
RANGE_LRS_URL = env.text("RANGE_LRS_URL", "")
RANGE_LRS_KEY = env.text("RANGE_LRS_KEY", "")
RANGE_LRS_SECRET = env.secret("RANGE_LRS_SECRET", lambda: "")
# The constants that new skill estimates are made with: the name of a parameter set.
RANGE_PARAMETER_SET = env.text("RANGE_PARAMETER_SET", "2026.1")
# Days after the grade that what an attempt left behind is kept; 0 keeps it for good.
RANGE_KEEP_DAYS = {
    "recordings": env.integer("RANGE_KEEP_RECORDINGS_DAYS", 0, minimum=0),
    "submissions": env.integer("RANGE_KEEP_SUBMISSIONS_DAYS", 0, minimum=0),
    "reports": env.integer("RANGE_KEEP_REPORTS_DAYS", 0, minimum=0),
    "payloads": env.integer("RANGE_KEEP_PAYLOADS_DAYS", 0, minimum=0),
}
RANGE_SWEEP_SECONDS = env.number("RANGE_SWEEP_SECONDS", 5.0, minimum=0.1)
LOGGING_CONFIG = None
configure(as_json=env.text("RANGE_LOG_FORMAT", "console", choices=["console", "json"]) == "json")

# --- The tutor --------------------------------------------------------------------------------

# "" chooses hosted, local or none by what is configured and healthy.
TUTOR_CHAT = env.text("TUTOR_CHAT", "")
TUTOR_BASE_URL = env.text("TUTOR_BASE_URL", "")
TUTOR_API_KEY = env.secret("TUTOR_API_KEY", lambda: "")
TUTOR_LOCAL_URL = env.text("TUTOR_LOCAL_URL", "http://127.0.0.1:8002/v1")
TUTOR_LOCAL_PORT = env.integer("TUTOR_LOCAL_PORT", 8002, minimum=1, maximum=65535)
TUTOR_WEIGHTS_DIR = env.path("TUTOR_WEIGHTS_DIR", RANGE_STATE_DIR / "weights")
TUTOR_HINTS_PER_HOUR = env.integer("TUTOR_HINTS_PER_HOUR", 60, minimum=1)
# Tokens of the hosted model, read and written, for an attempt and for an organisation in a day;
# 0 is no limit. Prices are for a million tokens, in whatever currency the operator pays.
TUTOR_ATTEMPT_TOKENS = env.integer("TUTOR_ATTEMPT_TOKENS", 100_000, minimum=0)
TUTOR_ORGANISATION_TOKENS = env.integer("TUTOR_ORGANISATION_TOKENS", 5_000_000, minimum=0)
TUTOR_PRICE_IN = env.number("TUTOR_PRICE_IN", 0.0, minimum=0)
TUTOR_PRICE_OUT = env.number("TUTOR_PRICE_OUT", 0.0, minimum=0)

env.refuse_unknown("RANGE_", "TUTOR_")
