"""Writes the office's mail and books: genuine, clumsy and false, drawn from the attempt."""

import csv
import json
import os
import random
import shutil
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

CASE = Path(sys.argv[1])
MAIL, BOOKS, HOME = Path("/srv/mail"), Path("/srv/books"), Path("/home/trainee")
drawn = json.loads((CASE / "values.json").read_text())
dice = random.Random(drawn["seed"])
friday = datetime(2026, 3, 6, 16, 0, tzinfo=UTC)
OFFICE = "accounts@harbour-bank.example"

# Name: domain, and a domain that only looks like it.
VENDORS = {
    "Norrmen Paper": ("norrmen-paper.example", "norrrnen-paper.example"),
    "Williams Lifts": ("williams-lifts.example", "wiiliams-lifts.example"),
    "Calm Cleaning": ("calm-cleaning.example", "calrn-cleaning.example"),
    "Hollow Lane Print": ("hollowlane-print.example", "hollow-lane-print.example"),
    "Brightwater Plants": ("brightwater.example", "brightwater-plants.example"),
    "Tessel Floors": ("tessel-floors.example", "tessel-floor.example"),
    "Oakham Security": ("oakham-security.example", "oakharn-security.example"),
    "Petrel Couriers": ("petrel-couriers.example", "petrel-courier.example"),
    "Quince Catering": ("quince-catering.example", "quince-catering-accounts.example"),
    "Marlow Windows": ("marlow-windows.example", "marIow-windows.example"),
    "Ferrous Safes": ("ferrous-safes.example", "ferrous-safe.example"),
    "Lumen Electric": ("lumen-electric.example", "lurnen-electric.example"),
    "Skerry Software": ("skerry.example", ""),
    "Alder Furniture": ("alder-furniture.example", ""),
    "Bracken Legal": ("bracken-legal.example", ""),
    "Dovecote Training": ("dovecote.example", ""),
    "Eider Insurance": ("eider-insurance.example", ""),
    "Gable Roofing": ("gable-roofing.example", ""),
    "Juniper Water": ("juniper-water.example", ""),
    "Kelp Travel": ("kelp-travel.example", ""),
}
CONTACTS = ["Ana", "Bo", "Carla", "Dirk", "Esma", "Finn", "Gry", "Hal", "Iva", "Jon", "Kaja", "Lev"]
false = {drawn[kind]["vendor"]: kind for kind in ("look", "reply", "called", "quiet")}
honest = dice.sample([name for name in VENDORS if name not in false], 7)
true_changes = dict(
    zip(honest[:5], ("shouting", "provider", "polished", "abroad", "renamed"), strict=True)
)
attempted = honest[5:]
contact = {name: dice.choice(CONTACTS) for name in VENDORS}
phone = {name: f"0100 555 {dice.randrange(100_000, 999_999)}" for name in VENDORS}
phone[drawn["quiet"]["vendor"]] = "0100 555 " + drawn["quiet"]["phone"]
PROVIDER = "billing.paperless-post.example"
RENAMED = "groveline.example"


def account():
    """Return an account number with valid check digits, of a country that does not exist."""
    number = "".join(dice.choice("0123456789") for _ in range(14))
    check = 98 - int(number + "343400") % 97
    return f"YY{check:02d}{number}"


old_account = {name: account() for name in VENDORS}
new_account = {name: account() for name in (*false, *true_changes)}
invoice = {name: dice.randrange(20100, 29900) for name in VENDORS}
messages = []  # (number wanted or None, message)


def mail(
    *, name, address, subject, text, when, auth="pass", domain="", reply="", number=None, extra=()
):
    """Remember one message with the headers that servers would have written."""
    message = EmailMessage()
    domain = domain or address.split("@")[1]
    relay = f"mx{dice.randrange(1, 4)}.{domain}"
    results = {
        "pass": f"spf=pass smtp.mailfrom={domain}; dkim=pass header.d={domain}; dmarc=pass",
        "plain": f"spf=pass smtp.mailfrom={domain}; dkim=none; dmarc=pass",
        "fail": f"spf=fail smtp.mailfrom={domain}; dkim=none; dmarc=fail header.from={address.split('@')[1]}",
    }[auth]
    message["Received"] = (
        f"from {relay} (198.51.100.{dice.randrange(2, 250)}) by mx.harbour-bank.example; {format_datetime(when)}"
    )
    message["Authentication-Results"] = f"mx.harbour-bank.example; {results}"
    message["Message-ID"] = f"<{dice.getrandbits(48):012x}@{domain}>"
    message["From"] = f'"{name}" <{address}>'
    message["To"] = f'"Accounts, Harbour Bank" <{OFFICE}>'
    if reply:
        message["Reply-To"] = f"<{reply}>"
    for key, value in extra:
        message[key] = value
    message["Date"] = format_datetime(when - timedelta(seconds=dice.randrange(2, 30)))
    message["Subject"] = subject
    message.set_content(text, cte="7bit")
    messages.append((number, message))


