"""Take the parameters out of a line that can be seen by their form alone: numbers, ids, paths."""

import re

from drillbook.analysis.loggroups.words import TEXT_FIELDS

# Stands for a parameter; control characters of the log itself became spaces before.
MARK = "\x00"
LARGEST_MEMO = 200_000

_ZEROS = {ord(digit): "0" for digit in "123456789"} | dict.fromkeys(range(32), " ")
_END = r"\s\"'<>()\[\]{},;|"
_FORMS = re.compile(
    "|".join(
        (
            rf"[A-Za-z][A-Za-z0-9+.-]{{1,15}}://[^{_END}]+",  # an address of the web
            r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+",  # of a person
            rf"(?<![A-Za-z0-9])[A-Za-z]:\\[^{_END}]*|\\\\[\w.$-]+\\[^{_END}]+",  # a path of Windows
            rf"(?<![\w.)])~?/(?:[\w.@%+~$:#*-]+/?)[^{_END}]*",  # a path of Unix
            rf"(?<![\w.])[\w.@%+~-]+(?:/[\w.@%+~$:#-]+){{2,}}/?[^{_END}]*",  # one without a root
            r"(?<![A-Za-z0-9_])(?:[0-9A-Fa-f]{1,12}-){4}[0-9A-Fa-f]{1,12}(?![A-Za-z0-9_])",  # UUID
            r"(?<![A-Za-z0-9_])0[xX][0-9A-Fa-f]+",
            r"(?<![A-Za-z0-9_:])(?=[0-9a-fA-F:]*[0-9])[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,}(?:[.][0-9.]+)?(?![A-Za-z_])",
            # Numbers with what belongs to them: dates, times, addresses, versions, sizes.
            r"(?<![A-Za-z0-9_])[-+]?[0-9]+(?:[.,:/_T-]+[0-9]+)*(?:[eE][-+]?[0-9]+)?(?:Z|%|[A-Za-zµ]{1,4})?(?![A-Za-z0-9_])",
            r"(?<![A-Za-z0-9_])(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{4,}(?![A-Za-z0-9_])",  # hexadecimal
            # Letters and digits at random: ids, tokens, base64.
            r"(?<!\w)(?=[\w+/=-]*[0-9][A-Za-z]+[0-9][A-Za-z]+[0-9])[\w+/=-]{16,}",
            r"[-]?[0-9]+(?:[.][0-9]+)*",
        )
    )
)
_FIELD = re.compile(r"(?P<key>[A-Za-z_@][\w.@-]*|\])=(?!=)(?P<value>[^\s,;&)\]}]*)")
_JSON_FIELD = re.compile(
    r'(?P<before>[{,]\s*)"(?P<key>[^"\\]{1,80})"\s*:\s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s,"{}\[\]]+)'
)


class Memo(dict[str, str]):
    """Masked forms by token, made when first asked for; forgotten when there are too many."""

    def __missing__(self, token: str) -> str:
        """Mask a token that is not remembered."""
        if len(self) >= LARGEST_MEMO:
            self.clear()
        masked = self[token] = mask_token(token)
        return masked


def mask_text(text: str, memo: Memo) -> str:
    """Return a text of one line with its parameters as marks."""
    return " ".join(map(memo.__getitem__, text.translate(_ZEROS).split()))


def mask_token(token: str) -> str:
    """Return a token, which holds no spaces, with its parameters as marks."""
    if token.isalpha():
        return token
    if '":' in token:
        token = _JSON_FIELD.sub(_json_field, token)
    token = _FORMS.sub(MARK, token)
    return _FIELD.sub(_field, token) if "=" in token else token


def _field(match: re.Match[str]) -> str:
    if match["key"].lower() in TEXT_FIELDS:
        return match[0]
    return f"{match['key']}={MARK}"


def _json_field(match: re.Match[str]) -> str:
    if match["key"].lower() in TEXT_FIELDS:
        return match[0]
    return f'{match["before"]}"{match["key"]}": {MARK}'
