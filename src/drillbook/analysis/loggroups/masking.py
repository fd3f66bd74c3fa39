"""Take the parameters out of a line that can be seen by their form alone: numbers, ids, paths."""

import re
from functools import cache

from drillbook.analysis.loggroups.words import TEXT_FIELDS, VALUES

# Stands for a parameter; control characters of the log itself became spaces before.
MARK = "\x00"
# A quotation begins here.
QUOTE = ' "'
_PUNCTUATION = "()[]{}<>,;:.'\""
_DIGIT = re.compile("[0-9]")
_NOTHING = "(?!)"
_LONG_ID = 24
LARGEST_MEMO = 200_000
MOST_PIECES = 50_000
# What is longer without a space is no word of a message.
LONGEST_TOKEN = 256

_ZEROS = {ord(digit): "0" for digit in "123456789"} | dict.fromkeys(range(32), " ")
_TOP_DOMAINS = (
    "com|net|org|edu|gov|mil|info|biz|io|dev|cloud|local|lan|internal|localdomain|intra|home|corp"
    "|arpa|uk|de|fr|jp|cn|hk|tw|kr|in|br|ru|pl|it|es|nl|se|ch|at|au|ca|us|mx|ar|cz|eu"
)
_SUFFIXES = (
    "log|txt|conf|cfg|ini|json|xml|yaml|yml|toml|csv|tsv|html?|css|php|jsp|aspx?|js|mjs|ts|tsx|jsx|py|rb"
    "|go|rs|c|cc|cpp|h|hpp|java|kt|class|jar|war|so|dll|exe|sys|bin|dat|db|sql|sqlite|tmp|bak|lock|pid"
    "|sock|sh|bat|service|gz|zip|tar|tgz|xz|bz2|jpe?g|png|gif|svg|ico|webp|pdf|docx?|xlsx?|mp[34]|img|iso"
)
_END = r"\s\"'<>()\[\]{},;|"
_TOP_PACKAGES = "com|org|net|io|edu|gov|java|javax|sun|dev|co"
# What is known by its form: parameters that hold a slash, an at sign, a dot, colons, digits.
_BY_SLASH = (
    rf"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{{1,15}}://[^{_END}]+",  # an address of the web
    rf"(?<![A-Za-z0-9])[A-Za-z]:\\[^{_END}]*|\\\\[\w.$-]+\\[^{_END}]+",  # a path of Windows
    rf"(?<![\w.)])~?/(?:[\w.@%+~$:#*-]+/?)[^{_END}]*",  # a path of Unix
    rf"(?<![\w.])[\w.@%+~-]+(?:/[\w.@%+~$:#-]+){{2,}}/?[^{_END}]*",  # one without a root
)
_BY_AT = (r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)*",)  # a person's address, or who and where
_BY_DOT = (
    # A host by its last part; what begins with it is a package: com.example.app.
    (
        rf"(?<![\w.-])(?!(?:{_TOP_PACKAGES})[.])[\w-]+(?:[.][\w-]+)*[.](?:{_TOP_DOMAINS})"
        r"(?![\w.-]*\w)(?::[0-9]+)?"
    ),
    rf"(?<![\w.\\/-])[\w~-]+(?:[.][\w-]+)*[.](?:{_SUFFIXES})(?![\w.-]*\w)(?::[0-9]+)*",  # a file
)
_NETWORK_CARD = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])"
_BY_COLON = (rf"(?<![\w:])(?:::(?![\w:])|{_NETWORK_CARD})",)  # any address; a network card's
_NETWORK_CARD_COLONS = 5
_BY_DIGIT = (
    r"(?<![A-Za-z0-9_])(?:[0-9A-Fa-f]{1,12}-){4}[0-9A-Fa-f]{1,12}(?![A-Za-z0-9_])",  # UUID
    r"(?<![A-Za-z0-9_])0[xX][0-9A-Fa-f]+",
    # Addresses of IPv6 and of network cards.
    (
        r"(?<![A-Za-z0-9_:])(?=[0-9a-fA-F:]*[0-9])[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,}"
        r"(?:[.][0-9.]+)?(?![A-Za-z_])"
    ),
    # Numbers with what belongs to them: dates, times, addresses, versions, sizes.
    (
        r"(?<![A-Za-z0-9_])[-+]?[0-9]+(?:[.,:/_T-]+[0-9]+)*(?:[eE][-+]?[0-9]+)?"
        r"(?:Z|%|[A-Za-zµ]{1,4})?(?![A-Za-z0-9_])"
    ),
    r"(?<![A-Za-z0-9_])(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{4,}(?![A-Za-z0-9_])",  # hexadecimal
    # Letters and digits at random: ids, tokens, base64.
    r"(?<!\w)(?=[\w+/-]*[0-9][A-Za-z]+[0-9][A-Za-z]+[0-9])[\w+/-]{16,}={0,2}",
    r"(?:(?<![A-Za-z0-9])-)?[0-9]+(?:[.][0-9]+)*",
)
# The most usual whole tokens, which the forms above would find, too, but slower.
_WHOLE = re.compile(
    rf"([\[({{<\"'=@]*(?:(?!{_NETWORK_CARD})[A-Za-z_]*[A-Za-z][-=:])?)"
    r"(?:(?=[a-fA-F-]*[0-9])[0-9a-fA-F]{4,}(?:-[0-9a-fA-F]{4,})*"
    r"|0[xX][0-9a-fA-F]+"
    r"|/[\w.@%+~$:#*/-]+|[-+]?[0-9]+(?:[.,:/-]+[0-9]+)*)"
    r"([\])}>\"',;:.]*)"
)
_ID = re.compile(rf"[0-9a-fA-F-]{{{_LONG_ID},{LONGEST_TOKEN}}}")
_WHOLE_JSON_FIELD = re.compile(r'(\{?"([A-Za-z_@]+)":)(?:"[^"\\=]*"|[\w.+-]+)(\}*,?)')
_FIELD = re.compile(r"(?P<key>[A-Za-z_@][\w.@-]*|\])=(?!=)(?P<value>\"[^\"]*\"|[^\s,;&)\]}\"]+)")
_JSON_FIELD = re.compile(
    r'(?P<before>^|[{,]\s*)"(?P<key>[^"\\]{1,80})"\s*:\s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s,"{}\[\]]+)'
)


