import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from range.checks.base import Outcome
from range.checks.sudo_rule import SudoRuleCheck
from tests.checks.support import FakeProbe

PASSWD = "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n"
GROUP = "root:x:0:\nsudo:x:27:ann\nann:x:1000:\nstaff:x:50:bob\n"


def check(**fields):
    return SudoRuleCheck.model_validate(
        {"kind": "sudo_rule", "machine": "box", "account": "ann", **fields}
    )


def probe_with(sudoers, **included):
    probe = FakeProbe()
    probe.file("/etc/sudoers", sudoers, mode=0o440)
    probe.file("/etc/passwd", PASSWD)
    probe.file("/etc/group", GROUP)
    for name, text in included.items():
        probe.file(f"/etc/sudoers.d/{name}", text, mode=0o440)
    return probe


def granted(sudoers, program="/usr/bin/less", **fields):
    judged = check(may_not=[program], **fields).judge(probe_with(sudoers))
    assert judged.reason in {"sudo-still-granted", "sudo-rules-as-wanted"}
    return judged.outcome is Outcome.UNMET


@pytest.mark.parametrize(
    "rule",
    [
        "ann ALL=(root) NOPASSWD: /usr/bin/less /var/log/x.log",
        "ann ALL=/usr/bin/less",
        "ann ALL=(ALL) ALL",
        "ann ALL=(ALL:ALL) NOPASSWD:ALL",
        "%sudo ALL=(ALL:ALL) ALL",
        "%#27 ALL=/usr/bin/less",
        "#1000 ALL=/usr/bin/less",
        "ALL ALL=/usr/bin/less",
        "ann\tALL = (root) /usr/bin/vi, /usr/bin/less",
        "ann ALL=/usr/bin/",
        "ann ALL=/usr/bin/l*",
        "bob, ann ALL=/usr/bin/less",
        "ann web=/bin/true : ALL=/usr/bin/less",
        "ann ALL=(root) \\\n  /usr/bin/less",
        "User_Alias CLERKS = bob, ann\nCLERKS ALL=/usr/bin/less",
        "Cmnd_Alias PAGE = /usr/bin/more, /usr/bin/less\nann ALL=NOPASSWD: PAGE",
        "Cmnd_Alias A = /usr/bin/less\nCmnd_Alias B = A\nann ALL=B",
        "Runas_Alias ADM = root\nann ALL=(ADM) /usr/bin/less",
        "ann ALL=(root) SETENV: NOPASSWD: /usr/bin/less",
        "ann ALL=!/usr/bin/less, /usr/bin/less",
        "ann ALL=/usr/bin/less, !/usr/bin/less /etc/shadow",
        "@include /etc/extra",
    ],
)
def test_trap_a_grant_is_found_however_it_is_written(rule):
    probe = probe_with(rule)
    probe.file("/etc/extra", "ann ALL=/usr/bin/less\n")
    judged = check(may_not=["/usr/bin/less"]).judge(probe)
    assert judged.reason == "sudo-still-granted"


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "# ann ALL=/usr/bin/less",
        "bob ALL=/usr/bin/less",
        "%staff ALL=/usr/bin/less",
        "ann ALL=(bob) /usr/bin/less",
        "ann ALL=/usr/bin/lesser",
        "ann ALL=/usr/bin/less, !/usr/bin/less",
        "ann ALL=ALL, !/usr/bin/less",
        "ALL, !ann ALL=/usr/bin/less",
        "Defaults env_reset",
        "# old \\\n#- older -#\nbob ALL=/usr/bin/less # ann ALL=/usr/bin/less",
    ],
)
def test_what_is_not_granted_is_not_found(rule):
    assert not granted(rule)


def test_included_folders_are_read_without_names_that_sudo_skips():
    sudoers = "root ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n"
    wanted = check(may_not=["/usr/bin/less"])
    assert wanted.judge(probe_with(sudoers, desk="ann ALL=/usr/bin/less")).outcome is Outcome.UNMET
    skipped = probe_with(sudoers)
    skipped.file("/etc/sudoers.d/desk.bak", "ann ALL=/usr/bin/less")
    skipped.file("/etc/sudoers.d/desk~", "ann ALL=/usr/bin/less")
    assert wanted.judge(skipped).outcome is Outcome.MET
    assert wanted.judge(probe_with("", desk="ann ALL=/usr/bin/less")).outcome is Outcome.MET


