"""A person's skills as an Open Badges 3.0 credential: signed, with intervals and evidence."""

import base64
import json
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.urls import reverse

from range.lib.errors import RangeError
from range.pipeline.profile import Profile, SkillLine
from range.timeline import tombstones

CONTEXTS = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)
# Skills fade, and so do claims about them.
VALID_FOR = timedelta(days=365)
MOST_EVIDENCE = 200


class NothingToCertify(RangeError):
    """No skill has enough evidence to say anything of it in a credential."""

    def __init__(self) -> None:
        super().__init__(
            "No skill has enough evidence for a credential yet: at least 10 checks over 4 "
            "scenarios are needed for one.",
            reason="badge-not-enough",
            status=409,
        )


def credential_jwt(profile: Profile) -> str:
    """Return the credential as a compact JWT (VC-JWT), signed with the range's own key.

    Raises:
        NothingToCertify: No skill has enough evidence.
        KeyringBroken: Nothing can be signed.
    """
    ring = tombstones.keys()
    head = {"alg": "EdDSA", "typ": "JWT", "kid": f"{_origin()}/evidence/keys.json#{ring.active.id}"}
    said = credential(profile)
    claims = {
        **said,
        "iss": f"{_origin()}/",
        "sub": f"urn:uuid:{profile.person.pk}",
        "jti": said["id"],
        "nbf": int(profile.as_of.timestamp()),
        "exp": int((profile.as_of + VALID_FOR).timestamp()),
    }
    message = f"{_part(head)}.{_part(claims)}"
    return f"{message}.{_base64(ring.sign(message.encode()))}"


def credential(profile: Profile) -> dict[str, object]:
    """Return what the credential says: per skill an interval and a word, never a bare number.

    Raises:
        NothingToCertify: No skill has enough evidence.
    """
    lines = [line for line in (*profile.required, *profile.others) if line.standing.tally.suffices]
    if not lines:
        raise NothingToCertify
    person, origin = profile.person, _origin()
    return {
        "@context": list(CONTEXTS),
        "id": f"{origin}/people/{person.pk}/badge#{int(profile.as_of.timestamp())}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": f"Evidence of skills: {person.shown_name}",
        "issuer": {"id": f"{origin}/", "type": ["Profile"], "name": settings.RANGE_NAME},
        "validFrom": _moment(profile.as_of),
        "validUntil": _moment(profile.as_of + VALID_FOR),
        "credentialSubject": {
            "id": f"urn:uuid:{person.pk}",
            "type": ["AchievementSubject"],
            "achievement": _achievement(profile, lines),
            "result": [_result(line) for line in lines],
        },
        "evidence": _evidence(lines),
    }


def _achievement(profile: Profile, lines: list[SkillLine]) -> dict[str, object]:
    role, origin = profile.role, _origin()
    about = f" against {role.title} ({role.codes})" if role else ""
    return {
        "id": f"{origin}/achievements/evidence-of-skills",
        "type": ["Achievement"],
        "achievementType": "Assessment",
        "name": f"Evidence of skills{about}",
        "description": "What checks saw this person do on real machines, as skill estimates with "
        "80 % intervals in logits; 0 is the reference entry-level trainee. An evidence report, "
        "not a certification.",
        "criteria": {
            "narrative": "Each skill named has at least 10 checks over 4 scenarios, at least half "
            "of them not judged by a language model alone. Estimated with parameter set "
            f"{profile.parameter_set} from "
            f"{'assessed attempts only' if profile.assessed_only else 'all finished attempts'}."
        },
        "resultDescription": [
            {
                "id": _description(line),
                "type": ["ResultDescription"],
                "name": line.name,
                "resultType": "Result",
            }
            for line in lines
        ],
        "alignment": [
            {
                "type": ["Alignment"],
                "targetName": each.text or each.code,
                "targetUrl": f"{origin}{reverse('framework-entry', args=each.entry)}",
                "targetCode": each.code,
                "targetFramework": f"{each.label}, {each.relation}, {each.review}",
            }
            for each in {each.code: each for line in lines for each in line.statements}.values()
        ],
    }


def _result(line: SkillLine) -> dict[str, object]:
    said = f"{line.interval} logits (80 % interval)"
    if line.word is not None:
        said += f"; {line.word.value} against the cut at {line.cut}"
    else:
        said += f"; {line.level}"
    if line.contested:
        said += f"; {line.contested} of its records contested and not answered yet"
    return {"type": ["Result"], "resultDescription": _description(line), "value": said}


def _evidence(lines: list[SkillLine]) -> list[dict[str, object]]:
    seen = {each.id: each for line in lines for each in line.evidence}
    return [
        {
            "id": f"{_origin()}/evidence/{each.id}/",
            "type": ["Evidence"],
            "name": f"{each.objective}: {each.check_id}",
            "narrative": f"{each.outcome.lower()}, {each.policy.lower()}, "
            f"{f'hint on rung {each.hint_rung}' if each.hint_rung else 'without help'}, observed "
            f"{_moment(each.observed_at)}{f', {each.appeal}' if each.appeal else ''}",
            "genre": "Check of a cyber range",
        }
        for each in list(seen.values())[:MOST_EVIDENCE]
    ]


def _description(line: SkillLine) -> str:
    return f"{_origin()}/achievements/evidence-of-skills#{line.key}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _part(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _origin() -> str:
    return str(settings.RANGE_PUBLIC_ORIGIN).rstrip("/")