def moment(days_back, hour=None):
    hour = dice.randrange(7, 18) if hour is None else hour
    return friday - timedelta(days=days_back, hours=16 - hour, minutes=dice.randrange(60))


def person(name):
    return f"{contact[name]}, {name}", f"{contact[name].lower()}@{VENDORS[name][0]}"


# --- false ones: no mistake in the words -------------------------------------------------------


def smooth(name, number, call=""):
    """Return the letter of somebody who has read the correspondence and writes well."""
    opening = dice.choice(
        [
            f"Thank you for the swift settlement of our last invoice; working with your team on {{work}} remains a pleasure.",
            f"I hope the week has been kind to you, and that {{work}} is living up to what we promised.",
            f"Further to our correspondence on {{work}}, I am writing about a small administrative matter.",
        ]
    ).format(
        work=dice.choice(
            [
                "the second floor",
                "the branch at the quay",
                "this year's contract",
                "the delivery in February",
            ]
        )
    )
    reason = dice.choice(
        [
            "As part of a routine consolidation of our banking arrangements, our receivables have moved to a new account.",
            "Following our annual audit, our auditors have asked us to receive payments on a dedicated account.",
            "Our present account is being wound down by our bank at the end of the month.",
        ]
    )
    asks = dice.choice(
        [
            f"Invoice {invoice[name]}, due on Friday, should therefore be paid to the account below.",
            f"May I ask you to apply this to invoice {invoice[name]} already, so that nothing goes astray?",
        ]
    )
    close = (
        "Should you wish to confirm this by telephone, you reach me directly on " + call + "."
        if call
        else "Please do not hesitate to write back should anything be unclear."
    )
    return (
        f"Dear colleagues,\n\n{opening}\n\n{reason} {asks}\n\n    Account  {new_account[name]}\n    Holder   {name}\n\n"
        f"{close} I appreciate your help, and wish you a calm end to the week.\n\nWith kind regards,\n{contact[name]}\n{name}\n"
    )


def false_ones():
    name = drawn["look"]["vendor"]
    shown, address = person(name)
    mail(
        name=shown,
        address=address.split("@")[0] + "@" + VENDORS[name][1],
        subject=f"Re: Invoice {invoice[name]}: updated payment details",
        text=smooth(name, 0),
        when=moment(3),
        number=drawn["look"]["mail"],
    )
    name = drawn["reply"]["vendor"]
    shown, address = person(name)
    mail(
        name=shown,
        address=address,
        subject="Change of our bank details",
        text=smooth(name, 0),
        when=moment(4, 5),
        auth="fail",
        domain=f"out{dice.randrange(10, 99)}.{drawn['reply']['domain']}",
        reply=address.split("@")[0] + "@" + drawn["reply"]["domain"],
        number=drawn["reply"]["mail"],
    )
    name = drawn["called"]["vendor"]
    shown, address = person(name)
    mail(
        name=shown,
        address=address.split("@")[0] + "@" + VENDORS[name][1],
        subject=f"Payment of invoice {invoice[name]}",
        text=smooth(name, 0, call="0100 777 " + drawn["called"]["phone"]),
        when=moment(5),
        number=drawn["called"]["mail"],
    )
    name = drawn["quiet"]["vendor"]
    shown, address = person(name)
    mail(
        name=shown,
        address=address,
        subject=f"Re: Re: Invoice {invoice[name]}",
        text=smooth(name, 0, call="0100 777 " + drawn["quiet"]["false_phone"]),
        when=moment(2),
        number=drawn["quiet"]["mail"],
        extra=[("In-Reply-To", f"<{dice.getrandbits(48):012x}@harbour-bank.example>")],
    )


