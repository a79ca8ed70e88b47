"""Writes the labelled mails that rules are tried on: `python3 make.py`, always the same.

What makes a mail false is where it comes from and what it asks, never how it is written: both
sides use the same stock of fine and of clumsy sentences, and the hidden mails others than the
examples.
"""

import json
import random
from pathlib import Path

dice = random.Random("invoice-desk/rule/1")
SUPPLIERS = [
    "Norrmen Paper",
    "Williams Lifts",
    "Calm Cleaning",
    "Tessel Floors",
    "Oakham Security",
    "Petrel Couriers",
    "Quince Catering",
    "Marlow Windows",
    "Ferrous Safes",
    "Lumen Electric",
    "Skerry Software",
    "Alder Furniture",
    "Bracken Legal",
    "Gable Roofing",
    "Juniper Water",
]
FINE = {
    "examples": [
        "I hope the week has been kind to you.",
        "Thank you for the swift settlement of our last invoice.",
        "As part of a routine consolidation, our receivables have moved.",
        "May I ask you to note the following.",
    ],
    "hidden": [
        "It was a pleasure to see your team at the quay.",
        "Following our annual audit we write about a formality.",
        "Our present bank is leaving the town, which gives us a little work.",
        "Please find below what we spoke about.",
        "With the new year our group has put its payments in order.",
        "I am writing in place of my colleague, who is on leave.",
    ],
}
CLUMSY = {
    "examples": ["PLS NOTE URGENT!!", "Kindly do the needful today.", "sorry for my english"],
    "hidden": [
        "VERY IMPORTANT read now",
        "we are having other bank since monday",
        "Dear Sir/Madam, be inform:",
        "thx n best",
    ],
}
ASK = {
    "new": [
        "Please pay to our new account {}.",
        "Our account is now {}.",
        "Use {} from today on.",
        "The details for this invoice have changed: {}.",
    ],
    "known": [
        "Please pay to our account {}, as always.",
        "Our account {} has not changed.",
        "Payment goes to {}.",
    ],
    "none": [
        "Nothing is to be done.",
        "The order left our house today.",
        "From Monday we open at seven.",
        "Please see the minutes.",
    ],
}
PHONES = {
    "unknown": "Call me on {} for any doubt.",
    "known": "You reach us on {}, as ever.",
    "none": "",
}


def domain(name):
    return name.lower().replace(" ", "-") + ".example"


def strange(name):
    plain = name.lower().replace(" ", "-")
    return (
        dice.choice(
            [
                plain + "-accounts",
                plain.replace("m", "rn", 1),
                plain + "-pay",
                "mail-" + plain,
                "freemail",
            ]
        )
        + ".example"
    )


def record(which, label, *, known=True, reply="same", dmarc="pass", account="none", phone="none"):
    name = dice.choice(SUPPLIERS)
    sender = domain(name) if known else strange(name)
    replies = {"same": sender, "known": domain(name), "unknown": strange("pay desk")}[reply]
    words = [dice.choice((FINE if dice.random() < 0.7 else CLUMSY)[which])]
    words.append(dice.choice(ASK[account]).format(f"YY{dice.randrange(10**15, 10**16)}"))
    words.append(
        PHONES[phone].format(f"0100 {dice.choice(['555', '777'])} {dice.randrange(100000, 999999)}")
    )
    return {
        "shown": f"{dice.choice(['Ana', 'Bo', 'Esma', 'Finn', 'Kaja'])}, {name}",
        "sender": sender,
        "sender_known": "yes" if known else "no",
        "reply_to": replies,
        "reply_known": "yes" if (reply != "unknown" and (known or reply == "known")) else "no",
        "dmarc": dmarc,
        "account": account,
        "phone": phone,
        "subject": dice.choice(
            [
                "Invoice",
                "Re: Invoice",
                "Our account",
                "Payment details",
                "A small change",
                "Reminder",
                "URGENT",
            ]
        ),
        "body": " ".join(words).strip(),
        "label": label,
    }


def fraud(which):
    kind = dice.randrange(4)
    phone = dice.choice(["none", "unknown"])
    if kind == 0:
        return record(which, "fraud", known=False, account="new", phone=phone)
    if kind == 1:
        return record(which, "fraud", reply="unknown", account="new", phone=phone)
    if kind == 2:
        return record(which, "fraud", dmarc="fail", account="new", phone=phone)
    return record(which, "fraud", account="new", phone="unknown")


def genuine(which):
    kind = dice.randrange(10)
    if kind < 2:
        return record(
            which,
            "genuine",
            account="new",
            phone=dice.choice(["none", "known"]),
            dmarc=dice.choice(["pass", "pass", "none"]),
        )
    if kind == 2:
        return record(which, "genuine", account="new", known=True, reply="known", phone="known")
    if kind == 3:
        return record(
            which,
            "genuine",
            known=False,
            account="none",
            phone=dice.choice(["none", "unknown"]),
            dmarc=dice.choice(["pass", "none"]),
        )
    if kind == 4:
        return record(which, "genuine", account=dice.choice(["none", "known"]), phone="unknown")
    if kind == 5:
        return record(which, "genuine", dmarc="fail", account=dice.choice(["none", "known"]))
    if kind == 6:
        return record(which, "genuine", reply="unknown", account=dice.choice(["none", "known"]))
    return record(
        which,
        "genuine",
        account=dice.choice(["none", "known"]),
        phone=dice.choice(["none", "known"]),
    )


def corpus(which, false, fine):
    rows = [fraud(which) for _ in range(false)] + [genuine(which) for _ in range(fine)]
    dice.shuffle(rows)
    return "".join(json.dumps(row) + "\n" for row in rows)


folder = Path(__file__).parent
(folder / "examples.jsonl").write_text(corpus("examples", 16, 34))
(folder / "hidden.jsonl").write_text(corpus("hidden", 90, 210))
