"""What a value that was taken away, changed or added since the build before may have done."""

from collections.abc import Iterator

from drillbook.analysis.culprit.scene import Outside, Scene, Trouble
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.culprit.timing import Timing
from drillbook.analysis.culprit.weighing import TELLING, Case, person
from drillbook.core.incident import Cause, CauseKind, ChangeKind, Fix, FixKind

HOSTING, LOG = "hosting", "log"
SYSTEM = "system"
# By what a name says it holds, the errors that a wrong one brings: names as people give them.
BY_NAME: tuple[tuple[tuple[str, ...], tuple[Symptom, ...]], ...] = (
    (
        ("DATABASE", "POSTGRES", "PG", "DB", "SUPABASE"),
        (
            Symptom.DATABASE_AWAY,
            Symptom.DATABASE_LOGIN,
            Symptom.DATABASE_FULL,
            Symptom.DATABASE_OBJECT,
        ),
    ),
    (("POOL", "CONNECTIONS"), (Symptom.POOL, Symptom.DATABASE_FULL)),
    (("LIMIT", "QUOTA", "RATE", "THROTTLE"), (Symptom.LIMITED,)),
    (
        ("AUTH", "JWT", "JWKS", "OAUTH", "OIDC", "SSO", "ISSUER", "AUDIENCE", "SESSION"),
        (Symptom.TOKEN_BAD, Symptom.TOKEN_EARLY, Symptom.OUTSIDE_AWAY, Symptom.OUTSIDE_FAILS),
    ),
    (("REDIS", "VALKEY", "CACHE", "KV", "UPSTASH"), (Symptom.CACHE, Symptom.OUTSIDE_AWAY)),
    (
        ("URL", "HOST", "ENDPOINT", "ADDRESS", "PORT", "BASE", "URI"),
        (Symptom.OUTSIDE_AWAY, Symptom.OUTSIDE_FAILS, Symptom.NO_ANSWER),
    ),
    (("KEY", "SECRET", "TOKEN", "PASSWORD"), (Symptom.OUTSIDE_FAILS, Symptom.TOKEN_BAD)),
    (
        ("TIMEOUT", "MILLISECONDS", "SECONDS", "MS"),
        (Symptom.OUTSIDE_AWAY, Symptom.DATABASE_LONG, Symptom.POOL),
    ),
)
STEM = 4


def value_cases(scene: Scene, trouble: Trouble, timed: Timing) -> Iterator[Case]:
    """Yield every value in which the serving build differs from the one before."""
    gone, changed, added = differing(scene)
    count = len(gone) + len(changed)
    for name in gone:
        yield _value(scene, trouble, timed, name, "was taken away", count)
    for name in changed:
        yield _value(scene, trouble, timed, name, "was changed", count)
    for name in added:
        yield _value(scene, trouble, timed, name, "was added", count + len(added))
    yield from _nowhere(scene, trouble, set(gone))


def _nowhere(scene: Scene, trouble: Trouble, gone: set[str]) -> Iterator[Case]:
    """Yield the value that the errors ask for and that the stack holds, though no build has it."""
    name = trouble.about(Symptom.VALUE_MISSING)
    share = trouble.share(Symptom.VALUE_MISSING)
    given = scene.serving.given if scene.serving else None
    if share < TELLING or name in gone or given is None or name in given:
        return
    if name not in scene.restorable:
        return  # what it should hold nobody knows: the release that needs it is to blame
    case = Case(
        Cause(kind=CauseKind.VALUE, subject=name, says=f"{name} is set in no build"),
        Fix(
            kind=FixKind.RESTORE_VALUE,
            says=f"set {name} from the stack, and redeploy",
            variable=name,
        ),
    )
    case.add(f"{share:.0%} of the errors say that {name} is not set", 4.0, LOG)
    case.add("the stack says what it should hold", 2.0, "stack")
    if any(name in file.added for file in scene.diff or ()):
        case.add("the serving release reads it anew", -4.0, "repository")
    yield case


