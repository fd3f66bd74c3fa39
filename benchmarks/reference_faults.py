"""The generated page of what can be broken on the range."""

from collections.abc import Iterator

from drillbook.range.faults import PARTS

INTRO = """
# The range: its cloud, its users and its faults

`drillbook range up` starts production and staging of a booking business as a small cloud on this machine.

| part | what it is |
|---|---|
| Postgres, Valkey | one real server each for an environment, below `production/` and `staging/` |
| app | the booking service from its own git repository (`cloud/booking.git`, the team's clone in `app/`), built and served by the hosting: `main` is production, `develop` staging |
| edge | where users come to; it gives them the release that the alias names, and starts an app that died at the next request |
| twins | Vercel's, GitHub's and Supabase's APIs, the auth service and a payment service, on the real parts; the providers of production speak to them, `stack.toml` names them by `api =` |
| traffic | users who look, sign in, book, pay and cancel (`drillbook range traffic`); each request's outcome is written down by the client itself, in `production/traffic.jsonl`, so the truth does not depend on the app |

Everything lies in the range's folder and outlives `kill -9`; `drillbook range up` again starts what does not run,
keeps data and ports, and mends what is broken.

## Traffic

| shape | the rate |
|---|---|
| `steady` | the same all the time |
| `daily` | that of a day with its night, noon and evening; `--day 600` makes it ten minutes long |
| `low` | 2 to 10 requests a minute, at moments of chance |
| `spike` | eight times as many users within three seconds, none of whom asks faster |

`drillbook range traffic shape spike` changes it under way. `--seed` says who comes and does what.

## Faults

`drillbook range break NAME` really breaks something and `drillbook range mend NAME` puts it back as it was, also
when another process was killed in the middle of breaking it. {count} there are; `make check-faults` proves each:
users suffer by their own record (*users*), or the platform is seen to misbehave (*operators*), and after the mend
all is well. Nothing that Drillbook reads tells of them. A fault of a release is merged to `main` and deployed past
all gates; `drillbook range propose NAME` only opens the pull request, which a runbook then deploys."""
TITLES = {
    "releases": "Releases of the app",
    "values": "Environment values and passwords",
    "migrations": "Migrations",
    "databases": "Postgres",
    "caches": "Valkey",
    "platforms": "Auth, payments and the platforms' APIs",
    "hosting": "Hosting and pipeline",
    "crowds": "Users",
}


def practice_range() -> Iterator[str]:
    """Yield the page."""
    yield INTRO.format(count=sum(len(part.FAULTS) for part in PARTS))
    for part in PARTS:
        yield from ("", f"### {TITLES[part.__name__.rpartition('.')[2]]}", "")
        yield from ("| fault | who suffers | what is broken |", "|---|---|---|")
        for fault in part.FAULTS:
            yield f"| `{fault.name}` | {fault.suffers} | {fault.says} |"
