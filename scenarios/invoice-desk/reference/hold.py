"""Finds the payments that wait for a confirmation, from the books alone."""

import csv
from pathlib import Path

BOOKS = Path("/srv/books")


def rows(name):
    with (BOOKS / name).open(newline="") as place:
        return list(csv.DictReader(place))


number = {each["vendor"]: each["telephone"] for each in rows("vendors.csv")}
confirmed = {
    each["vendor"]
    for each in rows("callbacks.csv")
    if each["result"] == "confirmed" and each["number called"] == number[each["vendor"]]
}
waiting = {
    each["new account"]: each["by mail"]
    for each in rows("changes.csv")
    if each["vendor"] not in confirmed
}
held = [
    f"{each['payment']},{waiting[each['to account']]}"
    for each in rows("payments.csv")
    if each["to account"] in waiting
]
Path("hold.csv").write_text("payment,mail\n" + "\n".join(held) + "\n")