def differing(scene: Scene) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the names of values that the serving build lacks, has changed, and has in addition."""
    serving, earlier = scene.serving, scene.earlier
    if serving is None or earlier is None or serving.given is None or earlier.given is None:
        return (), (), ()
    known = {one.key: one for one in scene.values or ()}
    system = {name for name, one in known.items() if one.kind == SYSTEM}
    now, then = set(serving.given) - system, set(earlier.given) - system
    built, before = serving.deployment.created, earlier.deployment.created
    changed = [
        name for name in now & then if name in known and before < known[name].changed <= built
    ]
    return tuple(sorted(then - now)), tuple(sorted(changed)), tuple(sorted(now - then))


def _value(scene: Scene, trouble: Trouble, timed: Timing, name: str, what: str, count: int) -> Case:
    case = Case(
        Cause(kind=CauseKind.VALUE, subject=name, says=f"{name} {what} with the serving build"),
        _restoring(scene, name),
        prior=0.0,
    )
    weight, change = timed.of(ChangeKind.VALUE, name)
    if change is not None:
        case.add(
            f"{name} {what}, in force since {change.at:%H:%M:%S} UTC", weight, HOSTING, change.at
        )
    elif timed.known:
        case.add(f"{name} {what} long before", weight, HOSTING)
    if scene.same_code:
        case.add("both builds are of the same commit: only values differ", 1.5, HOSTING)
    if count > 1:
        case.add(f"{count} values differ", -0.5, HOSTING)
    _missing(case, trouble, name, what)
    _fitting(case, scene, trouble, name)
    if what == "was added":
        case.add("a value that was added takes nothing away", -1.5, HOSTING)
    if not case.is_specific:
        # A value is changed together with what it opens: going back may lock the app out.
        case.add("no error tells of it: only its time speaks for it", -4.0, LOG)
    return case


def _missing(case: Case, trouble: Trouble, name: str, what: str) -> None:
    share = trouble.share(Symptom.VALUE_MISSING)
    if share < TELLING:
        return
    if trouble.about(Symptom.VALUE_MISSING) == name:
        weight = 6.0 if what == "was taken away" else 3.0
        case.is_specific = True
        case.add(f"{share:.0%} of the errors say that {name} is not set", weight, LOG)
    else:
        case.add(
            f"the errors ask for {trouble.about(Symptom.VALUE_MISSING)}, not for it", -4.0, LOG
        )


def _fitting(case: Case, scene: Scene, trouble: Trouble, name: str) -> None:
    """Weigh whether the errors are such as a wrong value of this name brings."""
    parts = set(name.upper().split("_"))
    expected = [fits for words, fits in BY_NAME if parts & set(words)]
    symptoms = tuple(dict.fromkeys(one for fits in expected for one in fits))
    if symptoms:
        share = trouble.share(*symptoms)
        if share >= TELLING:
            case.is_specific = True
            case.add(f"{share:.0%} of the errors are such as a wrong {name} brings", 2.0, LOG)
        elif not trouble.share(Symptom.VALUE_MISSING, Symptom.OTHER, Symptom.CODE):
            case.add(f"no error is such as a wrong {name} brings", -2.5, LOG)
    about = trouble.about(Symptom.OUTSIDE_AWAY, Symptom.OUTSIDE_FAILS)
    if about and akin(about, name):
        case.is_specific = True
        case.add(f"the errors are about the {about}", 1.5, LOG)
        well = _seen(scene, about)
        if well is not None and well.alive:
            case.add(
                f"{well.name} answers us within {well.median_seconds:.2f} s, and not the app",
                2.5,
                "own probe",
            )


def _seen(scene: Scene, about: str) -> Outside | None:
    known = (*(scene.dependencies or ()), *((scene.auth,) if scene.auth else ()))
    return next((one for one in known if akin(about, one.name)), None)


def akin(words: str, name: str) -> bool:
    """Whether two names speak of one thing: a word of one begins as a word of the other does."""
    first = {word[:STEM] for word in words.lower().replace("-", " ").split() if len(word) >= STEM}
    second = {word[:STEM] for word in name.lower().replace("_", " ").split() if len(word) >= STEM}
    return bool((first - {"serv"}) & (second - {"serv"}))


def _restoring(scene: Scene, name: str) -> Fix:
    if scene.earlier is None or scene.serving is None:
        return person(f"set {name} as it was, and redeploy")
    to = scene.earlier.deployment
    return Fix(
        kind=FixKind.ROLL_BACK,
        says=f"go back to {to.id}, which has {name} as it was; then set it right",
        harm="new builds get no users until they are resumed",
        to=to.id,
        leaving=scene.serving.deployment.id,
        variable=name,
    )