def test_the_old_spelling_of_includes_is_read_too():
    probe = probe_with("#includedir /etc/sudoers.d\n", desk="ann ALL=/usr/bin/less")
    assert check(may_not=["/usr/bin/less"]).judge(probe).outcome is Outcome.UNMET


def test_files_that_include_each_other_end():
    probe = probe_with("@include /etc/sudoers\nann ALL=/usr/bin/less\n")
    assert check(may_not=["/usr/bin/less"]).judge(probe).outcome is Outcome.UNMET


def test_noexec_is_enough_where_the_check_says_so():
    rule = "ann ALL=(root) NOEXEC: NOPASSWD: /usr/bin/less"
    assert granted(rule)
    assert not granted(rule, noexec_is_enough=True)
    later = "ann ALL=(root) NOEXEC: /usr/bin/more, EXEC: /usr/bin/less"
    assert granted(later, noexec_is_enough=True)


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("ann ALL=/usr/sbin/service nginx reload", True),
        ("ann ALL=/usr/sbin/service nginx *", True),
        ("ann ALL=/usr/sbin/service", True),
        ("ann ALL=(ALL) ALL", True),
        ("ann ALL=/usr/sbin/service nginx stop", False),
        ('ann ALL=/usr/sbin/service ""', False),
        ("ann ALL=ALL, !/usr/sbin/service", False),
        ("", False),
    ],
)
def test_trap_taking_everything_away_is_seen(rule, allowed):
    judged = check(may=["/usr/sbin/service nginx reload"]).judge(probe_with(rule))
    assert (judged.outcome is Outcome.MET) is allowed
    if not allowed:
        assert judged.reason == "sudo-no-longer-granted"


def test_defaults_are_compared():
    probe = probe_with('Defaults env_keep += "LD_PRELOAD"\n')
    assert check(defaults_not=["env_keep.*LD_PRELOAD"]).judge(probe).outcome is Outcome.UNMET
    assert check(defaults_not=["visiblepw"]).judge(probe).outcome is Outcome.MET


def test_without_a_sudoers_file_nothing_is_granted():
    probe = FakeProbe()
    assert check(may_not=["ALL"]).judge(probe).outcome is Outcome.MET
    assert check(may=["/bin/true"]).judge(probe).outcome is Outcome.UNMET


def test_all_means_a_rule_that_grants_everything():
    assert granted("ann ALL=(ALL) ALL", program="ALL")
    assert not granted("ann ALL=/usr/bin/less", program="ALL")


def test_a_check_that_asks_nothing_is_refused():
    with pytest.raises(ValidationError):
        check()


@given(st.text(alphabet=st.sampled_from('anAL =(),:!\\#%@"\n/usrbinNOPASWD*'), max_size=200))
def test_no_sudoers_text_breaks_the_reading(text):
    check(may_not=["/usr/bin/less"], may=["/bin/true x"]).judge(probe_with(text))


ALLOWED = ["/usr/bin/tail /var/log/x.log", "/usr/local/sbin/*", "sudoedit /etc/x.conf"]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "ann ALL=(root) NOPASSWD: /usr/bin/tail /var/log/x.log",
        'ann ALL=/usr/local/sbin/report "", sudoedit /etc/x.conf',
        "bob ALL=(ALL) ALL",
        "ann ALL=(bob) /usr/bin/less",
        "Cmnd_Alias READ = /usr/bin/tail /var/log/x.log\nann ALL=READ",
        "ann ALL=/usr/bin/tail /var/log/x.log, !/usr/bin/less",
    ],
)
def test_only_what_is_listed_may_be_granted(rule):
    assert check(may_only=ALLOWED).judge(probe_with(rule)).outcome is Outcome.MET


