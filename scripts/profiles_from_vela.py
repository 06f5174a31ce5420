"""Writes the operators of the Ethos-U profiles from the report of Arm's compiler vela.

`vela --supported-ops-report` writes a table of operators and sentences about them. Each sentence
stands in `vela_sentences.py` beside the constraints that it means, in the words of `tfq.ops.facts`.
A sentence that is not there is an error: so a new version of vela that changes its mind is noticed.
Where vela does something else than its report says, `vela_behaviour.py` has the last word; tests
compare with vela.

It is a script and no part of the package because the package must not need vela. The rest of a
profile (name, types, sources) is written by hand and stays as it is. The report has one table for
the Ethos-U55 and the Ethos-U65: ethos-u65.json extends ethos-u55.json.

Usage: python scripts/profiles_from_vela.py [--check]
    --check writes nothing; exit status 1 if a profile is not what would be written.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import json_text
from vela_behaviour import NEVER, WHAT_IT_DOES
from vela_sentences import Constraint, constraints

PROFILES = Path(__file__).resolve().parents[1] / "tfq" / "profiles"
# What the report calls the devices → the profile.
DEVICES = {"Ethos-U55 and Ethos-U65": "ethos-u55", "Ethos-U85": "ethos-u85"}
# The report writes some operators without the underscore.
NAMES = {"ARGMAX": "ARG_MAX"}
# A constraint of as many operators is written once for all of them.
MANY = 3

Table = dict[str, list[str]]


def report() -> str:
    """Run vela for its report."""
    vela = Path(sys.executable).with_name("vela")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(vela), "--supported-ops-report"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "SUPPORTED_OPS.md").read_text()


def read(text: str, device: str) -> Table:
    """The sentences of each operator of one device, the general ones among them."""
    summary = _section(text, f"## {device} TFLite Summary Table")
    table: Table = {name: [] for name in re.findall(r"^\| ([A-Z0-9_]+) \|", summary, re.M)}
    for sentence, exceptions in _sentences(
        _section(text, f"## {device} TFLite Generic Constraints")
    ):
        for name, sentences in table.items():
            if name not in exceptions:
                sentences.append(sentence)
    for name, sentences in table.items():
        section = _section(text, f"### {device} TFLite {name} Constraints")
        sentences += [sentence for sentence, _ in _sentences(section)]
    return table


def _section(text: str, heading: str) -> str:
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    return found[1] if found else ""


def _sentences(section: str) -> list[tuple[str, list[str]]]:
    """Each point of a list with its sub-points joined by "/", and the operators it exempts."""
    found: list[tuple[str, list[str]]] = []
    for line in section.splitlines():
        point = line.strip().removeprefix("- ")
        if exempt := re.fullmatch(r"Exceptions: \[(.*)\]", point):
            names = [NAMES.get(name, name) for name in exempt[1].split(", ")]
            found[-1] = (found[-1][0], names)
        elif line.startswith("- "):
            found.append((point, []))
        elif line.startswith("  ") and found:
            found[-1] = (f"{found[-1][0]}/{point}", found[-1][1])
    return found


def operators(table: Table, profile: str) -> dict[str, Any]:
    """The keys `operators` and `every_operator` of a profile."""
    taken = {name: rows for name, rows in table.items() if name not in NEVER[profile]}
    by_text: dict[str, list[str]] = {}
    for name, sentences in taken.items():
        for row in dict.fromkeys(json.dumps(each) for s in sentences for each in constraints(s)):
            if name in json.loads(row).get("operators", [name]):
                by_text.setdefault(row, []).append(name)
    own: dict[str, list[Constraint]] = {name: [] for name in taken}
    shared: list[Constraint] = []
    for row, names in by_text.items():
        constraint = {key: value for key, value in json.loads(row).items() if key != "operators"}
        if len(names) >= MANY:
            shared.append(_for_many(constraint, names, list(taken)))
        else:
            for name in names:
                own[name].append(constraint)
    return {"operators": own, "every_operator": [*shared, *WHAT_IT_DOES[profile]]}


def _for_many(constraint: Constraint, names: list[str], every: list[str]) -> Constraint:
    """A constraint with the operators that it is for, or the fewer that it is not for."""
    others = [name for name in every if name not in names]
    if not others:
        return constraint
    if len(others) < len(names):
        return {**constraint, "except": others}
    return {**constraint, "operators": names}


def main() -> None:
    """Writes the profiles, or checks them."""
    text, stale = report(), []
    for device, name in DEVICES.items():
        path = PROFILES / f"{name}.json"
        old = path.read_text()
        profile = json.loads(old) | operators(read(text, device), name)
        new = json_text.text(profile) + "\n"
        if new != old:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(new)
    if stale and "--check" in sys.argv:
        raise SystemExit(f"not what vela says: {', '.join(stale)}")


if __name__ == "__main__":
    main()
