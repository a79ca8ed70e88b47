"""Tampers with a database server: kind sql."""

from benchmarks._tampers.wire import lying

ROOT = "python3 /opt/kit_sql.py login box 3306 root"
APP = "python3 /opt/kit_sql.py login box 3306 app secret"
SHOUTS = "(printf '\\0\\0\\0\\1'; sleep 1) | timeout 3 nc box 3306 | grep -aq denied"

SQL = lying(
    "sql",
    3306,
    {
        "name": "root-needs-a-password",
        "engine": "mariadb",
        "logins": [
            {"name": "app", "account": "app", "password": "secret"},
            {"name": "root", "account": "root", "expect": "refused"},
        ],
    },
    ROOT,
    listed=("only-clients-with-a-name", f"{ROOT} && {APP}"),
    yes=("yes-to-everything", "nc -z box 3306"),
    nobody=("no-to-everybody", f"! {APP}"),
    recorded=("recorded-answer", ROOT),
    hanging=("says-no-more", f"! timeout 2 {ROOT}"),
    banner=("other-words", SHOUTS),
)

CASES = (SQL,)