# --- genuine changes, some of them clumsy -----------------------------------------------------


def genuine_changes():
    for name, kind in true_changes.items():
        shown, address = person(name)
        line = f"\n    Account  {new_account[name]}\n"
        if kind == "shouting":
            mail(
                name=shown,
                address=address,
                subject="NEW BANK ACOUNT!!!",
                when=moment(6, 6),
                text=f"HELLO\n\nPLS NOTE WE HAVE NEW BANK. OLD ONE CLOSES. URGENT!! USE THIS FOR INVOICE {invoice[name]}\n{line}\nSORRY FOR TROUBEL\n{contact[name].upper()}\n",
            )
        elif kind == "provider":
            mail(
                name=f"{name} via Paperless Post",
                address=f"{name.split()[0].lower()}@{PROVIDER}",
                subject=f"{name}: our account has changed",
                when=moment(7),
                reply=address,
                text=f"This message was sent for {name} by Paperless Post.\n\nOur new account, valid at once:\n{line}\nQuestions? Answer this message and it reaches {contact[name]}.\n",
            )
        elif kind == "polished":
            mail(
                name=shown,
                address=address,
                subject="Our new bank details",
                when=moment(8),
                text=smooth(name, 0)
                + "\n(Written with the help of our new writing assistant. I hope it reads well.)\n",
            )
        elif kind == "abroad":
            mail(
                name=shown,
                address=address,
                subject="change of the account",
                when=moment(9, 4),
                auth="plain",
                text=f"Good morning,\n\nI inform you that since first of March we are having other bank, because the old is not more in our town. Please to pay the invoice {invoice[name]} there:\n{line}\nMany greetings from the other side of the water,\n{contact[name]}\n",
            )
        else:
            mail(
                name=f"{contact[name]}, Groveline (formerly {name})",
                address=f"{contact[name].lower()}@{RENAMED}",
                subject=f"{name} is now Groveline",
                when=moment(10),
                text=f"Dear customer,\n\nas announced by letter in January we have changed our name. Our new account:\n{line}\nEverything else stays as it is.\n{contact[name]}\n",
            )


def clumsy_frauds():
    for name in attempted:
        mail(
            name=f"{name} ACCOUNTING",
            address=f"accounting.{name.split()[0].lower()}{dice.randrange(10, 99)}@freemail.example",
            subject="URGENT change of bank account today",
            when=moment(dice.randrange(2, 9), 3),
            auth="plain",
            text=f"Dear Sir/Madam,\n\nKindly be inform that our bank acount is under audit. You must pay ALL invoice to the below acount today or we stop service.\n\n    {account()}\n\nRegard,\nThe Direction of {name}\n",
        )
    for subject in (
        "Inheritance of late client",
        "You have won, claim now",
        "Your parcel is waiting for a fee",
    ):
        mail(
            name="Barrister Office",
            address=f"office{dice.randrange(10, 999)}@freemail.example",
            subject=subject,
            when=moment(dice.randrange(1, 9), 2),
            auth="fail",
            domain="bulk.example",
            text="Dear beneficiary,\n\nplease answer with your bank details so that we can proceed without delay.\n",
        )


# --- everyday mail ----------------------------------------------------------------------------


def everyday():
    names = list(VENDORS)
    while len(messages) < 60:
        name = dice.choice(names)
        shown, address = person(name)
        kind = dice.randrange(4)
        if kind == 0:
            mail(
                name=shown,
                address=address,
                subject=f"Invoice {invoice[name] + dice.randrange(1, 9)}",
                when=moment(dice.randrange(1, 12)),
                text=f"Dear accounts office,\n\nplease find our invoice. It is due in thirty days, to the account you know.\n\n{contact[name]}\n",
            )
        elif kind == 1:
            mail(
                name=shown,
                address=address,
                subject=f"Reminder: invoice {invoice[name] - dice.randrange(1, 90)}",
                when=moment(dice.randrange(1, 12)),
                text=f"Hello,\n\na friendly reminder of the invoice above. If you have paid it in the meantime, please forget this mail.\n\n{contact[name]}\n",
            )
        elif kind == 2:
            mail(
                name=shown,
                address=address,
                subject="Change of our opening hours",
                when=moment(dice.randrange(1, 12)),
                text=f"Dear customer,\n\nfrom Monday we open at {dice.randrange(7, 10)}. Nothing else changes.\n\n{contact[name]}\n",
            )
        else:
            who = dice.choice(["Treasury", "Branch at the quay", "Internal post", "Canteen"])
            mail(
                name=who,
                address=f"{who.split()[0].lower()}@harbour-bank.example",
                subject=dice.choice(
                    ["Payment run on Friday", "Please approve", "Minutes", "Lunch next week"]
                ),
                when=moment(dice.randrange(1, 12)),
                text="Dear all,\n\nas every week, nothing new. Thank you.\n",
            )