@pytest.mark.parametrize(
    "rule",
    [
        "ann ALL=(ALL) ALL",
        "ann ALL=/usr/bin/tail",
        "ann ALL=/usr/bin/tail /var/log/*",
        "ann ALL=/usr/bin/tail /var/log/x.log *",
        "ann ALL=/usr/bin/more /var/log/x.log",
        "ann ALL=/usr/local/sbin/../../bin/less",
        "ann ALL=/usr/local/sbin/report, NOEXEC: /usr/bin/less /var/log/x.log",
        "ann ALL=/usr/bin/t*l /var/log/x.log",
        "Cmnd_Alias READ = /usr/bin/vi\nann ALL=READ",
        "%sudo ALL=(ALL:ALL) ALL",
    ],
)
def test_trap_anything_wider_than_what_is_listed_is_a_hole(rule):
    judged = check(may_only=ALLOWED).judge(probe_with(rule))
    assert judged.reason == "sudo-still-granted"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("ann ALL=/usr/local/sbin/journal", "sudo-rules-as-wanted"),
        ("ann ALL=sudoedit /etc/x.conf", "sudo-rules-as-wanted"),
        ("ann ALL=!/usr/local/sbin/journal", "sudo-no-longer-granted"),
        ("ann ALL=/usr/local/sbin/../bin/journal", "sudo-no-longer-granted"),
        ("bob ALL=/usr/local/sbin/journal", "sudo-no-longer-granted"),
        ("", "sudo-no-longer-granted"),
    ],
)
def test_one_of_several_ways_to_go_on_working_is_enough(rule, reason):
    assert check(may_any=ALLOWED).judge(probe_with(rule)).reason == reason


# Each gives root to ann, or has sudo leave out what looks like a rule that takes it away.
UNCLEAR = [
    'Defaults x="\\\nann ALL=(ALL) ALL\nDefaults y"',
    '"ann"ALL=(ALL) ALL',
    'ann ALL=("root") ALL',
    "Defaultsx, ann ALL=(ALL) ALL : garbage",
    "ann ALL=^/bin/(ba)?sh$",
    "ann ALL=/bin/[^x]ash",
    "ann ALL=/usr/bin/id (, /bin/bash",
    'ann ALL=/usr/bin/id ", /bin/bash',
    "ann ALL=CWD=/tmp /bin/bash",
    "ann ALL=CHROOT=/srv /usr/local/sbin/report",
    "ann ALL=/usr/bin/id \x0c, /bin/bash",
    "\u2028ann ALL=/bin/bash",
    "ann ALL=/b\\x69n/bash",
    "ann ALL=/usr/local/sbin/report sh\\\nadow",
    "ann ALL=ALL, !NOWHERE",
    "User_Alias A = B\nUser_Alias B = A\nA ALL=ALL",
    "User_Alias A = bob\nUser_Alias A = ann\nALL, !A ALL=ALL",
    "ann ALL=/srv/*/bash",
    "Defaults runas_default=bob",
    "Defaults runchroot=/srv",
    "Defaults !case_insensitive_user\nALL, !ANN ALL=ALL",
    "+crew ALL=ALL",
    "ann ALL=sha256:abc= !/bin/bash",
    "ann ALL=/bin/bash\nann ALL=!/bin/bash, /bin/x A = b",
    "ann ALL=/bin/bash\nann ALL=!/bin/bash, /bin/sudoedit",
    "garbage = = =",
    "@include /etc/rules.%h",
    '@include "/etc/extra"',
    "@include /etc/not-there",
    "@include /dev/shm/rules",
    "ann ALL=/dev/shm/bash",
]


@pytest.mark.parametrize("rule", UNCLEAR)
@pytest.mark.parametrize(
    "asked",
    [{"may_only": ["/usr/local/sbin/*"]}, {"may_not": ["/bin/bash"]}, {"may": ["/usr/bin/id"]}],
)
def test_attack_a_rule_that_is_not_understood_is_a_hole(rule, asked):
    if rule.startswith("ann ALL=/dev") and "may" in asked:
        asked = {"may_any": ["/usr/bin/id"]}
    assert check(**asked).judge(probe_with(rule)).reason == "sudo-rules-hidden"


