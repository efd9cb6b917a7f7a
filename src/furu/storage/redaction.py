"""Keeps passwords, tokens and keys out of what furu records about a process: better one fact less than one leak."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK: Final = "***"

# On the words of a name, in lower case: some are secret anywhere in it, some only at its end (hf_token, but not
# token_length), and `key`, a word of everyday life, only after what it opens.
_SECRET_NAME: Final = re.compile(
    r"(passphrase|passwd|password|secret)s?\b|\b(apikey|authorization|credentials?|jwt|pwd)\b"
    r"|\b(auth|bearer|cookie|otp|pass|pw|sig|signature|token)$"
    r"|\b(access|account|api|auth|encryption|license|master|private|service|signing|ssh) key\b"
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_URL_USER: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/\s]+)@")
_ASSIGNMENT: Final = re.compile(r"""([A-Za-z][\w.-]*)(["']?\s*[:=]\s*["']?)([^\s"',;&}]+)""")
_AUTHORIZATION: Final = re.compile(r"\b(authorization\W+\w+|bearer)\s+\S+", re.IGNORECASE)
_KNOWN_KEY: Final = re.compile(
    r"\b(?:sk-|pk-|rk-|gh[opsur]_|github_pat_|glpat-|hf_|xox[abeprs]-|npm_|pypi-|dop_v1_|ya29\.|AKIA|ASIA|AIza|eyJ)"
    r"[\w.~+/=-]{12,}"
)
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL)
# 30 bytes in base64, as clouds give them; `_LONG_WORD` would take it for a path.
_KEY_WITH_SLASHES: Final = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9/+]{40}(?![\w/+=.-])")
_USER_OPTIONS: Final = frozenset({"-u", "--user"})
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9+]{24,}={0,2}")
_SYLLABLE: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# 98 % of random words have shorter syllables on average; CamelCase has 3 to 6 letters in one.
_RANDOM_SYLLABLE: Final = 2.8


def is_secret_name(name: str) -> bool:
    """True for the name of an option or a variable that holds a secret: `--api-key`, `HF_TOKEN`, `dbPassword`."""
    return _SECRET_NAME.search(" ".join(_WORD.findall(name)).lower()) is not None


def mask_text(text: str) -> str:
    """`text` without the secrets in it: URL users, `name=value` with a secret name, known and random-looking keys."""
    masked = _PRIVATE_KEY.sub(MASK, text)
    masked = _URL_USER.sub(rf"\1{MASK}@", masked)
    masked = _AUTHORIZATION.sub(rf"\1 {MASK}", masked)
    masked = _ASSIGNMENT.sub(lambda found: _mask_assignment(*found.groups()), masked)
    masked = _KNOWN_KEY.sub(MASK, masked)
    masked = _KEY_WITH_SLASHES.sub(lambda found: MASK if _looks_random(found[0]) else found[0], masked)
    return _LONG_WORD.sub(lambda found: MASK if _looks_random(found[0]) else found[0], masked)


def mask_argv(argv: Sequence[str]) -> list[str]:
    """A command line without its secrets; the value after a bare `--password` is one, and `--user name:password`."""
    masked, is_value_secret, before = [], False, ""
    for argument in argv:
        name, equals, value = argument.partition("=")
        if is_value_secret and not argument.startswith("--"):
            masked.append(MASK)
        elif before in _USER_OPTIONS and ":" in argument:
            masked.append(f"{argument.partition(':')[0]}:{MASK}")
        elif equals and name in _USER_OPTIONS and ":" in value:
            masked.append(f"{name}={value.partition(':')[0]}:{MASK}")
        elif equals and is_secret_name(name) and not re.search(r"\s", name):
            masked.append(f"{name}={MASK}")
        else:
            masked.append(mask_text(argument))
        is_value_secret = not equals and argument.startswith("-") and is_secret_name(argument)
        before = argument
    return masked


def mask_variable(name: str, value: str) -> str:
    """The value of an environment variable, masked when its name or its looks say so."""
    return MASK if value and is_secret_name(name) else mask_text(value)


def drop_credentials(url: str) -> str:
    """A git remote that can still be cloned, without the user and password in it; `git@host:path` stays."""
    return _URL_USER.sub(lambda found: found[0] if found[2] == "git" else found[1], url)


def make_printable(text: str) -> str:
    """`text` with bytes that are no UTF-8 written as escapes, so that it can be encoded again."""
    return text.encode("utf-8", "backslashreplace").decode()


def _mask_assignment(name: str, between: str, value: str) -> str:
    return f"{name}{between}{MASK if is_secret_name(name) else value}"


def _looks_random(word: str) -> bool:
    """True if lower case, upper case and digits alternate as they don't in names, hashes and dates."""
    syllables = _SYLLABLE.findall(word)
    has_all_kinds = all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return has_all_kinds and len(word) < _RANDOM_SYLLABLE * len(syllables)
