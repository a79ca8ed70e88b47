"""Puts the short reasons of checks and submissions into sentences a trainee can act on."""

from range.assessment.submissions import MESSAGES

_SENTENCES = {
    "met": "As it should be",
    "answers-as-expected": "Every request is answered as it should be",
    "answers-differ": "What is answered is not as it should be",
    "awaits-judgement": "Waits to be judged",
    "check-failed": "The check itself failed, which is not counted against you",
    "combined": "By the checks it consists of",
    "command-not-typed": "The command was not typed",
    "command-typed": "The command was typed",
    "file-is-special": "A pipe, a socket or a device is there in place of a file",
    "folder-is-no-folder": "A link or a file is there in place of the folder",
    "link-misleads": "A link leads where nobody can look",
    "file-gone": "The file is gone, as it should be",
    "file-missing": "The file is not there",
    "file-there": "The file is still there",
    "key-unreadable": "The check's own key cannot be read, which is not counted against you",
    "login-accepted": "An account or password that must be kept out gets in",
    "login-method-unknown": "The server asks for a way to log in that is not the usual one",
    "login-refused": "An account that people need is not let in",
    "no-answer": "Nothing answers there",
    "not-observed": "Not looked at yet",
    "not-submitted": "Nothing was handed in",
    "overruled": "An instructor judged this otherwise than the check",
    "paths-as-wanted": "Every connection is open or closed as it should be",
    "paths-differ": "At least one connection is open that should be closed, or the reverse",
    "port-closed": "Nothing listens on the port",
    "port-open": "Something listens on the port",
    "probe-unavailable": "The machines could not be looked at, which is not counted against you",
    "process-gone": "The process is gone, as it should be",
    "process-missing": "The process does not run",
    "process-runs": "The process runs, as it should",
    "process-still-runs": "The process still runs",
    "report-convinces": "The report was judged convincing",
    "report-falls-short": "The report was judged to fall short",
    "appeal-upheld": "It was contested, and an instructor let it stand",
    "appeal-corrected": "It was contested, and an instructor corrected it",
    "report-missing": "The report is not where it should be",
    "report-too-short": "The report is too short to be judged",
    "sandbox-gone": "The machines were gone, which is not counted against you",
    "some-answers-differ": "Some of what is answered is not as it should be",
    "sudo-default-still-there": "A default that opens the way is still set",
    "sudo-no-longer-granted": "A right that people need is no longer granted",
    "sudo-rules-as-wanted": "The sudo rules are as they should be",
    "sudo-rules-hidden": "A rule is not understood, or cannot be read to its end",
    "sudo-still-granted": "A right that opens the way is still granted",
    "too-much-there": "The files are larger than is looked at",
    "too-many-files": "There are too many files to look at",
}


def sentence(reason: str) -> str:
    """Return the sentence for a reason slug; an unknown one is written out as words."""
    known = MESSAGES.get(reason) or _SENTENCES.get(reason)
    return known or reason.replace("-", " ").replace("_", " ").strip().capitalize()