# --- books ------------------------------------------------------------------------------------


def domains(name):
    allowed = [VENDORS[name][0]]
    kind = true_changes.get(name)
    return " ".join(
        allowed
        + ([PROVIDER] if kind == "provider" else [])
        + ([RENAMED] if kind == "renamed" else [])
    )


def table(place, rows):
    with (BOOKS / place).open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def books(numbered):
    table(
        "vendors.csv",
        [
            ["vendor", "domains", "telephone", "account before this month"],
            *([name, domains(name), phone[name], old_account[name]] for name in sorted(VENDORS)),
        ],
    )
    by_vendor = {
        name: next(
            number for number, message in numbered if new_account[name] in message.get_content()
        )
        for name in new_account
    }
    changes = [
        [name, f"m{by_vendor[name]:03d}", old_account[name], new_account[name]]
        for name in new_account
    ]
    dice.shuffle(changes)
    table("changes.csv", [["vendor", "by mail", "old account", "new account"], *changes])
    rows = {
        drawn["called"]["row"]: [
            drawn["called"]["vendor"],
            "0100 777 " + drawn["called"]["phone"],
            "confirmed",
        ]
    }
    entries = [[name, phone[name], "confirmed"] for name in true_changes]
    entries.append(
        [drawn["quiet"]["vendor"], phone[drawn["quiet"]["vendor"]], "no answer, message left"]
    )
    entries.append(
        [drawn["reply"]["vendor"], phone[drawn["reply"]["vendor"]], "engaged, not tried again"]
    )
    entries += [
        [name, phone[name], "asked about an invoice, all well"]
        for name in dice.sample([n for n in VENDORS if n not in new_account], 5)
    ]
    dice.shuffle(entries)
    free = [number for number in range(31, 60) if number not in rows]
    for number, entry in zip(sorted(dice.sample(free, len(entries))), entries, strict=True):
        rows[number] = entry
    table(
        "callbacks.csv",
        [
            ["row", "vendor", "number called", "result"],
            *([number, *rows[number]] for number in sorted(rows)),
        ],
    )
    held = {
        number: kind
        for kind in ("look", "reply", "called", "quiet")
        for number in drawn[kind]["payments"]
    }
    payments = [[number, drawn[kind]["vendor"]] for number, kind in held.items()]
    others = [
        *true_changes,
        *attempted,
        *dice.sample([n for n in VENDORS if n not in new_account], 8),
        *dice.sample(sorted(true_changes), 3),
    ]
    for name in others:
        number = dice.randrange(4100, 4899)
        while number in {each[0] for each in payments}:
            number = dice.randrange(4100, 4899)
        payments.append([number, name])
    table(
        "payments.csv",
        [
            ["payment", "vendor", "amount", "to account"],
            *(
                [
                    f"P-{number}",
                    name,
                    f"{dice.randrange(120, 9800)}.{dice.randrange(100):02d}",
                    new_account.get(name, old_account[name]),
                ]
                for number, name in sorted(payments)
            ),
        ],
    )


def main():
    false_ones()
    genuine_changes()
    clumsy_frauds()
    everyday()
    taken = {number for number, _ in messages if number is not None}
    free = [number for number in range(1, 61) if number not in taken]
    dice.shuffle(free)
    numbered = [
        (number if number is not None else free.pop(), message) for number, message in messages
    ]
    MAIL.mkdir(parents=True)
    for number, message in numbered:
        (MAIL / f"{number:03d}.eml").write_bytes(message.as_bytes())
    books(numbered)
    sheet = HOME / "hold.csv"
    sheet.write_text("payment,mail\n")
    os.chown(sheet, 1000, 1000)
    shutil.rmtree(CASE)


main()