@pytest.mark.parametrize(
    "rule",
    [
        "# old \\\nann ALL=(ALL) NOPASSWD: ALL",
        "Defaults x \\\n\nann ALL=ALL",
        "ann ALL=(%root) ALL",
        "ann ALL=(#0) ALL",
        "#1000,x ALL=(ALL) ALL",
        "ANN ALL=(Root) ALL",
        "%SUDO ALL=ALL",
        "Defaultsx, ann ALL=(ALL) ALL",
        "ann ALL=/bin/bash",
        "ann ALL=/usr/bin/bash",
        "ann ALL=/usr/bin/../bin/bash",
        "ann ALL=/usr/sbin/../../bin/ba?h",
        "ann ALL=/usr/bin/",
        "ann ALL=ALL\nann elsewhere=!ALL",
        "ann ALL=/srv/shell",
        "ann ALL=/srv/bin/bash",
    ],
)
@pytest.mark.parametrize("asked", [{"may_only": ["/usr/local/sbin/*"]}, {"may_not": ["/bin/bash"]}])
def test_attack_a_grant_is_found_where_sudo_reads_otherwise_than_one_thinks(rule, asked):
    probe = probe_with(rule)
    probe.file("/usr/bin/bash", "shell")
    probe.link("/bin", "usr/bin")
    probe.link("/srv/shell", "/bin/bash")
    probe.link("/srv/bin", "/usr/bin")
    assert check(**asked).judge(probe).reason == "sudo-still-granted"


@pytest.mark.parametrize(
    "rule",
    [
        "ann ALL=/usr/bin/id#, /usr/local/sbin/pack",
        "ann elsewhere=/usr/local/sbin/pack",
        "ann ALL=/usr/local/sbin/pack, !/usr/local/sbin/pack",
        "ann ALL=/usr/local/sbin/pack\nann here=!/usr/local/sbin/",
    ],
)
@pytest.mark.parametrize("how", ["may", "may_any"])
def test_attack_a_grant_that_sudo_does_not_make_is_none(rule, how):
    judged = check(**{how: ["/usr/local/sbin/pack"]}).judge(probe_with(rule))
    assert judged.reason == "sudo-no-longer-granted"


@pytest.mark.parametrize("more", [{"uid": 1000}, {"mode": 0o666}, {"mode": 0o460, "gid": 50}])
def test_attack_a_file_that_sudo_passes_over_takes_nothing_away(more):
    probe = probe_with("ann ALL=/usr/bin/less\n@includedir /etc/sudoers.d\n")
    probe.file("/etc/sudoers.d/zz", "ann ALL=!/usr/bin/less\n", **more)
    assert check(may_not=["/usr/bin/less"]).judge(probe).reason == "sudo-rules-hidden"


def test_attack_a_second_name_for_the_account_is_no_way_round():
    probe = probe_with("twin ALL=ALL\n")
    probe.file("/etc/passwd", "twin:x:1000:1000::/:/bin/sh\n" + PASSWD)
    assert check(may_not=["/usr/bin/less"]).judge(probe).reason == "sudo-rules-hidden"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/sudo.conf", "plugin sudoers_policy evil.so\n"),
        ("/etc/sudo.conf", "Plug\\\nin sudoers_policy evil.so\n"),
        ("/etc/nsswitch.conf", "sudoers: files sss\n"),
    ],
)
def test_attack_rules_asked_for_elsewhere_are_seen(path, text):
    probe = probe_with("")
    probe.file(path, text)
    assert check(may_not=["/usr/bin/less"]).judge(probe).reason == "sudo-rules-hidden"


def test_what_debian_ships_is_understood():
    shipped = (
        '# See the man page.\nDefaults\tenv_reset\nDefaults\tsecure_path="/usr/sbin:/usr/bin"\n'
        '#Defaults:%sudo env_keep += "EDITOR"\n# Host alias specification\n\n'
        "root\tALL=(ALL:ALL) ALL\n%ops ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"
    )
    probe = probe_with(shipped, desk='Defaults:ann env_keep += "X" # why\n')
    probe.file("/etc/nsswitch.conf", "passwd: files\nsudoers: files\n")
    assert check(may_not=["/bin/bash"]).judge(probe).reason == "sudo-rules-as-wanted"