class Memo(dict[str, str]):
    """Masked forms by token, made when first asked for; forgotten when there are too many."""

    def __missing__(self, token: str) -> str:
        """Mask a token that is not remembered; a long id will not come again, and is not."""
        if len(token) > LONGEST_TOKEN:
            return MARK
        if _ID.fullmatch(token) and "0" in token:
            return MARK
        if found := _WHOLE.fullmatch(token):
            before, after = found.groups()
            masked = f"{before}{MARK}{after}"
            if len(token) >= _LONG_ID:
                return masked
        else:
            masked = mask_token(token)
        if len(self) >= LARGEST_MEMO:
            self.clear()
        self[token] = masked
        return masked


class Pieces(dict[str, str]):
    """
    Masked pieces of lines by piece, for lines that are put together of ever the same pieces.

    A piece is what stands between two `QUOTE`, and holds whole tokens but for that quotation mark;
    one that begins a line has a newline there instead.
    """

    def __init__(self, memo: Memo) -> None:
        """Mask the tokens of a new piece by what the memo remembers."""
        super().__init__()
        self._memo = memo

    def __missing__(self, piece: str) -> str:
        """Mask a piece that is not remembered."""
        if piece.startswith("\n"):
            masked = "\n" + self._masked(piece[1:])
        else:
            masked = self._masked(f'"{piece}').removeprefix('"')
        if len(self) >= MOST_PIECES:
            self.clear()
        self[piece] = masked
        return masked

    def _masked(self, text: str) -> str:
        return " ".join(map(self._memo.__getitem__, text.split(" ")))


def mask_text(text: str, memo: Memo) -> str:
    """Return a text of one line with its parameters as marks."""
    return " ".join(map(memo.__getitem__, text.translate(_ZEROS).split()))


def mask_token(token: str) -> str:
    """Return a token, which holds no spaces, with its parameters as marks."""
    if token.strip(_PUNCTUATION).lower() in VALUES:
        return MARK
    if token.isalpha():
        return token
    if '":' in token:
        whole = _WHOLE_JSON_FIELD.fullmatch(token)
        if whole and whole[2].lower() not in TEXT_FIELDS:
            return f"{whole[1]} {MARK}{whole[3]}"
        token = _JSON_FIELD.sub(_json_field, token)
    token = _forms(
        slash="/" in token or "\\" in token,
        at="@" in token,
        dot="." in token,
        colon="::" in token or token.count(":") >= _NETWORK_CARD_COLONS,
        digit=bool(_DIGIT.search(token)),
    ).sub(MARK, token)
    return _FIELD.sub(_field, token) if "=" in token else token


@cache
def _forms(*, slash: bool, at: bool, dot: bool, colon: bool, digit: bool) -> re.Pattern[str]:
    """Return what finds the parameters in a token of which one knows what it holds."""
    forms = (
        *(_BY_SLASH if slash else ()),
        *(_BY_AT if at else ()),
        *(_BY_DOT if dot else ()),
        *(_BY_COLON if colon else ()),
        *(_BY_DIGIT if digit else ()),
    )
    return re.compile("|".join(forms) or _NOTHING)


def _field(match: re.Match[str]) -> str:
    if match["key"].lower() in TEXT_FIELDS:
        return match[0]
    return f"{match['key']}={MARK}"


def _json_field(match: re.Match[str]) -> str:
    if match["key"].lower() in TEXT_FIELDS:
        return match[0]
    return f'{match["before"]}"{match["key"]}": {MARK}'
