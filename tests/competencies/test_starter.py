"""The starter slice holds together: every key and code it names exists in it."""

import pytest
from pydantic import ValidationError

from range.competencies.readers import starter

NEEDED = {
    "enumerate-system", "escalate-privilege", "abuse-sudo-rules", "abuse-setuid-programs",
    "abuse-scheduled-work", "abuse-capabilities", "harden-privilege-rules", "preserve-service",
    "test-object-authorisation", "exploit-server-side-request", "read-source-code",
    "fix-authorisation", "validate-outbound-requests", "keep-functional-tests-green",
    "report-findings", "contain-intrusion", "analyse-logs", "write-detection", "segment-network",
    "triage-vulnerability",
}  # fmt: skip


@pytest.fixture(scope="module")
def slice_():
    return starter.read()


def test_there_are_thirty_to_sixty_skills_with_unique_keys_and_names(slice_):
    skills = slice_.skills.skills
    keys, names = {each.key for each in skills}, {each.name for each in skills}
    assert keys >= NEEDED
    assert 30 <= len(skills) <= 60
    assert len(keys) == len(names) == len(skills)


def test_every_skill_has_three_levels_and_at_least_two_alignments(slice_):
    for skill in slice_.skills.skills:
        assert len(set(skill.rubric)) == 3, skill.key
        assert len(skill.align) >= 2, skill.key


def test_every_aligned_code_is_a_statement_of_a_role_in_the_slice(slice_):
    listed = {code for codes in slice_.nice.role_statements.values() for code in codes}
    assert listed <= {each.code for each in slice_.nice.statements}
    for skill in slice_.skills.skills:
        assert {code for code, _ in skill.relations()} <= listed, skill.key


def test_every_role_asks_for_known_skills_once_and_twins_are_roles_of_the_slice(slice_):
    keys = {each.key for each in slice_.skills.skills}
    rows = slice_.requirements.rows()
    assert {key for _, key, _, _ in rows} <= keys
    assert len({(role, key) for role, key, _, _ in rows}) == len(rows)
    roles = {role.code for role in slice_.nice.roles}
    assert {role for role, _, _, _ in rows} <= roles
    # The crosswalk names no twin for threat analysis.
    assert {nice for nice, _ in slice_.dcwf.crosswalk} == roles - {"PD-WRL-006"}


def test_most_of_what_a_role_asks_bears_on_its_own_statements(slice_):
    aligned = {each.key: {code for code, _ in each.relations()} for each in slice_.skills.skills}
    for role, listed in slice_.nice.role_statements.items():
        asked = [key for code, key, _, _ in slice_.requirements.rows() if code == role]
        bearing = [key for key in asked if aligned[key] & set(listed)]
        assert len(bearing) >= 0.6 * len(asked), role


def test_a_misspelt_word_in_a_starter_file_is_refused(tmp_path):
    for name in ("frameworks.yaml", "skills.yaml", "requirements.yaml"):
        (tmp_path / name).write_bytes((starter.FOLDER / name).read_bytes())
    text = (tmp_path / "skills.yaml").read_text().replace("    rubric:", "    rubrik:", 1)
    (tmp_path / "skills.yaml").write_text(text)
    with pytest.raises(ValidationError, match="rubrik"):
        starter.read(tmp_path)
